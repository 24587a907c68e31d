"""The folder of a run: its recipe and small files, each written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from klarnet.network.files import write_atomically

from .recipes import Recipe, write_recipe

# What a run folder holds; a new run in the same folder removes what an old one left.
FILES = (
    "recipe.toml",
    "history.csv",
    "history.jsonl",
    "best.klarnet",
    "last.klarnet",
    "evaluation.json",
    "report.html",
)
SOMETIMES = ("watch.json",)


def write_text(path: Path, text: str) -> None:
    write_atomically(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    write_atomically(path, (json.dumps(value, indent=1) + "\n").encode())


def begin(folder: Path, recipe: Recipe) -> None:
    """Make the folder of a run, without what an earlier run left in it, and write its recipe."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*FILES, *SOMETIMES):
        (folder / name).unlink(missing_ok=True)
    write_recipe(folder / "recipe.toml", recipe)


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
