"""One look at a training: numbers for each layer and weight, from the trace of a step and from what it changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from klarnet.network import BaseNetwork

from .statistics import histogram, measure, norm
from .trace import Trace

# A unit is saturated where the derivative of its activation is below 4 % of its largest: 0.01 … 0.99 of a sigmoid,
# whose σ' is at most ¼, and −0.98 … 0.98 of tanh, which is 2σ(2x) − 1.
SATURATED = {"Sigmoid": (0.01, 0.99), "Tanh": (-0.98, 0.98)}


@dataclass(frozen=True)
class LayerLook:
    """mean, spread, zeros, largest of Y; saturated: the share of such units (sigmoid and tanh); gradient: |dY|;
    silent: for a ReLU, which of its units (the last axis) gave 0 for every example and place."""

    kind: str
    hidden: bool
    mean: float
    spread: float
    zeros: float
    largest: float
    saturated: float | None
    gradient: float | None
    silent: np.ndarray | None


@dataclass(frozen=True)
class WeightLook:
    """|W|, |dW| and |ΔW| / |W| of the step (None where it is frozen or 0), and histograms of W and dW."""

    matrix: bool
    norm: float
    gradient: float | None
    ratio: float | None
    values: dict[str, Any]
    gradients: dict[str, Any] | None


@dataclass(frozen=True)
class Look:
    """Step (from 1), epoch, loss before the update, and what was seen of the layers and the weights by name."""

    step: int
    epoch: int
    loss: float
    layers: dict[str, LayerLook]
    weights: dict[str, WeightLook]


def look(net: BaseNetwork, trace: Trace, *, step: int, epoch: int, loss: float) -> Look:
    """What a step was like: its trace was taken before it, the weights are those after it."""
    ends = {net.graph.vertices[i].name for i in net.graph.outputs.values()}
    layers = {name: _layer(one, name not in ends) for name, one in trace.items()}
    weights = {
        f"{name}/{local}": _weight(W, one.dW.get(local), net.weights[f"{name}/{local}"])
        for name, one in trace.items()
        for local, W in one.W.items()
    }
    return Look(step, epoch, loss, layers, weights)


def _layer(one: Any, hidden: bool) -> LayerLook:
    m, saturated = measure(one.Y), None
    if one.kind in SATURATED:
        low, high = SATURATED[one.kind]
        saturated = float(np.mean((low > one.Y) | (one.Y > high)))
    silent = None
    if one.kind == "ReLU" and one.Y.ndim > 1:
        silent = (one.Y <= 0).all(tuple(range(one.Y.ndim - 1)))
    gradient = None if one.dY is None else norm(one.dY)
    return LayerLook(one.kind, hidden, m.mean, m.spread, m.zeros, m.largest, saturated, gradient, silent)


def _weight(before: np.ndarray, gradient: np.ndarray | None, after: np.ndarray) -> WeightLook:
    matrix, size, values = before.ndim > 1, norm(before), histogram(before)
    if gradient is None:
        return WeightLook(matrix, size, None, None, values, None)
    with np.errstate(all="ignore"):
        ratio = norm(after - before) / size if size > 0 else None
    return WeightLook(matrix, size, norm(gradient), ratio, values, histogram(gradient))
