"""Learning curves: every figure of the history, training and validation over each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from klarnet.training import History

from .chart import Series, lines
from .elements import Html, section, table, words
from .script import SLIDER

APART = ("epoch", "seconds", "examples_per_second")  # columns that are no figure of the network
LOGARITHMIC = 50  # how many times the least the largest must be


def curves(history: History) -> Html:
    """The section: a chart for each figure, the slider, and all epochs as a table."""
    if not history.rows:
        return section("Learning curves", Html('<p class="soft">No epoch was finished.</p>'))
    charts = "".join(chart(history, name) for name in figures_of(history))
    return section("Learning curves", SLIDER, f'<div class="charts">{charts}</div>', _whole(history.rows))


def figures_of(history: History) -> list[str]:
    """The figures by their plain names: loss before the others, the learning rate last."""
    names = dict.fromkeys(n.removeprefix("validation_") for n in history if _is_figure(history, n))
    return sorted(names, key=lambda n: (n != "loss", n == "learning_rate"))


def _is_figure(history: History, name: str) -> bool:
    numbers = [v for v in history[name] if v is not None]
    return name not in APART and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in numbers)


def values(history: History, name: str) -> list[float]:
    """A column as numbers; what an epoch lacks is NaN."""
    return [float("nan") if v is None else float(v) for v in history[name]]


def chart(history: History, name: str) -> Html:
    """One figure by epoch."""
    epochs = [float(row["epoch"]) for row in history.rows]
    series = [
        Series(label, epochs, values(history, key), colour)
        for colour, (label, key) in enumerate((("training", name), ("validation", f"validation_{name}")))
        if key in history
    ]
    if name == "learning_rate":
        series = [Series("learning rate", epochs, values(history, name), 2)]
    found = [y for s in series for _, y in s.points]
    log = bool(found) and min(found) > 0 and max(found) > LOGARITHMIC * min(found)
    best = history.best_epoch
    mark = None if best is None else (float(best), f"kept: epoch {best}")
    return lines(words(name), series, log=log, mark=mark)


def _whole(rows: Sequence[dict[str, Any]]) -> Html:
    columns = list(dict.fromkeys(c for row in rows for c in row))
    body = [[_cell(c, row.get(c, "")) for c in columns] for row in rows]
    whole = table([words(c) for c in columns], body)
    return Html(f"<details><summary>All epochs as a table</summary>{whole}</details>")


def _cell(name: str, value: Any) -> str:
    """A value of the history, in the digits that its kind deserves."""
    if not isinstance(value, float):
        return str(value)
    if name in ("seconds", "examples_per_second"):
        return f"{value:,.1f}"
    return f"{value:.4g}" if name == "learning_rate" or 0 < abs(value) < 0.001 else f"{value:.4f}"
