"""Charts as inline SVG: lines, bars and points in a frame with round numbers at its edges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from .elements import Html

WIDTH, HEIGHT = 360, 226
LEFT, RIGHT, TOP, BOTTOM = 46, 350, 10, 190  # of the frame that the data lie in
SHRINKS = 440  # wider drawings keep their size, and scroll on a narrow page
MOST_DOTS = 40  # longer lines are drawn without a dot for each value


class Axis:
    """Values from `low` to `high` on pixels from `begin` to `end`."""

    def __init__(self, low: float, high: float, begin: float, end: float, *, log: bool = False) -> None:
        if low == high:
            low, high = (low / 2, high * 2) if log else (low - abs(low or 1) / 2, high + abs(high or 1) / 2)
        self.low, self.high, self.begin, self.end, self.log = low, high, begin, end, log

    def __call__(self, value: float) -> float:
        a, b, v = (math.log(x) if self.log else x for x in (self.low, self.high, value))
        return self.begin + (v - a) / (b - a) * (self.end - self.begin)

    def ticks(self, most: int = 6, whole: bool = False) -> list[float]:
        """At most about `most` round numbers between low and high."""
        if self.log:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            factors = (1, 2, 5) if last - first <= 2 else (1,)
            every = max(1, (last - first) // most)
            marks = [f * 10.0**e for e in range(first, last + 1, every) for f in factors]
            return [m for m in marks if self.low <= m <= self.high] or [self.low, self.high]
        rough = (self.high - self.low) / most
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(f * power for f in (1, 2, 2.5, 5, 10) if f * power >= rough * 0.999)
        step = max(1, math.ceil(step)) if whole else step
        first = math.ceil(self.low / step - 1e-9)
        return [round(i * step, 12) for i in range(first, math.floor(self.high / step + 1e-9) + 1)]


@dataclass
class Series:
    """One curve: what it is called, its points, its colour (0 to 7). NaN and infinity leave a gap."""

    label: str
    xs: Sequence[float]
    ys: Sequence[float]
    colour: int = 0
    dashed: bool = False

    @property
    def points(self) -> list[tuple[float, float]]:
        return [
            (x, y) for x, y in zip(self.xs, self.ys, strict=True) if math.isfinite(x) and math.isfinite(y)
        ]

    def runs(self) -> list[list[tuple[float, float]]]:
        """The points between gaps."""
        found: list[list[tuple[float, float]]] = [[]]
        for x, y in zip(self.xs, self.ys, strict=True):
            if math.isfinite(x) and math.isfinite(y):
                found[-1].append((x, y))
            elif found[-1]:
                found.append([])
        return [run for run in found if run]


def svg(width: float, height: float, said: str, body: str, *, whole: bool = False) -> Html:
    """A drawing as wide as its place; `said` is read out instead of it.

    `whole`: of its own size instead, and not made much smaller where the page is narrow.
    """
    kind = ' class="whole"' if whole and width > SHRINKS else ""
    size = f'width="{width:g}" height="{height:g}"' if whole else 'width="100%"'
    return Html(
        f'<svg{kind} {size} viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(said)}">{body}</svg>'
    )


def figure(title: str, drawing: str, legend: str = "", note: str = "") -> Html:
    """A drawing under its title, with a legend below."""
    below = f'<p class="legend">{legend}</p>' if legend else ""
    below += f'<p class="legend">{note}</p>' if note else ""
    return Html(f'<figure class="chart"><figcaption>{escape(title)}</figcaption>{drawing}{below}</figure>')


def frame(x: Axis, y: Axis, x_label: str, *, whole: bool = False) -> str:
    """Grid, numbers at the edges, and what the horizontal axis counts."""
    parts = []
    for v in y.ticks():
        at = y(v)
        parts.append(f'<path class="axis" d="M{LEFT} {at:.1f}H{RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{v:g}</text>')
    for v in x.ticks(6, whole):
        parts.append(f'<text x="{x(v):.1f}" y="{BOTTOM + 16}" text-anchor="middle">{v:g}</text>')
    parts.append(f'<path class="axis" d="M{LEFT} {BOTTOM}H{RIGHT}"/>')
    middle = (LEFT + RIGHT) / 2
    return "".join(parts) + (
        f'<text x="{middle:g}" y="{BOTTOM + 32}" text-anchor="middle">{escape(x_label)}</text>'
    )


def lines(
    title: str,
    series: Sequence[Series],
    *,
    x_label: str = "epoch",
    log: bool = False,
    log_x: bool = False,
    mark: tuple[float, str] | None = None,
) -> Html:
    """Curves over one axis, as a figure; `mark` is a vertical line with its meaning."""
    drawn = [s for s in series if s.points]
    if not drawn:
        return figure(title, '<p class="soft">No finite value.</p>')
    xs = [p[0] for s in drawn for p in s.points]
    ys = [p[1] for s in drawn for p in s.points]
    log = log and min(ys) > 0
    room = 0.0 if log else 0.04 * (max(ys) - min(ys))
    x = Axis(min(xs), max(xs), LEFT + 6, RIGHT - 6, log=log_x and min(xs) > 0)
    y = Axis(min(ys) - room, max(ys) + room, BOTTOM, TOP, log=log)
    body = [frame(x, y, x_label, whole=not x.log)]
    if mark is not None and x.low <= mark[0] <= x.high:
        body.append(f'<path class="mark" d="M{x(mark[0]):.1f} {TOP}V{BOTTOM}"/>')
    for s in drawn:
        kind = f"c{s.colour % 8}" + (" dashed" if s.dashed else "")
        for run in s.runs():
            points = " ".join(f"{x(a):.1f},{y(b):.2f}" for a, b in run)
            if len(run) > 1:
                body.append(f'<polyline class="line {kind}" points="{points}"/>')
        if len(s.points) <= MOST_DOTS:
            body += [
                f'<circle class="dot c{s.colour % 8}" cx="{x(a):.1f}" cy="{y(b):.2f}" r="2.4">'
                f"<title>{escape(s.label)}, {escape(x_label)} {a:g}: {b:.4g}</title></circle>"
                for a, b in s.points
            ]
    said = [f"{s.label} from {s.points[0][1]:.4g} to {s.points[-1][1]:.4g}" for s in drawn]
    legend = "".join(
        f'<span class="c{s.colour % 8}{" dashed" if s.dashed else ""}">{escape(s.label)}</span>'
        for s in drawn
    )
    if mark is not None:
        legend += f'<span class="mark">{escape(mark[1])}</span>'
    drawing = svg(WIDTH, HEIGHT, f"{title} by {x_label}: {'; '.join(said)}", "".join(body))
    return figure(f"{title}, logarithmic" if log else title, drawing, legend)
