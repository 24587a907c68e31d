"""The blocks of code of a page: found in its text, run in one namespace, their pictures as SVG. Knows no Sphinx."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Iterator
from typing import Any

BLOCK = re.compile(r"^```\{run\}[^\n]*\n((?::[^\n]*\n)*)(.*?)^```$", re.DOTALL | re.MULTILINE)
INK = "#010203"  # stands for the colour of the page's text, which the theme decides
STYLE = {
    "figure.figsize": (5.2, 3.0),
    "figure.dpi": 72,
    "figure.constrained_layout.use": True,
    "axes.prop_cycle": "cycler('color', ['#3b8ad0', '#e0702d', '#2e9e6b', '#b565c8', '#c29a1c', '#8a8a8a'])",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "svg.fonttype": "none",  # text stays text, and is found by a search
    "svg.hashsalt": "klarnet",
    **{f"{part}.facecolor": "none" for part in ("figure", "axes", "savefig")},
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
}


def blocks(page: str) -> Iterator[tuple[str, bool]]:
    """The code of each block of a page, and whether it draws a picture."""
    for options, code in BLOCK.findall(page):
        yield code, ":picture:" in options


def execute(code: str, names: dict[str, Any], where: str) -> tuple[str, str | None]:
    """Run code in the namespace `names` → what it printed, and its picture as an <svg> element, or None: the figure it
    left open, or the file of SVG that it called `drawing`.

    A warning is an error: a page shows nothing that warns. Raises what the code raises, and ValueError for more than
    one figure.
    """
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    printed = io.StringIO()
    try:
        with plt.rc_context(STYLE), warnings.catch_warnings(), contextlib.redirect_stdout(printed):
            warnings.simplefilter("error")
            exec(compile(code, where, "exec"), names)
            if len(plt.get_fignums()) > 1:
                raise ValueError(f"{where}: expected one figure a block, got {len(plt.get_fignums())}")
            drawing = names.pop("drawing", None)
            picture = as_svg(plt.gcf()) if plt.get_fignums() else drawing and inline(drawing)
    finally:
        plt.close("all")
    return printed.getvalue(), picture


def as_svg(figure: Any) -> str:
    """A figure as an <svg> element that takes the page's width, text colour and font."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(
        r'(<svg[^>]*?) width="([\d.]+)pt" height="[\d.]+pt"',
        r'\1 style="--width: \2pt"',
        svg,
        flags=re.DOTALL,
    )
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)  # a page holds several pictures, and an id may stand there once
    svg = re.sub(r"(font: [^'\";]*?)'DejaVu Sans'[^;\"]*", r"\1sans-serif", svg)
    return svg.replace(INK, "currentColor")


def inline(drawing: str) -> str:
    """A file of SVG as an <svg class="drawing"> element, which takes its colours from the page's own style."""
    svg = re.sub(r"<style>.*?</style>\s*", "", drawing, flags=re.DOTALL)
    return re.sub(
        r'<svg([^>]*?) width="([\d.]+)" height="[\d.]+" role="img" aria-label="[^"]*"',
        r'<svg class="drawing"\1 style="--width: \2px"',
        svg,
        count=1,
    )
