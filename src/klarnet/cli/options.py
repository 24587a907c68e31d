"""Arguments that several commands take."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

Run = Annotated[str, Parameter(help="A run folder, or a .klarnet file.")]
Data = Annotated[
    str | None, Parameter(name="--data", help="Folder of the data (mnist: its four IDX files, .gz or not).")
]
Json = Annotated[bool, Parameter(negative="", show_default=False, help="Print JSON instead of text.")]


def flag(text: str) -> Parameter:
    """An option that is there or not."""
    return Parameter(negative="", show_default=False, help=text)
