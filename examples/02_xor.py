"""A multilayer perceptron learns XOR: a hidden layer bends the line that one neuron cannot bend."""

from __future__ import annotations

import numpy as np

import klarnet as kn

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
t = np.array([[0], [1], [1], [0]], np.float32)


def main(steps: int = 2000) -> np.ndarray:
    net = kn.Network(
        [kn.Dense(8, activation="tanh"), kn.Dense(1, activation="sigmoid")], input_shape=(2,), seed=1
    )
    trainer = kn.Trainer(net, loss="binary_cross_entropy", optimizer=kn.GradientDescent(0.5))
    for step in range(steps):
        value = trainer.step(X, t)
        if step % (steps // 5) == 0:
            print(f"step {step:5}  loss {value:.4f}")
    p = net.predict(X)
    for x, wanted, got in zip(X, t, p, strict=True):
        print(f"{x.astype(int)} -> {got[0]:.3f}   wanted {int(wanted[0])}")
    return p


if __name__ == "__main__":
    main()
