"""CTC to look at and to read with: lattice, labellings and decoders, for one line at a time.

    Y = ...                                             # (t, k) probabilities, or logits X
    found = kn.ctc.lattice(np.log(Y), labels)           # .alpha, .beta, .occupancy (t, 2s + 1), .probability
    kn.ctc.best_path(X).labels                          # greedy, with spans and confidences
    kn.ctc.beam_search(X, width=32)[0].labels           # the most probable labelling met
    kn.ctc.beam_search(X, alphabet="abc ", language_model=model, lexicon=["abba", "cab"])
    kn.ctc.align(X, labels).spans                       # where known labels stand
    list(kn.ctc.paths(labels, steps=5, classes=3))      # B⁻¹, every path that gives them
    kn.ctc.collapse(path)                               # B

Every X is a line's logits (t, k); logarithms of probabilities are logits too. The native engine reads float32, other
types go by the formulas; probabilities are worked out in float64 on both. The loss over a batch and its gradient are
the page `kn.formulas.ctc`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

from klarnet.engine import functions as E
from klarnet.formulas.ctc_lattice import Lattice as PageLattice
from klarnet.formulas.labelling import check_labels, collapse, needed_steps, paths, with_blanks
from klarnet.formulas.lexicon import word_tree
from klarnet.lm import LanguageModel

__all__ = [
    "Alignment",
    "Hypothesis",
    "Lattice",
    "Lexicon",
    "align",
    "beam_search",
    "best_path",
    "collapse",
    "lattice",
    "needed_steps",
    "paths",
    "with_blanks",
]


class Lattice(PageLattice):
    """The lattice of one line: l' (u,) integers; log y of each state, log α and log β (t, u); log P(l|x)."""

    logits: np.ndarray

    @property
    def best_path(self) -> np.ndarray:
        """The most probable path that gives the labels, as a state a step (t,).

        Raises ValueError where there is none.
        """
        return _best_states(self.logits, self.states)


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
    """A labelling, the logarithm of its probability, summed over those of its paths that the search met, and what it
    was ranked by: that, with what a language model and a bonus add."""

    labels: tuple[int, ...]
    log_probability: float
    score: float


class Lexicon:
    """Words that a line may be made of, ready for `beam_search`: between separators nothing else comes out.

    words       of characters of the alphabet
    alphabet    the character of each class, in the order of the classes, without the blank
    separators  characters that stand between words, any number of them

    A line may begin and end with separators, and may be empty. Raises ValueError for an empty word, one with a
    separator or a character that the alphabet lacks, a separator that it lacks, an alphabet that has a character twice.
    """

    def __init__(
        self, words: Iterable[str], alphabet: Sequence[str], *, separators: str = " ", blank: int = 0
    ) -> None:
        if isinstance(words, str):
            raise TypeError(f"Lexicon: words {words!r} are one text, expected a list of words")
        classes = _classes("Lexicon", alphabet, blank)
        for mark in separators:
            if mark not in classes:
                raise ValueError(
                    f"Lexicon: separator {mark!r} does not stand in the alphabet; say separators=..."
                )
        listed = list(words)
        for word in listed:
            wrong = next((c for c in word if c not in classes or c in separators), None)
            if not word or wrong is not None:
                why = "it is empty" if not word else f"{wrong!r} is a separator or not of the alphabet"
                raise ValueError(f"Lexicon: word {word!r}: {why}; leave it out or change the alphabet")
        self.alphabet, self.blank = tuple(alphabet), blank
        self.nodes, self.branches = word_tree(
            ([classes[c] for c in word] for word in listed), [classes[c] for c in separators]
        )


def lattice(X: Any, labels: Sequence[int], *, blank: int = 0) -> Lattice:
    """The lattice of a line. X (t, k) logits, labels (s,) classes → Lattice, in float64.

    Raises ValueError for an X that is no (t, k), for a label that is the blank or outside 0 … k − 1, with its position;
    TypeError for labels that are no whole numbers.
    """
    X = _line("lattice", X, blank)
    labels = _labels("lattice", labels, X.shape[1], blank)
    log_y, log_alpha, log_beta, whole = E.ctc_lattice(X, np.array(labels, np.int32), blank=blank)
    found = Lattice(with_blanks(labels, blank=blank), log_y, log_alpha, log_beta, float(whole[0]))
    found.logits = X
    return found


def best_path(X: Any, *, blank: int = 0) -> Alignment:
    """The most probable path, read: the greedy decoder. X (t, k); of equals the first class. Raises ValueError."""
    X = _line("best_path", X, blank)
    return _read(X, E.ctc_best_path(X), blank)


def align(X: Any, labels: Sequence[int], *, blank: int = 0) -> Alignment:
    """Forced alignment: the most probable path that gives these labels. X (t, k), labels (s,).

    Raises ValueError for a label out of range or that is the blank, and where the line is too short; TypeError for
    labels that are no whole numbers.
    """
    X = _line("align", X, blank)
    labels = _labels("align", labels, X.shape[1], blank)
    states = with_blanks(labels, blank=blank)
    return _read(X, states[_best_states(X, states)].astype(np.int32), blank)


def beam_search(
    X: Any,
    *,
    width: int = 16,
    blank: int = 0,
    alphabet: Sequence[str] | None = None,
    language_model: LanguageModel | None = None,
    weight: float = 1.0,
    bonus: float = 0.0,
    lexicon: Lexicon | Iterable[str] | None = None,
) -> list[Hypothesis]:
    """Prefix beam search. X (t, k) → at most `width` hypotheses, the one with the best score first.

    alphabet         the character of each class, in the order of the classes, without the blank; for the next two
    language_model   from `kn.lm`: adds weight · log P(text), of the labels as a text that begins and ends here
    weight           of the model, 0 or more
    bonus            added for each label: without it a model likes short texts
    lexicon          words, or a `Lexicon` made of them (once for many lines), with spaces between: no other comes out,
                     and what ends within a word falls away. The list is empty where nothing is left; a wider beam may
                     find something

    Among equal scores the order is that of the page `kn.formulas.ctc_beam_search`, on both engines the same. Raises
    ValueError, or TypeError for a model or words that are none.
    """
    X = _line("beam_search", X, blank)
    if not isinstance(width, Integral) or width < 1:
        raise ValueError(f"beam_search: width {width}, expected a whole number, 1 or more")
    if not isinstance(language_model, LanguageModel | None):
        raise TypeError(
            f"beam_search: language_model {language_model!r}, expected a model, as kn.lm.train or kn.lm.load gives it"
        )
    if not 0 <= weight < np.inf or not abs(bonus) < np.inf:
        raise ValueError(
            f"beam_search: weight {weight}, bonus {bonus}, expected finite numbers, a weight of 0 or more"
        )
    if alphabet is None and (
        language_model is not None or lexicon is not None and not isinstance(lexicon, Lexicon)
    ):
        raise ValueError("beam_search: a language model or words need alphabet=, the character of each class")
    if alphabet is not None and len(alphabet) != X.shape[1] - 1:
        raise ValueError(
            f"beam_search: an alphabet of {len(alphabet)} characters, expected {X.shape[1] - 1}: one for each class "
            "but the blank"
        )
    arrays, scalars = _model(language_model, alphabet or "", blank, X)
    if lexicon is not None and not isinstance(lexicon, Lexicon):
        lexicon = Lexicon(lexicon, alphabet or "", blank=blank)
    if lexicon is not None:
        _check_lexicon(lexicon, alphabet, blank, X.shape[1])
    words = (None, None) if lexicon is None else (lexicon.nodes, lexicon.branches)
    count, labels, log_probability, score = E.ctc_beam_search(
        X, *arrays, *words, w=width, blank=blank, weight=float(weight), bonus=float(bonus), **scalars
    )
    return [
        Hypothesis(tuple(c for c in row if c >= 0), p, s)
        for row, p, s in zip(
            labels[: count[0]].tolist(), log_probability.tolist(), score.tolist(), strict=False
        )
    ]


def _check_lexicon(lexicon: Lexicon, alphabet: Sequence[str] | None, blank: int, classes: int) -> None:
    """Refuse a lexicon that was made for other classes."""
    made = len(lexicon.alphabet) + 1
    if made != classes:
        raise ValueError(f"beam_search: a lexicon for {made} classes, but the line has {classes}")
    if lexicon.blank != blank or (alphabet is not None and tuple(alphabet) != lexicon.alphabet):
        raise ValueError(
            f"beam_search: the lexicon was made for blank {lexicon.blank} and characters "
            f"{''.join(lexicon.alphabet)!r}; make it with the blank and the alphabet of the line"
        )


def _model(
    model: LanguageModel | None, alphabet: Sequence[str], blank: int, X: np.ndarray
) -> tuple[Any, Any]:
    """The arrays of a language model, in the type of X, and where it begins and ends."""
    if model is None:
        return (None,) * 5, {"begin": 0, "end": 0}
    classes = _classes("beam_search", alphabet, blank)
    symbols = np.zeros(X.shape[1], np.int32)
    symbols[list(classes.values())] = model.symbols_of(classes)
    a = model.automaton
    log_p, log_back = model.logarithms(X.dtype)
    return (symbols, a.states, a.arcs, log_p, log_back), {"begin": a.begin, "end": a.symbols - 1}


def _classes(what: str, alphabet: Sequence[str], blank: int) -> dict[str, int]:
    """The class of each character."""
    for i, c in enumerate(alphabet):
        if len(c) != 1 or c in alphabet[:i]:
            raise ValueError(f"{what}: {c!r} in the alphabet, expected single characters, each once")
    return {c: i + (i >= blank) for i, c in enumerate(alphabet)}


def _line(what: str, X: Any, blank: int) -> np.ndarray:
    """The logits of one line, checked, in a floating type."""
    X = np.asarray(X)
    if X.ndim != 2 or X.shape[1] == 0:
        raise ValueError(f"{what}: expected the logits of one line, (steps, classes), got shape {X.shape}")
    if not 0 <= blank < X.shape[1]:
        raise ValueError(f"{what}: blank {blank}, expected a class from 0 to {X.shape[1] - 1}")
    return X if X.dtype.kind == "f" else X.astype(np.float64)


def _labels(what: str, labels: Any, classes: int, blank: int) -> list[int]:
    """The labels of one line, checked."""
    given = np.asarray(labels)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise TypeError(
            f"{what}: labels {labels!r}, expected whole numbers in a row; Alphabet.encode gives those of a text"
        )
    found: list[int] = given.tolist()
    check_labels(what, found, classes, blank=blank)
    return found


def _best_states(X: np.ndarray, states: np.ndarray) -> np.ndarray:
    labels, blank = states[1::2].astype(np.int32), int(states[0])
    path = E.ctc_best_states(X, labels, blank=blank)
    if len(X) < needed_steps(labels.tolist()) or np.any(path < 0):
        raise ValueError(f"no path of {len(X)} steps gives these {len(labels)} labels")
    return path.astype(np.int64)


def _read(X: np.ndarray, path: np.ndarray, blank: int) -> Alignment:
    count, labels, spans, confidences, along = E.ctc_read(X, path, blank=blank)
    s = int(count[0])
    return Alignment(
        tuple(labels[:s].tolist()),
        float(along[0]),
        path.astype(np.int64),
        spans[:s].astype(np.int64),
        confidences[:s],
    )
