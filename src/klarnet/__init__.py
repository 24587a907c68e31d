"""klarnet: neural networks you can read, trained fast on the CPU you have.

    import klarnet as kn

    train, validation, test = kn.data.digits().split(0.6, 0.2, 0.2, seed=1)
    net = kn.Network([kn.Flatten(), kn.Dense(64, activation="relu"), kn.Dense(10), kn.Softmax()],
                     input_shape=(28, 28, 1), seed=1)
    net.fit(train, validation=validation)
    print(net.evaluate(test).accuracy)

Importing klarnet is cheap: a name loads the part it stands in when it is first used.
"""

# ruff: noqa: F401, F403
from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what a type checker and an editor see
    from . import ctc, data, engine, formulas, layers, lm, losses, metrics, optimizers, random
    from .layers import *
    from .losses import *
    from .model import Network, load
    from .optimizers import *
    from .tasks.builders import mlp, residual, small_vgg, vgg
    from .tasks.text_builders import character_model, recurrent, sentence_cnn
    from .training import *

__version__ = "0.1.0"

_ROOMS = ("ctc", "data", "engine", "formulas", "layers", "lm", "losses", "metrics", "optimizers", "random")
_NAMES = {
    "model": "Network load",
    "layers": "ELU GELU GRU LSTM RNN Add AveragePool1D AveragePool2D BatchNorm Bidirectional Concat Conv1D Conv2D "
    "ConvTranspose2D Crop2D Dense Dropout Embedding Flatten GaussianNoise GlobalAveragePool GlobalMaxPool Highway "
    "Input Kept Layer LayerNorm LeakyReLU MaxPool1D MaxPool2D MaxUnpool2D Node Pad2D Permute ReLU Reshape Sigmoid "
    "SiLU Softmax Tanh ToSequence Upsample2D",
    "losses": "BinaryCrossEntropy CTC CrossEntropy Huber Loss SigmoidBinaryCrossEntropy SmoothL1 SoftmaxCrossEntropy "
    "SquaredError",
    "optimizers": "Adagrad Adam AdamW Constant Cosine GradientDescent OneCycle Optimizer RMSProp ReduceOnPlateau "
    "Schedule Step WarmUp",
    "tasks.builders": "mlp residual small_vgg vgg",
    "tasks.text_builders": "character_model recurrent sentence_cnn",
    "training": "Callback Checkpoint EarlyStopping History NotFiniteError Profile Progress RateCurve TensorBoard "
    "Trainer Unfreeze Watch check_gradients load_checkpoint lr_find profile read_checkpoint save_checkpoint",
}
_WHERE = {name: part for part, names in _NAMES.items() for name in names.split()}
__all__ = [*_ROOMS, *_WHERE]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        found = getattr(import_module(f"klarnet.{_WHERE[name]}"), name)
    elif name in _ROOMS:
        found = import_module(f"klarnet.{name}")
    else:
        raise AttributeError(f"klarnet has no {name!r}")
    globals()[name] = found  # the next use finds it at once
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
