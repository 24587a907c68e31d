"""A layer of your own, in plain NumPy: it trains, is checked, saved and loaded like the built-in ones."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

import klarnet as kn


class Scale(kn.Layer):
    """Y = X ⊙ s, one factor a channel. X (n, …, d), s (d,)."""

    def build(self, shape):
        self.weight("s", shape[-1:], initial="ones")
        return shape

    def forward(self, w, X, *, training):
        return X * w.s, kn.Kept(X=X)

    def backward(self, w, kept, dY):
        return dY * w.s

    def weight_gradients(self, w, kept, dY):
        return {"s": (dY * kept.X).sum(tuple(range(dY.ndim - 1)))}


def main() -> float:
    data = kn.data.digits()[:1000]
    layers = [kn.Flatten(), kn.Dense(32, activation="relu"), Scale(), kn.Dense(10), kn.Softmax()]
    net = kn.Network(layers, input_shape=(28, 28, 1), seed=1)
    print(kn.check_gradients(net, data.X[:4] / 255.0, data.t[:4]))
    net.fit(data, epochs=3, progress=False)
    accuracy = float(net.evaluate(data).accuracy)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own.klarnet"
        net.save(path)
        again = kn.load(path, layers=[Scale])
    assert np.array_equal(net.predict(data.X[:10]), again.predict(data.X[:10]))
    print(f"accuracy on the training digits {accuracy:.3f}; saved, loaded, same answers")
    return accuracy


if __name__ == "__main__":
    main()
