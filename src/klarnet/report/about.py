"""The end of a report: what was asked for, and what it ran on."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

import klarnet
from klarnet.engine.about import about

from .elements import Html, section, table
from .material import Material


def settings_and_environment(m: Material) -> Html:
    """Settings, sizes of the parts, versions and engine; of paths only the last part."""
    asked = [[name.replace("_", " "), shown(value)] for name, value in flat(m.settings) if name != "about"]
    asked += [[f"{part} examples", f"{n:,}"] for part, n in m.sizes.items()]
    engine = about()
    where = {
        "klarnet": klarnet.__version__,
        "engine": engine["engine"],
        "instruction set": engine.get("instruction_set", "none"),
        "threads": engine["threads"],
        "machine": platform.machine(),
        "system": platform.system(),
        "Python": platform.python_version(),
        "NumPy": np.__version__,
    }
    one = table(["setting", "value"], asked, left=2, wrapped=True) if asked else Html("")
    two = table(["environment", "value"], list(where.items()), left=2)
    return section("Settings and environment", Html(f'<div class="two">{one}{two}</div>'))


def flat(settings: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Nested settings one by one, by their dotted names."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{before}{name}.")
        elif isinstance(value, (list, tuple)) and value and all(isinstance(v, Mapping) for v in value):
            for i, one in enumerate(value):
                yield from flat(one, f"{before}{name}[{i}].")
        else:
            yield f"{before}{name}", value


def shown(value: Any) -> str:
    """A setting as text. Of an absolute path only the last part: a report names no place of the machine."""
    if isinstance(value, str) and PurePath(value).is_absolute():
        return f"…/{PurePath(value).name}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(shown, value))
    return str(value)
