"""What a training step does beside the gradients and the update: clipping, max-norm, noise on weights."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np

from klarnet.engine import aligned
from klarnet.engine import functions as E

from .graph import Namespace
from .weights import Slot, Weights

NOISE_NODES = 2**31  # weights draw their noise behind the nodes of any graph


class Regularisation:
    """Settings of one training; None or 0 leaves a part out. Formulas: the page on clipping.

    clip_value     c: every entry of the gradients is brought into [−c, c]
    clip_norm      c: then all gradients together are scaled by min(1, c / norm)
    max_norm       c: behind the update the weights that lead into one unit are scaled by min(1, c / their norm)
    weight_noise   standard deviation of the normal noise that is added to the weights for one pass and its gradients;
                   the update meets the weights as they are

    max_norm and noise leave biases and the weights of norms alone, as weight decay does. Raises ValueError for a number
    that is not above 0.
    """

    def __init__(
        self,
        *,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        max_norm: float | None = None,
        weight_noise: float | None = None,
    ) -> None:
        self.clip_norm = _bound("clip_norm", clip_norm)
        self.clip_value = _bound("clip_value", clip_value)
        self.max_norm = _bound("max_norm", max_norm)
        self.weight_noise = None if weight_noise == 0 else _bound("weight_noise", weight_noise)
        self._norm = aligned(64)

    def settings(self) -> dict[str, float]:
        """The parts that are switched on."""
        names = ("clip_norm", "clip_value", "max_norm", "weight_noise")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def gradient_norm(self, dtype: np.dtype) -> float:
        """The norm of all gradients in the last step, before they were clipped by it."""
        return float(self._norm.view(dtype)[0])

    def clip(self, gradients: Any, spans: Iterable[tuple[int, int]]) -> None:
        """Clip the flat gradients (a description) in these spans, (offset, length)."""
        parts = [gradients[offset : offset + length] for offset, length in spans]
        if self.clip_value is not None:
            for g in parts:
                E.clip_value(g, most=self.clip_value)
        if self.clip_norm is not None and parts:
            norm = E.gradient_norm(tuple(parts))
            norm.storage.home = (0, self._norm.ctypes.data)
            for g in parts:
                E.clip_norm(g, norm, most=self.clip_norm)

    def bound(self, values: Any, slots: Iterable[Slot]) -> None:
        """Bound the units of these weights in the flat buffer (a description) by max-norm."""
        if self.max_norm is None:
            return
        for s in slots:
            if s.decays and len(s.shape) > 1:
                axis = s.units % len(s.shape)
                before, k, behind = s.shape[:axis], s.shape[axis], s.shape[axis + 1 :]
                shape = (int(np.prod(before)), k, int(np.prod(behind)))
                E.max_norm(values[s.offset : s.offset + s.size].reshape(shape), most=self.max_norm)

    def noisy(self, w: dict[str, Namespace], weights: Weights) -> dict[str, Namespace]:
        """The weights (descriptions) as a pass meets them."""
        if self.weight_noise is None:
            return w
        found = {key: dict(vars(of_layer)) for key, of_layer in w.items()}
        for number, s in enumerate(weights.slots.values()):
            if s.trained and not s.frozen and s.decays:
                found[s.key][s.local] = E.gaussian_noise(
                    found[s.key][s.local], deviation=self.weight_noise, node=NOISE_NODES + number
                )
        return {key: Namespace(of_layer, weights.absent[key]) for key, of_layer in found.items()}


def joined(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges (offset, length) in order; those that follow each other are one."""
    found: list[tuple[int, int]] = []
    for offset, length in ranges:
        if found and sum(found[-1]) == offset:
            found[-1] = (found[-1][0], found[-1][1] + length)
        else:
            found.append((offset, length))
    return found


def _bound(name: str, value: Any) -> float | None:
    if value is None:
        return None
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else 0.0
    if not (isfinite(number) and number > 0):
        raise ValueError(f"{name} {value!r}, expected a number above 0, or None")
    return number
