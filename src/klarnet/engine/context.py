"""What is going on in this thread: which trace listens, which node's pass is running."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .trace import Trace


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
    stage: str = "forward"  # what of a step is being noted: forward, loss, backward, gradients, update

    def __init__(self) -> None:
        self.state = State(0.01, 1, 0)


here = _Here()


@contextmanager
def tracing(trace: Trace) -> Iterator[Trace]:
    """Let `trace` note the engine calls of this thread that are made on descriptions; node and stage stay."""
    before, node, stage, here.trace = here.trace, here.node, here.stage, trace
    try:
        yield trace
    finally:
        here.trace, here.node, here.stage = before, node, stage


@contextmanager
def with_state(state: State) -> Iterator[None]:
    """Let eager calls read their learning rate, step and seed from `state`; the node is as before afterwards."""
    before, node, here.state = here.state, here.node, state
    try:
        yield
    finally:
        here.state, here.node = before, node
