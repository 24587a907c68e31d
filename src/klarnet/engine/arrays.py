"""Descriptions: what a trace computes with instead of arrays.

A Description has a shape, a dtype and a place in a Storage. Nothing can be read from it, so code that is traced
can depend on shapes only. Views (a reshape, a slice of the leading axis) share the storage: how long memory is
needed is a question about storages.
"""

from __future__ import annotations

import mmap
from contextlib import suppress
from math import prod
from typing import Any, NoReturn

import numpy as np

Home = tuple[int, int]  # (number of a buffer, offset in bytes)


class Storage:
    """A piece of memory. Its home is given from the start (weights, inputs) or found by the plan (None)."""

    __slots__ = ("nbytes", "home")

    def __init__(self, nbytes: int, home: Home | None = None) -> None:
        self.nbytes, self.home = nbytes, home


class Description:
    """An array without values: shape, dtype and where it lies."""

    __slots__ = ("shape", "dtype", "storage", "offset")
    __array_priority__ = 1000  # NumPy leaves `array + description` to us, which refuses

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype,
        storage: Storage | None = None,
        offset: int = 0,
    ) -> None:
        self.shape, self.dtype = shape, dtype
        self.storage = Storage(prod(shape) * dtype.itemsize) if storage is None else storage
        self.offset = offset

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    @property
    def whole(self) -> bool:
        """Does it cover its storage from end to end?"""
        return self.offset == 0 and self.nbytes == self.storage.nbytes

    def __len__(self) -> int:
        return self.shape[0]

    def reshape(self, *shape: int | tuple[int, ...]) -> Description:
        given: Any = shape[0] if isinstance(shape[0], (tuple, list)) else shape
        wanted = [int(s) for s in given]
        if -1 in wanted:
            rest = prod(s for s in wanted if s != -1)
            wanted[wanted.index(-1)] = self.size // rest if rest else 0
        if prod(wanted) != self.size:
            raise ValueError(f"cannot reshape {self.shape} to {tuple(wanted)}")
        return Description(tuple(wanted), self.dtype, self.storage, self.offset)

    def __getitem__(self, key: object) -> Description:
        if not isinstance(key, slice) or key.step not in (None, 1):
            self._refuse("indexing other than a slice of the leading axis")
        first, last, _ = key.indices(self.shape[0])
        count = max(0, last - first)
        row = self.nbytes // self.shape[0] if self.shape[0] else 0
        return Description((count, *self.shape[1:]), self.dtype, self.storage, self.offset + first * row)

    def __repr__(self) -> str:
        return f"Description({self.shape}, {self.dtype})"

    def _refuse(self, what: str) -> NoReturn:
        raise TypeError(
            f"{what} on a description of shape {self.shape}: a layer with `traced = True` may only call "
            "engine functions, reshape, and slice the leading axis; remove `traced = True` to use NumPy"
        )

    def __bool__(self) -> NoReturn:
        self._refuse("a truth value (write `is not None`)")

    def __array__(self, *_: object, **__: object) -> NoReturn:
        self._refuse("NumPy")

    def __float__(self) -> NoReturn:
        self._refuse("reading a number")

    def __iter__(self) -> NoReturn:
        self._refuse("iteration")

    def _arithmetic(self, *_: object) -> NoReturn:
        self._refuse("arithmetic")

    __int__ = __index__ = __float__
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _arithmetic
    __matmul__ = __rmatmul__ = __pow__ = __neg__ = __gt__ = __lt__ = __ge__ = __le__ = _arithmetic


HUGE = 2 << 20  # bytes of a huge page


def aligned(nbytes: int) -> np.ndarray:
    """Fresh zeroed bytes that start on a 64-byte border, the width of a cache line and of the widest vector.

    Large ones start on the border of a huge page, and the system is asked to use such pages: the processor then finds
    the address of a line without walking tables, and the first touch costs a fault for 2 MB, not for 4 KB.
    """
    if nbytes >= HUGE and hasattr(mmap, "MADV_HUGEPAGE"):
        pages = mmap.mmap(-1, nbytes + HUGE)
        with suppress(OSError):  # a system may have none
            pages.madvise(mmap.MADV_HUGEPAGE)
        raw, border = np.frombuffer(pages, np.uint8), HUGE
    else:
        raw, border = np.zeros(nbytes + 64, np.uint8), 64
    start = -raw.ctypes.data % border
    return raw[start : start + nbytes]
