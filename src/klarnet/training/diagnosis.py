"""What to say when a step was refused: which layer, which example, what came."""

from __future__ import annotations

from typing import Any

import numpy as np

from klarnet.engine import Refused, State, with_state
from klarnet.network import BaseNetwork, passes


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
    if "loss is" in text:
        return NotFiniteError(
            f"{first_not_finite(net, arrays, spans, state)}; the weights are as before this step: "
            "a lower learning rate, scaled inputs or a look at the data may help"
        )
    for head in heads:
        bad = wrong_label(net, head, targets)
        if bad:
            return ValueError(bad)
    where = net.name_of(error.node)
    return ValueError(f"{where}: {text}")


def wrong_label(net: BaseNetwork, head: Any, targets: dict[str, np.ndarray]) -> str | None:
    """Name the first label that is no class of the output."""
    t = targets[head.name]
    classes = net.graph.vertices[head.vertex].shape[-1]
    if t.dtype.kind != "i":
        return None
    bad = (t < 0) | (t >= classes)
    ignored = getattr(head.loss, "ignored", None)
    if ignored is not None:
        bad &= t != ignored
    places = np.argwhere(bad)
    if not len(places):
        return None
    place = tuple(int(p) for p in places[0])
    shown = place[0] if len(place) == 1 else place
    return (
        f"{head.loss.name}: label {int(t[place])} at position {shown} of {head.name}, expected 0 … {classes - 1} for "
        f"{classes} classes"
    )


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
        with with_state(now), np.errstate(all="ignore"):
            values, _, _ = passes.forward(
                passes.Eager(),
                net.graph,
                net.weights.namespaces(),
                dict(zip(net.graph.inputs, arrays, strict=True)),
                spans,
                training=True,
            )
    finally:
        net.weights.untrained[...] = running
    for v in net.graph.vertices:
        if not np.isfinite(values[v.number]).all():
            return f"{v.name}: the output holds NaN or infinity, at {_first(values[v.number])}"
    return "the loss is not finite, though every layer's output is"


def _first(array: np.ndarray) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
