"""The built-in recipes of image classification: data, network and the settings that suit them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from klarnet import data
from klarnet.data import Dataset
from klarnet.layers import Conv2D, Dense, Dropout, Flatten, MaxPool2D, Softmax
from klarnet.model import Network
from klarnet.names import unknown


class UnknownRecipeError(ValueError):
    """No recipe has that name."""


@dataclass(frozen=True)
class Parts:
    """Training, validation and test data, which never share an example."""

    train: Dataset
    validation: Dataset
    test: Dataset


@dataclass(frozen=True)
class Recipe:
    """What `klarnet train NAME` does, and its settings where the command line says nothing else."""

    name: str
    about: str
    needs_data: bool
    parts: Callable[[str | None, int], Parts]
    network: Callable[[int], Network]
    epochs: int
    batch_size: int
    learning_rate: float
    patience: int


def small_vgg(filters: tuple[int, int], seed: int) -> Network:
    """Two blocks of two 3 x 3 convolutions and a pooling, then two dense layers, with dropout between.

    After Simonyan and Zisserman 2015, made small.
    """

    def conv(count: int) -> Conv2D:
        return Conv2D(count, 3, padding="half", activation="relu")

    few, many = filters
    return Network(
        [
            conv(few),
            conv(few),
            MaxPool2D(2),
            Dropout(0.2),
            conv(many),
            conv(many),
            MaxPool2D(2),
            Dropout(0.3),
            Flatten(),
            Dense(128, activation="relu"),
            Dropout(0.5),
            Dense(10),
            Softmax(),
        ],
        input_shape=(28, 28, 1),
        seed=seed,
    )


def _digits(directory: str | None, seed: int) -> Parts:
    return Parts(*data.digits().split(0.6, 0.2, 0.2, seed=seed, stratified=True))


def _mnist(directory: str | None, seed: int) -> Parts:
    if directory is None:
        raise ValueError("recipe mnist needs the folder with MNIST's four IDX files: --data DIR")
    whole = data.mnist(directory, part="train")
    train, validation = whole.split(0.9, 0.1, seed=seed, stratified=True)
    return Parts(train, validation, data.mnist(directory, part="test"))


RECIPES = {
    r.name: r
    for r in (
        Recipe(
            "digits",
            "6,000 real handwritten digits that come with klarnet",
            False,
            _digits,
            lambda seed: small_vgg((16, 32), seed),
            30,
            32,
            1e-3,
            6,
        ),
        Recipe(
            "mnist",
            "all 70,000 handwritten digits of MNIST, read from --data DIR",
            True,
            _mnist,
            lambda seed: small_vgg((16, 32), seed),
            20,
            64,
            1e-3,
            4,
        ),
    )
}


def recipe(name: str) -> Recipe:
    """The recipe of that name. Raises UnknownRecipeError with the nearest name there is."""
    if name not in RECIPES:
        raise UnknownRecipeError(str(unknown("recipe", name, RECIPES)))
    return RECIPES[name]
