"""Looks as a few arrays, for a checkpoint, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .look import LayerLook, Look, WeightLook

NONE = float("nan")  # stands for None


def packed(looks: Sequence[Look]) -> dict[str, Any]:
    """Names as lists, numbers as arrays with one row a look; without looks nothing."""
    if not looks:
        return {}
    first = looks[0]
    return {
        "layers": [[name, v.kind, v.hidden] for name, v in first.layers.items()],
        "weights": [[name, w.matrix] for name, w in first.weights.items()],
        "looks": np.array([(one.step, one.epoch, one.loss) for one in looks], np.float64),
        "layer_numbers": np.array(
            [
                [
                    [v.mean, v.spread, v.zeros, v.largest, _number(v.saturated), _number(v.gradient)]
                    for v in one.layers.values()
                ]
                for one in looks
            ]
        ),
        "weight_numbers": np.array(
            [[[w.norm, _number(w.gradient), _number(w.ratio)] for w in one.weights.values()] for one in looks]
        ),
        "histograms": np.array(
            [[[_row(w.values), _row(w.gradients, w.values)] for w in one.weights.values()] for one in looks]
        ),
    }


def unpacked(memory: Mapping[str, Any]) -> list[Look]:
    """What `packed` was given, but for which units were silent."""
    if "looks" not in memory:
        return []
    rows = (memory[name].tolist() for name in ("looks", "layer_numbers", "weight_numbers", "histograms"))
    return [
        Look(
            int(step),
            int(epoch),
            loss,
            {
                name: LayerLook(
                    kind, hidden, mean, spread, zeros, largest, _value(saturated), _value(gradient), None
                )
                for (name, kind, hidden), (mean, spread, zeros, largest, saturated, gradient) in zip(
                    memory["layers"], of_layers, strict=True
                )
            },
            {
                name: WeightLook(
                    matrix, norm, _value(gradient), _value(ratio), _histogram(values), _gradients(found)
                )
                for (name, matrix), (norm, gradient, ratio), (values, found) in zip(
                    memory["weights"], of_weights, counted, strict=True
                )
            },
        )
        for (step, epoch, loss), of_layers, of_weights, counted in zip(*rows, strict=True)
    ]


def _number(value: float | None) -> float:
    return NONE if value is None else value


def _value(number: float) -> float | None:
    return None if np.isnan(number) else number


def _row(found: dict[str, Any] | None, like: Mapping[str, Any] | None = None) -> list[float]:
    if found is None:
        assert like is not None
        return [NONE] * (2 + len(like["counts"]))
    return [found["low"], found["high"], *found["counts"]]


def _histogram(row: Sequence[float]) -> dict[str, Any]:
    return {"low": row[0], "high": row[1], "counts": [int(n) for n in row[2:]]}


def _gradients(row: Sequence[float]) -> dict[str, Any] | None:
    return None if np.isnan(row[0]) else _histogram(row)
