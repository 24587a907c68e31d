"""The network: a drawing, the layers in numbers, and what a step of its training costs."""

from __future__ import annotations

from html import escape
from typing import Any

from klarnet.model import Network
from klarnet.network.summary import size_text
from klarnet.training import Profile, profile

from .drawing import drawing
from .elements import Html, section, table
from .material import Material


def network_sections(m: Material) -> list[Html]:
    """Architecture, time and memory."""
    drawn = Html(f'<div class="tall" tabindex="0" role="group" aria-label="Drawing">{drawing(m.net)}</div>')
    found = [section("Network", drawn, _layers(m))]
    if m.sample is not None:
        X, t = m.sample
        found.append(cost(profile(m.net, X, t, loss=m.loss, optimizer=m.optimizer, seconds=0.3)))
    return found


def parameters(net: Network) -> int:
    """How many numbers the network has learned."""
    return sum(s.size for s in net.weights.slots.values())


def _layers(m: Material) -> Html:
    """The layers as a table, and what a training step needs in the words of `summary`."""
    summary = m.net.summary(batch_size=m.batch_size, training=True, loss=m.loss, optimizer=m.optimizer)
    heads, rows = ["layer", "kind", "output shape"], [[r.name, r.kind, r.shape] for r in summary.rows]
    if any(r.inputs for r in summary.rows):
        heads.append("from")
        rows = [[*row, r.inputs] for row, r in zip(rows, summary.rows, strict=True)]
    words = len(heads)
    for row, r in zip(rows, summary.rows, strict=True):
        row += [f"{n:,}" if n else "" for n in (r.parameters, r.multiply_adds)]
    text = str(summary).splitlines()
    notes = text[next(i for i, line in enumerate(text) if line.startswith("parameters: ")) :]
    shown = "".join(f"<li>{escape(note)}</li>" for note in notes)
    whole = table([*heads, "parameters", "multiply-adds"], rows, left=words)
    return Html(
        f"<details><summary>All layers as a table</summary>{whole}</details><ul class='soft'>{shown}</ul>"
    )


def cost(p: Profile) -> Html:
    """Seconds and bytes of a step, by layer and pass."""
    most = max((r.total for r in p.layers), default=0.0) or 1.0
    rows: list[list[Any]] = []
    for r in p.layers:
        if r.joined:
            continue
        own = "loss" in r.seconds or "update" in r.seconds
        times = [
            f"{1e3 * r.seconds[s]:.3f}" if s in r.seconds else ""
            for s in ("forward", "backward", "gradients")
        ]
        width = f"{4.5 * r.total / most:.2f}"
        share = Html(f'<span class="share" style="width:{width}rem"></span>{100 * r.total / p.seconds:.1f} %')
        rows.append(
            [
                r.name,
                share,
                *(["", "", ""] if own else times),
                f"{1e3 * r.total:.3f}",
                size_text(sum(r.bytes.values())),
            ]
        )
    rows.append(["a step", "", "", "", "", f"{1e3 * p.seconds:.3f}", size_text(p.arena)])
    heads = ["layer", "share", "forward ms", "backward ms", "gradients ms", "all ms", "arrays"]
    note = (
        f"A training step of {p.batch_size} examples, measured call by call on the {p.engine} engine with {p.threads}"
        f" thread{'s' if p.threads != 1 else ''}. Arrays are what a layer makes; the step needs less than their sum,"
        " since arrays lie where others are no longer needed. Layers that are missing were joined with the one before."
    )
    return section("Time and memory", table(heads, rows, left=2), note=note)
