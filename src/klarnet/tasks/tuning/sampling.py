"""Which settings a trial gets: from a grid, at random, or from Optuna."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from klarnet import random
from klarnet.tasks.recipes.lines import Path
from klarnet.tasks.recipes.origin import shown

from .space import OPTUNA, Space
from .trial import Trial

_TRIES = 50  # before a trial at random may repeat an earlier one

Prune = Callable[[int, float], bool]  # epoch and value -> is this trial given up?


def by_name(settings: dict[Path, Any]) -> dict[str, Any]:
    return {shown(path): value for path, value in settings.items()}


class Sampler:
    """Settings from seed, number of the trial and, for Optuna, the trials before it: the same whoever asks, and
    however often a search was broken off."""

    def __init__(self, space: Space, direction: str) -> None:
        self.space, self.direction = space, direction
        self._grid = list(space.grid()) if space.settings.method == "grid" else []

    def ask(self, number: int, before: Sequence[Trial]) -> tuple[dict[Path, Any], Prune]:
        """The settings of trial `number`, and what may give it up."""
        s = self.space.settings
        with_optuna = s.method in OPTUNA or s.pruner != "none"
        if number == 0 and s.baseline and s.method != "grid":
            return {}, _never
        if s.method == "grid":
            settings: dict[Path, Any] | None = self._grid[number]
        elif s.method == "random":
            settings = self._random(number, before)
        else:
            settings = None
        if not with_optuna:
            assert settings is not None
            return settings, _never
        from .with_optuna import ask

        return ask(self.space, self.direction, number, before, settings)

    def _random(self, number: int, before: Sequence[Trial]) -> dict[Path, Any]:
        seen = [t.settings for t in before]
        drawn = [
            random.uniform(_TRIES, self.space.settings.seed, node=i, step=number, purpose=random.SEARCH)
            for i in range(len(self.space.parameters))
        ]
        settings: dict[Path, Any] = {}
        for attempt in range(_TRIES):
            settings = {
                p.path: p.at(float(u[attempt])) for p, u in zip(self.space.parameters, drawn, strict=True)
            }
            if by_name(settings) not in seen:
                break
        return settings


def _never(epoch: int, value: float) -> bool:
    return False
