"""One trial of a search, and the file that keeps them all."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path as File
from typing import Any

import msgspec

from klarnet.network.files import write_atomically


class Trial(msgspec.Struct, kw_only=True):
    """A training with some settings and what came of it on the validation data.

    number     from 0
    settings   what was other than in the recipe, by path
    state      "done", "pruned" (given up), or "failed" (with why in `message`)
    value      the watched value of its best epoch
    epoch      that epoch, from 1
    curve      the watched value of each epoch
    figures    all values of the best epoch
    seconds    that it took
    """

    number: int
    settings: dict[str, Any]
    state: str
    value: float | None = None
    epoch: int | None = None
    curve: list[float] = msgspec.field(default_factory=list)
    figures: dict[str, float] = msgspec.field(default_factory=dict)
    seconds: float = 0.0
    message: str = ""


def better(a: float | None, b: float | None, direction: str) -> bool:
    """Is a better than b? What is no number is never better."""
    if a is None or math.isnan(a):
        return False
    if b is None or math.isnan(b):
        return True
    return a < b if direction == "lower" else a > b


def best_of(trials: Sequence[Trial], direction: str) -> Trial | None:
    """The best finished trial; of equal ones the first."""
    found: Trial | None = None
    for t in trials:
        if t.state == "done" and better(t.value, found.value if found else None, direction):
            found = t
    return found


def write_trials(file: File, trials: Sequence[Trial]) -> None:
    """One JSON object a line, whole or not at all."""
    lines = [msgspec.json.encode(t).decode() + "\n" for t in trials]
    write_atomically(file, "".join(lines).encode())


def read_trials(file: File) -> list[Trial]:
    """The trials of a file; none where there is no file. Raises ValueError naming file and line."""
    if not file.is_file():
        return []
    found = []
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        try:
            found.append(msgspec.json.decode(line, type=Trial))
        except msgspec.DecodeError as error:
            raise ValueError(f"{file}:{number}: no trial: {error}") from None
    return found


def to_csv(trials: Sequence[Trial], monitor: str) -> str:
    """The trials as a table for other programs, in their order."""
    settings = list(dict.fromkeys(name for t in trials for name in t.settings))
    figures = list(dict.fromkeys(name for t in trials for name in t.figures if name != monitor))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "state", *settings, monitor, "epoch", "epochs", "seconds", *figures, "message"])
    for t in trials:
        given = [_cell(t.settings.get(name, "")) for name in settings]
        rest = [t.figures.get(name, "") for name in figures]
        value = "" if t.value is None else t.value
        writer.writerow(
            [t.number, t.state, *given, value, t.epoch or "", len(t.curve), t.seconds, *rest, t.message]
        )
    return text.getvalue()


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, (list, dict, bool)) else value
