"""`klarnet recipes` and `klarnet recipe`: the recipes that come with klarnet, as a list and as files to edit."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

RECIPES_EXAMPLES = """\
Examples:
  klarnet recipes"""

RECIPE_EXAMPLES = """\
Examples:
  klarnet recipe digits > my.toml
  klarnet train my.toml"""


def recipes() -> int:
    """List the recipes that come with klarnet."""
    from klarnet.tasks import recipes as known

    for name in known.built_in():
        print(f"{name:11}{known.find_recipe(name).about}")
    return 0


def recipe(
    name: Annotated[str, Parameter(name="NAME", help="One of `klarnet recipes`, or a run folder.")], /
) -> int:
    """Print a recipe, to be edited and trained.

    A built-in one has comments; that of a run says every setting.
    """
    from pathlib import Path

    from klarnet.tasks import recipes as known

    file = Path(name) / "recipe.toml"
    if name not in known.built_in() and file.is_file():
        print(file.read_text(encoding="utf-8"), end="")
    else:
        print(known.built_in_text(name), end="")
    return 0
