"""Histograms of the weights."""

from __future__ import annotations

from html import escape

import numpy as np

from klarnet.model import Network

from .chart import Axis, figure, svg
from .elements import Html, section

BINS, MOST = 40, 60
WIDE, HIGH = 190, 96


def weights(net: Network) -> Html:
    """The section: one histogram for each array of weights of the network as it was kept."""
    names = [s.name for s in net.weights.slots.values() if s.trained and s.size > 1]
    charts = "".join(_bars(name, net.weights[name]) for name in names[:MOST])
    few = f" The first {MOST} of {len(names)}." if len(names) > MOST else ""
    note = f"Of the weights that were kept, each array by itself: how many, mean ± standard deviation.{few}"
    return section("Weights", Html(f'<div class="charts small">{charts}</div>') if charts else "", note=note)


def _bars(name: str, values: np.ndarray) -> Html:
    values = values[np.isfinite(values)].astype(np.float64)
    if not len(values):
        return figure(name, '<p class="soft">No finite value.</p>')
    low, high = float(values.min()), float(values.max())
    x = Axis(low, high, 4, WIDE - 4)
    counts, edges = np.histogram(values, BINS, (x.low, x.high))
    y = Axis(0, float(counts.max()), HIGH - 16, 4)
    path = "".join(f"L{x(edges[i]):.1f} {y(n):.1f}H{x(edges[i + 1]):.1f}" for i, n in enumerate(counts))
    body = f'<path class="bar c0" d="M{x(x.low):.1f} {HIGH - 16}{path}V{HIGH - 16}Z"/>'
    if x.low < 0 < x.high:
        body += f'<path class="mark" d="M{x(0):.1f} 4V{HIGH - 16}"/>'
    body += f'<path class="axis" d="M4 {HIGH - 16}H{WIDE - 4}"/>'
    body += f'<text class="small" x="4" y="{HIGH - 3}">{low:.3g}</text>'
    body += f'<text class="small" x="{WIDE - 4}" y="{HIGH - 3}" text-anchor="end">{high:.3g}</text>'
    said = f"{name}: {values.size:,} weights, mean {values.mean():.3g}, standard deviation {values.std():.3g}"
    note = f"{values.size:,}: {values.mean():.2g} ± {values.std():.2g}"
    return figure(name, svg(WIDE, HIGH, said, body), note=escape(note))
