"""What to say when a step was refused: which layer, which example, what came."""

from __future__ import annotations

from typing import Any

import numpy as np

from klarnet.engine import Refused, State, with_state
from klarnet.losses import CTC
from klarnet.network import BaseNetwork, passes

from .labellings import fault
from .targets import steps_of, wrong_label


class NotFiniteError(ArithmeticError):
    """A NaN or an infinity appeared while training. The message names the layer; the weights are as before the step."""


def explain(
    error: Refused,
    net: BaseNetwork,
    heads: Any,
    arrays: list[np.ndarray],
    targets: dict[str, np.ndarray],
    spans: dict[int, np.ndarray],
    state: State,
) -> Exception:
    """The error to raise for a refusal, with the layer's name."""
    text = str(error)
    for head in heads:
        if isinstance(head.loss, CTC):
            steps = steps_of(net, head.name, spans, arrays)
            classes = net.graph.vertices[head.vertex].shape[-1]
            bad = fault(head.loss, targets[head.name], classes, steps, head.name)
            if bad is not None:
                return ValueError(bad)
    if "loss is" in text:
        return NotFiniteError(
            f"{first_not_finite(net, arrays, spans, state)}; the weights are as before this step: "
            "a lower learning rate, scaled inputs or a look at the data may help"
        )
    if "norm of the gradients" in text:
        return NotFiniteError(
            f"{_worst_gradient(net)}; the weights are as before this step: a lower learning rate, scaled inputs or "
            "clip_value may help"
        )
    for head in heads:
        t, classes = targets[head.name], net.graph.vertices[head.vertex].shape[-1]
        labels = t.dtype.kind == "i" and not isinstance(head.loss, CTC)
        bad = wrong_label(head.loss, t, classes, head.name) if labels else None
        if bad is not None:
            return ValueError(bad)
    where = net.name_of(error.node)
    return ValueError(f"{where}: {text}")


def first_not_finite(
    net: BaseNetwork, arrays: list[np.ndarray], spans: dict[int, np.ndarray], state: State
) -> str:
    """Walk forward once more, in the open, until a number is not finite."""
    for v, x in zip(net.inputs, arrays, strict=True):
        if v.masked and v.number in spans:  # what lies past a length is never used
            x = passes.mask(x, spans[v.number])
        if not np.isfinite(x).all():
            return f"{v.name}: the batch holds NaN or infinity, at {_first(x)}"
    for name in net.weights:
        if not np.isfinite(net.weights[name]).all():
            return f"{name}: the weights hold NaN or infinity, at {_first(net.weights[name])}"
    running = net.weights.untrained.copy()
    now = State(state.learning_rate, state.step + 1, state.seed)
    try:
        with net.states.aside(afresh=False), with_state(now), np.errstate(all="ignore"):
            values, _, _ = passes.forward(
                passes.Eager(),
                net.graph,
                net.namespaces(len(arrays[0])),
                dict(zip(net.graph.inputs, arrays, strict=True)),
                spans,
                training=True,
                at_rest=net.weights.at_rest(),
            )
    finally:
        net.weights.untrained[...] = running
    for v in net.graph.vertices:
        if not np.isfinite(values[v.number]).all():
            return f"{v.name}: the output holds NaN or infinity, at {_first(values[v.number])}"
    return "the loss is not finite, though every layer's output is"


def _worst_gradient(net: BaseNetwork) -> str:
    for s in net.weights.slots.values():
        if s.trained and not s.frozen and not np.isfinite(g := net.weights.gradient(s.name)).all():
            return f"{s.name}: its gradient holds NaN or infinity, at {_first(g)}"
    return "the norm of all gradients is beyond the largest number"


def _first(array: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
