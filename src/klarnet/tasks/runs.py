"""The folder of a run: its settings and small files, each written whole or not at all."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import msgspec

from klarnet.network.files import write_atomically

# What a run folder holds; a new run in the same folder removes what an old one left.
FILES = (
    "settings.toml",
    "history.csv",
    "history.jsonl",
    "best.klarnet",
    "last.klarnet",
    "evaluation.json",
    "report.html",
)


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """The resolved settings of a run, as they stand in settings.toml. Raises ValueError for what cannot be trained."""

    recipe: str
    seed: int
    epochs: int
    batch_size: int
    learning_rate: float
    patience: int
    engine: str
    threads: int
    data: str | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "patience", "threads"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} {getattr(self, name)}, expected a whole number above 0")
        if not 0 <= self.seed < 2**64:
            raise ValueError(f"seed {self.seed}, expected a whole number from 0 up to 2**64")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate {self.learning_rate}, expected a number above 0")


def write_settings(path: Path, settings: Settings) -> None:
    given = {name: value for name, value in msgspec.to_builtins(settings).items() if value is not None}
    write_atomically(path, msgspec.toml.encode(given))


def read_settings(path: Path) -> Settings:
    """Raises ValueError naming the file and the place where it does not fit."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Settings)
    except (msgspec.ValidationError, msgspec.DecodeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None


def write_text(path: Path, text: str) -> None:
    write_atomically(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    write_atomically(path, (json.dumps(value, indent=1) + "\n").encode())


def begin(folder: Path, settings: Settings) -> None:
    """Make the folder of a run, without what an earlier run left in it, and write its settings."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
    write_settings(folder / "settings.toml", settings)


def fresh_folder(wanted: str | None, name: str, *, force: bool = False) -> Path:
    """The folder of a new run: the one asked for, or runs/NAME-1, -2, …, the first that does not exist.

    Raises ValueError for a folder that holds something, unless `force`, and for a path that is a file.
    """
    if wanted is None:
        number = 1
        while (folder := Path("runs") / f"{name}-{number}").exists():
            number += 1
        return folder
    folder = Path(wanted)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--out {wanted}: a file, expected a folder")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise ValueError(
            f"--out {wanted}: the folder is not empty; choose another one, or --force to write over it"
        )
    return folder
