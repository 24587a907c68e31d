"""Picture files as a source: decoded batch by batch, or all of them into memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from klarnet.data.augment.augmented import Augmented
from klarnet.data.batches import batch_count, made_ahead
from klarnet.data.choice import chosen
from klarnet.data.dataset import Dataset
from klarnet.data.members import Members
from klarnet.data.picture import decode_picture, picture_size, quiet
from klarnet.data.prefetch import prefetch
from klarnet.data.scaling import Scaling
from klarnet.data.source import Batch, Source
from klarnet.data.split import split

_CHUNK = 64  # files that a thread takes at once


class _OtherSize(ValueError):
    """A picture that has not the size of the first."""


class LazyPictures(Source):
    """n pictures on disk with the interface of a `Dataset`; each batch is decoded, by threads, before it is needed.

    files        (n,) the name of each, relative to its folder or zip: CLASS/FILE
    t            (n,) int64 classes
    class_names  the names of classes 0, 1, …
    size         (height, width) of each
    channels     1 or 3
    workers      threads that decode

    `kn.data.pictures(…, in_memory=False)` makes it. A file that turns out to be damaged is named when its batch comes.
    """

    def __init__(
        self,
        members: Members,
        files: Sequence[str],
        t: Any,
        *,
        class_names: Sequence[str],
        size: tuple[int, int] | None,
        channels: int,
        name: str,
        workers: int | None = None,
    ) -> None:
        if channels not in (1, 3):
            raise ValueError(f"pictures: channels must be 1 (grey) or 3 (colour), got {channels!r}")
        self._members = members
        self.files = tuple(files)
        self.t = np.asarray(t, np.int64)
        self.class_names: tuple[str, ...] = tuple(class_names)
        self.channels, self.name, self.scaling = channels, name, Scaling(1 / 255)
        self.workers = processors() if workers is None else workers
        self._resized = size is not None
        self.size = size or self._first_size()

    def __len__(self) -> int:
        return len(self.files)

    def __repr__(self) -> str:
        shape = (len(self), *self.size, self.channels)
        return f"<LazyPictures {self.name!r}: X {shape} uint8, {len(self.class_names)} classes>"

    def __getitem__(self, which: Any) -> LazyPictures:
        """Some pictures, as `Dataset.__getitem__` chooses them."""
        numbers = chosen(which, len(self), self.name)
        other = object.__new__(LazyPictures)
        other.__dict__.update(
            self.__dict__,
            files=tuple(self.files[i] for i in np.arange(len(self))[numbers]),
            t=self.t[numbers],
        )
        return other

    @property
    def examples(self) -> int:
        return len(self)

    def labels(self) -> np.ndarray:
        """The class of every picture, (n,) int64."""
        return self.t

    def outline(self) -> tuple[np.ndarray, np.ndarray]:
        return np.broadcast_to(np.uint8(0), (len(self), *self.size, self.channels)), self.t

    def split(
        self, *fractions: float, seed: int, stratified: bool = False, groups: Any = None
    ) -> tuple[LazyPictures, ...]:
        """As `Dataset.split`."""
        return tuple(self[part] for part in split(self, fractions, seed, stratified, groups))

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
    ) -> Iterator[Batch]:
        """As `Dataset.batches`, in the same order with the same numbers, whatever the number of workers.

        Raises ValueError, where its batch is due, for a file that is no whole picture.
        """
        order: dict[str, Any] = {"seed": seed, "epoch": epoch, "shuffle": shuffle, "start": start}
        made: dict[str, Any] = {"workers": self.workers, "ahead": self.workers + 2, "name": self.name}
        return made_ahead(len(self), self.take, batch_size, drop_last=drop_last, **order, **made)

    def take(self, rows: Any) -> tuple[np.ndarray, np.ndarray]:
        """The pictures `rows`, decoded, and their classes.

        Raises ValueError for a file that is no whole picture.
        """
        X = np.empty((len(rows), *self.size, self.channels), np.uint8)
        for k, row in enumerate(rows):
            try:
                X[k] = self._decoded(self.files[row])
            except _OtherSize as error:
                raise ValueError(f"{error}{self._mend()}") from None
        return X, self.t[rows]

    def augmented(
        self, steps: Sequence[Any], *, seed: int | None = None, workers: int | None = None
    ) -> Augmented:
        """As `Dataset.augmented`; workers: as many as decode."""
        return Augmented(self, steps, seed=seed, workers=self.workers if workers is None else workers)

    def load(self) -> Dataset:
        """All pictures in memory.

        Raises ValueError naming the files that cannot be used, MemoryError where there are too many.
        """
        shape = (len(self), *self.size, self.channels)
        try:
            X = np.empty(shape, np.uint8)
        except MemoryError:
            gigabytes = np.prod(shape, dtype=float) / 1e9
            raise MemoryError(
                f"{self.name}: {gigabytes:.1f} GB of pictures do not fit into memory; in_memory=False decodes them"
                " batch by batch"
            ) from None

        def put(i: int) -> None:
            X[i] = self._decoded(self.files[i])

        self._each(put)
        return Dataset(X, self.t, class_names=self.class_names, scaling=self.scaling, name=self.name)

    def check(self) -> None:
        """Look at the head of every file. Raises ValueError naming those that are no pictures or of another size."""

        def look(i: int) -> None:
            shown = self._members.shown(self.files[i])
            self._check_size(picture_size(self._members.read(self.files[i]), shown), shown)

        self._each(look)

    def _decoded(self, file: str) -> np.ndarray:
        shown = self._members.shown(file)
        X = decode_picture(
            self._members.read(file), shown, self.channels, self.size if self._resized else None
        )
        self._check_size(X.shape[:2], shown)
        return X

    def _check_size(self, size: tuple[int, ...], shown: str) -> None:
        if size != self.size and not self._resized:
            height, width = self.size
            raise _OtherSize(
                f"{shown}: height {size[0]}, width {size[1]}, expected {height}, {width} as in {self._first}"
            )

    def _mend(self) -> str:
        return f"; size=({self.size[0]}, {self.size[1]}) would bring all pictures to one size"

    def _first_size(self) -> tuple[int, int]:
        """The size of the first picture that there is; that of the others is checked when they are read."""
        with quiet():
            for file in self.files:
                try:
                    self._first = file
                    return picture_size(self._members.read(file), "")
                except (ValueError, FileNotFoundError):
                    continue
        return 1, 1  # none is a picture: reading them will say so

    def _each(self, look: Callable[[int], None]) -> None:
        """Call `look` for every file, in several threads; raises one ValueError for all that it refuses."""

        def faults(chunk: int) -> list[Exception]:
            found: list[Exception] = []
            for i in range(chunk * _CHUNK, min((chunk + 1) * _CHUNK, len(self))):
                try:
                    look(i)
                except (ValueError, FileNotFoundError) as error:
                    found.append(error)
            return found

        with quiet():
            chunks = prefetch(faults, -(-len(self) // _CHUNK), workers=self.workers)
            bad = [error for chunk in chunks for error in chunk]
        if bad:
            head = f"{self.name}: {len(bad)} of {len(self)} files cannot be used: " if len(bad) > 1 else ""
            more = f"; and {len(bad) - 5} more" if len(bad) > 5 else ""
            mend = self._mend() if any(isinstance(error, _OtherSize) for error in bad) else ""
            raise ValueError(head + "; ".join(str(error) for error in bad[:5]) + more + mend) from None


def processors() -> int:
    """How many processors this process may use, up to 4: more threads wait for Python rather than decode."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(found, 4)
