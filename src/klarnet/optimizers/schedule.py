"""What every schedule is: a factor of the learning rate, which follows from where a training stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, ClassVar

from klarnet.names import unknown

SCHEDULES: dict[str, type[Schedule]] = {}


@dataclass(frozen=True)
class Place:
    """Where a training stands, before one of its iterations.

    iteration    t, iterations made so far
    epoch        e, whole epochs made so far
    iterations   T, iterations of the whole training; None while that is not known
    per_epoch    iterations of one epoch; None while that is not known
    reductions   how often ReduceOnPlateau has lowered the rate so far
    """

    iteration: int
    epoch: int = 0
    iterations: int | None = None
    per_epoch: int | None = None
    reductions: int = 0

    def behind(self, start: int) -> Place:
        """The same place, iterations counted from `start` on; epochs count as before."""
        left = None if self.iterations is None else max(self.iterations - start, 0)
        return replace(self, iteration=self.iteration - start, iterations=left)


class Schedule:
    """Base class. The rate of an iteration is η = η₀ · factor, η₀ the learning rate of the optimizer.

    A schedule keeps nothing: the factor follows from the place alone, so that a training that was broken off goes on
    as if nothing had happened.
    """

    name: ClassVar[str]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        SCHEDULES[cls.name] = cls

    def factor(self, place: Place) -> float:
        """The factor of this iteration. Raises ValueError where it needs a length that is not known."""
        raise NotImplementedError

    @property
    def plateau(self) -> Any:
        """The ReduceOnPlateau in this schedule, or None."""
        return None

    def rates(self, learning_rate: float, iterations: int, per_epoch: int | None = None) -> list[float]:
        """The rate of each iteration of a training, to look at or to draw."""
        places = (
            Place(t, t // per_epoch if per_epoch else 0, iterations, per_epoch) for t in range(iterations)
        )
        return [learning_rate * self.factor(place) for place in places]

    def settings(self) -> dict[str, Any]:
        """The arguments this schedule was made with; schedule({"name": …, **settings}) makes it again."""
        from inspect import signature

        found = {p: getattr(self, p) for p in signature(type(self).__init__).parameters if hasattr(self, p)}
        return {
            p: {"name": v.name, **v.settings()} if isinstance(v, Schedule) else v for p, v in found.items()
        }

    def __repr__(self) -> str:
        shown = {p: getattr(self, p) for p in self.settings()}
        return f"{type(self).__name__}({', '.join(f'{p}={v!r}' for p, v in shown.items())})"

    def _total(self, place: Place) -> int:
        if place.iterations is None:
            raise ValueError(
                f"{type(self).__name__}: the data do not say how many batches an epoch has, so the end of the training "
                f"is not known; give arrays or a Dataset, or a stream with a length"
            )
        return place.iterations

    def _number(
        self, name: str, value: Any, least: float, most: float = float("inf"), *, above: bool = False
    ) -> float:
        """A number in [least, most], or above least. Raises ValueError."""
        number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else float("nan")
        good = least <= number <= most and number < float("inf")
        if not good or (above and number == least):
            rule = f"above {least:g}" if above else f"from {least:g}"
            limit = "" if most == float("inf") else f" up to {most:g}"
            raise ValueError(f"{type(self).__name__}: {name} is {value!r}, expected a number {rule}{limit}")
        return number

    def _count(self, name: str, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{type(self).__name__}: {name} is {value!r}, expected a whole number above 0")
        return value


def schedule(given: Any) -> Schedule:
    """The schedule for an object, a class, a name ("cosine"), or a table {"name": "cosine", "minimum": 0.01}.

    Raises ValueError for an unknown name or setting, with the nearest valid one.
    """
    if isinstance(given, Schedule):
        return given
    if isinstance(given, type) and issubclass(given, Schedule):
        return given()
    settings = dict(given) if isinstance(given, Mapping) else {"name": given}
    if "name" not in settings:
        raise ValueError(f"schedule {given!r}: its name is missing, one of {', '.join(SCHEDULES)}")
    name = settings.pop("name")
    if not isinstance(name, str) or name not in SCHEDULES:
        raise unknown("schedule", name, SCHEDULES)
    from inspect import signature

    valid = [p for p in signature(SCHEDULES[name].__init__).parameters if p != "self"]
    for key in settings:
        if key not in valid:
            raise unknown(f"schedule {name}: the setting", key, valid)
    return SCHEDULES[name](**settings)
