"""What a run folder tells afterwards, read so that a broken or unfinished run is named and does not stop anything."""

from __future__ import annotations

import json
import math
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from klarnet.metrics import resolve

from .about import flat

SETTINGS = ("recipe.toml", "settings.toml")


@dataclass
class Run:
    """A run folder: settings by their dotted names, the rows of its history, its evaluation.

    troubles   what is missing or broken, a line each
    """

    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    evaluation: dict[str, Any] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Is there nothing to compare?"""
        return not self.rows and not self.evaluation

    @property
    def seconds(self) -> float:
        """Seconds of all epochs."""
        return sum(_number(row.get("seconds")) for row in self.rows)

    @property
    def best(self) -> dict[str, Any]:
        """The row of the epoch that was best by what the run watched; {} where no epoch was finished."""
        found: dict[str, Any] = {}
        name = self._watched()
        higher = _higher_is_better(name)
        for row in self.rows:
            value = _number(row.get(name), math.nan)
            best = _number(found.get(name), math.nan)
            if not math.isnan(value) and (math.isnan(best) or (value > best if higher else value < best)):
                found = row
        return found

    def _watched(self) -> str:
        monitor = self.settings.get("training.monitor")
        names = {name for row in self.rows for name in row}
        if isinstance(monitor, str) and monitor in names:
            return monitor
        return "validation_loss" if "validation_loss" in names else "loss"

    def figures(self, before: str) -> dict[str, float]:
        """The best epoch's figures whose names begin so, without that beginning."""
        return {
            name.removeprefix(before): float(value)
            for name, value in self.best.items()
            if name.startswith(before) and isinstance(value, (int, float)) and not isinstance(value, bool)
        }

    @property
    def test(self) -> dict[str, float]:
        """The figures of the one evaluation on test data."""
        return {k: float(v) for k, v in self.evaluation.items() if isinstance(v, float)}


def read_run(folder: str | os.PathLike[str]) -> Run:
    """Read what there is. Raises nothing: what cannot be read stands in `troubles`."""
    path = Path(folder)
    run = Run(str(folder).rstrip("/"))
    if not path.is_dir():
        run.troubles.append("no such folder" if not path.exists() else "a file, expected a run folder")
        return run
    asked = next((path / name for name in SETTINGS if (path / name).is_file()), None)
    if asked is None:
        run.troubles.append(f"no {SETTINGS[0]}")
    else:
        run.settings = dict(flat(_read(run, asked, tomllib.loads) or {}))
    if not (path / "history.jsonl").is_file():
        run.troubles.append("no history.jsonl: no epoch was finished")
    else:
        _read(run, path / "history.jsonl", lambda text: _rows(run.rows, text))
    if not (path / "evaluation.json").is_file():
        run.troubles.append("unfinished: no evaluation.json")
    else:
        run.evaluation = _read(run, path / "evaluation.json", _object) or {}
    return run


def _read(run: Run, path: Path, decode: Any) -> Any:
    try:
        return decode(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        run.troubles.append(f"{path.name}: {reason}")
        return None


def _rows(rows: list[dict[str, Any]], text: str) -> None:
    """Read a history into `rows`; raises ValueError with the first line that is none, behind the good ones."""
    for number, line in enumerate(text.splitlines(), 1):
        try:
            row = _object(line)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
        if not isinstance(row.get("epoch"), int):
            raise ValueError(f"line {number}: no epoch")
        rows.append(row)


def _object(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError(f"expected an object, got {type(found).__name__}")
    return found


def _number(value: Any, otherwise: float = 0.0) -> float:
    return float(value) if isinstance(value, (int, float)) else otherwise


def _higher_is_better(name: str) -> bool:
    plain = name.removeprefix("validation_")
    try:
        return plain != "loss" and resolve(plain).better == "higher"
    except ValueError:  # a metric of a user's own
        return False
