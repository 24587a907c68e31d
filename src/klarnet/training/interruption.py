"""Ctrl-C and SIGTERM while a training runs: the step is finished first."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Interrupted(KeyboardInterrupt):
    """The signal came where nothing has to be finished."""


class Signals:
    """Inside `with`, the first Ctrl-C or SIGTERM is only noted (`came`); a second one acts as it always does.

    Signals that somebody else handles or ignores are left to them, and other threads than the main one have none.

    numbers   which signals
    text      what is said on the error stream when one comes
    """

    def __init__(
        self, numbers: tuple[int, ...] = (signal.SIGINT, signal.SIGTERM), *, text: str | None = None
    ) -> None:
        self.numbers, self.text = numbers, text
        self.came: int | None = None
        self._at_once = False
        self._former: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for number in self.numbers:
                former = signal.getsignal(number)
                if former in (signal.default_int_handler, signal.SIG_DFL):
                    self._former[number] = former
                    signal.signal(number, self._note)
        return self

    def __exit__(self, *error: Any) -> None:
        while self._former:
            signal.signal(*self._former.popitem())

    def _note(self, number: int, frame: Any) -> None:
        self.__exit__()
        self.came = number
        if self.text is not None:
            print(self.text, file=sys.stderr, flush=True)
        if self._at_once:
            raise Interrupted

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Inside, a signal raises Interrupted where it comes: for work that is done once more when the run goes on."""
        self._at_once = True
        try:
            if self.came is not None:
                raise Interrupted
            yield
        finally:
            self._at_once = False

    @property
    def code(self) -> int | None:
        """The exit code of a process that a SIGTERM was to end; None otherwise."""
        return 128 + signal.SIGTERM if self.came == signal.SIGTERM else None
