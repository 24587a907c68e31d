"""Transfer learning: a network that was trained on the digits 0-4 learns 5-9 from a few examples.

Its convolutions are frozen and a new head learns from 10 or 100 examples a class; beside it the same network from
scratch, and one whose convolutions join half-way at a tenth of the learning rate. `--data DIR` takes the whole MNIST.
"""

import argparse

import numpy as np

import klarnet as kn

SCRATCH, HEAD, THEN_ALL = WAYS = "from scratch", "head alone", "head, then all"


def digits(data: kn.data.Dataset, first: int, seed: int, most: int | None = None) -> kn.data.Dataset:
    """The digits first … first + 4 as classes 0 … 4, at most so many of each in an order drawn by the seed."""
    order = kn.random.permutation(len(data), seed, purpose=kn.random.SPLIT)
    rows = [order[data.t[order] == digit][:most] for digit in range(first, first + 5)]
    t = np.repeat(np.arange(5), [len(r) for r in rows])
    return kn.data.Dataset(data.X[np.concatenate(rows)], t, scaling=data.scaling)


def new_net(seed: int) -> kn.Network:
    layers = [kn.Conv2D(16, 3, activation="relu"), kn.MaxPool2D(2), kn.Conv2D(32, 3, activation="relu")]
    layers += [kn.MaxPool2D(2), kn.Dropout(0.3), kn.Flatten(), kn.Dense(5), kn.Softmax()]
    return kn.Network(layers, input_shape=(28, 28, 1), seed=seed)


def main(
    data: str | None = None, seeds: int = 5, epochs: int = 40, steps: int = 400
) -> dict[int, np.ndarray]:
    """Accuracies on 5-9, (seeds, ways), by the number of examples a class."""
    train, test = kn.data.digits().split(0.7, 0.3, seed=0)
    if data is not None:
        train, test = kn.data.mnist(data), kn.data.mnist(data, part="test")
    test, found = digits(test, 5, seed=0), {n: np.zeros((seeds, len(WAYS))) for n in (10, 100)}
    for i in range(seeds):
        old = new_net(seed=i)
        old.fit(digits(train, 0, seed=i), epochs=epochs, progress=False)
        old.freeze("conv2d_*")
        for (n, a), (j, way) in ((pair, place) for pair in found.items() for place in enumerate(WAYS)):
            net = new_net(seed=100 + i) if way == SCRATCH else old.with_new_head([kn.Dense(5), kn.Softmax()])
            last = steps * 5 // n  # epochs of n / 5 batches
            how = {"rates": {"conv2d_*": 0.1}, "callbacks": [kn.Unfreeze({last // 2: "*"})]}
            few = digits(train, 5, seed=i, most=n)
            net.fit(few, batch_size=25, epochs=last, progress=False, **(how if way == THEN_ALL else {}))
            a[i, j] = net.evaluate(test).accuracy
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", help="folder of MNIST's four files; without it the 6,000 digits of the package"
    )
    where = parser.parse_args().data
    for n, a in main(where, epochs=3 if where else 40).items():
        for way, x in [*zip(WAYS, a.T, strict=True), ("gain of the head", a[:, 1] - a[:, 0])]:
            print(f"{n:3} examples a class, {way:16}: {100 * x.mean():5.2f} % ± {100 * x.std(ddof=1):.2f}")
