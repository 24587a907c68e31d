"""CTC: the probability of a labelling, whatever the steps at which its labels stand.

The network says at each of t steps how probable each of k classes is, one of them the blank; the target is a
shorter row of labels l without places. The loss sums over all paths that give it (`ctc_lattice`):

    ℓ_n = − log P(l_n|x_n),     L = factor / N · Σ_n ℓ_n

    ∂ℓ/∂X_tk = softmax(X)_tk − Σ_{u: l'(u) = k} γ(t, u)

with γ the occupancy. N, the output `total`, is the number of lines that count with mean = 1, or 1; a mean is over
lines, not divided by their lengths, which may be 0. An empty target has the one path of blanks.

A target is infeasible where its line has fewer steps than `labelling.needed_steps`; no path gives it then, ℓ is +∞,
and its gradient exactly 0. So it is with a target that a logit of −∞ makes impossible. With skip = 1 such lines do
not count; with skip = 0 they make the loss +∞. Their neighbours are left alone by either.

Computed in float64 at least, with logarithms: a line of 1,000 steps is as good as one of 10. NumPy only.

Source: the course's chapter on sequences; Graves et al., "Connectionist temporal classification: labelling
unsegmented sequence data with recurrent neural networks", 2006, equations 14 to 16.
"""

from __future__ import annotations

import numpy as np

from ._namespace import Array, tiny_is_zero
from .ctc_lattice import Lattice, lattice
from .labelling import check_labels
from .softmax import softmax


@tiny_is_zero
def ctc(
    X: Array,
    labels: Array,
    lengths: Array | None = None,
    label_lengths: Array | None = None,
    *,
    blank: int = 0,
    skip: int = 0,
    mean: int = 1,
    factor: float = 1.0,
) -> tuple[Array, Array, Array, Array]:
    """X (n, t, k) logits, labels (n, s) → value (1,), losses (n,), G (n, t, k), total (1,).

    losses are the ℓ_n, G their gradients by the logits, before mean and factor; 0 past a line's length.
    lengths (n,), the steps of each line: all t where missing. label_lengths (n,), how many of its labels count:
    where missing, those before its first negative one. Raises ValueError for shapes that do not fit, a length out
    of range and a label that is the blank or outside 0 … k − 1, with line and position; TypeError for
    logits that are no floats and labels that are no integers.
    """
    n, t, k = _shape(X, labels)
    steps = _lengths("lengths", lengths, n, t)
    inked = _before_padding(labels) if label_lengths is None else label_lengths
    counts = _lengths("label_lengths", inked, n, labels.shape[1])
    losses, G = np.zeros(n, X.dtype), np.zeros_like(X)
    for i in range(n):
        target = [int(label) for label in labels[i, : counts[i]]]
        check_labels(f"ctc: line {i}", target, k, blank=blank)
        found = lattice(X[i, : steps[i]], target, blank=blank)
        losses[i] = -found.log_probability
        if found.log_probability > -np.inf:
            G[i, : steps[i]] = gradient(X[i, : steps[i]], found)
    counted = losses != np.inf if skip else np.ones(n, bool)  # a NaN counts: it must be seen
    wide = np.result_type(X.dtype, np.float64)
    total = max(1, np.count_nonzero(counted)) if mean else 1
    value = factor * np.sum(losses[counted], dtype=wide) / total
    return np.full(1, value, X.dtype), losses, G, np.full(1, total, X.dtype)


def ctc_backward(G: Array, total: Array, *, factor: float = 1.0) -> Array:
    """dX = factor / N · G. G (n, t, k) and total (1,) from the forward pass → dX (n, t, k)."""
    return factor / total * G


def gradient(X: Array, of: Lattice) -> Array:
    """∂ℓ/∂X of one line: softmax(X) less the occupancy of each class. X (t, k) → (t, k), in float64 at least."""
    G, occupancy = softmax(X.astype(of.log_y.dtype)), of.occupancy
    for u, label in enumerate(of.states):
        G[:, label] -= occupancy[:, u]
    return G


def _shape(X: Array, labels: Array) -> tuple[int, int, int]:
    if X.ndim != 3 or labels.ndim != 2 or len(X) != len(labels):
        raise ValueError(
            f"ctc: expected X (lines, steps, classes) and labels (lines, most labels), got {X.shape} and "
            f"{labels.shape}"
        )
    if X.dtype.kind != "f":
        raise TypeError(
            f"ctc: expected logits of a floating type, got {X.dtype}; use X.astype(numpy.float32)"
        )
    if labels.dtype.kind not in "iu":
        raise TypeError(f"ctc: expected labels of an integer type, got {labels.dtype}")
    return X.shape


def _before_padding(labels: Array) -> Array:
    """How many labels stand before the first negative one. (n, s) → (n,)."""
    return np.sum(np.cumsum(labels < 0, axis=1) == 0, axis=1)


def _lengths(what: str, lengths: Array | None, n: int, most: int) -> list[int]:
    if lengths is None:
        return [most] * n
    if lengths.shape != (n,) or lengths.dtype.kind not in "iu":
        raise ValueError(
            f"ctc: expected {what} of shape ({n},), integers, got {lengths.shape} {lengths.dtype}"
        )
    for i, length in enumerate(lengths):
        if not 0 <= length <= most:
            raise ValueError(f"ctc: {what} {length} of line {i}, expected 0 … {most}")
    return [int(length) for length in lengths]
