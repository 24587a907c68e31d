"""Naming the class of picture files or texts with a trained network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from klarnet.model import Network


@dataclass
class Answer:
    """The classification of one file, text or row: class names with probabilities, the likeliest first."""

    file: str  # or the text itself, or the file and line of a row
    ranking: list[tuple[str, float]]
    light: bool = False  # a grey picture, light at its border, where MNIST is black
    numbers: list[tuple[str, float]] | None = (
        None  # of a network that learned numbers: they by name, and no ranking
    )

    @property
    def label(self) -> str:
        return self.ranking[0][0]

    @property
    def probability(self) -> float:
        return self.ranking[0][1]


def classify(net: Network, file: str | os.PathLike[str], *, invert: bool = False) -> Answer:
    """Read a picture, bring it to the network's size, and name its class.

    invert   swaps black and white first
    Raises FileNotFoundError or ValueError, naming the file, where it is no whole picture, and ValueError for a network
    that does not take one picture of a fixed size.
    """
    from klarnet.data import read_picture

    from .pictures import light_border

    shape = net.inputs[0].shape
    if len(net.inputs) != 1 or len(shape) != 3 or None in shape or shape[2] not in (1, 3):
        shapes = ", ".join(str(v.shape) for v in net.inputs)
        raise ValueError(f"{file}: the network takes {shapes}, expected pictures (height, width, 1 or 3)")
    X = read_picture(file, *shape, invert=invert)
    return Answer(str(file), ranking(net, net.predict(X[None])[0]), shape[2] == 1 and light_border(X))


def classify_texts(net: Network, texts: Sequence[str]) -> list[Answer]:
    """Name the class of each text. Raises ValueError for a network that does not tell classes of texts apart, and for
    a text without any character."""
    if not reads_texts(net) or len(next(iter(net.outputs.values())).shape) != 1:
        raise ValueError("the network tells no classes of texts apart")
    for i, text in enumerate(texts):
        if not text.strip():
            raise ValueError(f"text {i + 1}: empty, expected some characters")
    answers = zip(texts, net.predict(list(texts)), strict=True)
    return [Answer(text, ranking(net, p)) for text, p in answers]


def reads_texts(net: Network) -> bool:
    """Did the network learn from texts?"""
    return net.encoding is not None and "unit" in net.encoding


def ranking(net: Network, p: np.ndarray) -> list[tuple[str, float]]:
    """Every class by name with its probability, the likeliest first."""
    names = net.class_names or tuple(str(i) for i in range(len(p)))
    return [(names[i], float(p[i])) for i in np.argsort(-p, kind="stable")]
