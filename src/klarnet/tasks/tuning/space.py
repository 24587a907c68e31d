"""What is searched: the `[search]` table of a recipe, its settings and the values each parameter may take."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

from klarnet.tasks.recipes import Recipe, as_tables, changed, in_full
from klarnet.tasks.recipes.lines import Path
from klarnet.tasks.recipes.origin import shown
from klarnet.tasks.recipes.recipe import Count
from klarnet.tasks.recipes.tables import checked, fields_of

OPTUNA = ("tpe", "gp", "cmaes")


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """[search], beside its parameters.

    method     "random", "grid", or one of Optuna's samplers: "tpe", "gp", "cmaes" (extra `tune`)
    trials     how many; 20 if not given, in a grid all
    seed       the trials follow from it and their numbers
    baseline   the first trial is the recipe as it stands (not in a grid)
    pruner     "median" or "hyperband" of Optuna (extra `tune`): trials that do badly after some epochs are given up
    """

    method: Literal["random", "grid", "tpe", "gp", "cmaes"] = "random"
    trials: Count | None = None
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 1
    baseline: bool = True
    pruner: Literal["none", "median", "hyperband"] = "none"


class Choices(msgspec.Struct, forbid_unknown_fields=True):
    """{choices = [8, 16]}: one of these values."""

    choices: list[Any]


class Range(msgspec.Struct, forbid_unknown_fields=True):
    """{low = 1e-4, high = 1e-2, log = true}: a number between; a whole one where both ends are whole.

    log      alike likely in each power of ten, instead of evenly
    step     of whole numbers
    points   how many values a grid takes
    """

    low: int | float
    high: int | float
    log: bool = False
    step: Count | None = None
    points: Count | None = None


@dataclass(frozen=True)
class Parameter:
    """One setting that is searched; `given` is what the recipe itself has, None where it says nothing."""

    path: Path
    given: Any = None
    choices: tuple[Any, ...] = ()
    range: Range | None = None

    @property
    def name(self) -> str:
        return shown(self.path)

    @property
    def whole(self) -> bool:
        return self.range is not None and isinstance(self.range.low, int) and isinstance(self.range.high, int)

    @property
    def ends(self) -> tuple[Any, ...]:
        """Values to try whether the recipe takes them: all choices, or both ends."""
        return self.choices if self.range is None else (self.range.low, self.range.high)

    def at(self, u: float) -> Any:
        """The value for u in [0, 1), evenly distributed for even u."""
        r = self.range
        if r is None:
            return self.choices[int(u * len(self.choices))]
        if r.log:
            value = math.exp(math.log(r.low) + u * (math.log(r.high) - math.log(r.low)))
            return min(max(round(value), int(r.low)), int(r.high)) if self.whole else value
        if self.whole:
            step = r.step or 1
            return int(r.low) + step * int(u * ((int(r.high) - int(r.low)) // step + 1))
        return r.low + u * (r.high - r.low)

    def grid(self) -> list[Any]:
        """The values of a grid, from low to high."""
        r = self.range
        if r is None:
            return list(self.choices)
        if r.points is None:
            return list(range(int(r.low), int(r.high) + 1, r.step or 1))
        shares = [i / (r.points - 1) for i in range(r.points)] if r.points > 1 else [0.5]
        low, high = (math.log(r.low), math.log(r.high)) if r.log else (r.low, r.high)
        values = [low + u * (high - low) for u in shares]
        values = [math.exp(v) for v in values] if r.log else values
        return list(dict.fromkeys(round(v) for v in values)) if self.whole else values


@dataclass(frozen=True)
class Space:
    """The settings of a search and its parameters."""

    settings: Settings
    parameters: tuple[Parameter, ...]

    @property
    def trials(self) -> int:
        """How many trials there will be."""
        asked = self.settings.trials
        if self.settings.method == "grid":
            whole = math.prod(len(p.grid()) for p in self.parameters)
            return whole if asked is None else min(asked, whole)
        return 20 if asked is None else asked

    def grid(self) -> Iterator[dict[Path, Any]]:
        """All combinations; the last parameter changes fastest."""
        for values in itertools.product(*(p.grid() for p in self.parameters)):
            yield dict(zip((p.path for p in self.parameters), values, strict=True))


def space_of(recipe: Recipe) -> Space:
    """The `[search]` of a recipe. Raises ValueError with file and line: for a setting that is none, a range that is
    none, and for a parameter that the recipe does not have or whose values it does not take."""
    origin, table = recipe.origin, recipe.search
    if table is None:
        raise origin.error((), "no [search] in this recipe, nothing to tune; see klarnet tune --help")
    known = fields_of(Settings)
    settings = Settings(**checked({k: v for k, v in table.items() if k in known}, ("search",), known, origin))
    found = [
        _parameter(recipe, keys, value)
        for key, given in table.items()
        if key not in known
        for keys, value in _leaves((key,), given)
    ]
    if not found:
        raise origin.error(
            ("search",), '[search] names no parameter, such as "training.batch_size" = {choices = [32]}'
        )
    space = Space(settings, tuple(found))
    if settings.method == "grid":
        for p, keys in zip(space.parameters, (p.path for p in found), strict=True):
            if p.range is not None and p.range.points is None and (p.range.log or not p.whole):
                place = ("search", *keys) if ("search", *keys) in origin.lines else ("search", p.name)
                raise origin.error(
                    place, f"search: {p.name}: a grid needs to know how many values: points = 5"
                )
    return space


def _leaves(keys: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """`"optimizer.learning_rate" = {...}` and `optimizer.learning_rate = {...}` alike."""
    inner = isinstance(value, dict) and not {"choices", "low", "high"} & set(value)
    if inner and value and all(isinstance(v, dict) for v in value.values()):
        for key, one in value.items():
            yield from _leaves((*keys, key), one)
    else:
        yield keys, value


def _parameter(recipe: Recipe, keys: tuple[str, ...], value: Any) -> Parameter:
    origin, place = recipe.origin, ("search", *keys)
    path: Path = tuple(int(part) if part.isdigit() else part for key in keys for part in key.split("."))
    name = shown(path)
    if not isinstance(value, dict) or ("choices" in value) == ("low" in value or "high" in value):
        forms = "{choices = [...]} or {low = ..., high = ..., log = true}"
        raise origin.error(place, f"search: {name} is {value!r}, expected {forms}")
    if "choices" in value:
        given = Choices(**checked(value, place, fields_of(Choices), origin)).choices
        if not given:
            raise origin.error(place, f"search: {name}: no choices")
        parameter = Parameter(path, _value(recipe, path), choices=tuple(value["choices"]))
    else:
        r = Range(**checked(value, place, fields_of(Range), origin))
        if not -math.inf < r.low < r.high < math.inf or (r.log and r.low <= 0):
            rule = "0 < low < high" if r.log else "low < high"
            raise origin.error(place, f"search: {name}: low {r.low} and high {r.high}, expected {rule}")
        parameter = Parameter(path, _value(recipe, path), range=r)
        if r.step is not None and (r.log or not parameter.whole):
            raise origin.error(place, f"search: {name}: step is for whole numbers without log")
    label = origin.place(place)
    for end in parameter.ends:
        changed(recipe, [(path, end, label)])
    return parameter


def _value(recipe: Recipe, path: Path) -> Any:
    """What stands in a recipe, every default said, at this path."""
    place: Any = as_tables(in_full(recipe))
    for part in path:
        try:
            place = place[part]
        except (KeyError, IndexError, TypeError):
            return None
    return place
