"""Finding a thing by its name, and saying which name was meant; every room may use it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def snake(name: str) -> str:
    """MaxPool2D -> max_pool2d: a class by the name that texts, files and recipes give it."""
    return re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "_", name).lower()


def unknown(kind: str, name: Any, valid: Iterable[Any]) -> ValueError:
    """The error for a name that does not exist, with the nearest one that does, whatever its case."""
    from difflib import get_close_matches

    known = [str(v) for v in valid]
    plain = {v.lower(): v for v in reversed(known)}
    near = [plain[n] for n in get_close_matches(str(name).lower(), plain, n=1, cutoff=0.5)]
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return ValueError(f"{kind} {name!r} is not known, expected one of {', '.join(known)}{hint}")


def resolve(kind: str, given: Any, base: type[T], known: Mapping[str, type[T]]) -> T:
    """A `base` object from itself, its class, or its name. Raises ValueError with the nearest valid name."""
    if isinstance(given, base):
        return given
    if isinstance(given, type) and issubclass(given, base):
        return given()
    if isinstance(given, str) and given in known:
        return known[given]()
    raise unknown(kind, given, known)
