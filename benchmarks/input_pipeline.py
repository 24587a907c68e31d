"""Does the input pipeline keep up? Steps on augmented batches against the same steps on data that lie in memory.

python benchmarks/input_pipeline.py [--steps 20] [--rounds 7] [--workers 1] [--threads 2] [--batch 64]

A network as large as one for CIFAR-10 (VGG-like, 32 x 32 x 3) trains in turn on the data as they are and on the data
augmented, as usual for such pictures and in full. What counts is the ratio of the two times of a step, round by round,
since the machine may have other work. Above it, what each augmentation costs a picture, without any training.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

import klarnet as kn
from klarnet.data.augment import Augmented
from klarnet.network import InputScaling

FULL = ("mirror", "crop", "rotate", "scale", "brightness", "contrast", "saturation", "hue", "cutout")
AHEAD = 4  # batches that Augmented prepares at most
USUAL = ("mirror", "crop", "cutout")


def pictures(n: int = 2560) -> kn.data.Dataset:
    """Bytes like those of pictures; what they show makes no difference to the time."""
    X = kn.random.integers((n, 32, 32, 3), 1, 0, 256).astype(np.uint8)
    return kn.data.Dataset(X, np.arange(n) % 10, scaling=kn.data.Scaling(1 / 255))


def network() -> kn.Network:
    layers: list[kn.Layer] = []
    for filters in (32, 64, 128):
        for _ in range(2):
            layers += [kn.Conv2D(filters, 3, padding="half"), kn.BatchNorm(), kn.ReLU()]
        layers += [kn.MaxPool2D(2), kn.Dropout(0.25)]
    layers += [kn.Flatten(), kn.Dense(256, activation="relu"), kn.Dropout(0.5), kn.Dense(10), kn.Softmax()]
    return kn.Network(layers, input_shape=(32, 32, 3), seed=1)


def endless(data: Any, batch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Full batches, epoch after epoch, as fit asks for them."""
    epoch = 0
    while True:
        yield from data.batches(batch, seed=1, epoch=epoch, shuffle=True, drop_last=True)
        epoch += 1


def step_time(trainer: kn.Trainer, feed: Iterator[Any], steps: int) -> float:
    """Milliseconds a step, waiting for the batch included. A few steps before it use up what lies ready, or let it be
    made, so that each side pays for its own batches."""
    for _ in range(AHEAD + 1):
        trainer.step(*next(feed))
    start = time.perf_counter()
    for _ in range(steps):
        trainer.step(*next(feed))
    return (time.perf_counter() - start) * 1e3 / steps


def cost(data: kn.data.Dataset, names: tuple[str, ...], batch: int, rounds: int = 5) -> float:
    """Microseconds of one core for a picture, the best of some rounds of ten batches."""
    made = Augmented(data, list(names), seed=1, workers=0)
    rows, best = np.arange(len(data)), float("inf")
    for epoch in range(rounds):
        start = time.thread_time()
        for i in range(10):
            made.take(rows[i * batch : (i + 1) * batch], epoch=epoch)
        best = min(best, (time.thread_time() - start) * 1e6 / (10 * batch))
    return best


def compare(
    data: kn.data.Dataset, names: tuple[str, ...], steps: int, rounds: int, workers: int, batch: int
) -> tuple[float, float, list[float]]:
    """Median ms a step in memory and augmented, and the ratio of each round."""
    trainer = kn.Trainer(network(), optimizer="adam")
    trainer.net.scaling = InputScaling(1 / 255, 0.0, "uint8")
    plain = endless(data, batch)
    augmented = endless(Augmented(data, list(names), workers=workers, ahead=AHEAD), batch)
    times = [(step_time(trainer, plain, steps), step_time(trainer, augmented, steps)) for _ in range(rounds)]
    augmented.close()  # type: ignore[attr-defined]
    memory, changed = (statistics.median(column) for column in zip(*times, strict=True))
    return memory, changed, [b / a for a, b in times]


def main() -> None:
    parser = argparse.ArgumentParser(description="augmented batches against data in memory")
    for name, value in (("steps", 20), ("rounds", 7), ("workers", 1), ("threads", 2), ("batch", 64)):
        parser.add_argument(f"--{name}", type=int, default=value)
    a = parser.parse_args()
    kn.engine.set_threads(a.threads)
    data = pictures()
    for name in kn.data.augment.AUGMENTATIONS:
        print(f"{name:14} {cost(data, (name,), a.batch):7.1f} µs a picture")
    for names in (USUAL, FULL):
        print(f"\n{', '.join(names)}: {cost(data, names, a.batch):.1f} µs a picture")
        memory, changed, ratios = compare(data, names, a.steps, a.rounds, a.workers, a.batch)
        print(
            f"step {memory:.1f} ms in memory, {changed:.1f} ms augmented; "
            f"ratio {statistics.median(ratios):.3f} (least {min(ratios):.3f}, largest {max(ratios):.3f})"
        )


if __name__ == "__main__":
    main()
