"""The one door for data: whatever a user hands to fit, evaluate or predict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from klarnet.data.dataset import Dataset
from klarnet.data.source import Source
from klarnet.data.stream import BatchStream
from klarnet.data.table import Table


def as_dataset(data_or_X: Any, t: Any = None, *, name: str = "data") -> Source:
    """A `Source`: a `Dataset`, or a `BatchStream` for an iterable of batches.

    Takes
    - a `Dataset` or any other `Source`: itself;
    - X and t: two arrays, or the pair (X, t) as a tuple;
    - X alone: anything with `__array__`, the buffer protocol or `__dlpack__`, or a list of numbers;
    - an iterable of batches (X, t): another library's loader, a generator, a list of pairs of arrays.

    Memory order and strides do not matter. Raises TypeError for anything else, and what `Dataset` raises.
    """
    if isinstance(data_or_X, Source):
        if t is not None:
            raise TypeError(f"{name}: t is given twice, by itself and inside {data_or_X!r}")
        return data_or_X
    if isinstance(data_or_X, Table):
        raise TypeError(
            f"{name}: a table is first split, or encoded as a whole: table.split(…), table.encode()"
        )
    if t is not None:
        return Dataset(data_or_X, t, name=name)
    if isinstance(data_or_X, tuple):
        if len(data_or_X) != 2:
            raise TypeError(f"{name}: expected a pair (X, t), got a tuple of {len(data_or_X)}")
        return Dataset(*data_or_X, name=name)
    if _is_array(data_or_X) or (_is_list(data_or_X) and not _is_batch(data_or_X[:1])):
        return Dataset(data_or_X, name=name)
    if isinstance(data_or_X, Iterable) and not isinstance(data_or_X, (str, bytes, Mapping, Set)):
        return BatchStream(data_or_X, name=name)
    raise TypeError(
        f"{name}: expected arrays X and t, a pair (X, t), a Dataset or an iterable of batches,"
        f" got {type(data_or_X).__name__}"
    )


def _is_array(x: Any) -> bool:
    protocols = ("__array__", "__array_interface__", "__dlpack__")
    return any(hasattr(x, protocol) for protocol in protocols) or isinstance(x, (memoryview, bytearray))


def _is_list(x: Any) -> bool:
    return isinstance(x, Sequence) and not isinstance(x, (str, bytes))


def _is_batch(first: Any) -> bool:
    """Whether a list begins with a pair (or a longer tuple) of arrays: then it holds batches, not numbers."""
    return (
        len(first) == 1
        and isinstance(first[0], (tuple, list))
        and (len(first[0]) == 2 or (isinstance(first[0], tuple) and len(first[0]) > 2))
        and all(hasattr(part, "shape") and len(part.shape) > 0 for part in first[0])
    )
