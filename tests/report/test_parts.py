"""Parts of a report by themselves: confusion matrix, first layer, histograms, what was watched, pictures."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

import klarnet as kn
from klarnet.metrics import ConfusionMatrix
from klarnet.report import histograms, pictures
from klarnet.report.classes import drawn_matrix
from klarnet.report.filters import first_filters, first_layer
from klarnet.report.watched import BINS, heat, watched_sections


def opened(address: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.split(",", 1)[1]))))


def test_the_matrix_shows_its_counts_in_their_cells():
    text = drawn_matrix(ConfusionMatrix(np.array([[8, 2], [0, 5]]), ("a", "<b>")))
    assert text.count('class="right"') == 2 and text.count('class="wrong"') == 1
    assert ">8</text>" in text and ">2</text>" in text and ">5</text>" in text and ">0</text>" not in text
    assert "a taken for &lt;b&gt;: 2" in text and "<b>" not in text


def test_a_matrix_of_many_classes_with_long_names():
    names = tuple(f"a rather long name {i}" for i in range(60))
    text = drawn_matrix(ConfusionMatrix(np.eye(60, dtype=int) * 7, names))
    assert text.count('class="right"') == 60 and ">7</text>" not in text  # too small for numbers
    shown = re.findall(r'text-anchor="end">([^<]*)</text>', text)
    assert len(set(shown)) == 60  # cut, and still different


def test_filters_of_a_convolution_and_weights_of_a_dense_layer():
    conv = kn.Network([kn.Conv2D(5, (3, 4)), kn.Flatten(), kn.Dense(2)], input_shape=(8, 8, 3))
    name, tiles = first_filters(conv)
    assert name == "conv2d_1" and tiles.shape == (5, 3, 4, 3)
    assert (tiles[2] == conv.weights["conv2d_1/F"][..., 2]).all()
    dense = kn.Network([kn.Flatten(), kn.Dense(4)], input_shape=(6, 5, 1))
    name, tiles = first_filters(dense)
    assert name == "dense_1" and tiles.shape == (4, 6, 5, 1)
    assert (tiles[3].reshape(-1) == dense.weights["dense_1/W"][:, 3]).all()
    assert "all 4" in first_layer(dense)


@pytest.mark.parametrize(
    "layers, shape",
    [
        ([kn.Dense(3)], (4,)),
        ([kn.Conv2D(2, 3)], (8, 8, 5)),
        ([kn.Conv2D(2, 1)], (8, 8, 3)),
        ([kn.ReLU()], (8, 8, 1)),
    ],
)
def test_no_pictures_where_the_first_layer_sees_none(layers, shape):
    net = kn.Network(layers, input_shape=shape)
    assert first_filters(net) is None and first_layer(net) == ""


def test_a_sheet_of_tiles():
    tiles = np.stack([np.full((2, 2, 1), -1.0), np.zeros((2, 2, 1)), np.full((2, 2, 1), 2.0)])
    sheet = opened(pictures.sheet(tiles, side=2, columns=2))
    assert sheet.shape == (2 * 6 - 4, 2 * 6 - 4, 4)
    assert sheet[0, 0].tolist() == [0, 0, 0, 255] and sheet[0, 7].tolist()[0] == 128
    assert sheet[7, 0].tolist() == [255, 255, 255, 255] and sheet[0, 3, 3] == 0 and sheet[7, 7, 3] == 0


def test_examples_keep_their_colours_small_and_large():
    small = np.zeros((4, 4, 3), np.uint8)
    small[0, 0] = (200, 10, 30)
    shown = opened(pictures.example(small))
    assert shown.shape == (96, 96, 3) and shown[23, 23].tolist() == [200, 10, 30] and not shown[24, 24].any()
    assert max(opened(pictures.example(np.zeros((300, 200, 1), np.uint8))).shape) == 96
    shares = opened(pictures.example(np.full((96, 96, 1), 0.5, np.float32)))
    assert shares.max() == shares.min() == 128  # between 0 and 1: nothing is stretched
    scaled = opened(pictures.example(np.array([[[-3.0], [5.0]]])))
    assert scaled.min() == 0 and scaled.max() == 255


def test_histograms_of_weights_with_nan_and_constants():
    net = kn.Network([kn.Dense(3), kn.Dense(2)], input_shape=(4,), seed=1)
    net.weights["dense_2/W"][...] = np.nan
    text = histograms.weights(net)
    assert text.count("<figure") == 4 and "12: " in text and "No finite value" in text
    assert "3: 0 ± 0" in text  # three biases, all 0


WATCHED = {
    "format": 1,
    "steps": [1, 11],
    "epochs": [1, 1],
    "losses": [2.0, 1.0],
    "layers": [
        {
            "name": "<dense>",
            "kind": "Dense",
            "mean": [0.0, 0.1],
            "spread": [1.0, 1.1],
            "zeros": [0.5, None],
            "saturated": [None, None],
            "gradient_norm": [0.1, 0.2],
        }
    ],
    "weights": [
        {
            "name": "<dense>/W",
            "norm": [1.0, 1.0],
            "gradient_norm": [0.1, 0.1],
            "update_ratio": [1e-3, 1e-2],
            "values": [
                {"low": -1.0, "high": 1.0, "counts": [4, 4]},
                {"low": 0.0, "high": 2.0, "counts": [0, 6]},
            ],
            "gradients": [None, None],
        }
    ],
    "warnings": [{"step": 11, "epoch": 1, "kind": "dead", "where": "x", "text": "dead <units>"}],
}


def test_what_was_watched_becomes_pictures_and_curves():
    over_time, gradients, layers = watched_sections(WATCHED)
    assert "&lt;dense&gt;/W from step 1 to 11" in over_time and over_time.count("<img") == 1
    assert gradients == ""  # of a frozen weight there is none
    assert layers.count("<figure") == 4  # nobody is saturated
    assert "step 11: dead &lt;units&gt;" in layers
    assert watched_sections(None) == [] and watched_sections({"steps": []}) == []


def test_a_heat_picture_spreads_counts_over_their_bins():
    one, two = WATCHED["weights"][0]["values"]
    pixels = opened(heat([one, None, two, {"low": 2.0, "high": 2.0, "counts": [3, 0]}], -1.0, 2.0))
    alpha = pixels[:: pixels.shape[0] // BINS, :: pixels.shape[1] // 4, 3][::-1]  # low values first
    assert alpha.shape == (BINS, 4)
    third = BINS // 3
    assert (alpha[: 2 * third, 0] == 255).all() and not alpha[2 * third :, 0].any()
    assert not alpha[:, 1].any()
    assert (alpha[2 * third :, 2] == 255).all() and not alpha[: 2 * third, 2].any()
    assert alpha[-1, 3] == 255 and not alpha[:-1, 3].any()
