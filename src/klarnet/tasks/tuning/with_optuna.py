"""Optuna's samplers and pruners, asked anew for each trial with all trials before it.

So a trial follows from the seed, its number and what was found before, and a search that was broken off goes on as if
it had not been. Akiba et al., "Optuna", 2019.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Sequence
from typing import Any

from klarnet import random
from klarnet.tasks.recipes.lines import Path

from .space import OPTUNA, Parameter, Space
from .trial import Trial

MISSING = (
    'needs Optuna: pip install \'klarnet[tune]\' (method = "random" or "grid" without a pruner do without)'
)


NEEDS = {"gp": ("torch", "scipy"), "cmaes": ("cmaes",)}  # of Optuna's samplers, beside Optuna


def require(space: Space) -> None:
    """Raises ValueError where a search wants what is not installed, and says how to get it."""
    s = space.settings
    if s.method not in OPTUNA and s.pruner == "none":
        return
    optuna()
    for package in NEEDS.get(s.method, ()):
        if importlib.util.find_spec(package) is None:
            raise ValueError(f"search.method {s.method!r} needs the package {package}: pip install {package}")


def optuna() -> Any:
    """The library. Raises ValueError that says how to get it."""
    try:
        import optuna as found
    except ImportError:
        raise ValueError(f"this [search] {MISSING}") from None
    found.logging.set_verbosity(found.logging.WARNING)
    return found


def ask(
    space: Space, direction: str, number: int, before: Sequence[Trial], settings: dict[Path, Any] | None
) -> tuple[dict[Path, Any], Any]:
    """The settings of a trial, Optuna's own or those given, and the pruner's verdict by epoch and value."""
    library = optuna()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what Optuna calls experimental
        distributions = {p.name: _distribution(library, p) for p in space.parameters}
        study = library.create_study(
            direction="minimize" if direction == "lower" else "maximize",
            sampler=_sampler(library, space, number),
            pruner=_pruner(library, space),
        )
        for trial in before:
            _add(library, study, space, distributions, trial)
        if settings is not None:
            study.enqueue_trial({p.name: _inner(p, settings[p.path]) for p in space.parameters})
        asked = study.ask(distributions)

    def prune(epoch: int, value: float) -> bool:
        asked.report(value, epoch)
        return bool(asked.should_prune())

    return {p.path: _outer(p, asked.params[p.name]) for p in space.parameters}, prune


def _distribution(library: Any, p: Parameter) -> Any:
    d = library.distributions
    if p.range is None:
        return d.CategoricalDistribution(list(range(len(p.choices))))
    if p.whole:
        return d.IntDistribution(int(p.range.low), int(p.range.high), log=p.range.log, step=p.range.step or 1)
    return d.FloatDistribution(float(p.range.low), float(p.range.high), log=p.range.log)


def _inner(p: Parameter, value: Any) -> Any:
    """A value as Optuna knows it: choices are counted, since they may be lists."""
    return value if p.range is not None else p.choices.index(value)


def _outer(p: Parameter, value: Any) -> Any:
    return value if p.range is not None else p.choices[value]


def _sampler(library: Any, space: Space, number: int) -> Any:
    s = space.settings
    (seed,) = random.integers(1, s.seed, 0, 2**31, step=number, node=2**31, purpose=random.SEARCH).tolist()
    samplers = library.samplers
    made = {
        "tpe": lambda: samplers.TPESampler(seed=seed, n_startup_trials=max(3, space.trials // 4)),
        "gp": lambda: samplers.GPSampler(seed=seed),
        "cmaes": lambda: samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False),
    }
    return made.get(s.method, lambda: samplers.RandomSampler(seed=seed))()


def _pruner(library: Any, space: Space) -> Any:
    pruners = library.pruners
    made = {
        "none": pruners.NopPruner,
        "median": lambda: pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=2),
        "hyperband": pruners.HyperbandPruner,
    }
    return made[space.settings.pruner]()


def _add(library: Any, study: Any, space: Space, distributions: dict[str, Any], trial: Trial) -> None:
    """Tell Optuna of an earlier trial; of one that lies outside its ranges, as the baseline may, it is not told."""
    states = library.trial.TrialState
    state = {"done": states.COMPLETE, "pruned": states.PRUNED}.get(trial.state, states.FAIL)
    known = {p.name: p for p in space.parameters}
    given = trial.settings or {p.name: p.given for p in space.parameters}
    try:
        params = {name: _inner(known[name], value) for name, value in given.items()}
        made = library.trial.create_trial(
            state=state,
            params=params,
            distributions={name: distributions[name] for name in params},
            value=trial.value if state == states.COMPLETE else None,
            intermediate_values={i + 1: v for i, v in enumerate(trial.curve) if v == v},
        )
    except (ValueError, KeyError, TypeError):
        return
    study.add_trial(made)
