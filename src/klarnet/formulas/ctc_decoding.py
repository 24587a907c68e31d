"""Reading a line: from a network's decisions at each step to labels.

    best path     the most probable class at each step, collapsed by B. Quick; the most probable path is not always
                  of the most probable labelling.
    beam search   over prefixes of labellings, from step to step. A prefix has two probabilities, p_b of its paths
                  that end in a blank and p_n of those that end in its last label:
                      stays by a blank      p_b'(l) += y_blank (p_b(l) + p_n(l))
                      stays by repeating    p_n'(l) += y_c p_n(l),             c the last label of l
                      grows by c            p_n'(l c) += y_c (p_b(l) + p_n(l)),    p_b(l) alone if c is its last label
                  and the `width` most probable ones stay. With width for all of them the result is exact, P(l|x).
    alignment     the most probable path that gives known labels: where on the line each of them stands.

X (t, k) are the logits of one line; the logarithms of probabilities are logits too. In logarithms throughout, in
float64 at least, so that lines of any length are ranked. NumPy only.

Source: Graves et al., "Connectionist temporal classification", 2006, section 3.2; Hannun et al., "First-pass large
vocabulary continuous speech recognition using bi-directional recurrent DNNs", 2014 (prefix beam search).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ._namespace import tiny_is_zero
from .ctc_lattice import lattice, line


class Alignment(NamedTuple):
    """A path and what it says.

    labels           (s,) classes
    log_probability  of this one path
    path             (t,) the class at each step
    spans            (s, 2) first step of each label and the one behind its last
    confidences      (s,) the largest probability of each label in its span
    """

    labels: tuple[int, ...]
    log_probability: float
    path: np.ndarray
    spans: np.ndarray
    confidences: np.ndarray


class Hypothesis(NamedTuple):
    """A labelling and the logarithm of its probability, summed over those of its paths that the search met."""

    labels: tuple[int, ...]
    log_probability: float


def best_path(X: np.ndarray, *, blank: int = 0) -> Alignment:
    """The most probable path, read: the greedy decoder. X (t, k); of equals the first class. Raises ValueError."""
    log_Y = line("best_path", X)
    _check_blank("best_path", blank, log_Y.shape[1])
    return _read(log_Y, np.argmax(log_Y, axis=1), blank)


def align(X: np.ndarray, labels: Sequence[int], *, blank: int = 0) -> Alignment:
    """Forced alignment: the most probable path that gives these labels. X (t, k), labels (s,).

    Raises ValueError for a label out of range or that is the blank, and where the line is too short.
    """
    found = lattice(X, labels, blank=blank)
    return _read(line("align", X), found.states[found.best_path], blank)


@tiny_is_zero
def _read(log_Y: np.ndarray, path: np.ndarray, blank: int) -> Alignment:
    """Runs of one class are its spans: between two equal labels stands a blank."""
    starts = np.flatnonzero(np.diff(path, prepend=-1))
    stops = np.append(starts[1:], len(path)).astype(np.int64)
    inked = path[starts] != blank
    spans = np.stack([starts[inked], stops[inked]], axis=1)
    labels = path[spans[:, 0]]
    most = [log_Y[a:b, c].max() for (a, b), c in zip(spans, labels, strict=True)]
    along = float(np.sum(log_Y[np.arange(len(path)), path]))
    return Alignment(tuple(map(int, labels)), along, path, spans, np.exp(np.array(most, log_Y.dtype)))


@tiny_is_zero
def beam_search(X: np.ndarray, *, width: int = 16, blank: int = 0) -> list[Hypothesis]:
    """Prefix beam search. X (t, k) → at most `width` hypotheses, the most probable first.

    Among equals the one found first goes first, so that the same line always reads the same. Raises ValueError.
    """
    log_Y = line("beam_search", X)
    _check_blank("beam_search", blank, log_Y.shape[1])
    if width < 1:
        raise ValueError(f"beam_search: width {width}, expected 1 or more")
    prefixes: list[tuple[int, ...]] = [()]
    ends_blank, ends_label = np.zeros(1), np.full(1, -np.inf)  # log p_b, log p_n
    for log_y in log_Y:
        prefixes, ends_blank, ends_label = _step(prefixes, ends_blank, ends_label, log_y, width, blank)
    scores = np.logaddexp(ends_blank, ends_label)
    return [Hypothesis(p, float(s)) for p, s in zip(prefixes, scores, strict=True) if s > -np.inf]


def _step(
    prefixes: list[tuple[int, ...]],
    ends_blank: np.ndarray,
    ends_label: np.ndarray,
    log_y: np.ndarray,
    width: int,
    blank: int,
) -> tuple[list[tuple[int, ...]], np.ndarray, np.ndarray]:
    """The prefixes after one more step, at most `width`, with log p_b and log p_n; the most probable first."""
    rows, last = np.arange(len(prefixes)), np.array([p[-1] if p else blank for p in prefixes])
    whole = np.logaddexp(ends_blank, ends_label)
    grown = whole[:, None] + log_y  # by each class
    grown[rows, last] = ends_blank + log_y[last]
    grown[:, blank] = -np.inf
    stay_blank, stay_label = whole + log_y[blank], ends_label + log_y[last]
    place = {p: i for i, p in enumerate(prefixes)}
    for i, p in enumerate(prefixes):  # a prefix that another one grows into: its paths belong together
        parent = place.get(p[:-1]) if p else None
        if parent is not None:
            stay_label[i] = np.logaddexp(stay_label[i], grown[parent, p[-1]])
            grown[parent, p[-1]] = -np.inf
    scores = np.concatenate([np.logaddexp(stay_blank, stay_label), grown.ravel()])
    order = np.argsort(-scores, kind="stable")[:width]
    order = order[scores[order] > -np.inf] if np.any(scores > -np.inf) else order[:1]
    every_blank = np.concatenate([stay_blank, np.full(grown.size, -np.inf)])
    every_label = np.concatenate([stay_label, grown.ravel()])
    kept = [_named(prefixes, int(at), len(log_y)) for at in order]
    return kept, every_blank[order], every_label[order]


def _named(prefixes: list[tuple[int, ...]], at: int, classes: int) -> tuple[int, ...]:
    """The prefix at a place among the candidates: those that stay, then each grown by each class."""
    if at < len(prefixes):
        return prefixes[at]
    parent, label = divmod(at - len(prefixes), classes)
    return (*prefixes[parent], label)


def _check_blank(what: str, blank: int, classes: int) -> None:
    if not 0 <= blank < classes:
        raise ValueError(f"{what}: blank {blank}, expected a class from 0 to {classes - 1}")
