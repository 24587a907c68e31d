"""klarnet: neural networks you can read, trained fast on the CPU you have.

import klarnet as kn

train, validation, test = kn.data.digits().split(0.6, 0.2, 0.2, seed=1)
net = kn.Network([kn.Flatten(), kn.Dense(64, activation="relu"), kn.Dense(10), kn.Softmax()],
                 input_shape=(28, 28, 1), seed=1)
net.fit(train, validation=validation)
print(net.evaluate(test).accuracy)
"""

from __future__ import annotations

from . import data, engine, formulas, layers, losses, metrics, optimizers, random
from .layers import *  # noqa: F403
from .losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    SigmoidBinaryCrossEntropy,
    SmoothL1,
    SoftmaxCrossEntropy,
    SquaredError,
)
from .model import Network, load
from .optimizers import Adagrad, Adam, AdamW, GradientDescent, RMSProp
from .training import (
    Callback,
    Checkpoint,
    EarlyStopping,
    History,
    NotFiniteError,
    Progress,
    Trainer,
    check_gradients,
    load_checkpoint,
    save_checkpoint,
)

__version__ = "0.1.0"
__all__ = [
    *layers.__all__,
    "Adagrad",
    "Adam",
    "AdamW",
    "BinaryCrossEntropy",
    "Callback",
    "Checkpoint",
    "CrossEntropy",
    "EarlyStopping",
    "GradientDescent",
    "History",
    "Huber",
    "Network",
    "NotFiniteError",
    "Progress",
    "RMSProp",
    "SigmoidBinaryCrossEntropy",
    "SmoothL1",
    "SoftmaxCrossEntropy",
    "SquaredError",
    "Trainer",
    "check_gradients",
    "data",
    "engine",
    "formulas",
    "layers",
    "load",
    "load_checkpoint",
    "losses",
    "metrics",
    "optimizers",
    "random",
    "save_checkpoint",
]
