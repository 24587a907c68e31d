"""How a regression went: prediction against truth, residuals, and the examples that lie farthest off."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from klarnet.metrics import resolve

from . import pictures
from .chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axis, figure, frame, svg
from .elements import Html, number, section, table
from .material import Material

MOST_POINTS, MOST_OUTPUTS, BINS = 2000, 6, 30


def value_sections(m: Material) -> list[Html]:
    """All sections of a regression, empty where it is none."""
    if m.values is None:
        return []
    y, t = m.values
    k = y.shape[1]
    names = list(m.net.class_names or ()) if len(m.net.class_names or ()) == k else []
    names = names or ([""] if k == 1 else [f"output {i + 1}" for i in range(k)])
    found = [errors(y, t), *(errors(y[:, i], t[:, i]) for i in range(k) if k > 1)]
    rows = [
        ["all" if k > 1 else "value", *map(number, found[0])],
        *([n, *map(number, f)] for n, f in zip(names, found[1:], strict=False)),
    ]
    note = (
        f"Over all {len(y):,} {m.part} examples. MSE: mean squared error; RMSE: its root, in the unit of the value;"
        " MAE: mean absolute error; R²: 1 is perfect, 0 is as good as always saying the mean."
    )
    figures = "".join(
        _against(y[:, i], t[:, i], names[i]) + _residuals(y[:, i], t[:, i], names[i])
        for i in range(min(k, MOST_OUTPUTS))
    )
    more = f"The first {MOST_OUTPUTS} of {k} outputs." if k > MOST_OUTPUTS else ""
    return [
        section("Errors", table(["", "MSE", "RMSE", "MAE", "R²"], rows), note=note),
        section("Truth and prediction", Html(f'<div class="charts">{figures}</div>'), note=more),
        _worst(m, y, t),
    ]


def errors(y: np.ndarray, t: np.ndarray) -> list[float]:
    """MSE, RMSE, MAE and R²."""
    found = []
    for name in ("mse", "rmse", "mae", "r2"):
        metric = resolve(name)
        metric.update(y, t)
        found.append(metric.result())
    return found


def _some(n: int) -> np.ndarray:
    """At most MOST_POINTS of n, evenly spread."""
    return np.unique(np.linspace(0, n - 1, min(n, MOST_POINTS)).astype(int))


def _dots(x: Axis, y: Axis, xs: Sequence[float], ys: Sequence[float]) -> str:
    return "".join(
        f'<circle class="dot pale c0" cx="{x(a):.1f}" cy="{y(b):.1f}" r="2.2"/>'
        for a, b in zip(xs, ys, strict=True)
    )


def _against(y: np.ndarray, t: np.ndarray, name: str) -> Html:
    fine = np.isfinite(y)
    y, t = y[fine], t[fine]
    if not len(y):
        return figure("Prediction by truth", '<p class="soft">No finite prediction.</p>')
    low, high = float(min(y.min(), t.min())), float(max(y.max(), t.max()))
    across, up = Axis(low, high, LEFT + 5, RIGHT - 5), Axis(low, high, BOTTOM - 5, TOP + 5)
    some = _some(len(y))
    ends = f"M{across(across.low):.1f} {up(up.low):.1f}L{across(across.high):.1f} {up(up.high):.1f}"
    body = (
        frame(across, up, "truth")
        + _dots(across, up, t[some], y[some])
        + f'<path class="mark over" d="{ends}"/>'
    )
    title = f"Prediction by truth{f': {name}' if name else ''}"
    part = f"{len(some):,} of {len(y):,} examples" if len(some) < len(y) else f"{len(y):,} examples"
    legend = f'<span class="c0">{part}</span><span class="mark">right</span>'
    return figure(title, svg(WIDTH, HEIGHT, f"{title}, {part}", body), legend)


def _residuals(y: np.ndarray, t: np.ndarray, name: str) -> Html:
    d = (y - t)[np.isfinite(y)]
    if not len(d):
        return Html("")
    wide = float(abs(d).max()) or 1.0
    counts, edges = np.histogram(d, BINS, (-wide, wide))
    across, up = Axis(-wide, wide, LEFT + 5, RIGHT - 5), Axis(0, float(counts.max()), BOTTOM, TOP)
    bars = "".join(
        f'<rect class="bar c0" x="{across(edges[i]) + 0.5:.1f}" y="{up(n):.1f}"'
        f' width="{across(edges[i + 1]) - across(edges[i]) - 1:.1f}" height="{BOTTOM - up(n):.1f}">'
        f"<title>{edges[i]:.3g} to {edges[i + 1]:.3g}: {n:,}</title></rect>"
        for i, n in enumerate(counts)
        if n
    )
    middle = f'<path class="mark" d="M{across(0):.1f} {TOP}V{BOTTOM}"/>'
    title = f"Residuals{f': {name}' if name else ''}"
    said = f"{title}: mean {d.mean():.4g}, standard deviation {d.std():.4g}"
    body = frame(across, up, "prediction − truth") + bars + middle
    note = f"mean {d.mean():.4g}, standard deviation {d.std():.4g}"
    return figure(title, svg(WIDTH, HEIGHT, said, body), '<span class="c0">examples</span>', note)


def _worst(m: Material, y: np.ndarray, t: np.ndarray, most: int = 12) -> Html:
    off = np.nan_to_num(np.sqrt(((y - t) ** 2).mean(axis=1)), nan=np.inf)
    worst = np.argsort(-off, kind="stable")[:most]
    shape = np.shape(m.X)[1:]

    def said(row: np.ndarray) -> str:
        return ", ".join(f"{v:.4g}" for v in row[:4]) + (", …" if len(row) > 4 else "")

    note = f"The {len(worst)} {m.part} examples whose prediction lies farthest from the truth."
    if pictures.is_picture(shape):
        figures = "".join(
            f'<figure><img alt="Example {i}" src="{pictures.example(np.asarray(m.X[i]))}"><figcaption>is'
            f" <b>{escape(said(t[i]))}</b>, predicted <b>{escape(said(y[i]))}</b></figcaption></figure>"
            for i in worst
        )
        return section("Worst examples", Html(f'<div class="examples">{figures}</div>'), note=note)
    rows = [[int(i), said(t[i]), said(y[i]), f"{off[i]:.4g}"] for i in worst]
    heads = ["example", "truth", "prediction", "distance"]
    return section("Worst examples", table(heads, rows), note=note)
