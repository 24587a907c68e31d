"""Does a loss fit what its output gives? Logits taken for probabilities train badly and say nothing."""

from __future__ import annotations

import warnings
from typing import Any

from klarnet import layers
from klarnet.losses import Loss
from klarnet.network import BaseNetwork

# Their outputs may be any numbers, so they are no probabilities.
_ANY_NUMBER = (
    layers.Dense,
    layers.Conv2D,
    layers.Conv1D,
    layers.ConvTranspose2D,
    layers.Highway,
    layers.BatchNorm,
    layers.LayerNorm,
    layers.Embedding,
    layers.RNN,
    layers.GRU,
    layers.LSTM,
    layers.ReLU,
    layers.LeakyReLU,
    layers.ELU,
    layers.GELU,
    layers.SiLU,
    layers.Tanh,
)


def gives(layer: Any) -> str | None:
    """ "probabilities", "values" that can be any number, or None where the layer does not tell (one of the user's)."""
    if isinstance(layer, layers.Softmax | layers.Sigmoid):
        return "probabilities"
    return "values" if isinstance(layer, _ANY_NUMBER) else None


def warn_of_misfits(net: BaseNetwork, losses: dict[str, Loss]) -> None:
    """One UserWarning for each loss on probabilities that gets none, and each loss on logits behind a Softmax."""
    for name, loss in losses.items():
        vertex = net.outputs[name]
        kind, text = gives(vertex.layer), None
        if loss.outputs == "probabilities" and kind == "values":
            text = (
                f"expects probabilities, but {vertex.name} gives any numbers; add Softmax (or sigmoid) behind it, or "
                f'use loss="{"sigmoid_" if loss.name.startswith("binary") else "softmax_"}{loss.name}"'
            )
        elif loss.outputs == "logits" and isinstance(vertex.layer, layers.Softmax):
            text = f"expects logits, but {vertex.name} gives probabilities; leave the Softmax out"
        if text is not None:
            warnings.warn(f"{loss.name} {text}", UserWarning, stacklevel=4)
