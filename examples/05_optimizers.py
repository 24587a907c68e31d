"""Gradient descent, Adagrad, RMSProp and Adam over a sweep of learning rates: Adam forgives a badly chosen one.

The same small network learns the same digits for a few epochs, once for each optimizer and learning rate. Gradient
descent learns in the one power of ten just below the rate at which it breaks down; Adam learns over two powers of ten,
and its usual 0.001 lies well inside.
"""

from __future__ import annotations

import numpy as np

import klarnet as kn

RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
OPTIMIZERS = {
    "gradient descent": kn.GradientDescent,
    "Adagrad": kn.Adagrad,
    "RMSProp": kn.RMSProp,
    "Adam": kn.Adam,
}


def final_loss(make: type, rate: float, data: kn.data.Dataset, epochs: int) -> float:
    """The loss after training, infinite where it broke down."""
    layers = [kn.Flatten(), kn.Dense(32, activation="relu"), kn.Dense(10), kn.Softmax()]
    net = kn.Network(layers, input_shape=(28, 28, 1), seed=1)
    try:
        net.fit(data, optimizer=make(rate), batch_size=32, epochs=epochs, progress=False)
        return float(net.evaluate(data).loss)
    except kn.NotFiniteError:
        return float("inf")


def main(examples: int = 1000, epochs: int = 8) -> dict[str, list[float]]:
    data = kn.data.digits()[:examples]
    print("final loss at rate " + "".join(f"{rate:>8g}" for rate in RATES) + "   below 1")
    found = {}
    for name, make in OPTIMIZERS.items():
        losses = [final_loss(make, rate, data, epochs) for rate in RATES]
        found[name] = losses
        good = sum(np.array(losses) < 1.0)
        print(f"{name:19}" + "".join(f"{loss:8.3f}" for loss in losses) + f"{good:10}")
    return found


if __name__ == "__main__":
    main()
