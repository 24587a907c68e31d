"""The lecture's back-propagation worked by hand, beside the library.

A network 2 - 2 - 1 with sigmoids, one example, the loss ½(y − t)². Every delta is written out as on the board; the
library's three passes give the same numbers to the last digits of float64.
"""

from __future__ import annotations

import numpy as np

import klarnet as kn

x, t = np.array([[0.6, 0.1]]), np.array([[1.0]])
W1, b1 = np.array([[0.1, -0.3], [0.4, 0.2]]), np.array([0.05, -0.1])
W2, b2 = np.array([[0.7], [-0.5]]), np.array([0.2])


def by_hand() -> dict[str, np.ndarray]:
    """Forward, then the deltas from the last layer to the first."""
    z1 = x @ W1 + b1
    a1 = 1 / (1 + np.exp(-z1))
    z2 = a1 @ W2 + b2
    y = 1 / (1 + np.exp(-z2))
    delta_y = y - t  # derivative of ½(y − t)²
    delta_z2 = delta_y * y * (1 - y)  # through the sigmoid
    delta_a1 = delta_z2 @ W2.T  # through the second layer
    delta_z1 = delta_a1 * a1 * (1 - a1)
    return {
        "y": y,
        "dense_2/W": a1.T @ delta_z2,
        "dense_2/b": delta_z2.sum(axis=0),
        "dense_1/W": x.T @ delta_z1,
        "dense_1/b": delta_z1.sum(axis=0),
        "dx": delta_z1 @ W1.T,
    }


def by_library() -> dict[str, np.ndarray]:
    """The same by forward, backward and weight gradients."""
    layers = [kn.Dense(2, activation="sigmoid"), kn.Dense(1, activation="sigmoid")]
    net = kn.Network(layers, input_shape=(2,), dtype=np.float64)
    for name, value in (("dense_1/W", W1), ("dense_1/b", b1), ("dense_2/W", W2), ("dense_2/b", b2)):
        net.weights[name] = value
    y = net.forward(x)
    dx = net.backward(y - t)
    return {"y": y, **net.weight_gradients(), "dx": dx}


def main() -> float:
    hand, library = by_hand(), by_library()
    for name, value in hand.items():
        print(
            f"{name:10} by hand {np.round(value, 6).tolist()}  library {np.round(library[name], 6).tolist()}"
        )
    largest = max(float(np.abs(hand[name] - library[name]).max()) for name in hand)
    print(f"largest difference {largest:.1e}")
    return largest


if __name__ == "__main__":
    main()
