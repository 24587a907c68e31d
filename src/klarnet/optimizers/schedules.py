"""The schedules of the learning rate, from simple to general; η = η₀ · factor."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, isnan, pi
from typing import Any

from .schedule import Place, Schedule, schedule


class Constant(Schedule):
    """factor = 1: the learning rate stays as the optimizer has it."""

    name = "constant"

    def factor(self, place: Place) -> float:
        return 1.0


class Step(Schedule):
    """factor = γ^⌊e / every⌋, or γ^(number of epochs in `at` that are over).

    every   epochs between two steps
    at      or the epochs behind which a step comes: at=[30, 60, 80]
    gamma   γ, what the rate is multiplied by

    e counts the whole epochs so far. Raises ValueError unless there is one of the two.
    """

    name = "step"

    def __init__(
        self, every: int | None = None, *, at: Sequence[int] | None = None, gamma: float = 0.1
    ) -> None:
        if (every is None) == (at is None):
            raise ValueError("Step: expected one of every=EPOCHS and at=[EPOCH, …]")
        self.every = None if every is None else self._count("every", every)
        if isinstance(at, (str, int)):
            raise ValueError(f"Step: at is {at!r}, expected a list of epochs, at=[30, 60]")
        self.at = None if at is None else sorted(self._count("at", epoch) for epoch in at)
        self.gamma = self._number("gamma", gamma, 0.0, 1.0, above=True)

    def factor(self, place: Place) -> float:
        if self.every is not None:
            return self.gamma ** (place.epoch // self.every)
        return self.gamma ** sum(epoch <= place.epoch for epoch in self.at or ())


class Cosine(Schedule):
    """factor = m + (1 − m) (1 + cos(π t / T)) / 2, from 1 at the start to m at the end of the training.

    minimum   m, a share of η₀

    Loshchilov and Hutter, "SGDR", 2017, without restarts.
    """

    name = "cosine"

    def __init__(self, *, minimum: float = 0.0) -> None:
        self.minimum = self._number("minimum", minimum, 0.0, 1.0)

    def factor(self, place: Place) -> float:
        return _falling(1.0, self.minimum, place.iteration, self._total(place))


class OneCycle(Schedule):
    """Up to η₀ in the first share of the training, then down to nearly nothing, each along half a cosine.

        t < u T:  factor = s + (1 − s) (1 − cos(π t / (u T))) / 2
        else:     factor = e + (1 − e) (1 + cos(π (t − u T) / (T − u T))) / 2

    up      u, the share of the training in which the rate rises
    start   s, where it starts, a share of η₀
    end     e, where it ends, a share of η₀

    η₀ is the highest rate. The momentum stays as it is. Smith and Topin, "Super-convergence", 2018.
    """

    name = "one_cycle"

    def __init__(self, *, up: float = 0.3, start: float = 0.04, end: float = 4e-6) -> None:
        self.up = self._number("up", up, 0.0, 1.0)
        self.start = self._number("start", start, 0.0, 1.0)
        self.end = self._number("end", end, 0.0, 1.0)

    def factor(self, place: Place) -> float:
        total = self._total(place)
        top = self.up * total
        if place.iteration < top:
            return _falling(self.start, 1.0, place.iteration, top)
        return _falling(1.0, self.end, place.iteration - top, total - top)


class ReduceOnPlateau(Schedule):
    """factor = max(γ^r, m), r the number of times the watched value has not improved for `patience` epochs.

    gamma                 γ, what the rate is multiplied by each time
    patience              epochs without improvement
    minimum               m, a share of η₀
    monitor               "validation_loss" where there is validation data, else "loss"; or a metric's name
    better                "lower" or "higher"; known for losses and built-in metrics
    minimum_improvement   what counts as better

    What was best, how long ago, and r are the memory of this schedule: the training keeps it, and so does a checkpoint.
    """

    name = "reduce_on_plateau"

    def __init__(
        self,
        *,
        gamma: float = 0.1,
        patience: int = 3,
        minimum: float = 0.0,
        monitor: str | None = None,
        better: str | None = None,
        minimum_improvement: float = 0.0,
    ) -> None:
        self.gamma = self._number("gamma", gamma, 0.0, 1.0, above=True)
        self.patience = self._count("patience", patience)
        self.minimum = self._number("minimum", minimum, 0.0, 1.0)
        if monitor is not None and not isinstance(monitor, str):
            raise ValueError(f"ReduceOnPlateau: monitor is {monitor!r}, expected a name as 'validation_loss'")
        if better not in (None, "lower", "higher"):
            raise ValueError(f"ReduceOnPlateau: better is {better!r}, expected 'lower' or 'higher'")
        self.monitor, self.better = monitor, better
        self.minimum_improvement = self._number("minimum_improvement", minimum_improvement, 0.0)

    @property
    def plateau(self) -> ReduceOnPlateau:
        return self

    def factor(self, place: Place) -> float:
        return max(self.gamma**place.reductions, self.minimum)

    def observe(self, memory: dict[str, Any], value: float, better: str) -> dict[str, Any]:
        """The memory behind an epoch that ended with this value; {} is the memory at the start. NaN is never better."""
        best, waited, reductions = memory.get("best"), memory.get("waited", 0), memory.get("reductions", 0)
        sign = 1.0 if better == "lower" else -1.0
        if not isnan(value) and (best is None or sign * value < sign * best - self.minimum_improvement):
            return {"best": value, "waited": 0, "reductions": reductions}
        if waited + 1 >= self.patience:
            return {"best": best, "waited": 0, "reductions": reductions + 1}
        return {"best": best, "waited": waited + 1, "reductions": reductions}


class WarmUp(Schedule):
    """Up to the full rate in a straight line, in front of another schedule.

        t < w:  factor = s + (1 − s) (t + 1) / w
        else:   the factor of `then` at t − w of T − w iterations (its epochs count from the start of the training)

    iterations   w
    epochs       or w in epochs, also parts of them
    then         the schedule behind it; a name, a table with name and settings, or a schedule
    start        s, a share of η₀

    Goyal et al., "Accurate, large minibatch SGD", 2017. Raises ValueError unless there is one of the first two.
    """

    name = "warm_up"

    def __init__(
        self,
        iterations: int | None = None,
        *,
        epochs: float | None = None,
        then: Any = "constant",
        start: float = 0.0,
    ) -> None:
        if (iterations is None) == (epochs is None):
            raise ValueError("WarmUp: expected one of iterations=COUNT and epochs=NUMBER")
        self.iterations = None if iterations is None else self._count("iterations", iterations)
        self.epochs = None if epochs is None else self._number("epochs", epochs, 0.0, above=True)
        self.then = schedule(then)
        self.start = self._number("start", start, 0.0, 1.0)

    @property
    def plateau(self) -> Any:
        return self.then.plateau

    def factor(self, place: Place) -> float:
        w = self._length(place)
        if place.iteration < w:
            return self.start + (1.0 - self.start) * (place.iteration + 1) / w
        return self.then.factor(place.behind(w))

    def _length(self, place: Place) -> int:
        if self.epochs is None:
            return self.iterations or 1
        if place.per_epoch is None:
            raise ValueError(
                "WarmUp: the data do not say how many batches an epoch has; give iterations=COUNT instead of epochs"
            )
        return max(1, round(self.epochs * place.per_epoch))


def _falling(high: float, low: float, t: float, total: float) -> float:
    """From `high` to `low` along half a cosine; `low` from the end on."""
    if t >= total:
        return low
    return low + (high - low) * (1.0 + cos(pi * t / total)) / 2.0
