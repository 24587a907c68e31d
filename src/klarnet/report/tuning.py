"""Pages about settings: a search trial by trial, and the curve of a learning-rate range test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from klarnet.network.files import write_atomically
from klarnet.tasks.tuning import Study, Trial
from klarnet.tasks.tuning.space import Parameter
from klarnet.training import RateCurve

from .chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axis, Series, figure, frame, lines, svg
from .elements import Html, duration, page, percent, section, table, tiles, words


def write_tuning(path: Path, study: Study) -> None:
    """The page of a search as it stands, whole or not at all. Figures of the test are in it only after the test."""
    done, total = len(study.trials), study.space.trials
    lead = "Every trial was judged on validation data. The test data are read once, when all trials are done."
    sections = [
        section(
            "Trials by number", _progress(study), note=f"{words(study.monitor)} of each trial's best epoch."
        ),
        section("Parameters", Html(f'<div class="charts">{"".join(_parameters(study))}</div>')),
        section("All trials", _trials(study), note="The best first."),
    ]
    title = f"klarnet: tuning {study.recipe.name}, {done} of {total} trials"
    write_atomically(path, page(title, lead, _figures(study), sections).encode())


def write_rates(path: Path, curve: RateCurve, name: str) -> None:
    """The page of a learning-rate range test."""
    series = [
        Series("loss of a batch", curve.rates, curve.losses, 7),
        Series("smoothed", curve.rates, curve.smoothed, 0),
    ]
    found = curve.suggestion
    mark = None if found is None else (found, f"suggested: {found:.2g}")
    chart = lines("loss", series, x_label="learning rate", log=True, log_x=True, mark=mark)
    rows = [
        [f"{r:.3g}", f"{a:.4f}", f"{b:.4f}"]
        for r, a, b in zip(curve.rates, curve.losses, curve.smoothed, strict=True)
    ]
    head = tiles(
        [("none" if found is None else f"{found:.2g}", "suggested"), (f"{curve.lowest:.2g}", "lowest loss")]
    )
    note = curve.advice() + (f"; {curve.ended}" if curve.ended else "")
    steps = table(["learning rate", "loss", "smoothed"], rows, left=0)
    sections = [
        section("Curve", Html(f'<div class="charts">{chart}</div>'), note=note),
        section("Steps", Html(f"<details><summary>All {len(rows)} steps</summary>{steps}</details>")),
    ]
    lead = "The learning rate rises from step to step; the loss falls fastest where it is of most use."
    write_atomically(path, page(f"klarnet: learning rates of {name}", lead, head, sections).encode())


def _figures(study: Study) -> Html:
    items = []
    best = study.best
    if best is not None and best.value is not None:
        share = study.monitor.endswith("accuracy")
        shown = percent(best.value, 2) if share else f"{best.value:.4f}"
        items += [(shown, f"best {words(study.monitor)}"), (str(best.number + 1), "best trial")]
    for name, value in study.tested().items():
        if isinstance(value, float):
            shown = percent(value, 2) if name == "accuracy" else f"{value:.4f}"
            items.append((shown, f"test {words(name)} of the best"))
    items += [
        (f"{len(study.trials)} of {study.space.trials}", "trials"),
        (duration(sum(t.seconds for t in study.trials)), "training time"),
    ]
    return tiles(items)


def _progress(study: Study) -> Html:
    """The value of each trial, and the best so far."""
    done = [t for t in study.trials if t.state == "done" and t.value is not None]
    if not done:
        return Html('<p class="soft">No trial has come to an end yet.</p>')
    best: list[float] = []
    for t in done:
        value = float(t.value or 0.0)
        best.append(value if not best else (min if study.direction == "lower" else max)(best[-1], value))
    numbers = [float(t.number + 1) for t in done]
    trials = [(n, float(t.value or 0.0), f"trial {n:g}") for n, t in zip(numbers, done, strict=True)]
    x, y = _axis(numbers, LEFT + 8, RIGHT - 8), _axis([v for _, v, _ in trials], BOTTOM - 6, TOP + 6)
    steps = " ".join(f"{x(n):.1f},{y(v):.1f}" for n, v in zip(numbers, best, strict=True))
    body = (
        f'{frame(x, y, "trial", whole=True)}<polyline class="line c1" points="{steps}"/>{_dots(x, y, trials)}'
    )
    legend = '<span class="c0">a trial</span><span class="c1">best so far</span>'
    said = f"{words(study.monitor)} of {len(done)} trials, the best {best[-1]:.4g}"
    drawn = figure(words(study.monitor), svg(WIDTH, HEIGHT, said, body), legend)
    return Html(f'<div class="charts">{drawn}</div>')


def _parameters(study: Study) -> list[Html]:
    """The value of each trial over each parameter."""
    done = [t for t in study.trials if t.state == "done" and t.value is not None]
    if not done:
        return []
    y = _axis([float(t.value or 0.0) for t in done], BOTTOM - 6, TOP + 6)
    return [_scatter(study, p, done, y) for p in study.space.parameters]


def _scatter(study: Study, p: Parameter, done: Sequence[Trial], y: Axis) -> Html:
    values = [study.value_of(t, p) for t in done]
    said = f"{words(study.monitor)} over {p.name}"
    if p.range is None:
        names = [repr(c) for c in p.choices if c in values] + [repr(v) for v in values if v not in p.choices]
        names = list(dict.fromkeys(names))
        places = [float(names.index(repr(v))) for v in values]
        x = Axis(-0.5, max(len(names) - 0.5, 0.5), LEFT, RIGHT)
        labels = "".join(
            f'<text x="{x(i):.1f}" y="{BOTTOM + 16}" text-anchor="middle">{escape(name)}</text>'
            for i, name in enumerate(names)
        )
        body = _rows(y) + labels
    else:
        kept = [(t, v) for t, v in zip(done, values, strict=True) if isinstance(v, (int, float))]
        done, places = [t for t, _ in kept], [float(v) for _, v in kept]
        if not places:
            return figure(p.name, '<p class="soft">No number.</p>')
        log = p.range.log and min(places) > 0
        x = _axis(places, LEFT + 8, RIGHT - 8, log=log)
        body = frame(x, y, p.name)
    points = [
        (a, float(t.value or 0.0), f"trial {t.number + 1}: {study.shown(study.value_of(t, p))}")
        for a, t in zip(places, done, strict=True)
    ]
    return figure(p.name, svg(WIDTH, HEIGHT, said, body + _dots(x, y, points)))


def _rows(y: Axis) -> str:
    """Horizontal lines with their numbers."""
    parts = [f'<path class="axis" d="M{LEFT} {BOTTOM}H{RIGHT}"/>']
    for v in y.ticks():
        parts.append(f'<path class="axis" d="M{LEFT} {y(v):.1f}H{RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(v) + 4:.1f}" text-anchor="end">{v:g}</text>')
    return "".join(parts)


def _axis(values: Sequence[float], begin: float, end: float, *, log: bool = False) -> Axis:
    finite = [v for v in values if math.isfinite(v)]
    return Axis(min(finite), max(finite), begin, end, log=log)


def _dots(x: Axis, y: Axis, points: Sequence[tuple[float, float, str]]) -> str:
    drawn = []
    for a, b, said in points:
        if math.isfinite(b):
            title = f"<title>{escape(said)}, {b:.4g}</title>"
            drawn.append(f'<circle class="dot c0" cx="{x(a):.1f}" cy="{y(b):.1f}" r="3.5">{title}</circle>')
    return "".join(drawn)


def _trials(study: Study) -> Html:
    heads = [
        "trial",
        *(p.name for p in study.space.parameters),
        words(study.monitor),
        "best epoch",
        "time",
        "",
    ]
    rows: list[list[Any]] = [
        [
            t.number + 1,
            *(study.shown(study.value_of(t, p)) for p in study.space.parameters),
            "" if t.value is None else f"{t.value:.4f}",
            "" if t.epoch is None else f"{t.epoch} of {len(t.curve)}",
            duration(t.seconds),
            {"done": "", "pruned": "given up"}.get(t.state, f"failed: {t.message}"),
        ]
        for t in study.ranked()
    ]
    return table(heads, rows)
