"""Texts as numbers: each character or word has one."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from klarnet.names import unknown

UNITS = ("characters", "words")
WORD = re.compile(r"'?\w+|[^\w\s]")
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True)
class TextEncoding:
    """What a text's characters or words turn into.

    unit      "characters"; or "words": a run of letters and digits with the apostrophe that leads it, or any other sign
              but space by itself, so that "it's too-tepid." has the words it 's too - tepid .
    symbols   those that have a number, from 1 on; 0 stands for every other one, and for padding behind a length
    lower     capital letters count as small ones

    Before all, texts are normalised (NFC: u with two dots is one character, however it was typed). An encoding comes
    with a data set (`train.encoding`), goes from there into the network and its file, and back by
    `TextEncoding.of(net)`. Raises ValueError for another unit and for symbols that are none or stand twice.
    """

    unit: str
    symbols: tuple[str, ...]
    lower: bool = False

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise unknown("unit", self.unit, UNITS)
        if not self.symbols or len(set(self.symbols)) != len(self.symbols):
            raise ValueError("TextEncoding: symbols must be different ones, and at least one")
        object.__setattr__(self, "_numbers", {s: i for i, s in enumerate(self.symbols, 1)})

    def __len__(self) -> int:
        """How many numbers there are, that of unknown symbols included: the rows of an embedding."""
        return len(self.symbols) + 1

    def __repr__(self) -> str:
        return f"TextEncoding({len(self.symbols):,} {self.unit}{', lower' * self.lower})"

    @classmethod
    def fit(
        cls, texts: Iterable[str], *, unit: str = "characters", lower: bool = False, least: int = 1
    ) -> TextEncoding:
        """The symbols of these texts, those of the training part, the most frequent first.

        least   rarer symbols get no number; they teach what an unknown one is like
        Raises ValueError where no symbol is left, and TypeError for what is no text.
        """
        counts = Counter(symbol for text in texts for symbol in _symbols(text, unit, lower))
        kept = [s for s in counts if counts[s] >= least]
        if not kept:
            raise ValueError(f"TextEncoding: no {unit} that stand at least {least} times in the texts")
        return cls(unit, tuple(sorted(kept, key=lambda s: (-counts[s], s))), lower)

    def encode(self, text: str) -> np.ndarray:
        """The numbers of a text's symbols, (t,) int32; of an empty text (0,). Raises TypeError for what is no text."""
        found: dict[str, int] = self._numbers  # type: ignore[attr-defined]
        return np.array([found.get(s, 0) for s in _symbols(text, self.unit, self.lower)], np.int32)

    def batch(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Several texts, without the spaces at both ends, as X (n, t) int32, filled up with 0, and lengths (n,) int32.

        `net.predict` does it for texts by itself. Raises ValueError for no texts, TypeError for what is none.
        """
        if isinstance(texts, str) or not len(texts):
            got = f"a single one; write [{texts!r}]" if isinstance(texts, str) else "none"
            raise ValueError(f"expected a list of texts, got {got}")
        rows = [self.encode(normalised(text)) for text in texts]
        lengths = np.array([len(row) for row in rows], np.int32)
        X = np.zeros((len(rows), max(1, int(lengths.max()))), np.int32)
        for x, row in zip(X, rows, strict=True):
            x[: len(row)] = row
        return X, lengths

    def decode(self, numbers: Any) -> str:
        """The text of some numbers; unknown symbols become U+FFFD. Raises IndexError for a number that is none."""
        between = " " if self.unit == "words" else ""
        return between.join((UNKNOWN, *self.symbols)[int(i)] for i in numbers)

    def unknown_in(self, text: str) -> list[str]:
        """The symbols of a text that have no number, in order."""
        found: dict[str, int] = self._numbers  # type: ignore[attr-defined]
        return [s for s in _symbols(text, self.unit, self.lower) if s not in found]

    def settings(self) -> dict[str, Any]:
        """As plain values, for a file."""
        return {"unit": self.unit, "symbols": list(self.symbols), "lower": self.lower}

    @classmethod
    def of(cls, net: Any) -> TextEncoding:
        """The encoding that a network learned with. Raises ValueError for one that did not learn from texts."""
        about = net.encoding
        if about is None or "unit" not in about:
            raise ValueError("the network was not trained on texts, so it knows no characters or words")
        return cls(about["unit"], tuple(about["symbols"]), about["lower"])


def normalised(text: str) -> str:
    """A text in composed form (NFC), without the spaces at both ends. Raises TypeError for what is no text."""
    return _composed(text).strip()


def _composed(text: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"expected a text, got {type(text).__name__}")
    return unicodedata.normalize("NFC", text)


def _symbols(text: str, unit: str, lower: bool) -> list[str]:
    text = _composed(text)
    text = text.lower() if lower else text
    return WORD.findall(text) if unit == "words" else list(text)
