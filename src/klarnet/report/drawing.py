"""The architecture as a drawing: a box a layer, from the input down, with skip connections at the left.

A layer and the activation behind it share a box. The boxes stand in the order of the forward pass; what does not feed
the next box leaves at the left and comes back where it is read, each connection in a lane of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

from klarnet.layers.activation import _Elementwise
from klarnet.model import Network
from klarnet.network.graph import Vertex

from .chart import svg
from .elements import Html

BOX, HIGH, STEP, LANE = 236, 30, 46, 14


@dataclass
class Box:
    """One box: its words, the shape behind it, its parameters, and which boxes feed it."""

    name: str
    kind: str
    shape: str
    parameters: int
    inputs: list[int] = field(default_factory=list)


def boxes(net: Network) -> list[Box]:
    """The boxes of a network in the order of the forward pass."""
    readers: dict[int, int] = {}
    for v in net.graph.vertices:
        for i in v.inputs:
            readers[i] = readers.get(i, 0) + 1
    ends = set(net.graph.outputs.values())
    found: list[Box] = []
    box_of: dict[int, int] = {}
    for v in net.graph.vertices:
        before = v.inputs[0] if len(v.inputs) == 1 else -1
        joins = isinstance(v.layer, _Elementwise) and readers.get(before) == 1 and before not in ends
        if joins and net.graph.vertices[before].layer is not None:
            at = box_of[v.number] = box_of[before]
            found[at].kind += f" + {type(v.layer).__name__}"
            continue
        box_of[v.number] = len(found)
        size = sum(
            s.size for s in net.weights.slots.values() if v.layer is not None and s.key == v.key == v.name
        )
        kind = "Input" if v.layer is None else type(v.layer).__name__
        found.append(Box(v.name, kind, shape_text(v), size, [box_of[i] for i in v.inputs]))
    return found


def shape_text(v: Vertex) -> str:
    """The shape behind a vertex, without the batch axis."""
    return " × ".join("any" if s is None else str(s) for s in v.shape) or "1"


def drawing(net: Network) -> Html:
    """The network as inline SVG."""
    found = boxes(net)
    skips = [(a, b) for b, box in enumerate(found) for a in box.inputs if b - a > 1]
    lanes = _lanes(skips)
    left = 10 + LANE * (max(lanes, default=-1) + 1)
    middle = left + BOX / 2
    body = []
    for b, box in enumerate(found):
        y = 6 + b * STEP
        if b - 1 in box.inputs:
            body.append(_arrow(f"M{middle:g} {y - STEP + HIGH}V{y - 1}", middle, y - 1, down=True))
        kind = "node has" if box.parameters else "node"
        body.append(f'<rect class="{kind}" x="{left}" y="{y}" width="{BOX}" height="{HIGH}" rx="6"/>')
        body.append(f'<text class="strong" x="{left + 10}" y="{y + 19}">{escape(_cut(box.kind, 24))}</text>')
        room = int((BOX - 26 - 7.3 * min(24, len(box.kind))) / 5.6)  # letters that fit beside the kind
        name = escape(_cut(box.name, max(3, room)))
        body.append(f'<text class="small" x="{left + BOX - 8}" y="{y + 19}" text-anchor="end">{name}</text>')
        side = left + BOX + 10
        first = y + (13 if box.parameters else 19)
        body.append(f'<text class="ink" x="{side}" y="{first}">{escape(box.shape)}</text>')
        if box.parameters:
            body.append(f'<text class="small" x="{side}" y="{y + 26}">{box.parameters:,} parameters</text>')
    for (a, b), lane in zip(skips, lanes, strict=True):
        x, y1, y2 = left - 8 - LANE * lane, 6 + a * STEP + HIGH - 8, 6 + b * STEP + 8
        body.append(
            _arrow(f"M{left} {y1}H{x + 5}q-5 0 -5 5V{y2 - 5}q0 5 5 5H{left - 1}", left - 1, y2, down=False)
        )
    said = f"The network as boxes from input to output: {', '.join(b.kind for b in found)}"
    return svg(left + BOX + 120, 6 + len(found) * STEP - (STEP - HIGH) + 4, said, "".join(body), whole=True)


def _lanes(skips: list[tuple[int, int]]) -> list[int]:
    """A lane for each connection, the nearest that is free from where it begins to where it ends."""
    busy: list[int] = []  # where each lane becomes free
    lanes = [0] * len(skips)
    for i in sorted(range(len(skips)), key=lambda i: (skips[i][0], skips[i][1])):
        begin, end = skips[i]
        lane = next((n for n, free in enumerate(busy) if free <= begin), len(busy))
        busy[lane : lane + 1] = [end]
        lanes[i] = lane
    return lanes


def _arrow(path: str, x: float, y: float, *, down: bool) -> str:
    side = (x + 4, y - 5) if down else (x - 5, y + 4)
    head = f"M{x - (4 if down else 5):g} {y - (5 if down else 4):g}L{x:g} {y:g}L{side[0]:g} {side[1]:g}"
    return f'<path class="edge" d="{path}"/><path class="edge" d="{head}"/>'


def _cut(name: str, most: int) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
