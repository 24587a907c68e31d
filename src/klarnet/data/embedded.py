"""The digits that come with the package."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from klarnet import random
from klarnet.data.dataset import Dataset
from klarnet.data.idx import read_idx
from klarnet.data.mnist import CLASS_NAMES
from klarnet.data.scaling import Scaling

FILE = Path(__file__).with_name("digits") / "digits-idx4-ubyte.gz"
"""All digits in one array (10, m, 28, 28): m pictures of every class, in the order of the classes."""


def digits() -> Dataset:
    """6,000 real handwritten digits, 600 of every class: the first ones of MNIST's training set.

    They need no file and no network, and lie in a fixed, shuffled order. X (6000, 28, 28, 1) uint8, scaling
    1/255; t (6000,) int64; class names "0" to "9". Source and licence (CC BY-SA 3.0): the README beside the
    file.
    """
    classes = read_idx(FILE)
    X = classes.reshape(-1, 28, 28, 1)
    t = np.repeat(np.arange(10, dtype=np.int64), classes.shape[1])
    order = random.permutation(len(X), 0, purpose=random.SHUFFLE)
    return Dataset(X[order], t[order], class_names=CLASS_NAMES, scaling=Scaling(1 / 255), name="digits")
