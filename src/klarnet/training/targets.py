"""Targets held against the outputs they belong to: shapes, kinds, labels in range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from klarnet.data.alphabet import UNKNOWN
from klarnet.data.ragged import NO_LABEL, padded_labels
from klarnet.losses import CTC, Loss
from klarnet.network import BaseNetwork
from klarnet.network.inputs import whole_numbers

from . import labellings

Shapes = tuple[tuple[int, ...], ...]


def output_shape(net: BaseNetwork, number: int, shapes: Shapes) -> tuple[int, ...]:
    """The shape of an output for a batch: as built, or, where sizes vary, by a trace of the forward pass."""
    shape = net.graph.vertices[number].shape
    if None not in shape:
        return (shapes[0][0], *shape)
    key = (number, shapes)
    found = net.shapes_seen.get(key)
    if found is None:
        if len(net.shapes_seen) > 2_000:  # lines of every width: do not grow without bound
            net.shapes_seen.clear()
        found = net.shapes_seen[key] = net.traced_shape(number, shapes)
    return found


def fitting_targets(
    net: BaseNetwork, losses: dict[str, Loss], t: Any, shapes: Shapes
) -> dict[str, tuple[np.ndarray, str]]:
    """Targets by output, as they are, with their kind ("int" or "float").

    t is an array, or a dict by output. Raises ValueError or TypeError where they do not fit the outputs for inputs of
    these shapes.
    """
    given = t if isinstance(t, Mapping) else {next(iter(losses)): t}
    if set(given) != set(losses):
        raise ValueError(
            f"targets for {', '.join(map(str, given))}, expected targets for {', '.join(losses)}"
        )
    found = {}
    for name, loss in losses.items():
        array = _labels(given[name], name) if loss.takes_lengths else np.asarray(given[name])
        if array.dtype.kind not in "fiub":
            raise TypeError(f"targets of {name}: expected numbers, got dtype {array.dtype}")
        vertex = net.outputs[name]
        outputs = output_shape(net, vertex.number, shapes)
        if array.ndim == 0 or len(array) != outputs[0]:
            raise ValueError(f"{loss.name}: {outputs[0]} examples, but targets of shape {array.shape}")
        found[name] = array, loss.target_kind(outputs, array.shape, array.dtype, vertex.name)
    return found


def _labels(given: Any, name: str) -> np.ndarray:
    """Rows of labels as (n, s): an array, or lists padded by hand, as they are; other lists padded with −1 to few
    widths."""
    if not isinstance(given, list | tuple):
        return np.asarray(given)
    by_hand = len({np.shape(row) for row in given}) == 1 and any(np.any(np.less(row, 0)) for row in given)
    return np.asarray(given) if by_hand else padded_labels(given, None, f"targets of {name}")


def prepare_targets(
    net: BaseNetwork, losses: dict[str, Loss], t: Any, shapes: Shapes
) -> dict[str, np.ndarray]:
    """Targets by output, in the engine's types. Raises ValueError where they do not fit the outputs."""
    return {
        name: whole_numbers(name, array) if kind == "int" else np.ascontiguousarray(array, net.dtype)
        for name, (array, kind) in fitting_targets(net, losses, t, shapes).items()
    }


def steps_of(
    net: BaseNetwork, name: str, spans: Mapping[int, np.ndarray], arrays: Sequence[np.ndarray]
) -> np.ndarray:
    """How many steps of each example count in an output: what the lengths become on the way, or all. → (n,)."""
    found = net.output_lengths(next(iter(spans.values())), name) if spans else None
    if found is not None:
        return found
    shape = output_shape(net, net.outputs[name].number, tuple(a.shape for a in arrays))
    return np.full(shape[0], shape[1] if len(shape) > 2 else 1, np.int32)


def known_labels(t: Any) -> Any:
    """Targets for a loss: labels (n, s) without the −2 of characters that no class stands for; others as they are."""
    if not isinstance(t, np.ndarray) or t.dtype != np.int32 or t.ndim != 2 or not (t == UNKNOWN).any():
        return t
    found = np.full_like(t, NO_LABEL)
    for row, labels in zip(found, t, strict=True):
        known = labels[labels >= 0]
        row[: len(known)] = known
    return found


def leaves_out(losses: Mapping[str, Loss]) -> bool:
    """May a loss leave examples out?"""
    return any(isinstance(loss, CTC) and loss.infeasible == "skip" for loss in losses.values())


def left_out(
    net: BaseNetwork,
    losses: Mapping[str, Loss],
    targets: Mapping[str, np.ndarray],
    arrays: Sequence[np.ndarray],
    spans: Mapping[int, np.ndarray],
) -> tuple[int, str]:
    """How many examples of a batch its losses leave out, and why the first of them."""
    count, why = 0, ""
    for name, loss in losses.items():
        if isinstance(loss, CTC) and loss.infeasible == "skip":
            some, first = labellings.left_out(loss, targets[name], steps_of(net, name, spans, arrays))
            count, why = count + some, why or first
    return count, why


def wrong_label(loss: Loss, t: np.ndarray, classes: int, name: str) -> str | None:
    """What to say of the first label that is no class of the output `name`; None where all are."""
    if t.size == 0 or (t.min() >= 0 and t.max() < classes):
        return None
    bad = (t < 0) | (t >= classes)
    ignored = getattr(loss, "ignored", None)
    if ignored is not None:
        bad &= t != ignored
    places = np.argwhere(bad)
    if not len(places):
        return None
    place = tuple(int(p) for p in places[0])
    return (
        f"{loss.name}: label {int(t[place])} at position {place[0] if len(place) == 1 else place} of {name}, "
        f"expected 0 … {classes - 1} for {classes} classes"
    )
