"""Error rates of a network that reads with CTC, batch by batch, for `fit` and `evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from klarnet.metrics.edits import edit_distance
from klarnet.metrics.text_errors import TextErrors, rate

LOST = "\N{REPLACEMENT CHARACTER}"  # stands for a character of the truth that the network has no class for


class CharacterErrorRate:
    """Σ edits / Σ characters of the truths, of what the best path reads. 0 is perfect; above 1 is possible.

    blank        the class of CTC's blank
    class_names  the characters; `fit` and `evaluate` tell them. Without, each label counts as a character

    Outputs are (n, t, k) scores of classes, zero behind each line's end, or labels (n, s); t is (n, s) whole numbers.
    Behind the end of a row stand −1; −2 is a character without a class, which no answer matches. What an empty truth
    does is said at `TextErrors`, which keeps the confusions of the last pass too: `.errors`.
    """

    name = "character_error_rate"
    better = "lower"

    def __init__(self, *, blank: int = 0, class_names: Sequence[str] | None = None) -> None:
        self.blank, self.class_names = blank, class_names
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self.edits = self.length = self.lines = 0
        self.errors = TextErrors()

    def update(self, outputs: Any, t: Any) -> None:
        """Adds a batch. Raises ValueError for shapes that do not fit."""
        Y, T = np.asarray(outputs), np.asarray(t)
        if T.ndim != 2 or T.dtype.kind not in "iu" or len(T) != len(Y):
            raise ValueError(
                f"{self.name}: targets {T.shape} of {T.dtype} for outputs {Y.shape}, expected (n, s) labels"
            )
        read = Y if Y.ndim == 2 and Y.dtype.kind in "iu" else self._best(Y)
        for truth, output in zip(T, read, strict=True):
            self._add(truth[truth != -1].tolist(), output[output >= 0].tolist())

    def result(self) -> float:
        """The rate so far; NaN before anything counted."""
        if self.class_names:
            return self.errors.character_error_rate
        return rate(self.edits, self.length, self.lines)

    def _add(self, truth: list[int], output: list[int]) -> None:
        if self.class_names:
            self.errors.add(self._text(truth), self._text(output))
            return
        self.edits += edit_distance(truth, output)
        self.length += len(truth)
        self.lines += 1

    def _best(self, Y: np.ndarray) -> np.ndarray:
        """B(argmax): labels (n, t) with −1 where a class only lasts on, and for blanks."""
        if Y.ndim != 3:
            raise ValueError(f"{self.name}: outputs {Y.shape}, expected scores of classes (n, t, k)")
        path = Y.argmax(axis=-1)
        begins = np.ones(path.shape, bool)
        begins[:, 1:] = path[:, 1:] != path[:, :-1]
        ended = ~Y.any(axis=-1)  # behind the end of a line
        return np.where(begins & (path != self.blank) & ~ended, path, -1)

    def _text(self, labels: list[int]) -> str:
        names = self.class_names or ()
        return "".join(names[c] if 0 <= c < len(names) else LOST for c in labels)


class WordErrorRate(CharacterErrorRate):
    """Σ edits of words / Σ words of the truths, of what the best path reads; words are what spaces part."""

    name = "word_error_rate"

    def result(self) -> float:
        """The rate so far; NaN before anything counted. Raises ValueError where no label is known to be a space."""
        if not self.class_names and self.lines:
            raise ValueError(f"{self.name}: needs class_names, to know which label is a space")
        return self.errors.word_error_rate
