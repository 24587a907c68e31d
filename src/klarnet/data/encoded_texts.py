"""Texts as rows of numbers, in batches with their lengths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from klarnet.data.batches import batch_count, epoch_order, first_batch
from klarnet.data.choice import chosen
from klarnet.data.source import Source
from klarnet.data.text_encoding import TextEncoding

STEP = 8  # batches are filled up to a multiple of so many symbols: one plan serves many batches


class EncodedTexts(Source):
    """n texts and their classes for `fit`: batches are X (n, t) int32, t (n,) and lengths (n,).

    texts        as they were read
    encoding     how they become numbers, a `TextEncoding`
    t            (n,) int64 classes
    class_names  the names of classes 0, 1, …

    A batch is filled up with 0 to a multiple of 8 symbols; what lies behind a length counts nowhere.
    """

    encoding: TextEncoding
    scaling = None

    def __init__(
        self,
        texts: Sequence[str],
        encoding: TextEncoding,
        t: np.ndarray,
        *,
        class_names: tuple[str, ...] | None = None,
        name: str = "texts",
    ) -> None:
        self.texts, self.encoding, self.t = tuple(texts), encoding, t
        self.class_names, self.name = class_names, name
        rows = [encoding.encode(text) for text in self.texts]
        self.lengths = np.array([len(row) for row in rows], np.int32)
        self._starts = np.concatenate([[0], np.cumsum(self.lengths, dtype=np.int64)])
        self._symbols = np.concatenate(rows)

    def __len__(self) -> int:
        return len(self.texts)

    def __repr__(self) -> str:
        return f"<EncodedTexts {self.name!r}: {len(self):,} texts, {self.encoding!r}>"

    def __getitem__(self, which: Any) -> EncodedTexts:
        """Some of the texts. Raises IndexError for one that is not there, ValueError if none is left."""
        rows = chosen(which, len(self), self.name)
        picked = range(len(self))[rows] if isinstance(rows, slice) else [int(i) for i in rows]
        texts = [self.texts[i] for i in picked]
        return EncodedTexts(texts, self.encoding, self.t[rows], class_names=self.class_names, name=self.name)

    @property
    def examples(self) -> int:
        return len(self)

    def labels(self) -> np.ndarray:
        """The class of every text, (n,) int64."""
        return self.t

    def outline(self) -> tuple[np.ndarray, np.ndarray]:
        width = max(1, int(self.lengths.max()))
        return np.broadcast_to(np.zeros((), np.int32), (len(self), width)), self.t

    def take(self, rows: Any) -> tuple[np.ndarray, np.ndarray]:
        X, t, _ = self._batch(np.asarray(rows, np.int64))
        return X, t

    def iterations(self, batch_size: int, *, drop_last: bool = False) -> int:
        return batch_count(len(self), batch_size, drop_last, self.name)

    def batches(
        self,
        batch_size: int,
        *,
        seed: int | None = None,
        epoch: int = 0,
        shuffle: bool = False,
        drop_last: bool = False,
        start: int = 0,
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """One epoch as batches (X, t, lengths); arguments and errors as for `Dataset.batches`."""
        count = batch_count(len(self), batch_size, drop_last, self.name)
        order = epoch_order(len(self), seed, epoch, self.name) if shuffle else np.arange(len(self))
        for b in range(first_batch(start, count, self.name), count):
            yield self._batch(order[b * batch_size : (b + 1) * batch_size])

    def _batch(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        lengths = self.lengths[rows]
        X = np.zeros((len(rows), max(STEP, -(-int(lengths.max()) // STEP) * STEP)), np.int32)
        for x, i in zip(X, rows, strict=True):
            part = self._symbols[self._starts[i] : self._starts[i + 1]]
            x[: len(part)] = part
        return X, self.t[rows], lengths
