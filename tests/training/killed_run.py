"""A small convolutional network on real digits, as a process of its own that test_killed.py ends.

    python killed_run.py FOLDER ITERATIONS_BETWEEN_CHECKPOINTS

It goes on from whatever checkpoint the folder holds, and writes the number of each iteration once it is over.
"""

from __future__ import annotations

import sys
from typing import Any

import klarnet as kn


class Tell(kn.Callback):
    def on_settled(self, fit: Any) -> None:
        print(fit.trainer.iterations, flush=True)


def main(folder: str, every: int) -> None:
    train, validation = kn.data.digits()[:400].split(0.8, 0.2, seed=1)
    layers = [
        *(kn.Conv2D(6, 5, padding="half", activation="relu"), kn.MaxPool2D(2)),
        *(kn.Conv2D(16, 5), kn.BatchNorm(activation="relu"), kn.MaxPool2D(2), kn.Flatten()),
        *(kn.Dense(120, activation="relu"), kn.Dropout(0.3), kn.Dense(10), kn.Softmax()),
    ]
    net = kn.Network(layers, input_shape=(28, 28, 1), seed=1)
    net.fit(
        train,
        validation=validation,
        schedule=kn.WarmUp(20, then=kn.Cosine()),
        batch_size=16,
        epochs=11,
        callbacks=[kn.EarlyStopping(20), kn.Checkpoint(folder, every=every, keep=2), Tell()],
        label_noise=0.05,
        clip_norm=5.0,
        resume=True,
        progress=False,
    )
    net.save(f"{folder}/trained.klarnet")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
