"""Which engine runs, and on how many threads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from numbers import Integral

from . import native

ENGINES = ("native", "formulas")
_engine: ContextVar[str | None] = ContextVar("klarnet_engine", default=None)


def engine() -> str:
    """The engine of this context: "native" where the library is there and nothing else was asked for."""
    return _engine.get() or default_engine()


@cache
def default_engine() -> str:
    """What runs outside `use`. KLARNET_ENGINE is read once: every step of a training asks."""
    wanted = os.environ.get("KLARNET_ENGINE")
    if wanted is not None and wanted not in ENGINES:
        raise ValueError(f"KLARNET_ENGINE={wanted!r}, expected one of {', '.join(ENGINES)}")
    return "native" if wanted != "formulas" and native.library() is not None else "formulas"


@contextmanager
def use(name: str) -> Iterator[None]:
    """Run what stands inside on one engine: `with kn.engine.use("formulas"): ...`.

    "formulas" runs the pages of klarnet.formulas with NumPy, in float32 or float64; "native" the compiled library.
    Raises ValueError for another name and RuntimeError where the library cannot be loaded.
    """
    if name not in ENGINES:
        raise ValueError(f"engine {name!r}, expected one of {', '.join(ENGINES)}")
    if name == "native" and native.library() is None:
        raise RuntimeError(f"the native engine cannot be used: {native.why_not()}")
    token = _engine.set(name)
    try:
        yield
    finally:
        _engine.reset(token)


def set_threads(count: int) -> None:
    """Let the native engine use up to `count` threads. Results do not depend on it, bit for bit.

    Without it: KLARNET_THREADS, else the processors this process may use. Raises ValueError below 1,
    TypeError for what is no whole number.
    """
    if isinstance(count, bool) or not isinstance(count, Integral):
        raise TypeError(f"set_threads({count!r}): expected a whole number, 1 or more")
    if count < 1:
        raise ValueError(f"set_threads({count}): expected 1 or more")
    native.set_threads(count)


def threads() -> int:
    """How many threads the native engine may use (1 where only the formulas run)."""
    return native.threads()


_plan_bytes = 64 << 20


def set_plan_memory(nbytes: int) -> None:
    """Let each Trainer, and each thread that predicts, keep plans of up to about `nbytes`, 64 MB without it.

    A plan is kept for each shape of batch, so that it need not be made again; those used least recently go first, and
    the newest always stays. The memory that plans compute in, which is as large as the largest needs, is not counted.
    Raises ValueError below 0, TypeError for what is no whole number.
    """
    global _plan_bytes
    if isinstance(nbytes, bool) or not isinstance(nbytes, Integral):
        raise TypeError(f"set_plan_memory({nbytes!r}): expected a whole number of bytes, 0 or more")
    if nbytes < 0:
        raise ValueError(f"set_plan_memory({nbytes}): expected 0 bytes or more")
    _plan_bytes = int(nbytes)


def plan_memory() -> int:
    """How many bytes of plans are kept, as `set_plan_memory` says."""
    return _plan_bytes
