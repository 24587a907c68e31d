"""Cross-validation: as many trainings as folds, each tested on the fold that it did not see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from klarnet.data.split import split
from klarnet.training import Callback
from klarnet.training.evaluation import Result

from .fitting import begin_network, learn
from .parts import Examples, Parts
from .recipes import Recipe, loss_of


class _Ending(Callback):
    """Notes whether a signal ended the training."""

    interrupted = False

    def on_fit_end(self, fit: Any) -> None:
        self.interrupted = fit.interrupted


def cross_validate(recipe: Recipe, folds: int) -> Iterator[Result]:
    """The test results of `folds` trainings by a recipe, each as it is done.

    The examples are shuffled by the recipe's seed and cut into folds, every class alike; each fold is the test part of
    one training, whose validation part is cut off the other folds. What decides how examples become inputs is fitted
    without the fold. Course: cross-validation. Ctrl-C behind a step passes through as KeyboardInterrupt.
    Raises ValueError for fewer than 2 folds, for more than there are examples, and for a source with a test part.
    """
    if folds < 2:
        raise ValueError(f"cross-validation: {folds} folds, expected 2 or more")
    examples = Examples(recipe)
    whole, stratified = examples.whole()
    parts = split(whole, [1 / folds] * folds, recipe.seed, stratified, None)
    for i, held_out in enumerate(parts):
        rest = np.concatenate([part for j, part in enumerate(parts) if j != i])
        share = examples.how.validation
        learned = _chosen(whole, rest).split(1 - share, share, seed=recipe.seed, stratified=stratified)
        train, validation = learned
        test = _chosen(whole, held_out)
        test = test.encode(train.encoding) if hasattr(test, "encode") else test
        fold = Parts(train, validation, test)
        net = begin_network(recipe, fold)
        ending = _Ending()
        learn(recipe, net, fold, [], [ending], progress=False)
        if ending.interrupted:
            raise KeyboardInterrupt  # a training that was broken off says nothing of the recipe
        yield net.evaluate(test, loss=loss_of(recipe), metrics=recipe.training.metrics)


def _chosen(whole: Any, rows: np.ndarray) -> Any:
    """Some examples of a data set, or of what becomes one."""
    return whole.chosen(rows) if hasattr(whole, "chosen") else whole[rows]
