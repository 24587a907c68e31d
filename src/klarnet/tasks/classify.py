"""Naming the class of picture files with a trained network."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from klarnet.model import Network


@dataclass
class Answer:
    """The classification of one file: class names with probabilities, the likeliest first."""

    file: str
    ranking: list[tuple[str, float]]
    light: bool  # a grey picture, light at its border, where MNIST is black

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
    p = net.predict(X[None])[0]
    names = net.class_names or tuple(str(i) for i in range(len(p)))
    order = np.argsort(-p, kind="stable")
    return Answer(str(file), [(names[i], float(p[i])) for i in order], shape[2] == 1 and light_border(X))
