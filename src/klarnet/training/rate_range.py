"""The learning-rate range test: a short training whose rate rises from step to step, to see which rates are of use."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any

from klarnet.layers.checks import positive
from klarnet.network.summary import table

from .callbacks import Callback
from .diagnosis import NotFiniteError

if TYPE_CHECKING:
    from .fit import Fit

_SMOOTHING = 0.9  # of the running mean of the losses, while the test runs
_RISEN = 4.0  # the test ends where that mean is so many times its least value


@dataclass(frozen=True)
class RateCurve:
    """What `lr_find` saw: at each step the rate and the loss of the batch before its update.

    rates, losses   one value a step
    ended           why the test ended before its last step, or None
    """

    rates: list[float]
    losses: list[float]
    ended: str | None = None

    @cached_property
    def smoothed(self) -> list[float]:
        """Each loss averaged with its neighbours on both sides, so that nothing is moved to higher rates."""
        reach, found = max(2, len(self.losses) // 15), []
        for i in range(len(self.losses)):
            near = range(max(0, i - reach), min(len(self.losses), i + reach + 1))
            weights = [reach + 1 - abs(i - j) for j in near]
            found.append(sum(w * self.losses[j] for w, j in zip(weights, near, strict=True)) / sum(weights))
        return found

    @property
    def lowest(self) -> float:
        """The rate where the smoothed loss is lowest: about the largest that still teaches something."""
        return self.rates[self._bottom]

    @property
    def suggestion(self) -> float | None:
        """The rate at which the smoothed loss falls fastest by log η; None where it does not fall by 2 % at all."""
        end = self._bottom
        if end < 2 or self.smoothed[end] > 0.98 * self.smoothed[0]:
            return None
        falls = [self.smoothed[i + 1] - self.smoothed[i - 1] for i in range(1, end)]  # log η grows evenly
        return self.rates[1 + min(range(len(falls)), key=falls.__getitem__)]

    @property
    def _bottom(self) -> int:
        return min(range(len(self.smoothed)), key=self.smoothed.__getitem__)

    def table(self, rows: int = 12) -> str:
        """Rates and losses as text, about so many rows."""
        every = max(1, -(-len(self.rates) // rows))
        chosen = sorted({*range(0, len(self.rates), every), self._bottom, len(self.rates) - 1})
        lines = [[f"{self.rates[i]:.2e}", f"{self.losses[i]:.4f}", f"{self.smoothed[i]:.4f}"] for i in chosen]
        heads = ("learning rate", "loss", "smoothed")
        return table(heads, lines, set(heads))

    def __str__(self) -> str:
        return "\n".join([self.table(), *([f"ended: {self.ended}"] if self.ended else []), self.advice()])

    def advice(self) -> str:
        """What the curve says, in one line."""
        if self.suggestion is None:
            return f"the loss did not fall between {self.rates[0]:.2g} and {self.rates[-1]:.2g}: try another range"
        return f"suggested learning rate {self.suggestion:.2g}; the loss is lowest at {self.lowest:.2g}"


def lr_find(
    net: Any,
    data_or_X: Any,
    t: Any = None,
    *,
    low: float = 1e-6,
    high: float = 1.0,
    steps: int = 100,
    **of_fit: Any,
) -> RateCurve:
    """Train for some steps while the learning rate rises from `low` to `high`, and undo it.

        curve = kn.lr_find(net, train, optimizer="adam", batch_size=64)
        net.fit(train, optimizer=kn.Adam(curve.suggestion), batch_size=64)

    data_or_X, t   training data, as for `fit`
    low, high      the first and the last rate; from one to the next it grows by a constant factor
    steps          how many; the test ends before where the loss explodes
    of_fit         whatever `fit` takes, so that the test trains as the training will: loss, optimizer, batch_size, …

    Weights, running values, scaling and class names of the network are afterwards as before. Raises ValueError for a
    range or a number of steps that is none, and what `fit` raises. Smith, "Cyclical learning rates", 2017 (first 2015);
    the suggestion is that of the steepest fall.
    """
    if not (_rate(low) and _rate(high) and low < high):
        raise ValueError(f"lr_find: low {low!r} and high {high!r}, expected 0 < low < high")
    if positive("lr_find", "steps", steps) < 5:
        raise ValueError(f"lr_find: steps {steps}, expected 5 or more")
    for name in ("schedule", "epochs", "validation"):
        if of_fit.get(name) is not None:
            raise ValueError(
                f"lr_find: {name} has no place here, the test makes {steps} steps at rates of its own"
            )
    w, test = net.weights, _RangeTest(low, high, steps)
    kept = [a.copy() for a in (w.values, w.gradients, w.untrained)]
    others = {name: getattr(net, name) for name in ("scaling", "class_names")}
    callbacks = [*of_fit.pop("callbacks", ()), test]
    options = {"metrics": [], "progress": False} | of_fit
    try:
        with net.states.aside():
            net.fit(data_or_X, t, epochs=steps, callbacks=callbacks, **options)
    except NotFiniteError as error:
        if len(test.losses) < 3:
            raise
        test.ended = str(error)
    finally:
        for array, values in zip((w.values, w.gradients, w.untrained), kept, strict=True):
            array[...] = values
        for name, value in others.items():
            setattr(net, name, value)
    if test.interrupted:
        raise KeyboardInterrupt
    return RateCurve(test.rates, test.losses, test.ended)


def _rate(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and 0 < float(value) < math.inf


class _RangeTest(Callback):
    """Raises the rate before each step and notes the loss."""

    def __init__(self, low: float, high: float, steps: int) -> None:
        self.low, self.steps = low, steps
        self.growth = (high / low) ** (1 / (steps - 1))
        self.rates: list[float] = []
        self.losses: list[float] = []
        self.ended: str | None = None
        self.interrupted = False
        self._mean, self._least = 0.0, math.inf

    def on_batch_start(self, fit: Fit) -> None:
        fit.trainer.learning_rate = self.low * self.growth ** len(self.losses)

    def on_batch_end(self, fit: Fit, loss: float) -> None:
        self.rates.append(fit.trainer.learning_rate)
        self.losses.append(float(loss))
        self._mean = _SMOOTHING * self._mean + (1 - _SMOOTHING) * float(loss)
        mean = self._mean / (1 - _SMOOTHING ** len(self.losses))
        self._least = min(self._least, mean)
        if len(self.losses) == self.steps:
            fit.stop("the range is done")
        elif len(self.losses) > 10 and mean > _RISEN * self._least:
            self.ended = f"the loss has risen to {_RISEN:g} times its least value"
            fit.stop(self.ended)

    def on_fit_end(self, fit: Fit) -> None:
        self.interrupted = fit.interrupted
