"""The confusion matrix: counts, shares, table and picture."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klarnet import random
from klarnet.metrics import ConfusionMatrix, confusion_matrix

SMALL = ConfusionMatrix(np.array([[5, 1, 0], [0, 0, 0], [2, 0, 0]]), ("a", "b", "c"))


def drawn(k, n, names=None, right=0.9):
    t = random.integers(n, 1, 0, k)
    other = random.integers(n, 1, 0, k, node=2)
    return confusion_matrix(t, np.where(random.uniform(n, 1, node=1) < right, t, other), names or k)


def test_counts_rows_are_truth():
    m = confusion_matrix([0, 0, 1, 2], [0, 1, 1, 0], ["cat", "dog", "owl"])
    assert m.counts.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]
    assert m.counts.dtype == np.int64 and m.class_names == ("cat", "dog", "owl")
    assert m.accuracy == 0.5
    assert repr(m) == "<ConfusionMatrix: 3 classes, 4 examples>"
    assert confusion_matrix([0], [1], 2).class_names == ("0", "1")


@given(st.integers(1, 5), st.integers(0, 30), st.integers(0, 2**32))
@settings(deadline=None)
def test_against_a_plain_count(k, n, seed):
    t, p = random.integers(n, seed, 0, k), random.integers(n, seed, 0, k, node=1)
    counts = [[sum(a == i and b == j for a, b in zip(t, p, strict=True)) for j in range(k)] for i in range(k)]
    assert confusion_matrix(t, p, k).counts.tolist() == counts
    assert confusion_matrix(np.eye(k)[t] if k > 1 else t, p, k).counts.tolist() == counts
    half = confusion_matrix(t[: n // 2], p[: n // 2], k) + confusion_matrix(t[n // 2 :], p[n // 2 :], k)
    assert half.counts.tolist() == counts


def test_outputs_of_networks():
    scores = np.zeros((1, 2, 2, 3))
    scores[0, 0, 0, 2] = scores[0, 1, 1, 1] = 1
    t = np.array([[[2, 9], [0, 0]]])
    assert confusion_matrix(t, scores, 3, ignored=9).counts.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]
    assert confusion_matrix([0, 1], [[0.7], [0.6]], ["no", "yes"]).counts.tolist() == [[0, 1], [0, 1]]


@pytest.mark.parametrize(
    "arguments, error, words",
    [
        (([0, 3], [0, 1], 3), ValueError, r"confusion_matrix: t\[1\] is class 3; expected 0 to 2"),
        (([0, 1], [0, -1], 3), ValueError, r"outputs\[1\] is class -1; expected 0 to 2"),
        (([0, 1], np.eye(2), ["a", "b", "c"]), ValueError, r"outputs \(2, 2\) .* 2 classes .* expected 3"),
        (([0, 1], [0], 3), ValueError, "do not belong together"),
        (([0], [0], "ab"), TypeError, "a number or a list of names"),
        (([0], [0], 0), ValueError, "expected 0 to -1|expected counts"),
    ],
)
def test_what_is_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        confusion_matrix(*arguments)


def test_matrices_that_are_refused():
    for counts in (np.zeros((2, 3), int), np.zeros((2, 2)), np.array([[1, -1], [0, 0]])):
        with pytest.raises(ValueError, match="expected counts"):
            ConfusionMatrix(counts, ("a", "b"))
    with pytest.raises(ValueError, match="different classes"):
        _ = SMALL + ConfusionMatrix(SMALL.counts, ("a", "b", "d"))
    with pytest.raises(TypeError):
        _ = SMALL + 1
    with pytest.raises(ValueError, match="got 'rows'"):
        SMALL.normalised("rows")


def test_shares_and_nothing_divided_by_nothing():
    nan = np.nan
    with np.errstate(all="raise"):
        np.testing.assert_allclose(SMALL.normalised(), [[5 / 6, 1 / 6, 0], [nan] * 3, [1, 0, 0]])
        np.testing.assert_allclose(
            SMALL.normalised("prediction"), [[5 / 7, 1, nan], [0, 0, nan], [2 / 7, 0, nan]]
        )
        np.testing.assert_allclose(SMALL.normalised("all"), SMALL.counts / 8)
        np.testing.assert_allclose(SMALL.recall, [5 / 6, nan, 0])
        np.testing.assert_allclose(SMALL.precision, [5 / 7, 0, nan])
        empty = ConfusionMatrix(np.zeros((2, 2), int), ("a", "b"))
        assert np.isnan(empty.accuracy) and np.isnan(empty.normalised("all")).all()
        assert "accuracy n/a" in str(empty) and empty.to_picture().size[0] > 0


def test_to_dict_is_json():
    as_json = json.loads(json.dumps(SMALL.to_dict(), allow_nan=False))
    assert as_json == {
        "class_names": ["a", "b", "c"],
        "counts": [[5, 1, 0], [0, 0, 0], [2, 0, 0]],
        "accuracy": 0.625,
        "recall": [5 / 6, None, 0.0],
        "precision": [5 / 7, 0.0, None],
        "f1": [10 / 13, 0.0, 0.0],
    }


def test_the_table_word_for_word():
    assert str(SMALL).splitlines() == [
        "confusion matrix (counts): 8 examples, accuracy 62.5 %",
        "       predicted",
        "truth  a  b  c   recall",
        "a      5  1  .   83.3 %",
        "b      .  .  .      n/a",
        "c      2  .  .    0.0 %",
    ]
    assert SMALL.table("truth").splitlines()[3:] == [
        "a       83.3   16.7      .   83.3 %",
        "b        n/a    n/a    n/a      n/a",
        "c      100.0      .      .    0.0 %",
    ]
    assert SMALL.table("prediction").splitlines()[0].startswith("confusion matrix (% of prediction)")


CIFAR = "airplane automobile bird cat deer dog frog horse ship truck".split()


@pytest.mark.parametrize("axis", [None, "truth", "prediction", "all"])
@pytest.mark.parametrize(
    "k, names",
    [
        (2, ["no", "yes"]),
        (3, ["a very long name of a class, longer than anybody needs", "b", "c"]),
        (10, None),
        (10, CIFAR),
        (12, [f"the same beginning {i}" for i in range(12)]),
        (26, list("abcdefghijklmnopqrstuvwxyz")),
        (100, [f"class number {i}" for i in range(100)]),
    ],
)
@pytest.mark.parametrize("n", [50, 3_000_000])
def test_the_table_fits_80_columns(k, names, axis, n):
    m = drawn(k, 2000, names)
    m = ConfusionMatrix(m.counts * (n // 50), m.class_names)
    lines = m.table(axis).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) - k in (2, 3)
    for line, name in zip(lines[-k:], m.class_names, strict=True):
        assert name[:10] in line


def test_headings_are_shortened_as_far_as_they_stay_different():
    heads = str(drawn(10, 2000, CIFAR)).splitlines()[2].split()
    assert heads == "truth airp… auto… bird cat deer dog frog horse ship truck recall".split()
    lines = str(drawn(12, 500, [f"the same beginning {i}" for i in range(12)])).splitlines()
    assert lines[2].split() == ["truth", *map(str, range(12)), "recall"]
    assert lines[3].startswith("0 the same begi…")


def test_many_classes_are_listed_with_what_they_were_taken_for():
    counts = np.diag(np.full(60, 90))
    counts[3, 7], counts[3, 5] = 6, 4
    lines = str(ConfusionMatrix(counts, tuple(f"k{i}" for i in range(60)))).splitlines()
    assert lines[1].split() == ["truth", "examples", "recall", "taken", "for"]
    assert lines[2 + 3].split(maxsplit=4)[0:4] == ["k3", "100", "90.0", "%"]
    assert lines[2 + 3].endswith("k7 6, k5 4")
    assert lines[2].split() == ["k0", "90", "100.0", "%"]


@pytest.mark.parametrize("k", [1, 2, 10, 26, 40, 100])
def test_the_picture(k):
    m = drawn(k, 40 * k)
    image = m.to_picture()
    assert image.mode == "RGB" and max(image.size) < 2000
    pixels = np.asarray(image)
    assert (pixels == 255).all(axis=-1).mean() > 0.05  # light paper
    assert pixels[0, 0].tolist() == [255, 255, 255]
    blue = (pixels[..., 2].astype(int) - pixels[..., 0]) > 60
    red = (pixels[..., 0].astype(int) - pixels[..., 2]) > 5
    assert blue.any() and red.any() == (m.accuracy < 1)


def test_the_picture_shows_right_in_blue_and_wrong_in_red_at_their_places():
    pixels = np.asarray(ConfusionMatrix(np.array([[9, 0], [9, 0]]), ("a", "b")).to_picture()).astype(int)
    rows, columns = np.nonzero(pixels[..., 2] - pixels[..., 0] > 60)
    red_rows, red_columns = np.nonzero(pixels[..., 0] - pixels[..., 2] > 60)
    assert red_rows.min() > rows.max()  # row "b" lies below row "a"
    assert abs(red_columns.mean() - columns.mean()) < 3  # both were predicted as "a"


def test_the_picture_takes_every_axis_and_long_names():
    names = ("a very long name of a class, longer than anybody needs", "b", "c")
    for axis in ("truth", "prediction", "all"):
        assert ConfusionMatrix(SMALL.counts, names).to_picture(axis).size == (
            ConfusionMatrix(SMALL.counts, names).to_picture().size
        )
    with pytest.raises(ValueError, match="got 'rows'"):
        SMALL.to_picture("rows")
