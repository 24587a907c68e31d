"""What a recipe becomes when it is trained: a network, and the arguments of `fit`."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from klarnet.data import TextEncoding
from klarnet.data.augment import Augmented
from klarnet.model import Network
from klarnet.training import Callback, EarlyStopping, History

from .parts import Examples, Parts
from .recipes import Recipe, augmentation_of, loss_of, network_of, optimizer_of, schedule_of, unfreezing_of
from .recipes.tables import at


def network_for(recipe: Recipe, train: Any) -> Network:
    """The network of a recipe for these examples: as many inputs and outputs as they have."""
    X, t = train.outline()
    if t is None:
        raise ValueError(f"{train.name}: no targets in the data, nothing can be learned from them")
    if isinstance(train.encoding, TextEncoding):
        net = network_of(recipe, (), len(train.class_names), symbols=len(train.encoding))
        net.encoding = train.encoding.settings()
        return net
    classes, labels = train.class_names, train.labels()
    classify = classes is not None or labels is not None
    outputs = len(classes) if classes else int(labels.max()) + 1 if classify else int(np.prod(t.shape[1:]))
    return network_of(recipe, X.shape[1:], outputs, classify=classify)


def begin_network(recipe: Recipe, examples: Examples | Parts) -> Network:
    """The network as its training begins: with first weights, or with those of another one, which is told of; frozen
    where the recipe says so."""
    net, how, origin = network_for(recipe, examples.train), recipe.transfer, recipe.origin
    if how.weights is not None:
        match = list(how.match) if not isinstance(how.match, str) else how.match
        try:
            print(net.load_weights(how.weights, match=match), flush=True)
        except FileNotFoundError:
            text = f"{how.weights}: no run folder with best.klarnet, and no .klarnet file"
            raise FileNotFoundError(f"{origin.place(('transfer', 'weights'))}: {text}") from None
        except ValueError as error:
            raise ValueError(f"{origin.place(('transfer', 'weights'))}: {error}") from None
    if how.freeze:
        at(("transfer", "freeze"), origin, lambda: net.freeze(*how.freeze))
    for pattern in how.rates:
        at(("transfer", "rates", pattern), origin, partial(net.weights.match, pattern, "rates"))
    for epoch, given in how.unfreeze.items():
        for pattern in [given] if isinstance(given, str) else given:
            at(("transfer", "unfreeze", epoch), origin, partial(net.weights.match, pattern, "unfreeze"))
    return net


def learn(
    recipe: Recipe,
    net: Network,
    examples: Examples | Parts,
    before: list[Callback],
    behind: list[Callback],
    *,
    resume: bool = False,
    progress: bool = True,
) -> History:
    """Fit a network to the training part by a recipe, watched on the validation part.

    before, behind   callbacks that come before and behind early stopping, which puts the best weights back
    resume           from the last checkpoint, where one of the callbacks has it
    """
    how, unfreezing = recipe.training, unfreezing_of(recipe)
    stopping = EarlyStopping(how.patience or how.epochs, monitor=how.monitor, best_weights=how.best_weights)
    return net.fit(
        augmented(recipe, examples.train),
        validation=examples.validation,
        schedule=schedule_of(recipe),
        epochs=how.epochs,
        callbacks=[*before, *([unfreezing] if unfreezing else []), stopping, *behind],
        resume=resume,
        progress=progress,
        **of_fit(recipe),
    )


def of_fit(recipe: Recipe) -> dict[str, Any]:
    """What a recipe says of each step of a training, as arguments of `fit`."""
    less = recipe.regularisation
    return {
        "loss": loss_of(recipe),
        "metrics": recipe.training.metrics,
        "optimizer": optimizer_of(recipe),
        "batch_size": recipe.training.batch_size,
        "seed": recipe.seed,
        "rates": recipe.transfer.rates or None,
        "clip_norm": less.clip_norm,
        "clip_value": less.clip_value,
        "max_norm": less.max_norm,
        "weight_noise": less.weight_noise,
        "label_noise": less.label_noise,
    }


def augmented(recipe: Recipe, train: Any) -> Any:
    """The training part as the training sees it."""
    steps = augmentation_of(recipe)
    return Augmented(train, steps, workers=recipe.training.workers) if steps else train
