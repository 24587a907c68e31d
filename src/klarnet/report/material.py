"""What a report is made of, whoever trained: a run of the command line or a few lines of Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from klarnet.formulas import softmax
from klarnet.losses import loss as find_loss
from klarnet.metrics import ConfusionMatrix, confusion_matrix
from klarnet.model import Network
from klarnet.training import History

if TYPE_CHECKING:
    from klarnet.tasks.train import Outcome


@dataclass
class Material:
    """A training and what it led to.

    title         of the page
    net           the network as it was kept
    history       what happened in each epoch
    result        the figures of the examples shown, by name: loss, accuracy, …
    X, t          the examples shown, which the network did not learn from, and their targets; X may be texts
    predictions   the network's outputs for X
    part          which examples they are: "test", or "validation" where the test set is to stay unseen
    settings      what was asked for, nested as in a recipe
    sizes         examples by part
    sample        a batch (X, t) of training examples, to measure a step on; None: no section on time and memory
    watched       statistics of the layers over time, as `Watch.to_json()` gives them
    """

    title: str
    net: Network
    history: History
    result: Mapping[str, Any]
    X: Any
    t: Any
    predictions: Any
    part: str = "test"
    seconds: float = 0.0
    settings: Mapping[str, Any] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    loss: Any = None
    optimizer: Any = "adam"
    batch_size: int = 32
    sample: tuple[Any, Any] | None = None
    watched: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.loss is None:
            self.loss = self.net.default_loss()

    @cached_property
    def classes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Of a classification of whole examples: probabilities (m, k), true classes (m,), and which examples of X
        they are (m,); those with an ignored label are left out. None for everything else."""
        if isinstance(self.loss, Mapping) or isinstance(self.predictions, Mapping):
            return None
        if self.t is None or self.predictions is None:
            return None
        loss, p, t = find_loss(self.loss), np.asarray(self.predictions), np.asarray(self.t)
        which = np.arange(len(p))
        if "binary" in loss.name and t.size == p.size == len(p) and ((t == 0) | (t == 1)).all():
            p = p.reshape(-1, 1).astype(np.float64)
            p = 1 / (1 + np.exp(-p)) if (p < 0).any() or (p > 1).any() else p
            return np.concatenate([1 - p, p], axis=1), t.reshape(-1).astype(np.int64), which
        if not loss.classifies or p.ndim != 2 or p.shape[1] < 2:
            return None
        t = t.argmax(axis=1) if t.shape == p.shape else t.reshape(-1).astype(np.int64)
        counted = t != ignored if (ignored := getattr(loss, "ignored", None)) is not None else t >= 0
        p, t, which = p[counted], t[counted], which[counted]
        sums = p.sum(axis=1, dtype=np.float64)
        is_share = len(p) and p.min() >= 0 and abs(sums - 1).max() <= 1e-3
        return (p if is_share or not len(p) else softmax(p)), t, which

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The classes' names, their numbers where they have none."""
        count = 0 if self.classes is None else self.classes[0].shape[1]
        given = self.net.class_names
        return tuple(map(str, given)) if given and len(given) == count else tuple(map(str, range(count)))

    @cached_property
    def matrix(self) -> ConfusionMatrix | None:
        """The confusion matrix of the examples shown."""
        if (given := getattr(self.result, "confusion_matrix", None)) is not None:
            return given
        if self.classes is None:
            return None
        p, t, _ = self.classes
        return confusion_matrix(t, p.argmax(axis=1), self.names)

    @cached_property
    def values(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Of a regression: predictions and truth, both (n, k) float64; None for everything else."""
        if self.classes is not None or self.matrix is not None or isinstance(self.predictions, Mapping):
            return None
        if self.t is None or self.predictions is None:
            return None
        y, t = np.asarray(self.predictions), np.asarray(self.t)
        if y.ndim > 2 or t.dtype.kind not in "fiub" or y.size != t.size or not y.size:
            return None
        return y.reshape(len(y), -1).astype(np.float64), t.reshape(len(y), -1).astype(np.float64)


def of_run(outcome: Outcome) -> Material:
    """The material of a finished run."""
    from klarnet.tasks.recipes import flat, loss_of, optimizer_of

    recipe, parts = outcome.recipe, outcome.parts
    size = recipe.training.batch_size
    train, test = parts.train, parts.test
    X, t, *_ = train.take(range(min(size, len(train))))
    return Material(
        title=f"klarnet: {recipe.name}",
        net=outcome.net,
        history=outcome.history,
        result=outcome.result,
        X=getattr(test, "texts", getattr(test, "X", None)),
        t=getattr(test, "t", None),
        predictions=outcome.predictions,
        seconds=outcome.seconds,
        settings=flat(recipe),
        sizes={"training": len(train), "validation": len(parts.validation), "test": len(test)},
        loss=loss_of(recipe),
        optimizer=optimizer_of(recipe),
        batch_size=size,
        watched=None if outcome.watch is None else outcome.watch.to_json(),
        sample=(X, t),
    )
