"""The pieces of a page: tables, sections, the frame around them. Whatever is no `Html` is escaped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from .script import SCRIPT
from .style import STYLE


class Html(str):
    """Text that is HTML already."""


def text(value: Any) -> str:
    """A value as HTML."""
    return value if isinstance(value, Html) else escape(str(value))


def table(
    heads: Sequence[str], rows: Sequence[Sequence[Any]], *, left: int = 1, wrapped: bool = False
) -> Html:
    """A table; the first `left` columns hold words, the others numbers. The first cell of a row is its header.

    Where the page is too narrow it scrolls, or its cells are `wrapped`.
    """

    def cells(tag: str, row: Sequence[Any], scope: str) -> str:
        made = []
        for i, cell in enumerate(row):
            kind = "" if i < left else ' class="n"'
            head = tag == "th" or i == 0
            made.append(
                f'<th scope="{scope}"{kind}>{text(cell)}</th>' if head else f"<td{kind}>{text(cell)}</td>"
            )
        return f"<tr>{''.join(made)}</tr>"

    body = "".join(cells("td", row, "row") for row in rows)
    head = cells("th", heads, "col")
    kind = ' class="wrapped"' if wrapped else ""
    whole = f"<table{kind}><thead>{head}</thead><tbody>{body}</tbody></table>"
    return Html(f'<div class="wide" tabindex="0" role="group" aria-label="Table">{whole}</div>')


def section(title: str, *parts: str, note: str = "") -> Html:
    """A part of the page under a heading, which the list at the top leads to; nothing where all parts are empty."""
    if not any(parts):
        return Html("")
    said = f'<p class="soft">{text(note)}</p>' if note else ""
    return Html(f'<section id="{anchor(title)}"><h2>{escape(title)}</h2>{said}{"".join(parts)}</section>')


def anchor(title: str) -> str:
    """The address of a section inside its page."""
    return "".join(c if c.isalnum() else "-" for c in title.lower())


def tiles(items: Sequence[tuple[str, str]]) -> Html:
    """Large figures side by side: (value, what it is)."""
    return Html(
        '<div class="figures">'
        + "".join(f'<div><b>{text(v)}</b><span class="soft">{text(n)}</span></div>' for v, n in items)
        + "</div>"
    )


def page(title: str, lead: str, head: str, sections: Sequence[str]) -> str:
    """A whole page that needs nothing else. Without scripts it shows the same, only without the slider."""
    titles = [s.split("<h2>", 1)[1].split("</h2>", 1)[0] for s in sections if s]
    addresses = [s.split('id="', 1)[1].split('"', 1)[0] for s in sections if s]
    links = "".join(f'<a href="#{a}">{t}</a>' for a, t in zip(addresses, titles, strict=True))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>"
        f'<header><h1>{escape(title)}</h1><p class="soft">{escape(lead)}</p></header>'
        f'<nav aria-label="Parts of this page">{links}</nav><main>{head}{"".join(sections)}</main>'
        f"<script>{SCRIPT}</script></body></html>\n"
    )


def words(name: str) -> str:
    """The name of a figure as a reader knows it: validation_r2 -> validation R²."""
    known = {"mse": "MSE", "rmse": "RMSE", "mae": "MAE", "r2": "R²", "f1": "F1"}
    return " ".join(known.get(part, part) for part in name.split("_"))


def percent(share: float, digits: int = 1) -> str:
    """A share in percent; NaN is n/a."""
    return "n/a" if math.isnan(share) else f"{100 * share:.{digits}f} %"


def number(value: float) -> str:
    """A figure in four digits; NaN is n/a."""
    return "n/a" if math.isnan(value) else f"{value:.4g}"


def duration(seconds: float) -> str:
    """Seconds in words: 8.3 s, 2 min 5 s, 1 h 4 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"
