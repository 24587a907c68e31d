"""The engine, klarnet's narrow waist: a table of functions, a trace, a plan, and two ways to run it.

`use("formulas" | "native")` chooses the engine, `set_threads(n)` how many threads the native one may use.
"""

from __future__ import annotations

from . import functions
from .arrays import Description, Storage, aligned
from .context import State, engine, here, tracing, use, with_state
from .pages import Refused
from .plan import ARENA, Plan, make_plan
from .replay import Bound, Memory, Replay
from .table import FUNCTIONS, ShapeError
from .trace import Trace


def set_threads(count: int) -> None:
    """Let the native engine use up to `count` threads. Results do not depend on it, bit for bit.

    Without it: KLARNET_THREADS, else the processors this process may use. Raises ValueError below 1.
    """
    if count < 1:
        raise ValueError(f"set_threads({count}): expected 1 or more")
    from . import native

    native.set_threads(count)


def threads() -> int:
    """How many threads the native engine may use (1 where only the formulas run)."""
    from . import native

    return native.threads()


__all__ = [
    "ARENA",
    "FUNCTIONS",
    "Bound",
    "Description",
    "Memory",
    "Plan",
    "Refused",
    "Replay",
    "ShapeError",
    "State",
    "Storage",
    "Trace",
    "aligned",
    "engine",
    "functions",
    "here",
    "make_plan",
    "set_threads",
    "threads",
    "tracing",
    "use",
    "with_state",
]
