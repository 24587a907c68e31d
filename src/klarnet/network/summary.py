"""What a network looks like: layers, shapes, parameters, and what a step costs before it is run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from klarnet.engine.waves import multiply_adds

from .graph import Vertex
from .network import BaseNetwork

if TYPE_CHECKING:
    from klarnet.engine import Plan


@dataclass
class Row:
    name: str
    kind: str
    shape: str
    parameters: int
    inputs: str
    trained: bool
    multiply_adds: int | None = None


@dataclass
class Summary:
    """A table of the layers and totals; prints as text of at most 80 columns where the names allow it."""

    rows: list[Row]
    parameters: int
    trainable: int
    batch_size: int | None = None
    training: bool = False
    memory: dict[str, int] = field(default_factory=dict)  # bytes by kind of buffer
    multiply_adds: int = 0
    joined: list[str] = field(default_factory=list)
    calls: tuple[int, int] = (0, 0)  # noted, left in the plan

    @property
    def bytes(self) -> int:
        """All memory of the step: weights, gradients, optimizer state, running values and the arena."""
        return sum(self.memory.values())

    def __str__(self) -> str:
        heads = ["layer", "kind", "output shape", "parameters"]
        lines = [
            [r.name + ("" if r.trained else " (frozen)"), r.kind, r.shape, f"{r.parameters:,}"]
            for r in self.rows
        ]
        if self.batch_size is not None:
            heads.append("multiply-adds")
            for line, r in zip(lines, self.rows, strict=True):
                line.append(f"{r.multiply_adds:,}" if r.multiply_adds else "")
        if any(r.inputs for r in self.rows):
            heads.append("from")
            for line, r in zip(lines, self.rows, strict=True):
                line.append(r.inputs)
        text = [table(heads, lines, right={"parameters", "multiply-adds"})]
        text.append(f"parameters: {self.parameters:,} ({self.trainable:,} trained, 4 bytes each)")
        if self.batch_size is not None:
            text.extend(self._plan_lines())
        return "\n".join(text)

    def _plan_lines(self) -> list[str]:
        what = "a training step" if self.training else "a forward pass"
        shown = ", ".join(f"{kind} {size_text(n)}" for kind, n in self.memory.items() if n)
        lines = [
            f"{what} of {self.batch_size} examples: {self.multiply_adds:,} multiply-adds, {self.calls[1]} calls "
            f"({self.calls[0]} before planning)",
            f"memory: {size_text(self.bytes)} = {shown}",
        ]
        if self.joined:
            counted = {j: self.joined.count(j) for j in dict.fromkeys(self.joined)}
            lines.append(
                "joined: " + ", ".join(f"{j}" + (f" ×{n}" if n > 1 else "") for j, n in counted.items())
            )
        return lines


def size_text(nbytes: int) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if nbytes < 1024 or unit == "MiB":
            return f"{nbytes:,} bytes" if unit == "bytes" else f"{nbytes:,.1f} {unit}"
        nbytes = nbytes / 1024  # type: ignore[assignment]
    raise AssertionError


def table(heads: Sequence[str], lines: Sequence[Sequence[str]], right: set[str] = frozenset()) -> str:  # type: ignore[assignment]
    """Columns as wide as their widest cell, a rule under the heads."""
    widths = [
        max(len(h), *(len(line[i]) for line in lines)) if lines else len(h) for i, h in enumerate(heads)
    ]

    def show(cells: Sequence[str]) -> str:
        return "  ".join(
            c.rjust(w) if h in right else c.ljust(w) for c, w, h in zip(cells, widths, heads, strict=True)
        ).rstrip()

    return "\n".join([show(heads), "  ".join("-" * w for w in widths), *(show(line) for line in lines)])


def rows(net: BaseNetwork) -> list[Row]:
    """One row a vertex; the weights of a shared layer are counted at its first use."""
    found = []
    for v in net.graph.vertices:
        slots = [
            s
            for s in net.weights.slots.values()
            if s.key == v.key and v.name == v.key and v.layer is not None
        ]
        shape = "(" + ", ".join("any" if s is None else str(s) for s in v.shape) + ")"
        straight = len(v.inputs) == 1 and v.inputs[0] == v.number - 1 or v.layer is None
        feeding = "" if straight else ", ".join(net.graph.vertices[i].name for i in v.inputs)
        trained = [s for s in slots if s.trained]
        found.append(
            Row(
                v.name,
                "Input" if v.layer is None else type(v.layer).__name__,
                shape,
                sum(s.size for s in slots),
                feeding,
                not trained or any(not s.frozen for s in trained),
            )
        )
    return found


def summarise(net: BaseNetwork) -> Summary:
    slots = net.weights.slots.values()
    return Summary(
        rows(net), sum(s.size for s in slots), sum(s.size for s in slots if s.trained and not s.frozen)
    )


def add_plan(
    summary: Summary, net: BaseNetwork, plan: Plan, *, batch_size: int, training: bool, optimizer_bytes: int
) -> Summary:
    """Fill in what a plan says about one step."""
    summary.batch_size, summary.training = batch_size, training
    w = net.weights
    summary.memory = {
        "weights": w.values.nbytes,
        "running values": w.untrained.nbytes,
        "arrays": plan.arena_bytes,
    }
    if training:
        summary.memory |= {"gradients": w.gradients.nbytes, "optimizer": optimizer_bytes}
    summary.joined, summary.calls = plan.joined, (plan.noted, len(plan.calls))
    costs: dict[int, int] = {}
    for call in plan.calls:
        if call.function is not None:
            costs[call.node] = costs.get(call.node, 0) + multiply_adds(call.function.name, call.sizes)
    for row, v in zip(summary.rows, net.graph.vertices, strict=True):
        row.multiply_adds = costs.get(v.number, 0)
    summary.multiply_adds = sum(costs.values())
    return summary


def concrete(v: Vertex, batch_size: int, steps: int) -> tuple[int, ...]:
    """A shape for planning: the batch, and `steps` for every size that varies."""
    return (batch_size, *(steps if s is None else int(s) for s in v.shape))
