"""Things made ahead of the one who needs them: threads prepare the next batches while the network trains.

Threads, not processes: decoding (Pillow), NumPy and the native engine let each other run, nothing is copied from
process to process, and nothing has to survive a fork.
"""

from __future__ import annotations

import operator
import os
import threading
from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import Any, Generic, TypeVar

T = TypeVar("T")


def prefetch(make: Callable[[int], T], count: int, *, workers: int = 1, ahead: int = 4) -> Iterator[T]:
    """make(0), make(1), …, make(count − 1), made by threads before they are asked for.

    workers  threads that call `make`, at the same time; 0: no thread, each item is made when it is asked for
    ahead    at most so many items are ready or in the making, beside the one that the consumer holds

    Items come in their order, whoever made them, so what `make` gives must depend on its argument alone. Nothing runs
    before the first item is asked for. An exception in `make(i)` is raised where item i is due; then, as when the
    consumer stops early or is interrupted, the threads end and are waited for. In a child process (fork), where threads
    do not exist, the items that are left are made without them.

    Raises TypeError or ValueError, at once, for a count, workers or ahead that is no such number.
    """
    count, workers = _whole("count", count, 0), _whole("workers", workers, 0)
    ahead = _whole("ahead", ahead, 1)
    if workers == 0:
        return (make(i) for i in range(count))
    return _Line(make, count, ahead).items(min(workers, ahead, count))


class _Line(Generic[T]):
    """What the workers and the consumer share."""

    def __init__(self, make: Callable[[int], T], count: int, ahead: int) -> None:
        self.make, self.count, self.ahead = make, count, ahead
        self.changed = threading.Condition()
        self.taken = 0  # items that workers have begun
        self.given = 0  # items that the consumer has received
        self.made: dict[int, tuple[Any, BaseException | None]] = {}
        self.stopped = False

    def items(self, workers: int) -> Iterator[T]:
        process = os.getpid()
        threads: list[threading.Thread] = []
        try:
            for i in range(workers):
                run = copy_context().run  # NumPy's error settings and the like are those of the consumer
                thread = threading.Thread(
                    target=run, args=(self._work,), name=f"klarnet-prefetch-{i}", daemon=True
                )
                thread.start()
                threads.append(thread)
            for i in range(self.count):
                yield self._wait_for(i) if os.getpid() == process else self.make(i)
        finally:
            if os.getpid() == process:
                self._stop(threads)

    def _wait_for(self, i: int) -> T:
        with self.changed:
            self.changed.wait_for(lambda: i in self.made)
            item, error = self.made.pop(i)
            self.given = i + 1
            self.changed.notify_all()
        if error is not None:
            try:
                raise error
            finally:
                del error  # or the error would hold this frame, which holds the error
        return item

    def _work(self) -> None:
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self._over() or self.taken < self.given + self.ahead)
                if self._over():
                    return
                i = self.taken
                self.taken += 1
            item, error = None, None
            try:
                item = self.make(i)
            except BaseException as found:
                error = found
            with self.changed:
                self.made[i] = item, error
                self.changed.notify_all()
            del item, error

    def _over(self) -> bool:
        return self.stopped or self.taken == self.count

    def _stop(self, threads: list[threading.Thread]) -> None:
        with self.changed:
            self.stopped = True
            self.made.clear()
            self.changed.notify_all()
        if threading.current_thread() in threads:
            return  # the garbage collector, run by a worker, ends an iterator that nobody holds any more
        for thread in threads:
            thread.join()


def _whole(name: str, value: Any, least: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"prefetch: {name} must be a whole number, got {value!r}") from None
    if number < least:
        raise ValueError(f"prefetch: {name} must be at least {least}, got {number}")
    return number
