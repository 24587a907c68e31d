"""Losses that do not fit their output are named when the Trainer is made, and fitting ones are not."""

from __future__ import annotations

import warnings

import pytest

import klarnet as kn


def trainer(loss: str, *ends: kn.Layer) -> kn.Trainer:
    return kn.Trainer(kn.Network([kn.Dense(3), *ends], input_shape=(4,), seed=1), loss=loss)


@pytest.mark.parametrize(
    ("loss", "ends", "words"),
    [
        (
            "cross_entropy",
            [],
            'cross_entropy expects probabilities, but dense_1.*loss="softmax_cross_entropy"',
        ),
        ("cross_entropy", [kn.ReLU()], "relu_1 gives any numbers; add Softmax"),
        ("binary_cross_entropy", [kn.Tanh()], 'loss="sigmoid_binary_cross_entropy"'),
        ("softmax_cross_entropy", [kn.Softmax()], "expects logits, but softmax_1 gives probabilities"),
    ],
)
def test_a_loss_that_does_not_fit_is_named(loss, ends, words):
    with pytest.warns(UserWarning, match=words):
        trainer(loss, *ends)


class Own(kn.Layer):
    def forward(self, w, X, *, training):
        return X, kn.Kept()


@pytest.mark.parametrize(
    ("loss", "ends"),
    [
        ("cross_entropy", [kn.Softmax()]),
        ("binary_cross_entropy", [kn.Sigmoid()]),
        ("softmax_cross_entropy", []),
        ("cross_entropy", [Own()]),
        ("squared_error", []),
    ],
)
def test_a_loss_that_fits_says_nothing(loss, ends):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trainer(loss, *ends)
