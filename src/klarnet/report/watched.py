"""What was watched while the network learned: weights and gradients over time, and the figures of the layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from .chart import Series, figure, lines
from .elements import Html, section
from .pictures import png

BINS, HIGH, MOST, CURVES = 48, 96, 40, 8
BLUE = (74, 134, 216)  # shows on light and on dark


def watched_sections(watched: Mapping[str, Any] | None) -> list[Html]:
    """The sections for what `Watch.to_json()` gave; none where nothing was watched."""
    if not watched or not watched.get("steps"):
        return []
    steps = [int(s) for s in watched["steps"]]
    weights = watched["weights"]
    few = f" The first {MOST} of {len(weights)}." if len(weights) > MOST else ""
    strips = "".join(_strip(w["name"], w["values"], steps) for w in weights[:MOST])
    gradients = "".join(
        _strip(w["name"], w["gradients"], steps) for w in weights[:MOST] if any(w["gradients"])
    )
    note = (
        f"A column a look, from step {steps[0]:,} to {steps[-1]:,}; the stronger the colour, the more values lie"
        f" there. Each has the scale that its two numbers say.{few}"
    )
    return [
        section("Weights over time", _small(strips), note=note),
        section("Gradients over time", _small(gradients), note=note),
        section("Layers over time", _curves(watched, steps), _warnings(watched.get("warnings", ()))),
    ]


def _small(charts: str) -> Html:
    return Html(f'<div class="charts small">{charts}</div>' if charts else "")


def _strip(name: str, histograms: Sequence[Mapping[str, Any] | None], steps: Sequence[int]) -> Html:
    """Histograms {"low", "high", "counts"} as columns of one picture."""
    there = [h for h in histograms if h]
    low, high = min(h["low"] for h in there), max(h["high"] for h in there)
    picture = heat(histograms, low, high)
    said = f"{name} from step {steps[0]} to {steps[-1]}: values between {low:.3g} and {high:.3g}"
    image = f'<img class="strip" alt="{escape(said)}" src="{picture}">'
    return figure(name, image, note=f"{low:.3g} … {high:.3g}")


def heat(histograms: Sequence[Mapping[str, Any] | None], low: float, high: float) -> str:
    """A PNG of BINS rows, low values at the bottom, and a column a histogram; as deep as the root of the density.

    A histogram has bins of its own: its counts are spread evenly over each of them. Nothing is drawn for None.
    """
    from PIL import Image

    wide = (high - low) or 1.0
    edges = low + wide * np.arange(BINS + 1) / BINS
    depth = np.zeros((BINS, len(histograms)))
    for column, h in enumerate(histograms):
        if not h or not sum(h["counts"]):
            continue
        begin, end, counts = h["low"], h["high"], np.asarray(h["counts"], np.float64)
        if begin == end:
            depth[min(BINS - 1, int((begin - low) / wide * BINS)), column] = 1.0
            continue
        own = np.linspace(begin, end, len(counts) + 1)
        below = np.interp(edges, own, np.concatenate([[0.0], np.cumsum(counts)]))
        density = np.diff(below)
        depth[:, column] = np.sqrt(density / density.max())
    pixels = np.empty((BINS, len(histograms), 4), np.uint8)
    pixels[..., :3] = BLUE
    pixels[..., 3] = np.round(255 * depth[::-1])
    scale = max(1, -(-192 // max(1, len(histograms))))
    return png(Image.fromarray(pixels.repeat(scale, axis=1).repeat(2, axis=0)))


def _curves(watched: Mapping[str, Any], steps: Sequence[int]) -> Html:
    """Norms, ratios and shares by step, of at most CURVES layers or weights, evenly chosen from the first to the
    last."""
    asked = (
        ("layers", "gradient_norm", "norm of the output's gradient", True),
        ("weights", "update_ratio", "update / weight", True),
        ("layers", "spread", "standard deviation of the output", False),
        ("layers", "zeros", "share of zeros", False),
        ("layers", "saturated", "share of saturated units", False),
    )
    charts = []
    for part, key, title, log in asked:
        rows = [r for r in watched[part] if any(v is not None for v in r.get(key, ()))]
        if not rows:
            continue
        some = [rows[i] for i in np.unique(np.linspace(0, len(rows) - 1, min(len(rows), CURVES)).astype(int))]
        series = [
            Series(r["name"], steps, [float("nan") if v is None else float(v) for v in r[key]], colour)
            for colour, r in enumerate(some)
        ]
        charts.append(lines(title, series, x_label="step", log=log))
    return Html(f'<div class="charts">{"".join(charts)}</div>' if charts else "")


def _warnings(found: Sequence[Mapping[str, Any]]) -> Html:
    if not found:
        return Html("")
    rows = "".join(f"<li>step {w['step']}: {escape(str(w['text']))}</li>" for w in found)
    return Html(f"<h3>Warnings</h3><ul>{rows}</ul>")
