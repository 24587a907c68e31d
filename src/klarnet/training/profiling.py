"""Where the time and the memory of a training step go: the calls of its plan, run one by one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from klarnet.engine import Bound, engine, threads
from klarnet.network import BaseNetwork
from klarnet.network.execution import Execution
from klarnet.network.summary import size_text, table

from .trainer import Trainer

STAGES = ("forward", "backward", "gradients")
REST = {"loss": "(loss)", "update": "(update)"}  # what belongs to no layer


@dataclass
class LayerCost:
    """What one layer costs in a step: `seconds` and `bytes` by stage ("forward", "backward", "gradients").

    Bytes are those of the arrays that the layer makes: outputs, input gradients, weight gradients; one that the plan
    lets lie over another, or adds into it, counts once. A stage that the plan spared (nothing reads the result), or
    joined with the layer before, is absent.
    """

    name: str
    kind: str
    seconds: dict[str, float] = field(default_factory=dict)
    bytes: dict[str, int] = field(default_factory=dict)
    joined: bool = False

    @property
    def total(self) -> float:
        """Seconds of all stages."""
        return sum(self.seconds.values())


@dataclass
class Profile:
    """The cost of one training step: a row a layer in the order of the forward pass, then the loss and the update.

    seconds      of the whole step: the sum of the rows
    arena        bytes that all arrays of the step take together; less than the sum of the rows, since the plan lets
                 arrays lie where others are no longer needed
    """

    layers: list[LayerCost]
    batch_size: int
    arena: int
    engine: str
    threads: int

    @property
    def seconds(self) -> float:
        return sum(row.total for row in self.layers)

    def to_json(self) -> dict[str, Any]:
        """Lists, texts and numbers only."""
        rows = [{"name": r.name, "kind": r.kind, "seconds": r.seconds, "bytes": r.bytes} for r in self.layers]
        about = {"batch_size": self.batch_size, "arena": self.arena, "engine": self.engine}
        return {"layers": rows, "seconds": self.seconds, "threads": self.threads, **about}

    def __str__(self) -> str:
        heads = ["layer", *(f"{s} ms" for s in STAGES), "share", "arrays"]
        lines = []
        for r in self.layers:
            if r.joined and not r.seconds:
                lines.append([r.name, "no call of its own", "", "", "", ""])
                continue
            times = [f"{1e3 * r.seconds[s]:.3f}" if s in r.seconds else "" for s in STAGES]
            if r.name in REST.values():
                times[0] = f"{1e3 * r.total:.3f}"
            share = f"{100 * r.total / self.seconds:.1f} %" if self.seconds else ""
            lines.append([r.name, *times, share, size_text(sum(r.bytes.values()))])
        text = table(heads, lines, right=set(heads[1:]))
        return (
            f"{text}\na step of {self.batch_size} examples: {1e3 * self.seconds:.3f} ms, arrays"
            f" {size_text(self.arena)}, {self.engine} engine, {self.threads} threads"
        )


def profile(
    net: BaseNetwork,
    X: Any,
    t: Any,
    *,
    loss: Any = "cross_entropy",
    optimizer: Any = "adam",
    lengths: Any = None,
    seconds: float = 0.5,
) -> Profile:
    """Measure a training step on a batch X (n, …), t: seconds (medians) and bytes a layer and stage.

    loss, optimizer   as of `Trainer`
    seconds           about how long to measure; three steps, or one where that would take four times as long

    The calls run one after the other as in training, each behind a clock of its own, so that short ones cost a little
    more than in one go. Weights, gradients and running values are afterwards as before. Raises ValueError for data
    that do not fit, as `Trainer.step` does.
    """
    if not seconds >= 0:
        raise ValueError(f"profile: seconds {seconds!r}, expected 0 or more")
    w = net.weights
    before = [a.copy() for a in (w.values, w.gradients, w.untrained)]
    trainer = Trainer(net, loss=loss, optimizer=optimizer)
    try:
        with net.states.aside():
            trainer.step(X, t, lengths=lengths)  # refuses what does not fit; fills the plan's arrays
            execution = next(iter(trainer._plans.found.values()))
            took = np.median(_times(execution, seconds), axis=0)
    finally:
        for array, values in zip((w.values, w.gradients, w.untrained), before, strict=True):
            array[...] = values
    size = execution.wanted.shapes[0][0]
    return Profile(_rows(net, execution, took), size, execution.plan.arena_bytes, engine(), threads())


def _times(execution: Execution, seconds: float) -> np.ndarray:
    """Seconds of each call (columns) in each step (rows); the first step warms up and does not count."""
    replay = execution.replay
    jobs = [Bound(replay, segments, execution.memory, execution.state) for segments in replay.by_call]
    rows: list[list[float]] = []
    begin = time.perf_counter()
    while len(rows) < 2 or time.perf_counter() - begin < (seconds if len(rows) >= 4 else 4 * seconds):
        row = []
        for job in jobs:
            start = time.perf_counter()
            job.run()
            row.append(time.perf_counter() - start)
        rows.append(row)
    return np.array(rows[1:])


def _rows(net: BaseNetwork, execution: Execution, took: Sequence[float]) -> list[LayerCost]:
    """The calls' times and arrays, added up by layer and stage."""
    found = {
        v.number: LayerCost(v.name, type(v.layer).__name__) for v in net.graph.vertices if v.layer is not None
    }
    rest = {stage: LayerCost(name, "") for stage, name in REST.items()}
    seen: set[int] = set()
    for call, seconds in zip(execution.plan.calls, took, strict=True):
        row, stage = found.get(call.node), call.stage
        if row is None or stage in REST:
            row = rest["update" if stage == "update" else "loss"]
        row.seconds[stage] = row.seconds.get(stage, 0.0) + float(seconds)
        if stage == "update":
            continue  # writes weights and state that lie elsewhere
        made = [x for y in call.outputs for x in (y if isinstance(y, tuple) else (y,)) if x is not None]
        fresh = {id(x.storage): x.nbytes for x in made if id(x.storage) not in seen}
        seen |= set(fresh)
        row.bytes[stage] = row.bytes.get(stage, 0) + sum(fresh.values())
    for row in found.values():
        row.joined = not row.seconds
    return [*found.values(), *(r for r in rest.values() if r.seconds)]
