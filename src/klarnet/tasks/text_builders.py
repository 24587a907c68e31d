"""Networks for texts as functions of a few settings: recurrent ones, convolutional ones, and language models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from klarnet.layers import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Concat,
    Conv1D,
    Dense,
    Dropout,
    Embedding,
    GlobalMaxPool,
    Input,
    Node,
    Softmax,
)
from klarnet.layers.checks import positive, within
from klarnet.model import Network
from klarnet.names import unknown

RECURRENT: dict[str, Any] = {"rnn": RNN, "gru": GRU, "lstm": LSTM}
Kind = Literal["rnn", "gru", "lstm"]


def recurrent(
    symbols: int,
    outputs: int,
    *,
    layer: Kind = "gru",
    units: int = 128,
    embedding: int = 64,
    depth: int = 1,
    bidirectional: bool = False,
    dropout: float = 0.0,
    seed: int = 1,
) -> Network:
    """Texts by a recurrent layer, whose state after the last symbol tells the class.

    symbols        how many numbers symbols have, from 0 on: `len(encoding)`
    outputs        classes
    layer          "rnn", "gru" or "lstm"
    units          of its state
    embedding      size of the vectors that stand for the symbols
    depth          how many such layers lie over one another
    bidirectional  one more of each runs from the last symbol to the first
    dropout        of the vectors and of the last state
    Raises ValueError for settings out of range. Course: recurrent networks.
    """
    x = Input((None,), lengths=True, dtype="int")
    y = _dropped("recurrent", Embedding(symbols, embedding)(x), dropout)
    last = positive("recurrent", "depth", depth) - 1
    for i in range(depth):
        one = _kind("recurrent", layer)(units, outputs="last" if i == last else "sequence")
        y = (Bidirectional(one) if bidirectional else one)(y)
    y = _dropped("recurrent", y, dropout)
    return Network(inputs=x, outputs=Softmax()(Dense(outputs)(y)), seed=seed)


def sentence_cnn(
    symbols: int,
    outputs: int,
    *,
    embedding: int = 128,
    widths: Sequence[int] = (3, 4, 5),
    filters: int = 100,
    embedding_dropout: float = 0.0,
    dropout: float = 0.5,
    seed: int = 1,
) -> Network:
    """Sentences by convolution over word vectors: filters of `widths` words, each over the whole vectors, then the
    largest answer of each filter anywhere in the sentence (max over time), dropout, and a dense layer.

    symbols            how many numbers words have, from 0 on: `len(encoding)`
    outputs            classes
    embedding          size of the word vectors, learned from scratch
    widths             of the filters, in words
    filters            of each width
    embedding_dropout  of the word vectors
    dropout            before the dense layer
    Raises ValueError for settings out of range. Kim 2014. Course: text.
    """
    x = Input((None,), lengths=True, dtype="int")
    y = _dropped(
        "sentence_cnn", Embedding(symbols, embedding, initial="glorot_uniform")(x), embedding_dropout
    )
    if not widths:
        raise ValueError(
            "sentence_cnn: widths is empty, expected the widths of the filters, such as (3, 4, 5)"
        )
    found = [GlobalMaxPool()(Conv1D(filters, w, padding="half", activation="relu")(y)) for w in widths]
    y = _dropped("sentence_cnn", Concat()(found) if len(found) > 1 else found[0], dropout)
    return Network(inputs=x, outputs=Softmax()(Dense(outputs)(y)), seed=seed)


def character_model(
    symbols: int,
    outputs: int,
    *,
    layer: Kind = "gru",
    units: int = 256,
    embedding: int = 64,
    depth: int = 1,
    dropout: float = 0.0,
    carry_state: bool = True,
    seed: int = 1,
) -> Network:
    """A language model: at each symbol of a text, how probable each symbol is as the next.

    symbols      how many numbers symbols have, from 0 on: `len(encoding)`; `outputs` are as many
    layer        "rnn", "gru" or "lstm"
    units        of its state
    embedding    size of the vectors that stand for the symbols
    depth        how many such layers lie over one another
    dropout      behind each of them
    carry_state  a piece of text begins with the state that the piece before has left
    Raises ValueError for settings out of range. Mikolov et al. 2010. Course: recurrent networks.
    """
    x = Input((None,), dtype="int")
    y: Node = Embedding(symbols, embedding)(x)
    for _ in range(positive("character_model", "depth", depth)):
        y = _kind("character_model", layer)(units, carry_state=carry_state)(y)
        y = _dropped("character_model", y, dropout)
    return Network(inputs=x, outputs=Softmax()(Dense(outputs)(y)), seed=seed)


def _kind(builder: str, layer: str) -> Any:
    if layer not in RECURRENT:
        raise unknown(f"{builder}: layer", layer, RECURRENT)
    return RECURRENT[layer]


def _dropped(builder: str, y: Node, rate: float) -> Node:
    return Dropout(rate)(y) if within(builder, "dropout", rate, 0.0, 1.0) else y


TEXT_BUILDERS: dict[str, Callable[..., Network]] = {
    "recurrent": recurrent,
    "sentence_cnn": sentence_cnn,
    "character_model": character_model,
}
