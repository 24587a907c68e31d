"""Runs side by side: what was set differently, what came of it, and their curves over one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from klarnet.network import summary
from klarnet.network.files import write_atomically

from .about import shown
from .chart import Series, lines
from .curves import APART, LOGARITHMIC
from .elements import Html, duration, number, page, percent, section, table, text, words
from .runs import Run
from .script import SLIDER

SHARES = ("accuracy", "precision", "recall", "f1", "top")  # figures that are shown in percent
NEVER = {"name", "about"}  # settings that say nothing about the training


@dataclass
class Comparison:
    """A table of runs: one column a run, one row a setting or figure."""

    runs: list[Run]
    names: list[str]
    settings: list[tuple[str, list[str]]]
    figures: list[tuple[str, list[str]]]

    def __str__(self) -> str:
        """The table for a terminal."""
        rows = [*self.settings, *self.figures]
        heads = ["", *self.names]
        return summary.table(heads, [[name, *cells] for name, cells in rows], right=set(self.names))

    def to_json(self) -> list[dict[str, Any]]:
        """One object a run, with numbers as they are."""
        return [
            {
                "run": r.name,
                "settings": r.settings,
                "best_epoch": r.best.get("epoch"),
                "validation": r.figures("validation_"),
                "test": r.test,
                "seconds": r.seconds,
                "troubles": r.troubles,
            }
            for r in self.runs
        ]


def compare(runs: Sequence[Run]) -> Comparison:
    """Compare runs that have something to show. Raises ValueError where none has."""
    useful = [r for r in runs if not r.empty]
    if not useful:
        raise ValueError(f"compare: none of {', '.join(r.name for r in runs)} holds a finished epoch")
    keys = dict.fromkeys(k for r in useful for k in r.settings)
    settings = []
    for key in keys:
        cells = [shown(r.settings[key]) if key in r.settings else "" for r in useful]
        if len({repr(r.settings.get(key)) for r in useful}) > 1 and key not in NEVER:
            settings.append((key.replace("_", " "), cells))
    figures = [
        ("epochs", [str(len(r.rows)) for r in useful]),
        ("best epoch", [str(r.best.get("epoch", "")) for r in useful]),
    ]
    for what, found in (
        ("validation", [r.figures("validation_") for r in useful]),
        ("test", [r.test for r in useful]),
    ):
        for name in dict.fromkeys(n for f in found for n in f):
            cells = [_cell(name, f[name]) if name in f else "" for f in found]
            figures.append((f"{what} {words(name)}", cells))
    figures.append(("time", [duration(r.seconds) for r in useful]))
    return Comparison(useful, _names(useful), settings, figures)


def _names(runs: Sequence[Run]) -> list[str]:
    """The folders' last names where those are different, else their paths; made different where they repeat."""
    short = [PurePath(r.name).name for r in runs]
    names = short if len(set(short)) == len(short) else [r.name for r in runs]
    seen: dict[str, int] = {}
    for i, name in enumerate(names):
        seen[name] = seen.get(name, 0) + 1
        names[i] = name if seen[name] == 1 else f"{name} ({seen[name]})"
    return names


def _cell(name: str, value: float) -> str:
    return percent(value, 2) if name.split("_")[0] in SHARES else number(value)


def html(comparison: Comparison, troubled: Sequence[Run] = ()) -> str:
    """The page. `troubled`: runs that are named with what is wrong with them."""
    c = comparison
    figures = table(["figure", *c.names], [[name, *cells] for name, cells in c.figures])
    settings = (
        table(["setting", *c.names], [[name, *cells] for name, cells in c.settings]) if c.settings else ""
    )
    same = Html("<p>The runs have the same settings.</p>")
    wrong = "".join(f"<li><b>{text(shown(r.name))}</b>: {text('; '.join(r.troubles))}</li>" for r in troubled)
    charts = "".join(_chart(c, name) for name in _curves(c))
    sections = [
        section("Figures", figures, note="Validation figures are those of each run's best epoch."),
        section("Settings that differ", settings or same),
        section("Curves", SLIDER, Html(f'<div class="charts">{charts}</div>'), note=_LEGEND)
        if charts
        else "",
        section("Broken and unfinished runs", Html(f"<ul>{wrong}</ul>" if wrong else "")),
    ]
    return page(f"klarnet: {len(c.runs)} runs", ", ".join(c.names), "", sections)


_LEGEND = "A colour a run; solid: validation, dashed: training."


def _curves(c: Comparison) -> list[str]:
    """The figures that some run has a curve of."""
    names = dict.fromkeys(
        name.removeprefix("validation_")
        for r in c.runs
        for row in r.rows
        for name, value in row.items()
        if name not in APART and isinstance(value, (int, float))
    )
    return sorted(names, key=lambda n: (n != "loss", n == "learning_rate"))


def _chart(c: Comparison, name: str) -> Html:
    """One figure of all runs."""
    series = []
    for colour, (r, run) in enumerate(zip(c.runs, c.names, strict=True)):
        for key, dashed in ((f"validation_{name}", False), (name, True)):
            rows = [row for row in r.rows if isinstance(row.get(key), (int, float))]
            if rows:
                label = f"{run}, training" if dashed and name != "learning_rate" else run
                xs, ys = [float(row["epoch"]) for row in rows], [float(row[key]) for row in rows]
                series.append(Series(label, xs, ys, colour, dashed and name != "learning_rate"))
    values = [y for s in series for _, y in s.points]
    log = bool(values) and min(values) > 0 and max(values) > LOGARITHMIC * min(values)
    return lines(words(name), series, log=log)


def write_comparison(path: Path, comparison: Comparison, troubled: Sequence[Run] = ()) -> None:
    """Write the page, whole or not at all."""
    write_atomically(path, html(comparison, troubled).encode())
