"""The table of layers: a new layer adds a row."""

from __future__ import annotations

from functools import partial
from typing import Any

from bench import Row

import klarnet as kn

PICTURES = (2, 6, 5, 4)
LINES = (3, 7, 4)
FLAT = (5, 6)


def listed(layer: Any, nodes: Any) -> Any:
    return layer(nodes)


def row(layer: Any, *shapes: tuple[int, ...], **rest: Any) -> Row:
    settings = {k: rest.pop(k) for k in ("symbols", "apply", "bad") if k in rest}
    arguments = rest.pop("of", ())
    return Row(partial(layer, *arguments, **rest), list(shapes), **settings)


NO_PICTURE: Any = [((6,), "pictures (h, w, d)"), ((6, 5), "(6, 5)")]
NO_SEQUENCE: Any = [((6,), "(t, m)"), ((6, 5, 4), "(6, 5, 4)")]

LAYERS: dict[str, Row] = {
    "Dense": row(kn.Dense, FLAT, of=(3,), bad=[((6, 5, 4), "is Flatten missing?")]),
    "Dense on sequences": row(kn.Dense, LINES, of=(3,)),
    "Dense without bias": row(kn.Dense, FLAT, of=(3,), bias=False, activation="tanh"),
    "ReLU": row(kn.ReLU, FLAT),
    "LeakyReLU": row(kn.LeakyReLU, PICTURES, slope=0.2),
    "ELU": row(kn.ELU, FLAT, alpha=0.7),
    "GELU": row(kn.GELU, LINES),
    "SiLU": row(kn.SiLU, FLAT),
    "Tanh": row(kn.Tanh, FLAT),
    "Sigmoid": row(kn.Sigmoid, FLAT),
    "Softmax": row(kn.Softmax, LINES),
    "Dropout": row(kn.Dropout, FLAT, rate=0.4),
    "Dropout of nothing": row(kn.Dropout, FLAT, rate=0.0),
    "GaussianNoise": row(kn.GaussianNoise, FLAT, of=(0.3,)),
    "Conv2D": row(
        kn.Conv2D, PICTURES, of=(3, 3),
        bad=[*NO_PICTURE, ((2, 9, 1), "does not fit into a height of 2")]
    ),
    "Conv2D with all": row(
        kn.Conv2D, PICTURES, of=(4, (2, 3)), stride=(2, 1), dilation=(1, 2), padding="half", groups=2,
        activation="silu", bad=[((6, 5, 3), "2 groups do not divide 3 input channels")],
    ),
    "Conv2D, depthwise": row(kn.Conv2D, PICTURES, of=(4, 3), groups=4, bias=False, padding=((1, 2), (0, 1))),
    "Conv1D": row(kn.Conv1D, LINES, of=(3, 2), stride=2, padding=(1, 2), dilation=2, bad=NO_SEQUENCE),
    "Conv1D in groups": row(kn.Conv1D, LINES, of=(6, 3), groups=2, padding="full", bias=False),
    "ConvTranspose2D": row(
        kn.ConvTranspose2D, PICTURES, of=(3, 3), stride=2, padding=1, output_padding=1, bad=NO_PICTURE
    ),
    "ConvTranspose2D without bias": row(kn.ConvTranspose2D, PICTURES, of=(3, (2, 3)), stride=(1, 2), bias=False),
    "MaxPool2D": row(kn.MaxPool2D, PICTURES, of=(2,), bad=[*NO_PICTURE, ((1, 5, 2), "a window of 2")]),
    "MaxPool2D, overlapping": row(kn.MaxPool2D, PICTURES, of=(3,), stride=(1, 2), padding="half"),
    "AveragePool2D": row(kn.AveragePool2D, PICTURES, of=((2, 3),), stride=1, bad=NO_PICTURE),
    "AveragePool2D, padded": row(kn.AveragePool2D, PICTURES, of=(3,), padding=1, count_padding=False),
    "MaxPool1D": row(kn.MaxPool1D, LINES, of=(3,), stride=2, padding=1, bad=NO_SEQUENCE),
    "AveragePool1D": row(kn.AveragePool1D, LINES, of=(2,), padding=(0, 1), bad=NO_SEQUENCE),
    "GlobalAveragePool": row(kn.GlobalAveragePool, PICTURES, bad=[((6,), "(h, w, d) or (t, d)")]),
    "GlobalAveragePool of sequences": row(kn.GlobalAveragePool, LINES),
    "GlobalMaxPool": row(kn.GlobalMaxPool, PICTURES, bad=[((6,), "(h, w, d) or (t, d)")]),
    "GlobalMaxPool of sequences": row(kn.GlobalMaxPool, LINES),
    "MaxUnpool2D": row(
        kn.MaxUnpool2D, (2, 3, 2, 4), PICTURES, window=2, apply=listed,
        bad=[([(4, 2, 4), (6, 5, 4)], "expected (3, 2, 4), the shape behind the pooling")],
    ),
    "Upsample2D": row(kn.Upsample2D, PICTURES, of=((2, 3),), bad=NO_PICTURE),
    "Upsample2D, bilinear": row(kn.Upsample2D, PICTURES, of=(2,), method="bilinear"),
    "BatchNorm": row(kn.BatchNorm, FLAT),
    "BatchNorm of pictures": row(kn.BatchNorm, PICTURES, momentum=0.8, activation="relu"),
    "LayerNorm": row(kn.LayerNorm, LINES),
    "Embedding": row(kn.Embedding, (3, 5), of=(9, 4), symbols=9),
    "Highway": row(kn.Highway, FLAT),
    "Highway without activation": row(kn.Highway, LINES, activation=None, gate_bias=-1.0),
    "RNN": row(kn.RNN, LINES, of=(3,), bad=[((6,), "ToSequence"), ((6, 5, 4), "ToSequence")]),
    "RNN, last output": row(kn.RNN, LINES, of=(3,), outputs="last", output_units=2),
    "RNN, reversed, with output weights": row(kn.RNN, LINES, of=(3,), reverse=True, output_units=5),
    "GRU": row(kn.GRU, LINES, of=(3,), bad=[((6,), "ToSequence"), ((6, 5, 4), "ToSequence")]),
    "GRU, last step": row(kn.GRU, LINES, of=(3,), outputs="last", reverse=True),
    "GRU, reset before": row(kn.GRU, LINES, of=(3,), reset="before"),
    "GRU, reset before, reversed": row(kn.GRU, LINES, of=(3,), reset="before", reverse=True),
    "Bidirectional": row(kn.Bidirectional, LINES, of=(kn.LSTM(3),), bad=[((6,), "ToSequence")]),
    "Bidirectional, last": row(kn.Bidirectional, LINES, of=(kn.GRU(3, outputs="last", reset="before"),)),
    "Bidirectional RNN": row(kn.Bidirectional, LINES, of=({"kind": "rnn", "units": 3, "output_units": 2},)),
    "LSTM": row(kn.LSTM, LINES, of=(3,), bad=[((6,), "ToSequence"), ((6, 5, 4), "ToSequence")]),
    "LSTM, last step": row(kn.LSTM, LINES, of=(3,), outputs="last"),
    "LSTM, reversed": row(kn.LSTM, LINES, of=(3,), reverse=True),
    "RNN, recurrent dropout": row(kn.RNN, LINES, of=(5,), recurrent_dropout=0.4),
    "GRU, recurrent dropout": row(kn.GRU, LINES, of=(5,), recurrent_dropout=0.4, outputs="last"),
    "GRU, reset before, recurrent dropout": row(kn.GRU, LINES, of=(5,), reset="before", recurrent_dropout=0.4),
    "LSTM, recurrent dropout": row(kn.LSTM, LINES, of=(5,), recurrent_dropout=0.4, reverse=True),
    "Bidirectional, recurrent dropout": row(kn.Bidirectional, LINES, of=(kn.LSTM(4, recurrent_dropout=0.5),)),
    "RNN, initial state": row(kn.RNN, LINES, (3, 5), of=(5,), output_units=2, apply=listed),
    "GRU, initial state": row(
        kn.GRU, LINES, (3, 5), of=(5,), reverse=True, apply=listed,
        bad=[([(7, 4), (4,)], "expected the inputs x (t, m), h0 (5,), got (7, 4), (4,)"),
             ([(7, 4), (5,), (5,)], "expected the inputs x (t, m), h0 (5,), got")],
    ),
    "GRU, reset before, initial state, last": row(
        kn.GRU, LINES, (3, 5), of=(5,), reset="before", outputs="last", apply=listed
    ),
    "LSTM, initial states": row(
        kn.LSTM, LINES, (3, 5), (3, 5), of=(5,), apply=listed,
        bad=[([(7, 4), (5,), (4,)], "expected the inputs x (t, m), h0 (5,), c0 (5,), got (7, 4), (5,), (4,)")],
    ),
    "LSTM, initial h, reversed, last": row(
        kn.LSTM, LINES, (3, 5), of=(5,), reverse=True, outputs="last", apply=listed
    ),
    "Bidirectional, initial states": row(
        kn.Bidirectional, LINES, (3, 5), (3, 5), of=(kn.GRU(5),), apply=listed,
        bad=[([(7, 4), (5,)], "expected the inputs x (t, m), h0 (5,), h0_reverse (5,), got (7, 4), (5,)"),
             ([(7, 4), (5,), (4,)], "got (7, 4), (5,), (4,): each direction begins with states of its own")],
    ),
    "Bidirectional LSTM, initial states, last": row(
        kn.Bidirectional, LINES, (3, 5), (3, 5), (3, 5), (3, 5), of=(kn.LSTM(5, outputs="last"),), apply=listed,
        bad=[([(7, 4), (5,), (5,), (5,)], "h0 (5,), c0 (5,), h0_reverse (5,), c0_reverse (5,), got")],
    ),
    "Bidirectional LSTM, initial h": row(
        kn.Bidirectional, LINES, (3, 5), (3, 5), of=(kn.LSTM(5),), apply=listed
    ),
    "Add": row(kn.Add, FLAT, FLAT, FLAT, apply=listed, bad=[([(6,), (5,)], "must have one shape, got (6,) and (5,)")]),
    "Concat": row(
        kn.Concat, PICTURES, (2, 6, 5, 3), apply=listed,
        bad=[([(6, 5, 4), (6, 4, 4)], "may differ in axis 2 only"), ([(6, 5, 4), (6, 5)], "may differ")],
    ),
    "Concat of rows": row(kn.Concat, PICTURES, (2, 2, 5, 4), axis=0, apply=listed),
    "Flatten": row(kn.Flatten, PICTURES),
    "Reshape": row(kn.Reshape, PICTURES, of=((5, -1),), bad=[((7, 7), "(7, 7) cannot become (5, -1)")]),
    "Permute": row(kn.Permute, PICTURES, of=((2, 0, 1),), bad=[((6, 5), "no order of the axes")]),
    "ToSequence": row(kn.ToSequence, PICTURES, bad=NO_PICTURE),
    "ToSequence of rows": row(kn.ToSequence, PICTURES, axis="height"),
    "Crop2D": row(kn.Crop2D, PICTURES, of=(((1, 2), (0, 1)),), bad=[*NO_PICTURE, ((3, 5, 1), "leaves nothing")]),
    "Pad2D": row(kn.Pad2D, PICTURES, of=((2, 1),), bad=NO_PICTURE),
}  # fmt: skip
