"""Docstrings as they stand in the code: what is indented or set in columns stays as typed, the rest flows.

They are written to be read in an editor, as plain text, so nothing in them is markup but `code`.
"""

from __future__ import annotations

import re
from typing import Any


def convert(lines: list[str]) -> list[str]:
    """The lines of a docstring as reStructuredText."""
    made: list[str] = []
    for paragraph in "\n".join(lines).strip("\n").split("\n\n"):
        rows = paragraph.strip("\n").split("\n")
        if any(row.startswith(" ") or re.search(r"\S {2,}\S", row) for row in rows):
            made += ["::", "", *("    " + row for row in rows), ""]
        else:
            made += [_flowing(row) for row in rows] + [""]
    return made


def _flowing(row: str) -> str:
    """A row of text in which only `code` means something."""
    pieces = row.split("`")
    text = [re.sub(r"([*|_\\])", r"\\\1", piece) for piece in pieces[::2]]
    code = [f"``{piece}``" for piece in pieces[1::2]]
    found = text[0]
    for literal, following in zip(code, text[1:], strict=False):
        # a literal ends where a word does; the empty escape ends it elsewhere
        found += literal + ("\\ " if following[:1].isalnum() or following[:1] in "([" else "") + following
    return found


def process(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    lines[:] = convert(lines)


def setup(app: Any) -> dict[str, Any]:
    app.connect("autodoc-process-docstring", process)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
