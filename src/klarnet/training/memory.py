"""What an object remembers, taken apart for a file: plain values as JSON, arrays by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]


def memory_of(thing: Any) -> dict[str, Any]:
    """`thing.memory()` where there is such a method, else all its attributes."""
    own = getattr(thing, "memory", None)
    return dict(own()) if callable(own) else dict(vars(thing))


def remember(thing: Any, memory: Mapping[str, Any]) -> None:
    """Give an object back what `memory_of` took: `thing.restore(memory)`, else its attributes."""
    own = getattr(thing, "restore", None)
    if callable(own):
        own(memory)
        return
    for name, value in memory.items():
        if isinstance(vars(thing).get(name), tuple) and isinstance(value, list):
            value = tuple(value)
        setattr(thing, name, value)


def taken_apart(memory: Mapping[str, Any], prefix: str, arrays: Arrays) -> dict[str, Any]:
    """The plain values; arrays go to `arrays`, copied, under "prefix/name". Raises TypeError for anything else."""
    import json  # here and below: a training without checkpoints does without it

    plain: dict[str, Any] = {}
    for name, value in memory.items():
        if isinstance(value, np.ndarray):
            arrays[f"{prefix}/{name}"] = value.copy()
            continue
        if isinstance(value, np.generic):
            value = value.item()
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            raise TypeError(
                f"{prefix}: {name} is of type {type(value).__name__}, which a checkpoint cannot hold; give the class "
                "memory() and restore(memory) with numbers, texts, lists and arrays"
            ) from None
        plain[name] = value
    return plain


def put_together(plain: Mapping[str, Any], prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """What `taken_apart` was given."""
    begin = f"{prefix}/"
    found = {n.removeprefix(begin): np.array(a) for n, a in arrays.items() if n.startswith(begin)}
    return {**plain, **found}
