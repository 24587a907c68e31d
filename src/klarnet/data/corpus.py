"""A long text, for networks that read it symbol by symbol and foretell the next."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from klarnet.data.batches import batch_count, first_batch
from klarnet.data.source import Source
from klarnet.data.split import split
from klarnet.data.text_encoding import TextEncoding
from klarnet.data.text_files import lines_by_file

NEWLINE = "\n"
ROWS = 8  # how many places of a part that nothing is learned from are read side by side
SHOWN = {NEWLINE: "\N{RETURN SYMBOL}", " ": "\N{OPEN BOX}"}


class TextStream(Source):
    """A text as batches of pieces: X (n, steps) symbols and t (n, steps) those that follow them.

    The text is cut into n rows, read side by side; batch b + 1 goes on where batch b has ended, row by row, as layers
    with `carry_state=True` want it (truncated back-propagation through time). The first symbol of all is foretold
    behind the end of a line; of the last ones up to n - 1 are left out, so that all rows are equally long.

    encoding   how the text became numbers, a `TextEncoding`
    steps      of a piece
    rows       n; None: as many as the batch size
    """

    encoding: TextEncoding
    scaling = None
    keeps_order = True

    def __init__(
        self,
        symbols: np.ndarray,
        encoding: TextEncoding,
        *,
        steps: int = 64,
        rows: int | None = None,
        name: str = "corpus",
    ) -> None:
        self.symbols, self.encoding = np.asarray(symbols, np.int32), encoding
        self.steps, self.rows, self.name = steps, rows, name
        if steps < 1:
            raise ValueError(f"{name}: steps is {steps}, expected 1 or more")
        self.class_names = ("unknown", *(SHOWN.get(s, s) for s in encoding.symbols))

    def __len__(self) -> int:
        """How many symbols are foretold in an epoch."""
        return len(self.symbols)

    def __repr__(self) -> str:
        return f"<TextStream {self.name!r}: {len(self):,} symbols, {self.encoding!r}>"

    def labels(self) -> None:
        return None

    def outline(self) -> tuple[np.ndarray, np.ndarray]:
        return self.symbols[None], self.symbols[None]

    def iterations(self, batch_size: int, *, drop_last: bool = False) -> int:
        return batch_count(self._cut(batch_size)[1], self.steps, drop_last, self.name)

    def batches(
        self,
        batch_size: int,
        *,
        seed: int | None = None,
        epoch: int = 0,
        shuffle: bool = False,
        drop_last: bool = False,
        start: int = 0,
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """One epoch as batches (X, t), always in the order of the text."""
        n, length = self._cut(batch_size)
        line_end = self.encoding.encode(NEWLINE)
        t = self.symbols[: n * length].reshape(n, length)
        X = np.concatenate([line_end, self.symbols])[: n * length].reshape(n, length)
        count = batch_count(length, self.steps, drop_last, self.name)
        for b in range(first_batch(start, count, self.name), count):
            here = slice(b * self.steps, (b + 1) * self.steps)
            yield np.ascontiguousarray(X[:, here]), np.ascontiguousarray(t[:, here])

    def take(self, rows: Any) -> tuple[np.ndarray, np.ndarray]:
        """The first piece of all, of as many rows as are asked for."""
        return next(self.batches(len(rows)))

    def _cut(self, batch_size: int) -> tuple[int, int]:
        """How many rows there are, and how long they are."""
        batch_count(len(self), batch_size, False, self.name)  # refuses a batch size below 1
        n = min(batch_size if self.rows is None else self.rows, len(self))
        return n, len(self) // n


@dataclass(frozen=True, eq=False, repr=False)
class Corpus:
    """What `kn.data.corpus` reads: lines, which `split` shuffles, deals out to the parts and joins to a text each.

    lines   of the text, without their ends
    lower, least   how characters become numbers, see `TextEncoding.fit`
    steps   of a piece, see `TextStream`
    """

    lines: tuple[str, ...]
    _: KW_ONLY
    lower: bool = False
    least: int = 1
    steps: int = 64
    name: str = "corpus"
    class_names: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.lines)

    def __repr__(self) -> str:
        return f"<Corpus {self.name!r}: {len(self):,} lines, {sum(map(len, self.lines)):,} characters>"

    def labels(self) -> None:
        return None

    def split(
        self, *fractions: float, seed: int, stratified: bool = False, groups: Any = None
    ) -> tuple[TextStream, ...]:
        """Cut into parts as `Dataset.split` does; characters of the first part, the training part, have a number."""
        parts = [self.chosen(part) for part in split(self, fractions, seed, stratified, groups)]
        encoding = parts[0].fit()
        first, *others = (part.encode(encoding) for part in parts)
        for other in others:
            other.rows = ROWS
        return first, *others

    def fit(self) -> TextEncoding:
        """The encoding that has these lines as its training part."""
        return TextEncoding.fit((line + NEWLINE for line in self.lines), lower=self.lower, least=self.least)

    def encode(self, encoding: TextEncoding | None = None) -> TextStream:
        """The lines as one stream, each with its end; by the encoding of the training part, or as a training part."""
        encoding = encoding or self.fit()
        symbols = np.concatenate([encoding.encode(line + NEWLINE) for line in self.lines])
        return TextStream(symbols, encoding, steps=self.steps, name=self.name)

    def chosen(self, which: Any) -> Corpus:
        """Some of the lines, by their numbers."""
        return replace(self, lines=tuple(self.lines[int(i)] for i in which))


def corpus(
    path: str | os.PathLike[str],
    *,
    lower: bool = False,
    least: int = 1,
    steps: int = 64,
    name: str | None = None,
) -> Corpus:
    """Text to learn a language model from: `kn.data.corpus("book.txt")`.

    path    a text file (UTF-8), or a folder or zip of them
    lower   capital letters count as small ones
    least   characters that are rarer in the training part count as unknown
    steps   so many characters are learned in one piece

    Blank lines are passed over, spaces at both ends of a line removed, characters composed (NFC). Raises
    FileNotFoundError, or ValueError naming the file for bytes that are no UTF-8 and for no text.
    """
    lines = [line for found in lines_by_file(path).values() for line in found]
    return Corpus(tuple(lines), lower=lower, least=least, steps=steps, name=name or Path(path).name)
