"""How a classification went: confusion matrix, pairs that were mixed up, a line a class, calibration, mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from klarnet.metrics import Calibration, ConfusionMatrix, calibration

from . import pictures
from .chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axis, figure, frame, svg
from .elements import Html, percent, section, table
from .material import Material

CLEARLY = 0.67  # depth of a cell's colour from which its number is written in white
LONGEST = 14  # letters of a class name beside the matrix


def class_sections(m: Material) -> list[Html]:
    """All sections of a classification, empty where it is none."""
    if m.matrix is None:
        return []
    found = [
        section(
            "Confusion matrix",
            Html(
                f'<div class="wide" tabindex="0" role="group" aria-label="Drawing">{drawn_matrix(m.matrix)}</div>'
            ),
            note="Rows are the truth, columns what the network said. Colour: the share of the row.",
        )
    ]
    found += [_pairs(m, m.matrix), _by_class(m.matrix)]
    if m.classes is not None and len(m.classes[0]):
        found += [_calibrated(calibration(m.classes[0], m.classes[1])), _mistakes(m)]
    return found


def drawn_matrix(matrix: ConfusionMatrix) -> Html:
    """The matrix as a drawing: blue where right, red where wrong, the deeper the larger the share of the row."""
    names = _short(matrix.class_names)
    k = len(names)
    cell = 34 if k <= 12 else 26 if k <= 30 else 14
    longest = max(map(len, names))
    turned = longest * 6.5 > cell
    left, top = 26 + longest * 6.5, 24 + (longest * 6.5 if turned else 14)
    size, body = k * cell, []
    body.append(f'<text x="{left + size / 2:.0f}" y="12" text-anchor="middle">prediction</text>')
    body.append(
        f'<text transform="translate(12 {top + size / 2:.0f}) rotate(-90)" text-anchor="middle">truth</text>'
    )
    for i, name in enumerate(names):
        at = i * cell + cell / 2
        body.append(
            f'<text class="ink" x="{left - 6:.0f}" y="{top + at + 4:.0f}" text-anchor="end">{escape(name)}</text>'
        )
        place = (
            f'transform="translate({left + at + 4:.0f} {top - 6:.0f}) rotate(-90)"'
            if turned
            else f'x="{left + at:.0f}" y="{top - 6:.0f}" text-anchor="middle"'
        )
        body.append(f'<text class="ink" {place}>{escape(name)}</text>')
    shares = np.nan_to_num(matrix.normalised("truth"))
    body.append(f'<rect class="cell" x="{left:.0f}" y="{top:.0f}" width="{size}" height="{size}"/>')
    for i, j in np.argwhere(matrix.counts):
        x, y, count = left + j * cell, top + i * cell, int(matrix.counts[i, j])
        depth = 0.12 + 0.88 * float(shares[i, j]) ** 0.6
        body.append(
            f'<rect class="{"right" if i == j else "wrong"}" x="{x:.0f}" y="{y:.0f}" width="{cell - 1}"'
            f' height="{cell - 1}" fill-opacity="{depth:.2f}"><title>{escape(matrix.class_names[i])} taken for'
            f" {escape(matrix.class_names[j])}: {count}</title></rect>"
        )
        if cell >= 20:
            kind = "on" if depth > CLEARLY else "ink"
            small = " small" if count > 999 else ""
            body.append(
                f'<text class="{kind}{small}" x="{x + (cell - 1) / 2:.1f}" y="{y + cell / 2 + 4:.0f}"'
                f' text-anchor="middle">{count}</text>'
            )
    said = f"Confusion matrix of {k} classes: accuracy {percent(matrix.accuracy)}"
    return svg(left + size + 4, top + size + 4, said, "".join(body), whole=True)


def _short(names: Sequence[str]) -> list[str]:
    """Names that fit beside the matrix; with their number before them where cutting would make two alike."""

    def cut(all_names: Sequence[str]) -> list[str]:
        return [n if len(n) <= LONGEST else n[: LONGEST - 1] + "…" for n in all_names]

    short = cut(names)
    return short if len(set(short)) == len(names) else cut([f"{i} {n}" for i, n in enumerate(names)])


def _pairs(m: Material, matrix: ConfusionMatrix, most: int = 8, each: int = 4) -> Html:
    """The pairs of classes that were mixed up most often, with pictures where the examples are pictures."""
    pairs = matrix.most_confused(most)
    shown = m.classes is not None and pictures.is_picture(np.shape(m.X)[1:])
    if not pairs:
        return Html("")
    names, made = matrix.class_names, []
    for truth, said, count, share in pairs:
        images = ""
        if shown and m.classes is not None:
            p, t, which = m.classes
            those = np.flatnonzero((t == truth) & (p.argmax(axis=1) == said))
            those = those[np.argsort(-p[those, said], kind="stable")][:each]
            images = "".join(
                f'<img alt="{escape(names[truth])}, taken for {escape(names[said])}"'
                f' src="{pictures.example(np.asarray(m.X[which[i]]), 64)}">'
                for i in those
            )
        words = f"<b>{escape(names[truth])}</b> taken for <b>{escape(names[said])}</b>: {count}×"
        of = f"{percent(share)} of the class"
        made.append(f'<figure class="pair">{images}<figcaption>{words}<br>{of}</figcaption></figure>')
    return section("Most confused", Html(f'<div class="pairs">{"".join(made)}</div>'))


def _by_class(matrix: ConfusionMatrix) -> Html:
    per = zip(matrix.class_names, matrix.examples, matrix.precision, matrix.recall, matrix.f1, strict=True)
    rows: list[list[Any]] = [[n, f"{c:,}", percent(p), percent(r), percent(f)] for n, c, p, r, f in per]
    for average, words in (("macro", "mean"), ("weighted", "weighted mean")):
        figures = [percent(matrix.averaged(f, average)) for f in ("precision", "recall", "f1")]  # type: ignore[arg-type]
        rows.append([words, f"{matrix.counts.sum():,}", *figures])
    note = (
        "Precision: of the answers of a class, the share that was right. Recall: of its examples, the share that was"
        " recognised. F1: their harmonic mean. The weighted mean counts each class by its examples."
    )
    return section("Classes", table(["class", "examples", "precision", "recall", "F1"], rows), note=note)


def _calibrated(c: Calibration) -> Html:
    """Reliability: in each bin of confidence, the share of answers that was right, over the diagonal of a network
    that is right as often as it says."""
    x, y = Axis(0, 1, LEFT, RIGHT), Axis(0, 1, BOTTOM, TOP)
    body = [frame(x, y, "confidence: probability of the answer")]
    counts = Axis(0, max(1, int(c.counts.max())), BOTTOM, TOP)
    bars, volumes = [], []
    for i, n in enumerate(c.counts):
        if not n:
            continue
        a, b = x(c.edges[i]) + 1, x(c.edges[i + 1]) - 1
        top, volume = y(c.accuracy[i]), counts(float(n))
        said = f"confidence {c.confidence[i]:.3f}: {percent(c.accuracy[i])} of {n:,} right"
        bars.append(
            f'<rect class="bar c0" x="{a:.1f}" y="{top:.1f}" width="{b - a:.1f}" height="{BOTTOM - top:.1f}">'
            f"<title>{said}</title></rect>"
        )
        volumes.append(
            f'<rect class="bar c3" x="{a:.1f}" y="{volume:.1f}" width="{b - a:.1f}" height="{BOTTOM - volume:.1f}">'
            f"<title>{n:,} answers</title></rect>"
        )
    diagonal = f'<path class="mark over" d="M{x(0):.1f} {y(0):.1f}L{x(1):.1f} {y(1):.1f}"/>'
    error = percent(c.expected_error, 2)
    said = f"Share of right answers by confidence; expected calibration error {error}"
    legend = '<span class="c0">share that was right</span><span class="mark">right as often as it says</span>'
    reliable = figure("Reliability", svg(WIDTH, HEIGHT, said, "".join([*body, *bars, diagonal])), legend)
    below = frame(x, counts, "confidence: probability of the answer") + "".join(volumes)
    drawn = svg(WIDTH, HEIGHT, "Answers by confidence", below)
    sure = figure("How sure it was", drawn, '<span class="c3">answers</span>')
    note = (
        f"Expected calibration error {error}: how far, over all answers, the share that was right lies from the"
        " probability that the network gave."
    )
    return section("Calibration", Html(f'<div class="charts">{reliable}{sure}</div>'), note=note)


def _mistakes(m: Material, most: int = 24) -> Html:
    """The wrong answers the network was surest of."""
    assert m.classes is not None
    p, truth, which = m.classes
    said = p.argmax(axis=1)
    wrong = np.flatnonzero(truth != said)
    if not len(wrong):
        return section("Mistakes", Html(f"<p>None: every {m.part} example was recognised.</p>"))
    worst = wrong[np.argsort(-p[wrong, said[wrong]], kind="stable")][:most]
    shown = f"the {len(worst)} it was surest of" if len(worst) < len(wrong) else "all of them"
    note = f"{len(wrong):,} of {len(truth):,} {m.part} examples were taken for another class; {shown}:"
    names = m.names
    if not pictures.is_picture(np.shape(m.X)[1:]):
        texts = isinstance(m.X[0], str)
        heads = ["text" if texts else "example", "is", "taken for", "sure", "true class"]
        rows = [
            [
                m.X[which[i]] if texts else int(which[i]),
                names[truth[i]],
                names[said[i]],
                percent(p[i, said[i]], 0),
                percent(p[i, truth[i]]),
            ]
            for i in worst
        ]
        return section("Mistakes", table(heads, rows, left=3), note=note)
    figures = "".join(
        f'<figure><img alt="{escape(names[truth[i]])}, taken for {escape(names[said[i]])}"'
        f' src="{pictures.example(np.asarray(m.X[which[i]]))}"><figcaption>is <b>{escape(names[truth[i]])}</b>,'
        f"<br>taken for <b>{escape(names[said[i]])}</b><br>{100 * p[i, said[i]]:.0f} % sure</figcaption></figure>"
        for i in worst
    )
    return section("Mistakes", Html(f'<div class="examples">{figures}</div>'), note=note)
