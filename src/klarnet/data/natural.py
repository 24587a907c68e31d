"""The order of names as people count."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any


def natural(names: Iterable[str]) -> list[str]:
    """Sorted as people count: 1, 2, 10."""

    def key(name: str) -> tuple[list[Any], str]:
        pieces = re.split(r"([0-9]+)", name)
        return [int(p) if i % 2 else p.casefold() for i, p in enumerate(pieces)], name

    return sorted(names, key=key)
