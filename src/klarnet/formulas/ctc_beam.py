"""Prefix beam search: the labelling of a line that is most probable over all its paths, as far as a beam sees.

The search goes from step to step with prefixes of labellings. A prefix l has two probabilities, p_b of its paths that
end in a blank and p_n of those that end in its last label c:

    stays by a blank      p_b'(l) += y_blank (p_b(l) + p_n(l))
    stays by repeating    p_n'(l) += y_c p_n(l)
    grows by x            p_n'(l x) += y_x (p_b(l) + p_n(l)),    p_b(l) alone where x = c

and the w best ones stay. With w for all of them the result is exact, P(l|x). What is best says a score, with a language
model's probability of the labels as a text, end included once the line is read, and a bonus for each label:

    score(l) = log (p_b(l) + p_n(l)) + weight · log P_model(l) + bonus · |l|

A lexicon bars every label that no word goes on with; prefixes that end within a word leave at the line's end.

Among equal scores go first: a prefix that was in the beam before one that has grown; among the former the one that was
better; among the latter that of the better prefix, then the lower class. In logarithms throughout and in float64, so
that lines of any length are ranked. NumPy only.

Source: Graves et al., "Connectionist temporal classification", 2006, section 3.2; Hannun et al., "First-pass large
vocabulary continuous speech recognition using bi-directional recurrent DNNs", 2014.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from ._namespace import tiny_is_zero
from .ctc_lattice import line
from .language_model import Automaton, conditional
from .lexicon import ways

Prefix = tuple[int, ...]
Rows = Callable[[int], tuple[np.ndarray, np.ndarray]]


class _Beam(NamedTuple):
    """Prefixes, the best first; log p_b, log p_n; weight · log P_model + bonus · |l|; states of model and lexicon."""

    prefixes: list[Prefix]
    blank: np.ndarray
    label: np.ndarray
    extra: np.ndarray
    model: np.ndarray
    node: np.ndarray


@tiny_is_zero
def ctc_beam_search(
    X: np.ndarray,
    symbols: np.ndarray | None = None,
    states: np.ndarray | None = None,
    arcs: np.ndarray | None = None,
    log_p: np.ndarray | None = None,
    log_back: np.ndarray | None = None,
    nodes: np.ndarray | None = None,
    branches: np.ndarray | None = None,
    *,
    w: int,
    blank: int = 0,
    weight: float = 1.0,
    bonus: float = 0.0,
    begin: int = 0,
    end: int = 0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The w best labellings of a line, the best first.

    X          (t, k) logits
    symbols    (k,) the model's symbol of each class; with states, arcs, log_p, log_back: a language model's automaton;
               `begin` the state it begins in, `end` the symbol of a text's end. All of them or none
    nodes      (r, 3), with branches (b, 2): a lexicon, see `lexicon.word_tree`

    → how many there are (1,); labels (w, t) filled up with −1; log p_b + p_n (w,) and score (w,), float64, −∞ where
    there are less than w. None where no labelling is left: all end within a word, or no path is possible. Raises
    ValueError.
    """
    log_Y = line("ctc_beam_search", X)
    log_Y = log_Y.astype(np.float64, copy=False)
    classes = log_Y.shape[1]

    @cache
    def foreseen(state: int) -> tuple[np.ndarray, np.ndarray]:
        """log P_model of each class behind a history, and the state behind."""
        if model is None or symbols is None:
            return np.zeros(classes), np.zeros(classes, np.int64)
        found, to = conditional(model, state)
        return found[symbols], to[symbols]

    @cache
    def allowed(node: int) -> np.ndarray:
        if nodes is None or branches is None:
            return np.zeros(classes, np.int64)
        return ways(nodes, branches, node, classes)

    model = _model(symbols, states, arcs, log_p, log_back, begin, end)
    beam = _Beam(
        [()], np.zeros(1), np.full(1, -np.inf), np.zeros(1), np.full(1, begin), np.zeros(1, np.int64)
    )
    for log_y in log_Y:
        beam = _step(beam, log_y, w, blank, weight, bonus, foreseen, allowed)
    extra = beam.extra
    if model is not None:
        extra = extra + [weight * conditional(model, int(s))[0][end] for s in beam.model]
    whole = np.logaddexp(beam.blank, beam.label)
    score = whole + extra
    order = np.argsort(-score, kind="stable")
    may = score > -np.inf
    if nodes is not None:
        may &= nodes[beam.node, 2] == 1
    order = order[may[order]]
    return _filled(beam.prefixes, order, whole, score, w, len(log_Y))


def _model(
    symbols: np.ndarray | None,
    states: np.ndarray | None,
    arcs: np.ndarray | None,
    log_p: np.ndarray | None,
    log_back: np.ndarray | None,
    begin: int,
    end: int,
) -> Automaton | None:
    if symbols is None or states is None or arcs is None or log_p is None or log_back is None:
        return None
    count = int(states[0, 1] - states[0, 0])  # the empty history knows every symbol
    wrong = [int(x) for x in (*symbols, end) if not 0 <= x < count]
    if wrong:
        raise ValueError(f"ctc_beam_search: symbol {wrong[0]}, expected 0 … {count - 1}, those of the model")
    keys = np.zeros(0, np.int64)  # `conditional` needs none
    return Automaton(states, arcs, log_p.astype(float), log_back.astype(float), keys, begin, count)


def _filled(
    prefixes: list[Prefix], order: np.ndarray, whole: np.ndarray, score: np.ndarray, w: int, steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The outputs, filled up to w."""
    labels = np.full((w, steps), -1, np.int32)
    for i, at in enumerate(order):
        labels[i, : len(prefixes[at])] = prefixes[at]
    log_probability, scores = np.full(w, -np.inf), np.full(w, -np.inf)
    log_probability[: len(order)], scores[: len(order)] = whole[order], score[order]
    return np.array([len(order)], np.int32), labels, log_probability, scores


def _step(
    beam: _Beam,
    log_y: np.ndarray,
    w: int,
    blank: int,
    weight: float,
    bonus: float,
    foreseen: Rows,
    allowed: Callable[[int], np.ndarray],
) -> _Beam:
    """The beam after one more step, at most w prefixes, the best first."""
    count, classes = len(beam.prefixes), len(log_y)
    rows, last = np.arange(count), np.array([p[-1] if p else blank for p in beam.prefixes])
    whole = np.logaddexp(beam.blank, beam.label)
    grown = whole[:, None] + log_y  # by each class
    grown[rows, last] = beam.blank + log_y[last]
    grown[:, blank] = -np.inf
    stay_blank, stay_label = whole + log_y[blank], beam.label + log_y[last]
    place = {p: i for i, p in enumerate(beam.prefixes)}
    for i, p in enumerate(beam.prefixes):  # a prefix that another one grows into: its paths belong together
        parent = place.get(p[:-1]) if p else None
        if parent is not None:
            stay_label[i] = np.logaddexp(stay_label[i], grown[parent, p[-1]])
            grown[parent, p[-1]] = -np.inf
    costs, models = zip(*(foreseen(int(s)) for s in beam.model), strict=True)
    to = np.stack([allowed(int(n)) for n in beam.node])
    grown[to < 0] = -np.inf
    extra = beam.extra[:, None] + (weight * np.stack(costs) + bonus)
    every = (
        np.concatenate([stay_blank, np.full(grown.size, -np.inf)]),
        np.concatenate([stay_label, grown.ravel()]),
        np.concatenate([beam.extra, extra.ravel()]),
        np.concatenate([beam.model, np.stack(models).ravel()]),
        np.concatenate([beam.node, to.ravel()]),
    )
    score = np.concatenate([np.logaddexp(stay_blank, stay_label), grown.ravel()]) + every[2]
    order = np.argsort(-score, kind="stable")[:w]
    order = order[score[order] > -np.inf] if np.any(score > -np.inf) else order[:1]
    return _Beam([_named(beam.prefixes, int(at), classes) for at in order], *(a[order] for a in every))


def _named(prefixes: list[Prefix], at: int, classes: int) -> Prefix:
    """The prefix at a place among the candidates: those that stay, then each grown by each class."""
    if at < len(prefixes):
        return prefixes[at]
    parent, label = divmod(at - len(prefixes), classes)
    return (*prefixes[parent], label)
