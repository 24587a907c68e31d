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
from klarnet.tasks.classify import Outcome

from . import pictures

STYLE = """
:root { color-scheme: light dark; --ink: #1d2330; --soft: #5d6675; --page: #ffffff; --box: #f4f6f9; --line: #d8dde5;
        --mark: #3b7dd8 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #9aa4b5; --page: #14171d; --box: #1d222b;
        --line: #333b48; --mark: #6ea4ee } }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 0 auto;
       padding: 1.2rem; max-width: 62rem }
h1 { font-size: 1.7rem; margin: .2rem 0 } h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem }
p.soft, figcaption, .soft { color: var(--soft) }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .8rem; margin: 1.2rem 0 }
.figures div { background: var(--box); border-radius: .6rem; padding: .7rem .9rem }
.figures b { display: block; font-size: 1.5rem }
.curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 1rem }
.wide { overflow-x: auto } img { max-width: 100%; height: auto }
table { border-collapse: collapse; font-size: .92rem } th { color: var(--soft); font-weight: 600 }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line) }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
.examples { display: grid; grid-template-columns: repeat(auto-fill, minmax(7.2rem, 1fr)); gap: .8rem }
.examples figure { margin: 0; background: var(--box); border-radius: .5rem; padding: .5rem; text-align: center }
.examples img { image-rendering: pixelated; width: 5.6rem } figcaption { font-size: .85rem; line-height: 1.3 }
.matrix { background: #fff; padding: .4rem; border-radius: .5rem; display: inline-block }
pre { background: var(--box); border-radius: .5rem; padding: .8rem; overflow-x: auto; font-size: .82rem;
      line-height: 1.35 }
"""


def table(heads: Sequence[str], rows: Sequence[Sequence[Any]], numbers: bool = True) -> str:
    """An HTML table; all columns but the first hold numbers."""
    kind = ' class="n"' if numbers else ""
    head = "".join(f"<th{kind if i else ''}>{escape(h)}</th>" for i, h in enumerate(heads))
    body = "".join(
        "<tr>" + "".join(f"<td{kind if i else ''}>{escape(str(c))}</td>" for i, c in enumerate(row)) + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def _number(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _curves(outcome: Outcome) -> str:
    rows = outcome.history.rows
    if not rows:
        return '<p class="soft">No epoch was finished.</p>'
    names = [n for n in ("loss", "accuracy") if n in outcome.history]
    columns = [c for c in rows[0] if c != "examples_per_second"]
    whole = table(columns, [[_number(r.get(c, "")) for c in columns] for r in rows])
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


def _settings(outcome: Outcome) -> str:
    import msgspec

    given = {k: v for k, v in msgspec.to_builtins(outcome.settings).items() if v is not None and k != "data"}
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
    return f"<h2>Settings and environment</h2>{table(['setting', 'value'], rows, numbers=False)}"


def html(outcome: Outcome) -> str:
    """The whole page."""
    title = f"klarnet: {outcome.settings.recipe}"
    stopped = outcome.history.stopped
    note = f"<p class='soft'>Stopped early: {escape(stopped)}.</p>" if stopped else ""
    summary = str(outcome.net.summary(batch_size=outcome.settings.batch_size, training=True))
    parts = [
        f"<h1>{escape(title)}</h1>",
        "<p class='soft'>What the network learned, on examples it never saw while training.</p>",
        _figures(outcome),
        note,
        "<h2>Learning curves</h2>",
        _curves(outcome),
        _matrix(outcome),
        _mistakes(outcome),
        f"<h2>Network</h2><pre>{escape(summary)}</pre>",
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
