"""The engine, klarnet's narrow waist: a table of functions, a trace, a plan, and two ways to run it.

`use("formulas" | "native")` chooses the engine, `set_threads(n)` how many threads the native one may use.
"""

from __future__ import annotations

from . import functions
from .arrays import Description, Storage, aligned
from .choice import engine, plan_memory, set_plan_memory, set_threads, threads, use
from .context import State, here, tracing, with_state
from .pages import Refused
from .plan import ARENA, Plan, make_plan
from .replay import Bound, Memory, Replay
from .row import ShapeError
from .table import FUNCTIONS
from .trace import Trace

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
    "plan_memory",
    "set_plan_memory",
    "set_threads",
    "threads",
    "tracing",
    "use",
    "with_state",
]
