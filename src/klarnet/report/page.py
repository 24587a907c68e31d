"""The report of a run: one HTML page that needs nothing else."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from klarnet.network.files import write_atomically

from .about import settings_and_environment
from .classes import class_sections
from .curves import curves
from .elements import Html, duration, number, page, percent, text, tiles, words
from .filters import first_layer
from .histograms import weights
from .material import Material, of_run
from .network import network_sections, parameters
from .values import errors, value_sections
from .watched import watched_sections

if TYPE_CHECKING:
    from klarnet.tasks.train import Outcome


def html(source: Material | Outcome) -> str:
    """The whole page."""
    m = source if isinstance(source, Material) else of_run(source)
    sections = [
        curves(m.history),
        *class_sections(m),
        *value_sections(m),
        first_layer(m.net),
        *network_sections(m),
        weights(m.net),
        *watched_sections(m.watched),
        settings_and_environment(m),
    ]
    stopped = m.history.stopped
    note = f'<p class="soft">Stopped early: {text(stopped)}.</p>' if stopped else ""
    lead = "What the network learned, on examples it never saw while training."
    return page(m.title, lead, f"{_figures(m)}{note}", sections)


def _figures(m: Material) -> Html:
    """The figures that one looks for first."""
    items = []
    shares = {"accuracy", "precision", "recall", "f1"}
    ordered = sorted(m.result.items(), key=lambda item: (item[0] != "accuracy", item[0] == "loss"))
    for name, value in ordered:
        share = name.split("_")[0] in shares or name.startswith("top_")
        shown = percent(value) if share else "n/a" if math.isnan(value) else f"{value:.4g}"
        items.append((shown, f"{m.part} {words(name)}"))
    if m.values is not None and not {"rmse", "r2"} & set(m.result):
        _, rmse, _, r2 = errors(*m.values)
        items += [(number(rmse), f"{m.part} RMSE"), (number(r2), f"{m.part} R²")]
    items += [
        (f"{m.history.epochs}", "epochs" if m.history.epochs != 1 else "epoch"),
        (duration(m.seconds), "training time"),
        (f"{parameters(m.net):,}", "parameters"),
    ]
    return tiles(items)


def write_report(path: Path, source: Material | Outcome) -> None:
    """Write the report of a run, whole or not at all."""
    write_atomically(path, html(source).encode())
