"""Stacked linear layers collapse into one.

(X W1 + b1) W2 + b2 = X (W1 W2) + (b1 W2 + b2): three dense layers without activation can do no more than one. With an
activation between them no single layer gives the same outputs.
"""

from __future__ import annotations

import numpy as np

import klarnet as kn
from klarnet.formulas import dense


def collapse(net: kn.Network) -> tuple[np.ndarray, np.ndarray]:
    """The one weight matrix and bias that all dense layers of a network come to."""
    W, b = None, None
    for layer in ("dense_1", "dense_2", "dense_3"):
        W_i, b_i = net.weights[f"{layer}/W"], net.weights[f"{layer}/b"]
        W, b = (W_i, b_i) if W is None else (W @ W_i, b @ W_i + b_i)
    return W, b


def main() -> tuple[float, float]:
    X = kn.random.normal((100, 5), seed=1)
    differences = []
    for activation in (None, "tanh"):
        layers = [kn.Dense(7, activation=activation), kn.Dense(6, activation=activation), kn.Dense(3)]
        net = kn.Network(layers, input_shape=(5,), seed=2, dtype=np.float64)
        for name in net.weights:
            if name.endswith("/b"):
                net.weights[name] = kn.random.normal(net.weights[name].shape, seed=3)
        difference = float(np.abs(net.predict(X) - dense(X, *collapse(net))).max())
        differences.append(difference)
        print(f"activation {activation!s:5}: three layers and their collapse differ by {difference:.1e}")
    return differences[0], differences[1]


if __name__ == "__main__":
    main()
