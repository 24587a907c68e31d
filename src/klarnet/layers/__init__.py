"""The layers. Each shows its three passes: forward, backward and weight gradients."""

from __future__ import annotations

from .activation import ELU, GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softmax, Tanh
from .bidirectional import Bidirectional
from .convolution import Conv1D, Conv2D
from .dense import Dense
from .dropout import Dropout, GaussianNoise
from .embedding import Embedding
from .gru import GRU
from .highway import Highway
from .layer import LAYERS, Kept, Layer, Weight, activation
from .lstm import LSTM
from .merge import Add, Concat
from .node import Input, Node
from .norm import BatchNorm, LayerNorm
from .pooling import AveragePool1D, AveragePool2D, GlobalAveragePool, GlobalMaxPool, MaxPool1D, MaxPool2D
from .rnn import RNN
from .shape import Crop2D, Flatten, Pad2D, Permute, Reshape, ToSequence
from .upsampling import ConvTranspose2D, MaxUnpool2D, Upsample2D

__all__ = [
    "ELU",
    "GELU",
    "GRU",
    "LAYERS",
    "LSTM",
    "RNN",
    "Add",
    "AveragePool1D",
    "AveragePool2D",
    "BatchNorm",
    "Bidirectional",
    "Concat",
    "Conv1D",
    "Conv2D",
    "ConvTranspose2D",
    "MaxUnpool2D",
    "Upsample2D",
    "Crop2D",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianNoise",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Highway",
    "Input",
    "Kept",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "MaxPool1D",
    "MaxPool2D",
    "Node",
    "Pad2D",
    "Permute",
    "ReLU",
    "Reshape",
    "Sigmoid",
    "SiLU",
    "Softmax",
    "Tanh",
    "ToSequence",
    "Weight",
    "activation",
]
