"""Arguments that several commands take."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from cyclopts import Parameter

Run = Annotated[str, Parameter(help="A run folder, or a .klarnet file.")]
RecipeName = Annotated[
    str, Parameter(name="RECIPE", help="A recipe: a TOML file, a run folder, or one of `klarnet recipes`.")
]
Data = Annotated[str | None, Parameter(name="--data", help="Path of the data, as data.path in the recipe.")]
Json = Annotated[bool, Parameter(negative="", show_default=False, help="Print JSON instead of text.")]
Sets = Annotated[
    list[str] | None,
    Parameter(
        name="--set",
        negative=(),
        show_default=False,
        help="Change one setting, as training.epochs=3; the value is TOML. May be given again.",
    ),
]
Seed = Annotated[int | None, Parameter(help="Same seed and engine, same bits.")]
Threads = Annotated[int | None, Parameter(help="Threads; results do not depend on it.")]
Engine = Annotated[
    Literal["native", "formulas"] | None, Parameter(help="What computes: the compiled engine or NumPy.")
]

# Settings that name a file or folder.
FILES: dict[tuple[str, ...], str] = {("data", "path"): "--data", ("transfer", "weights"): "--from"}


def flag(text: str) -> Parameter:
    """An option that is there or not."""
    return Parameter(negative="", show_default=False, help=text)


def changes(sets: list[str] | None, **short: Any) -> list[tuple[tuple[str | int, ...], Any, str]]:
    """What the command line changes in a recipe: each --set, then the short forms, by the setting they stand for.

    A short form is named by its setting, `training__epochs=3`; None where it was not given.
    """
    from klarnet.tasks.recipes import set_option

    found: list[tuple[tuple[str | int, ...], Any, str]] = [set_option(text) for text in sets or ()]
    for name, value in short.items():
        if value is None:
            continue
        path = tuple(name.split("__"))
        option = FILES.get(path) or "--" + path[-1].replace("_", "-")
        found.append((path, os.path.abspath(value) if path in FILES else value, option))
    return found
