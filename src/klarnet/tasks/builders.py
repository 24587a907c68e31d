"""Networks as functions of a few settings: dense, VGG-like and residual ones, for vectors and small pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from klarnet.layers import (
    Add,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool,
    Input,
    Layer,
    MaxPool2D,
    Node,
    ReLU,
    Softmax,
)
from klarnet.layers.checks import positive, within
from klarnet.model import Network


def mlp(
    input_shape: Sequence[int],
    outputs: int,
    *,
    units: Sequence[int] = (64,),
    activation: str = "relu",
    batch_norm: bool = False,
    dropout: float = 0.0,
    classify: bool = True,
    seed: int = 1,
) -> Network:
    """A multilayer perceptron: dense layers of so many `units`, dropout behind each, then the outputs.

    input_shape   of one example; pictures are flattened
    outputs       classes, or with classify=False numbers to be predicted
    batch_norm    between each dense layer and its activation
    classify      end in Softmax
    Raises ValueError for settings out of range. Course: multilayer perceptron.
    """
    layers: list[Layer] = [Flatten()] if len(input_shape) > 1 else []
    for count in units:
        if batch_norm:
            layers += [Dense(count, bias=False), BatchNorm(activation=activation)]
        else:
            layers.append(Dense(count, activation=activation))
        layers += _dropout("mlp", dropout)
    layers += _head(outputs, classify)
    return Network(layers, input_shape=tuple(input_shape), seed=seed)


def vgg(
    input_shape: Sequence[int],
    outputs: int,
    *,
    filters: Sequence[int] = (32, 64, 128),
    convolutions: int = 2,
    batch_norm: bool = True,
    dropout: float | Sequence[float] = 0.0,
    units: Sequence[int] = (128,),
    dense_dropout: float = 0.5,
    classify: bool = True,
    seed: int = 1,
) -> Network:
    """Blocks of 3 x 3 convolutions, each ended by a pooling that halves the picture, then dense layers.

    input_shape    (h, w, d) of one picture
    outputs        classes, or with classify=False numbers to be predicted
    filters        of each block's convolutions; as many blocks as numbers
    convolutions   how many of them a block has
    batch_norm     between each convolution and its ReLU
    dropout        behind each block's pooling: one rate, or one a block
    units          of the dense layers behind the blocks
    dense_dropout  behind each of those
    classify       end in Softmax
    Raises ValueError for settings out of range and for a picture too small for so many poolings. Simonyan and
    Zisserman 2015; batch norm: Ioffe and Szegedy 2015.
    """
    rates = [dropout] * len(filters) if isinstance(dropout, (int, float)) else list(dropout)
    if len(rates) != len(filters):
        raise ValueError(f"vgg: {len(rates)} dropout rates, expected one or {len(filters)}, one a block")
    layers: list[Layer] = []
    for count, rate in zip(filters, rates, strict=True):
        for _ in range(positive("vgg", "convolutions", convolutions)):
            if batch_norm:
                layers += [_convolution(count), BatchNorm(activation="relu")]
            else:
                layers.append(Conv2D(count, 3, padding="half", activation="relu"))
        layers += [MaxPool2D(2), *_dropout("vgg", rate)]
    layers.append(Flatten())
    for count in units:
        layers += [Dense(count, activation="relu"), *_dropout("vgg", dense_dropout)]
    layers += _head(outputs, classify)
    return Network(layers, input_shape=tuple(input_shape), seed=seed)


def small_vgg(
    input_shape: Sequence[int] = (28, 28, 1),
    outputs: int = 10,
    *,
    filters: Sequence[int] = (16, 32),
    dropout: float | Sequence[float] = (0.2, 0.3),
    units: Sequence[int] = (128,),
    dense_dropout: float = 0.5,
    classify: bool = True,
    seed: int = 1,
) -> Network:
    """`vgg` as it suits small grey pictures: two blocks, no batch norm, dropout instead."""
    return vgg(
        input_shape,
        outputs,
        filters=filters,
        batch_norm=False,
        dropout=dropout,
        units=units,
        dense_dropout=dense_dropout,
        classify=classify,
        seed=seed,
    )


def residual(
    input_shape: Sequence[int],
    outputs: int,
    *,
    filters: Sequence[int] = (16, 32, 64),
    blocks: int | Sequence[int] = 3,
    dropout: float = 0.0,
    classify: bool = True,
    seed: int = 1,
) -> Network:
    """A residual network for small pictures: Y = ReLU(F(X) + shortcut(X)) in every block.

    F is convolution 3 x 3, batch norm, ReLU, convolution 3 x 3, batch norm. The shortcut is X itself; where a stage
    begins with a stride of 2 or with other channels it is a projection, a 1 x 1 convolution with batch norm. In front
    stands one 3 x 3 convolution, at the end the mean over all places and a dense layer. `filters=(16, 32, 64),
    blocks=3` is the ResNet-20 of the paper.

    input_shape   (h, w, d) of one picture
    outputs       classes, or with classify=False numbers to be predicted
    filters       of each stage; the second and later stages halve the picture
    blocks        in a stage: one number, or one a stage
    dropout       before the dense layer
    classify      end in Softmax
    Raises ValueError for settings out of range. He, Zhang, Ren and Sun 2016.
    """
    counts = [blocks] * len(filters) if isinstance(blocks, int) else list(blocks)
    if not filters or len(counts) != len(filters):
        raise ValueError(
            f"residual: {len(counts)} numbers of blocks, expected one or {len(filters)}, one a stage"
        )
    x = Input(tuple(input_shape))
    y = BatchNorm(activation="relu")(_convolution(filters[0])(x))
    channels = filters[0]
    for stage, (count, repeats) in enumerate(zip(filters, counts, strict=True)):
        for block in range(positive("residual", "blocks", repeats)):
            stride = 2 if stage and not block else 1
            y = _block(y, count, stride, project=stride > 1 or count != channels)
            channels = count
    y = GlobalAveragePool()(y)
    for layer in (*_dropout("residual", dropout), *_head(outputs, classify)):
        y = layer(y)
    return Network(inputs=x, outputs=y, seed=seed)


def _block(x: Node, filters: int, stride: int, *, project: bool) -> Node:
    y = BatchNorm(activation="relu")(_convolution(filters, stride=stride)(x))
    y = BatchNorm()(_convolution(filters)(y))
    shortcut = BatchNorm()(_convolution(filters, size=1, stride=stride)(x)) if project else x
    return ReLU()(Add()([y, shortcut]))


def _convolution(filters: int, *, size: int = 3, stride: int = 1) -> Conv2D:
    """One that batch norm follows: without a bias, which the norm would take away again."""
    padding: Any = "half" if size > 1 else "valid"
    return Conv2D(filters, size, stride=stride, padding=padding, bias=False, initial="he_normal")


def _dropout(builder: str, rate: float) -> list[Layer]:
    return [Dropout(rate)] if within(builder, "dropout", rate, 0.0, 1.0) else []


def _head(outputs: int, classify: bool) -> list[Layer]:
    return [Dense(outputs), Softmax()] if classify else [Dense(outputs)]


BUILDERS: dict[str, Callable[..., Network]] = {
    "mlp": mlp,
    "small_vgg": small_vgg,
    "vgg": vgg,
    "residual": residual,
}
