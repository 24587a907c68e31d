"""Noise on the labels of a training: some are wrong, others in each epoch."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from numbers import Real
from typing import Any

import numpy as np

from klarnet.losses import Loss
from klarnet.network import BaseNetwork
from klarnet.random import LABELS, integers, uniform


class LabelNoise:
    """With probability p a label becomes another class, all others alike likely; of two, 0 becomes 1 and 1 becomes 0.

    What happens to a label follows from seed, epoch and the place of its example in the order of the epoch: the same
    for any size of batch. One-hot targets change alike, ignored labels stay. Course: regularisation.

    Raises ValueError for p outside [0, 1], and where no output has classes.
    """

    def __init__(self, probability: float, net: BaseNetwork, losses: Mapping[str, Loss], seed: int) -> None:
        number = float(probability) if isinstance(probability, Real) else -1.0
        if isinstance(probability, bool) or not 0.0 <= number <= 1.0:
            raise ValueError(f"label_noise {probability!r}, expected a probability from 0 to 1")
        self.probability, self.seed = number, seed
        self._outputs = {
            name: (loss, len(net.outputs[name].shape), net.outputs[name].shape[-1])
            for name, loss in losses.items()
            if loss.classifies or "binary" in loss.name
        }
        self._numbers = {name: number for number, name in enumerate(losses)}
        if number and not self._outputs:
            kinds = ", ".join(loss.name for loss in losses.values())
            raise ValueError(f"label_noise needs an output with classes, the losses here are {kinds}")

    def __call__(self, t: Any, *, epoch: int, first: int) -> Any:
        """The targets of a batch, an array or a dict by output, whose first example is number `first` of the epoch."""
        if not self.probability:
            return t
        if isinstance(t, Mapping):
            return {name: self._noisy(name, a, epoch, first) for name, a in t.items()}
        return self._noisy(next(iter(self._numbers)), t, epoch, first)

    def _noisy(self, name: str, given: Any, epoch: int, first: int) -> Any:
        if name not in self._outputs:
            return given
        loss, axes, k = self._outputs[name]
        t = np.asarray(given)
        if not loss.classifies:
            return np.where(self._chosen(name, t.shape, epoch, first), 1 - t.astype(np.float32), t)
        labels = t.ndim == axes  # else distributions, with an axis of classes
        chosen = self._chosen(name, t.shape if labels else t.shape[:-1], epoch, first)
        shift = self._shifts(name, chosen.shape, k, epoch, first)
        if labels:
            whole = t.astype(np.int64)
            inside = (whole >= 0) & (whole < k)  # what is out of range is left to be refused
            if getattr(loss, "ignored", None) is not None:
                inside &= whole != loss.ignored  # type: ignore[attr-defined]
            return np.where(chosen & inside, (whole + shift) % k, whole)
        turned = np.take_along_axis(t, (np.arange(k) - shift[..., None]) % k, axis=-1)
        return np.where(chosen[..., None], turned, t)

    def _chosen(self, name: str, shape: tuple[int, ...], epoch: int, first: int) -> np.ndarray:
        """Which labels change."""
        stream = {"node": 2 * self._numbers[name], "step": epoch, "purpose": LABELS}
        return uniform(shape, self.seed, first=first * prod(shape[1:]), **stream) < self.probability

    def _shifts(self, name: str, shape: tuple[int, ...], k: int, epoch: int, first: int) -> np.ndarray:
        """By how many classes a label moves, 1 … k − 1."""
        stream = {"node": 2 * self._numbers[name] + 1, "step": epoch, "purpose": LABELS}
        if k < 2:
            return np.zeros(shape, np.int64)
        return integers(shape, self.seed, 1, k, first=first * prod(shape[1:]), **stream)
