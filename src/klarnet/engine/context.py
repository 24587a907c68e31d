"""What is going on in this thread: which engine runs, which trace listens, which node's pass is running."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .trace import Trace

ENGINES = ("native", "formulas")


class State(ctypes.Structure):
    """Values that change from step to step; the layout is that of `kn::State` in native/engine.h.

    learning_rate, step (from 1) and seed are written before a run; status, where and value are what a function that
    refused its input left behind: why, at which element, and the element.
    """

    _fields_ = [
        ("learning_rate", ctypes.c_double),
        ("step", ctypes.c_int64),
        ("seed", ctypes.c_uint64),
        ("status", ctypes.c_int64),
        ("where", ctypes.c_int64),
        ("value", ctypes.c_int64),
    ]

    learning_rate: float
    step: int
    seed: int
    status: int
    where: int
    value: int


class _Here(threading.local):
    trace: Trace | None = None
    node: int = 0

    def __init__(self) -> None:
        self.state = State(0.01, 1, 0)


here = _Here()
_engine: ContextVar[str | None] = ContextVar("klarnet_engine", default=None)


def engine() -> str:
    """The engine of this context: "native" where the library is there and nothing else was asked for."""
    chosen = _engine.get()
    return chosen if chosen is not None else default_engine()


def default_engine() -> str:
    wanted = os.environ.get("KLARNET_ENGINE")
    if wanted is not None and wanted not in ENGINES:
        raise ValueError(f"KLARNET_ENGINE={wanted!r}, expected one of {', '.join(ENGINES)}")
    if wanted == "formulas":
        return "formulas"
    from . import native

    return "native" if native.library() is not None else "formulas"


@contextmanager
def use(name: str) -> Iterator[None]:
    """Run what stands inside on one engine: `with kn.engine.use("formulas"): ...`.

    "formulas" runs the pages of klarnet.formulas with NumPy, in float32 or float64; "native" the compiled library.
    Raises ValueError for another name and RuntimeError where the library cannot be loaded.
    """
    if name not in ENGINES:
        raise ValueError(f"engine {name!r}, expected one of {', '.join(ENGINES)}")
    if name == "native":
        from . import native

        if native.library() is None:
            raise RuntimeError(f"the native engine cannot be used: {native.why_not()}")
    token = _engine.set(name)
    try:
        yield
    finally:
        _engine.reset(token)


@contextmanager
def tracing(trace: Trace) -> Iterator[Trace]:
    """Let `trace` note the engine calls of this thread that are made on descriptions."""
    before, here.trace = here.trace, trace
    try:
        yield trace
    finally:
        here.trace = before


@contextmanager
def with_state(state: State) -> Iterator[None]:
    """Let eager calls read their learning rate, step and seed from `state`."""
    before, here.state = here.state, state
    try:
        yield
    finally:
        here.state = before
