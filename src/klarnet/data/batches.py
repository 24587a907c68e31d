"""An epoch cut into batches: how many, in which order, and the batches themselves."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np

from klarnet import random
from klarnet.data.prefetch import prefetch

T = TypeVar("T")


def batch_count(n: int, batch_size: int, drop_last: bool, name: str) -> int:
    """⌈n / batch_size⌉, or ⌊n / batch_size⌋ if the smaller last batch is dropped; refused if that is 0."""
    try:
        size = operator.index(batch_size)
    except TypeError:
        raise TypeError(f"{name}: batch_size must be an integer, got {batch_size!r}") from None
    if size < 1:
        raise ValueError(f"{name}: batch_size must be at least 1, got {size}")
    count = n // size if drop_last else -(-n // size)
    if count == 0:
        raise ValueError(
            f"{name}: no batch would be left: {n} examples, batch_size {size}, drop_last=True;"
            " take smaller batches or drop_last=False"
        )
    return count


def epoch_order(n: int, seed: int | None, epoch: int, name: str) -> np.ndarray:
    """The order of the examples in this epoch: a function of seed and epoch alone."""
    if seed is None:
        raise ValueError(
            f"{name}: shuffle=True needs a seed, so that the order can be drawn again; got seed=None"
        )
    return random.permutation(n, seed, step=epoch, purpose=random.SHUFFLE)


def order_by_length(
    lengths: np.ndarray, batch_size: int, seed: int | None, epoch: int, name: str
) -> np.ndarray:
    """The order of an epoch in which every `batch_size` examples are of similar length: little of a batch is padding.

    Examples are shuffled, sorted by length with equal ones left as they are, and cut into batches, whose order is drawn
    in turn; the smaller batch is the last one, whichever lengths it has. A function of seed and epoch alone.
    """
    n = len(lengths)
    order = epoch_order(n, seed, epoch, name)
    order = order[np.argsort(lengths[order], kind="stable")]
    turn = random.permutation(-(-n // batch_size), int(seed or 0), node=1, step=epoch, purpose=random.SHUFFLE)
    sizes = np.full(len(turn), batch_size)
    sizes[turn[-1]] = n - (len(turn) - 1) * batch_size
    ends = np.cumsum(sizes)
    return np.concatenate([order[ends[i] - sizes[i] : ends[i]] for i in turn])


def first_batch(start: int, count: int, name: str) -> int:
    """The batch that an epoch is taken up at, checked."""
    if not 0 <= operator.index(start) <= count:
        raise ValueError(f"{name}: start must be a batch of the epoch, 0 to {count}, got {start}")
    return operator.index(start)


def made_ahead(
    n: int,
    take: Callable[[np.ndarray], T],
    batch_size: int,
    *,
    seed: int | None,
    epoch: int,
    shuffle: bool,
    drop_last: bool,
    start: int,
    workers: int,
    ahead: int,
    name: str,
    lengths: np.ndarray | None = None,
) -> Iterator[T]:
    """Batches `start` … of an epoch as `take(rows)`, made ahead by threads, in their order. Errors as of `Dataset`.

    lengths   where the examples have some: shuffled batches hold examples of similar length
    """
    count = batch_count(n, batch_size, drop_last, name)
    if not shuffle:
        order = np.arange(n)
    elif lengths is None:
        order = epoch_order(n, seed, epoch, name)
    else:
        order = order_by_length(lengths, batch_size, seed, epoch, name)
    start = first_batch(start, count, name)

    def make(i: int) -> T:
        return take(order[(start + i) * batch_size : (start + i + 1) * batch_size])

    return prefetch(make, count - start, workers=workers, ahead=ahead)


def pieces(
    X: np.ndarray,
    t: np.ndarray | None,
    batch_size: int,
    count: int,
    order: np.ndarray | None,
    start: int,
    name: str,
) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """Batches `start` … `count` − 1 of X and t; `start` is checked at once, not at the first batch."""
    start = first_batch(start, count, name)

    def run() -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        for i in range(start, count):
            here = slice(i * batch_size, min((i + 1) * batch_size, len(X)))
            if order is None:
                yield X[here], None if t is None else t[here]
            else:
                chosen = order[here]
                yield np.take(X, chosen, axis=0), None if t is None else np.take(t, chosen, axis=0)

    return run()
