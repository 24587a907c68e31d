"""The HTML of a report: self-contained, light and dark, readable on a phone."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

import klarnet
from klarnet.engine.about import about
from klarnet.network.files import write_atomically
from klarnet.tasks.recipes import flat
from klarnet.tasks.train import Outcome

from . import pictures
from .style import STYLE


def table(heads: Sequence[str], rows: Sequence[Sequence[Any]], *, left: int = 1) -> str:
    """An HTML table; the first `left` columns hold words, the others numbers."""

    def line(tag: str, cells: Sequence[Any]) -> str:
        kinds = ["" if i < left else ' class="n"' for i in range(len(cells))]
        return "".join(f"<{tag}{kind}>{escape(str(c))}</{tag}>" for kind, c in zip(kinds, cells, strict=True))

    body = "".join(f"<tr>{line('td', row)}</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{line("th", heads)}</tr>{body}</table></div>'


def _number(name: str, value: Any) -> str:
    """A value of the history, in the digits that its kind deserves."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:g}" if name == "learning_rate" else f"{value:.{1 if name == 'seconds' else 4}f}"


def _curves(outcome: Outcome) -> str:
    rows = outcome.history.rows
    if not rows:
        return '<p class="soft">No epoch was finished.</p>'
    names = [n for n in ("loss", "accuracy") if n in outcome.history]
    columns = [c for c in rows[0] if c != "examples_per_second"]
    heads = [c.replace("_", " ") for c in columns]
    whole = table(heads, [[_number(c, r.get(c, "")) for c in columns] for r in rows])
    if not pictures.has_matplotlib():
        note = "Curves need the plot extra: <code>pip install 'klarnet[plot]'</code>"
        return f'<p class="soft">{note}</p>{whole}'
    drawn = [pictures.curve(rows, name, outcome.history.best_epoch) for name in names]
    images = "".join(f'<img alt="{escape(n)} by epoch" src="{d}">' for n, d in zip(names, drawn, strict=True))
    image = f'<div class="curves">{images}</div>'
    return f"{image}<details><summary>All epochs as a table</summary>{whole}</details>"


def _matrix(outcome: Outcome) -> str:
    matrix = outcome.result.confusion_matrix
    if matrix is None:
        return ""
    drawn = pictures.png(matrix.to_picture())

    def share(value: float) -> str:
        return "n/a" if np.isnan(value) else f"{100 * value:.1f} %"

    rows = [
        (name, int(n), share(p), share(r))
        for name, n, p, r in zip(
            matrix.class_names, matrix.counts.sum(axis=1), matrix.precision, matrix.recall, strict=True
        )
    ]
    heads = ["class", "examples", "precision", "recall"]
    return (
        "<h2>Confusion matrix</h2><p class='soft'>Rows are the truth, columns what the network said.</p>"
        f'<div class="wide"><span class="matrix"><img alt="Confusion matrix" src="{drawn}"></span></div>'
        f"<h2>Classes</h2>{table(heads, rows)}"
    )


def _mistakes(outcome: Outcome, most: int = 24) -> str:
    test, p = outcome.parts.test, outcome.predictions
    truth, said = np.asarray(test.t), p.argmax(axis=1)
    wrong = np.flatnonzero(truth != said)
    worst = wrong[np.argsort(-p[wrong, said[wrong]], kind="stable")][:most]
    if not len(wrong):
        return "<h2>Mistakes</h2><p>None: every test example was recognised.</p>"
    names = outcome.net.class_names or tuple(str(i) for i in range(p.shape[1]))
    figures = "".join(
        f'<figure><img alt="{escape(names[truth[i]])}, taken for {escape(names[said[i]])}" '
        f'src="{pictures.example(test.X[i])}"><figcaption>is <b>{escape(names[truth[i]])}</b>, taken for '
        f"<b>{escape(names[said[i]])}</b><br>{100 * p[i, said[i]]:.0f} % sure</figcaption></figure>"
        for i in worst
    )
    shown = f"the {len(worst)} it was surest of" if len(worst) < len(wrong) else "all of them"
    return (
        f"<h2>Mistakes</h2><p class='soft'>{len(wrong)} of {len(truth):,} test examples were taken for another class; "
        f'{shown}:</p><div class="examples">{figures}</div>'
    )


def _figures(outcome: Outcome) -> str:
    accuracy = outcome.result["accuracy"]
    items = [
        (f"{100 * accuracy:.1f} %", "test accuracy"),
        (f"{outcome.result['loss']:.4f}", "test loss"),
        (f"{outcome.history.epochs}", "epochs"),
        (f"{outcome.seconds:.0f} s", "training time"),
        (f"{sum(s.size for s in outcome.net.weights.slots.values()):,}", "parameters"),
    ]
    return (
        '<div class="figures">'
        + "".join(f"<div><b>{v}</b><span class='soft'>{n}</span></div>" for v, n in items)
        + "</div>"
    )


def _network(outcome: Outcome) -> str:
    """The layers as a table, and what a training step costs in the words of `summary`."""
    summary = outcome.net.summary(batch_size=outcome.recipe.training.batch_size, training=True)
    heads, rows = ["layer", "kind", "output shape"], [[r.name, r.kind, r.shape] for r in summary.rows]
    if any(r.inputs for r in summary.rows):
        heads.append("from")
        rows = [[*row, r.inputs] for row, r in zip(rows, summary.rows, strict=True)]
    words = len(heads)
    for row, r in zip(rows, summary.rows, strict=True):
        row += [f"{n:,}" if n else "" for n in (r.parameters, r.multiply_adds)]
    lines = str(summary).splitlines()
    notes = lines[next(i for i, line in enumerate(lines) if line.startswith("parameters: ")) :]
    shown = "".join(f"<li>{escape(note)}</li>" for note in notes)
    whole = table([*heads, "parameters", "multiply-adds"], rows, left=words)
    return f"<h2>Network</h2>{whole}<ul class='soft'>{shown}</ul>"


def _settings(outcome: Outcome) -> str:
    given = {k: v for k, v in flat(outcome.recipe).items() if not k.endswith("path")}
    sizes = {
        "training examples": f"{len(outcome.parts.train):,}",
        "validation examples": f"{len(outcome.parts.validation):,}",
        "test examples": f"{len(outcome.parts.test):,}",
    }
    engine = about()
    where = {
        "klarnet": klarnet.__version__,
        "engine": engine["engine"],
        "instruction set": engine.get("instruction_set", "none"),
        "threads": engine["threads"],
        "Python": platform.python_version(),
        "NumPy": np.__version__,
    }
    rows = [(k.replace("_", " "), v) for k, v in {**given, **sizes, **where}.items()]
    return f"<h2>Settings and environment</h2>{table(['setting', 'value'], rows, left=2)}"


def html(outcome: Outcome) -> str:
    """The whole page."""
    title = f"klarnet: {outcome.recipe.name}"
    stopped = outcome.history.stopped
    note = f"<p class='soft'>Stopped early: {escape(stopped)}.</p>" if stopped else ""
    parts = [
        f"<h1>{escape(title)}</h1>",
        "<p class='soft'>What the network learned, on examples it never saw while training.</p>",
        _figures(outcome),
        note,
        "<h2>Learning curves</h2>",
        _curves(outcome),
        _matrix(outcome),
        _mistakes(outcome),
        _network(outcome),
        _settings(outcome),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def write_report(path: Path, outcome: Outcome) -> None:
    """Write the report of a run, whole or not at all."""
    write_atomically(path, html(outcome).encode())
