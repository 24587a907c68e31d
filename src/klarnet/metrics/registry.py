"""Metrics by name, as a user writes them: `metrics=["accuracy"]`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from klarnet.metrics.accuracy import Accuracy


@runtime_checkable
class Metric(Protocol):
    """What a metric is: batches go in, a number comes out, and it is known which way is better.

    A class of a user's own with these four is a metric as well; `name` is optional.
    """

    better: str
    """"higher" or "lower"."""

    def update(self, outputs: Any, t: Any) -> None: ...
    def result(self) -> float: ...
    def reset(self) -> None: ...


METRICS: dict[str, Callable[[], Metric]] = {"accuracy": Accuracy}


def resolve(metric: str | Metric | type) -> Metric:
    """A metric by its name, freshly made; or a metric (or class of one) of the user's own.

    Raises ValueError for an unknown name, with the nearest known one, and for a metric that does not say which way
    is better; TypeError for what is no metric.
    """
    if isinstance(metric, str):
        if metric not in METRICS:
            raise ValueError(f"metrics: unknown metric {metric!r}; {_suggestion(metric)}")
        return METRICS[metric]()
    made = metric() if isinstance(metric, type) else metric
    missing = [part for part in ("update", "result", "reset") if not callable(getattr(made, part, None))]
    if missing:
        raise TypeError(
            f"metrics: expected a name or an object with update, result and reset; {type(made).__name__} has no"
            f" {', '.join(missing)}"
        )
    better = getattr(made, "better", None)
    if better not in ("higher", "lower"):
        raise ValueError(f'metrics: {type(made).__name__}.better must be "higher" or "lower", got {better!r}')
    return made


def _suggestion(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name.lower(), METRICS, n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(METRICS))}"
