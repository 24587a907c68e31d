"""A small classifier and what tests of fit and of checkpoints say of it."""

from __future__ import annotations

from typing import Any

import numpy as np

import klarnet as kn

X = kn.random.normal((60, 5), seed=1).astype(np.float32)
T = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)


def mlp(**options: Any) -> kn.Network:
    layers = [kn.Dense(8, activation="relu"), kn.Dropout(0.2), kn.Dense(3), kn.Softmax()]
    return kn.Network(layers, input_shape=(5,), seed=4, **options)


def fitted(*data: Any, **options: Any) -> kn.Network:
    net = mlp()
    net.fit(*data, epochs=3, batch_size=16, progress=False, **options)
    return net


def bits(net: kn.Network) -> np.ndarray:
    return net.weights.values.view(np.uint32)
