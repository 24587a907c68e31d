"""A checkpoint: a network's file that also holds the optimizer's state, by the names of the weights."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from klarnet.network.files import architecture, fill, read, to_bytes, weights_in, write_atomically

if TYPE_CHECKING:
    from .history import History
    from .trainer import Trainer

_PREFIX = "optimizer:"
Arrays = Mapping[str, np.ndarray]


def save_checkpoint(
    trainer: Trainer, path: str | os.PathLike[str], *, epoch: int = 0, history: History | None = None
) -> None:
    """Write weights, optimizer state, step and epoch, whole or not at all.

    For a loop of your own; kn.Checkpoint writes a whole run, which fit(…, resume=True) takes up again.
    """
    write_checkpoint(trainer, path, {"epoch": epoch, "history": history.rows if history is not None else []})


def write_checkpoint(
    trainer: Trainer, path: str | os.PathLike[str], about: Mapping[str, Any], arrays: Arrays | None = None
) -> None:
    """The same, with what else there is to say, and further arrays, whose names hold a colon."""
    net = trainer.net
    moments = {_PREFIX + name: a for name, a in trainer.moments.named().items()}
    training = {
        "optimizer": trainer.optimizer.name,
        "settings": trainer.optimizer.settings(),
        "step": trainer.iterations,
        "learning_rate": trainer.learning_rate,
        "born": trainer.moments.births(trainer.iterations),
        **about,
    }
    whole = {**architecture(net), "training": training}
    write_atomically(path, to_bytes({**dict(net.weights.items()), **moments, **(arrays or {})}, whole))


def read_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What a checkpoint says of its training: step, epoch, history, …, and whatever kn.Checkpoint(about=…) was given.

    Raises ValueError for a file without a training in it.
    """
    return _training(read(path)[1], path)


def load_checkpoint(trainer: Trainer, path: str | os.PathLike[str], *, grown: bool = False) -> dict[str, Any]:
    """Go on from a checkpoint: weights and optimizer state are matched by name. Returns what it says of the training.

    grown   allow weights that the checkpoint does not have: they keep their values and start with fresh optimizer
            state, their first step counted as 1.
    Raises ValueError where names or shapes do not match; then nothing was changed.
    """
    arrays, about = read(path)
    return take_up(trainer, arrays, about, path, grown=grown)


def take_up(
    trainer: Trainer, arrays: Arrays, about: Mapping[str, Any], path: Any, *, grown: bool = False
) -> dict[str, Any]:
    """The same for a file that was read."""
    training = _training(about, path)
    if training["optimizer"] != trainer.optimizer.name:
        raise ValueError(
            f"{path}: written by {training['optimizer']}, this training uses {trainer.optimizer.name}"
        )
    weights = weights_in(arrays)
    moments = {n.removeprefix(_PREFIX): a for n, a in arrays.items() if n.startswith(_PREFIX)}
    if grown:
        weights = {**{n: trainer.net.weights[n] for n in trainer.net.weights if n not in weights}, **weights}
    _check_moments(trainer, moments, path)
    fill(trainer.net, weights, path)
    trainer.moments.load(moments, training["born"], training["step"])
    trainer.state.step = training["step"]
    trainer.learning_rate = training["learning_rate"]
    trainer.net.version += 1  # ranges may have new births: plans are made anew
    return dict(training)


def _training(about: Mapping[str, Any], path: Any) -> dict[str, Any]:
    if about.get("training") is None:
        raise ValueError(f"{path}: a network without a training in it; use kn.load")
    return dict(about["training"])


def _check_moments(trainer: Trainer, moments: dict[str, Any], path: Any) -> None:
    mine = trainer.moments.named()
    unknown = sorted(name for name in moments if name not in mine)
    if unknown:
        raise ValueError(f"{path}: optimizer state {unknown[0]} belongs to no weight of the network")
    for name, view in mine.items():  # in the network's order: the file's own order is no order
        if name in moments and view.shape != moments[name].shape:
            raise ValueError(
                f"{path}: optimizer state {name} has shape {moments[name].shape}, expected {view.shape}"
            )
