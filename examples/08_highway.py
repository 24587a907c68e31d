"""A hundred layers deep: a highway network learns the digits where a plain stack stays near chance.

In a plain stack of a hundred layers the gradient fades on its way down. A highway layer starts close to the identity
(its gates are almost shut), so the gradient of the first layer is as good as that of the last.
"""

from __future__ import annotations

import klarnet as kn


def network(kind: str, depth: int, width: int) -> kn.Network:
    """`depth` layers of one kind between a small convolution that sees the picture and the output layer."""
    deep = {
        "highway": lambda: kn.Highway(activation="tanh", gate_bias=-3.0),
        "plain": lambda: kn.Dense(width, activation="relu"),
    }[kind]
    seeing = [kn.Conv2D(16, 3, activation="relu"), kn.MaxPool2D(2), kn.Flatten(), kn.Dropout(0.4)]
    seeing.append(kn.Dense(width, activation="tanh"))
    deciding = [kn.Dropout(0.2), kn.Dense(10), kn.Softmax()]
    layers = [*seeing, *(deep() for _ in range(depth)), *deciding]
    return kn.Network(layers, input_shape=(28, 28, 1), seed=1)


def main(depth: int = 100, width: int = 64, epochs: int = 20, examples: int = 6000) -> dict[str, float]:
    train, test = kn.data.digits()[:examples].split(0.8, 0.2, seed=1)
    found = {}
    for kind in ("plain", "highway"):
        net = network(kind, depth, width)
        history = net.fit(train, optimizer=kn.Adam(1e-3), batch_size=32, epochs=epochs, progress=False)
        found[kind] = float(net.evaluate(test).accuracy)
        print(
            f"{kind:8} {depth} layers: training loss {history['loss'][-1]:.4f}, test accuracy {found[kind]:.3f}"
        )
    return found


if __name__ == "__main__":
    main()
