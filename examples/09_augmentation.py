"""Augmentation: 500 digits, turned, scaled and shifted anew in every epoch, teach more than they do as they are.

The same network learns the same digits for the same number of epochs, once as they are and once augmented. Without
augmentation it soon knows the pictures by heart: the training loss vanishes while the test accuracy stands still.
"""

from __future__ import annotations

import klarnet as kn
from klarnet.data.augment import Rotate, Scale, Shift

STEPS = [Rotate(12), Scale(0.12), Shift(2)]


def network() -> kn.Network:
    layers = [kn.Conv2D(16, 3, activation="relu"), kn.MaxPool2D(2), kn.Conv2D(32, 3, activation="relu")]
    layers += [kn.MaxPool2D(2), kn.Flatten(), kn.Dense(64, activation="relu"), kn.Dense(10), kn.Softmax()]
    return kn.Network(layers, input_shape=(28, 28, 1), seed=1)


def main(examples: int = 500, epochs: int = 80) -> dict[str, float]:
    share = examples / 6000
    train, test = kn.data.digits().split(share, 1 - share, seed=1, stratified=True)
    found = {}
    for name, data in (("as they are", train), ("augmented", train.augmented(STEPS))):
        net = network()
        history = net.fit(data, optimizer=kn.Adam(1e-3), batch_size=32, epochs=epochs, progress=False)
        found[name] = float(net.evaluate(test).accuracy)
        print(f"{name:12} training loss {history['loss'][-1]:.4f}, test accuracy {found[name]:.3f}")
    return found


if __name__ == "__main__":
    main()
