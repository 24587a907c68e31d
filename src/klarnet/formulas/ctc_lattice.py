"""The lattice of CTC: all paths that give one labelling, summed without listing them.

State u stands for l'(u), the labelling with its blanks (`labelling`). A path goes from step to step and stays in
its state, or moves to the next one, or leaves out a blank between two different labels:

    into u from u, from u − 1, and from u − 2 if l'(u) is no blank and l'(u) ≠ l'(u − 2)

    α(t, u) = y_{l'(u)}^t · Σ α(t − 1, from)     probability of all beginnings that end in u at step t
    β(t, u) = y_{l'(u)}^t · Σ β(t + 1, to)       probability of all endings that begin there
    P(l|x)  = Σ_u α(t, u) β(t, u) / y_{l'(u)}^t    at every t alike
    γ(t, u) = α(t, u) β(t, u) / (y_{l'(u)}^t P(l|x))     how much of P goes through u at step t: the occupancy

Both hold y^t, which therefore is divided by once. Everything is a logarithm here, for the products of a thousand
probabilities have no float; log(e^a + e^b) is taken by `logaddexp`. One line at a time; NumPy only.

Source: the course's chapter on sequences; Graves et al., "Connectionist temporal classification", 2006, section 4;
Viterbi, "Error bounds for convolutional codes", 1967 (the best path).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ._namespace import tiny_is_zero
from .labelling import check_labels, with_blanks
from .softmax import log_softmax


class Lattice(NamedTuple):
    """The lattice of one line: l' (u,) integers; log y of each state, log α and log β (t, u); log P(l|x)."""

    states: np.ndarray
    log_y: np.ndarray
    log_alpha: np.ndarray
    log_beta: np.ndarray
    log_probability: float

    @property
    @tiny_is_zero
    def alpha(self) -> np.ndarray:
        """α (t, u), y of its own step included."""
        return np.exp(self.log_alpha)

    @property
    @tiny_is_zero
    def beta(self) -> np.ndarray:
        """β (t, u), y of its own step included."""
        return np.exp(self.log_beta)

    @property
    @tiny_is_zero
    def probability(self) -> float:
        """P(l|x); 0 where no path gives the labels, or where it is too small for a float."""
        return float(np.exp(self.log_probability))

    @property
    @tiny_is_zero
    def occupancy(self) -> np.ndarray:
        """γ (t, u); every step adds up to 1, or to 0 where no path gives the labels."""
        if self.log_probability == -np.inf:
            return np.zeros_like(self.log_y)
        through = np.where(self.log_y == -np.inf, 0.0, self.log_y)  # α is 0 there already
        return np.exp(self.log_alpha + self.log_beta - through - self.log_probability)

    @property
    def best_path(self) -> np.ndarray:
        """The most probable path that gives the labels, as a state a step (t,).

        Raises ValueError where there is none.
        """
        return viterbi(self.log_y, self.states)


def lattice(X: np.ndarray, labels: Sequence[int], *, blank: int = 0) -> Lattice:
    """The lattice of a line. X (t, k) logits, labels (s,) classes → Lattice, in float64 at least.

    The logarithms of probabilities are logits too: softmax(log Y) = Y. Raises ValueError for an X that is no
    (t, k), for a label that is the blank or outside 0 … k − 1, with its position.
    """
    log_Y = line("lattice", X)
    check_labels("lattice", labels, log_Y.shape[1], blank=blank)
    states = with_blanks(labels, blank=blank)
    log_y = log_Y[:, states]
    log_alpha = forward(log_y, states)
    return Lattice(states, log_y, log_alpha, backward(log_y, states), log_probability(log_alpha))


@tiny_is_zero
def line(what: str, X: np.ndarray) -> np.ndarray:
    """Logits of one line, checked, as log probabilities. X (t, k) → (t, k), in float64 at least."""
    X = np.asarray(X)
    if X.ndim != 2 or X.shape[1] == 0:
        raise ValueError(f"{what}: expected the logits of one line, (steps, classes), got shape {X.shape}")
    return log_softmax(X.astype(np.result_type(X.dtype, np.float64), copy=False))


def ctc_lattice(
    X: np.ndarray, labels: np.ndarray, *, blank: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """`lattice` as arrays: log y, log α, log β (t, u), log P(l|x) (1,), in float64."""
    _, log_y, log_alpha, log_beta, whole = lattice(X, [int(c) for c in labels], blank=blank)
    return log_y.astype(float), log_alpha.astype(float), log_beta.astype(float), np.array([whole], float)


def ctc_best_states(X: np.ndarray, labels: np.ndarray, *, blank: int = 0) -> np.ndarray:
    """The most probable path that gives the labels, as a state a step; −1 at all of them where there is none.

    X (t, k), labels (s,) → (t,) int32. Raises ValueError as `lattice`.
    """
    log_Y, given = line("ctc_best_states", X), [int(c) for c in labels]
    check_labels("ctc_best_states", given, log_Y.shape[1], blank=blank)
    states = with_blanks(given, blank=blank)
    try:
        return viterbi(log_Y[:, states], states).astype(np.int32)
    except ValueError:
        return np.full(len(log_Y), -1, np.int32)


def leaps(states: np.ndarray) -> np.ndarray:
    """May a path come into u from u − 2? (u,) booleans: into a label that differs from the one before."""
    may = np.zeros(len(states), bool)
    may[3::2] = states[3::2] != states[1:-2:2]
    return may


@tiny_is_zero
def forward(log_y: np.ndarray, states: np.ndarray) -> np.ndarray:
    """log α (t, u) of log y (t, u), the log probability of each state's class at each step."""
    log_alpha = np.full_like(log_y, -np.inf)
    log_alpha[:1, :2] = log_y[:1, :2]  # a path begins with the first blank or the first label
    may = leaps(states)
    for t in range(1, len(log_y)):
        before = log_alpha[t - 1]
        came = before.copy()
        came[1:] = np.logaddexp(came[1:], before[:-1])
        came[may] = np.logaddexp(came[may], before[:-2][may[2:]])
        log_alpha[t] = came + log_y[t]
    return log_alpha


def backward(log_y: np.ndarray, states: np.ndarray) -> np.ndarray:
    """log β (t, u): log α of the line read from its end."""
    return forward(log_y[::-1, ::-1], states[::-1])[::-1, ::-1]


@tiny_is_zero
def log_probability(log_alpha: np.ndarray) -> float:
    """log P(l|x): a path ends in the last label or the blank behind it. A line of no steps has the empty path."""
    if not len(log_alpha):
        return 0.0 if log_alpha.shape[1] == 1 else -np.inf
    return float(np.logaddexp.reduce(log_alpha[-1, -2:]))


def viterbi(log_y: np.ndarray, states: np.ndarray) -> np.ndarray:
    """The most probable path through the lattice: α with the largest term in place of the sum. → states (t,)."""
    steps, count = log_y.shape
    came = np.zeros((steps, count), np.int64)  # how many states back the best way came from
    best = np.full(count, -np.inf)
    best[:2] = log_y[0, :2] if steps else 0.0
    barred = np.where(leaps(states), 0.0, -np.inf)
    for t in range(1, steps):
        ways = np.full((3, count), -np.inf)
        ways[0], ways[1, 1:], ways[2, 2:] = best, best[:-1], best[:-2]
        ways[2] += barred
        came[t] = np.argmax(ways, axis=0)
        best = np.max(ways, axis=0) + log_y[t]
    u = count - 1 if count == 1 or best[-1] >= best[-2] else count - 2
    if best[u] == -np.inf or (not steps and count > 1):
        raise ValueError(f"no path of {steps} steps gives these {count // 2} labels")
    path = np.zeros(steps, np.int64)
    for t in reversed(range(steps)):
        path[t] = u
        u -= came[t, u]
    return path
