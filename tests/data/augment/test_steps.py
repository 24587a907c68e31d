"""Settings, names, and what colours, filters and mixup do to values."""

from __future__ import annotations

import colorsys
import math

import numpy as np
import pytest

from klarnet import random
from klarnet.data import Dataset
from klarnet.data import augment as A
from klarnet.data.augment.mixup import beta

COLOUR = random.integers((6, 10, 12, 3), 3, 40, 200).astype(np.uint8)
FLOATS = COLOUR.astype(np.float64) / 255


def after(steps, X=FLOATS, epoch=0, **more):
    augmented = A.Augmented(Dataset(X), steps, seed=2, workers=0, **more)
    return augmented.take(np.arange(len(X)), epoch=epoch)[0]


@pytest.mark.parametrize("kind", sorted(A.AUGMENTATIONS))
def test_every_step_has_a_name_defaults_and_settings_that_make_it_again(kind):
    step = A.augmentation(kind)
    again = A.augmentation(kind, **step.settings())
    assert type(again) is type(step) is getattr(A, type(step).__name__)
    assert again.settings() == step.settings()
    assert repr(step).startswith(f"{type(step).__name__}(")
    assert np.array_equal(after([step]), after([again])) and np.array_equal(after([kind]), after([step]))


def test_names_are_those_of_recipes():
    assert set(A.AUGMENTATIONS) == set(
        "mirror rotate scale shift crop resized_crop brightness contrast saturation hue noise blur cutout mixup".split()
    )
    step = A.augmentation("rotate", degrees=[-5, 10], fill=0)
    assert step.settings() == {"degrees": (-5.0, 10.0), "fill": 0.0}


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: A.augmentation("rotat", degrees=1), "augmentation 'rotat' is not known.*did you mean 'rotate'"),
        (lambda: A.augmentation("rotate", degree=1), "rotate: the setting 'degree'.*did you mean 'degrees'"),
        (lambda: A.Rotate("ten"), r"Rotate: degrees is 'ten', expected a number or \(low, high\)"),
        (lambda: A.Rotate((10, -10)), r"Rotate: degrees is \(10, -10\), expected \(low, high\)"),
        (lambda: A.Rotate(math.nan), "Rotate: degrees is nan, expected a number from 0 to 360"),
        (lambda: A.Rotate(True), "Rotate: degrees is True"),
        (lambda: A.Rotate(10, fill="mirror"), "fill is 'mirror', expected 'edge', 'reflect' or a number"),
        (lambda: A.Scale(1.5), "Scale: factor is 1.5, expected a number from 0 to 0.95"),
        (lambda: A.Scale((0, 2)), "Scale: factor is 0, expected a number from 0.05 to 20"),
        (lambda: A.Shift(1.5), "Shift: horizontal is 1.5, expected a whole number, 0 or more"),
        (lambda: A.Shift(2, -1), "Shift: vertical is -1"),
        (lambda: A.Mirror("left"), "Mirror: direction 'left' is not known"),
        (lambda: A.Mirror(probability=2), "Mirror: probability is 2, expected a number from 0 to 1"),
        (lambda: A.Crop(2, size=(3, 0)), r"Crop: size is \(3, 0\), expected a side or \(height, width\)"),
        (lambda: A.ResizedCrop(0), "ResizedCrop: area is 0, expected a number from 0.0001 to 1"),
        (lambda: A.Contrast(-0.1), "Contrast: factor is -0.1, expected a number from 0 to 1"),
        (lambda: A.Noise(2), "Noise: deviation is 2, expected a number from 0 to 1"),
        (lambda: A.Blur(0), "Blur: deviation is 0, expected a number from 0.01 to 20"),
        (lambda: A.Cutout(0), "Cutout: size is 0, expected a whole number, 1 or more"),
        (lambda: A.Mixup(0), "Mixup: alpha is 0, expected a number from 0.01 to 100"),
        (lambda: A.Mixup(classes=1), "Mixup: classes is 1, expected a whole number, 2 or more"),
        (lambda: after([A.Crop(1, size=20)]), r"window of \(20, 20\) does not fit into pictures of \(10, 12\)"),
        (lambda: after([A.Hue()], FLOATS[..., :1]), "Hue: the pictures have 1 channels, expected red, green"),
        (lambda: after([A.Saturation()], FLOATS[..., :2]), "Saturation: the pictures have 2 channels"),
        (lambda: after([A.Rotate(fill=0), A.Shift(fill="edge")]), "rotate fills with 0.0 and shift with 'edge'"),
        (lambda: after([A.Rotate(fill=300)], COLOUR), "rotate: fill is 300, expected a value of the pictures, 0 to"),
        (lambda: after([A.Mixup(), A.Mixup()]), "mixup stands twice"),
        (lambda: after(["mirrow"]), "augmentation 'mirrow' is not known.*did you mean 'mirror'"),
    ],
)  # fmt: skip
def test_wrong_settings_are_refused_in_one_line(make, words):
    with pytest.raises(ValueError, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_brightness_adds_the_same_to_all_values_of_a_picture():
    change = (after([A.Brightness(0.1)]) - FLOATS).reshape(6, -1)
    assert np.ptp(change, axis=1).max() < 1e-6
    assert len(np.unique(change[:, 0].round(6))) == 6 and abs(change).max() <= 0.1
    bytes_ = after([A.Brightness((0.1, 0.1))], COLOUR).astype(int)
    assert np.array_equal(bytes_, np.rint(COLOUR + 25.5))


def test_contrast_stretches_about_the_mean_grey():
    weights = np.array([0.299, 0.587, 0.114])
    grey = (FLOATS @ weights).mean(axis=(1, 2))[:, None, None, None]
    np.testing.assert_allclose(after([A.Contrast((0.5, 0.5))]), grey + 0.5 * (FLOATS - grey), atol=1e-6)
    one = FLOATS[..., :1]
    mean = one.mean(axis=(1, 2, 3), keepdims=True)
    np.testing.assert_allclose(after([A.Contrast((0, 0))], one), np.broadcast_to(mean, one.shape), atol=1e-6)


def test_saturation_mixes_with_grey():
    grey = FLOATS @ np.array([[0.299, 0.587, 0.114]] * 3).T
    np.testing.assert_allclose(after([A.Saturation((0, 0))]), grey, atol=1e-6)
    np.testing.assert_allclose(after([A.Saturation((0.4, 0.4))]), grey + 0.4 * (FLOATS - grey), atol=1e-6)


def test_hue_turns_colours_and_leaves_grey_and_brightness():
    X = np.array([[[[0.6, 0.4, 0.4], [0.5, 0.5, 0.5], [0.4, 0.4, 0.6]]]])
    whole = np.concatenate([X] * 3)
    got = after([A.Hue((120, 120))], whole)[0, 0]
    np.testing.assert_allclose(got[1], X[0, 0, 1], atol=1e-3)
    np.testing.assert_allclose(got @ [0.299, 0.587, 0.114], X[0, 0] @ [0.299, 0.587, 0.114], atol=1e-3)
    red, blue = colorsys.rgb_to_hsv(*got[0])[0], colorsys.rgb_to_hsv(*got[2])[0]
    assert abs(red - 1 / 3) < 0.06 and (blue < 0.06 or blue > 0.94)  # green and red
    np.testing.assert_allclose(after([A.Hue((180, 180)), A.Hue((180, 180))], whole), whole, atol=1e-3)


def test_neighbouring_colours_are_joined_without_changing_what_they_do():
    """One map of three steps is each step on the result of the one before; the numbers are those of its place."""
    steps = [A.Brightness(0.05), A.Contrast(0.3), A.Saturation(0.5), A.Hue(40)]
    idle = A.Mirror(probability=0)
    X = joined = 0.4 + 0.2 * FLOATS  # nothing is cut off at black or white
    for i in range(4):
        X = after([idle] * i + steps[i : i + 1], X)
    np.testing.assert_allclose(after(steps, joined), X, atol=1e-5)


def test_values_stay_in_the_range_of_the_data():
    assert after([A.Brightness((1, 1))], COLOUR).min() == 255
    assert after([A.Brightness((-1, -1))], COLOUR).max() == 0
    bright = after([A.Brightness((0.9, 0.9))])
    assert bright.max() == 1.0 and bright.dtype == np.float64
    standard = (FLOATS - 0.5) * 4  # not in 0 … 1: from the least to the largest value
    noisy = after([A.Noise(0.5)], standard)
    assert noisy.min() == pytest.approx(standard.min()) and noisy.max() == pytest.approx(standard.max())


def test_noise_is_normal_of_its_deviation_and_differs_everywhere():
    X = np.full((40, 32, 32, 3), 0.5)
    n = (after([A.Noise(0.05)], X) - 0.5) / 0.05
    assert abs(n.mean()) < 0.01 and abs(n.std() - 1) < 0.01
    assert abs((n**3).mean()) < 0.03 and abs((n**4).mean() - 3) < 0.1
    flat = n.reshape(40, -1)
    assert abs(np.corrcoef(flat) - np.eye(40)).max() < 0.1
    assert abs(np.corrcoef(flat[:, :-1].ravel(), flat[:, 1:].ravel())[0, 1]) < 0.01


def test_blur_spreads_a_point_as_a_gaussian_and_keeps_its_sum():
    X = np.zeros((50, 25, 25, 1))
    X[:, 12, 12] = 1.0
    got = after([A.Blur(2.0)], X)[..., 0]
    np.testing.assert_allclose(got.sum(axis=(1, 2)), 1.0, atol=1e-5)
    i = np.arange(25) - 12
    rows = (got.sum(axis=2) * i**2).sum(axis=1)
    columns = (got.sum(axis=1) * i**2).sum(axis=1)
    np.testing.assert_allclose(rows, columns, rtol=1e-4)
    sigma = np.sqrt(rows)
    assert sigma.min() < 0.3 and 1.8 < sigma.max() < 2.0  # uniform in 0 … 2, the tails beyond 3 σ cut off
    widest = got[np.argmax(sigma)]
    assert widest[12, 12] / widest[12, 14] == pytest.approx(math.exp(2 / sigma.max() ** 2), rel=0.05)
    np.testing.assert_allclose(after([A.Blur(3.0)], np.full((2, 9, 9, 1), 0.25)), 0.25, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_cutout_covers_one_square(dtype):
    X = np.full((60, 12, 12, 2), 9, dtype)
    X[0, 0, 0] = 0  # so that floats have the range 0 … 1
    if dtype is np.float32:
        X /= 9
    got = after([A.Cutout(5, value=0)], X)
    hidden = (got == 0).all(axis=3)
    heights, widths = hidden[1:].any(axis=2).sum(axis=1), hidden[1:].any(axis=1).sum(axis=1)
    assert np.array_equal(hidden[1:].sum(axis=(1, 2)), heights * widths)
    assert heights.max() == 5 and 2 <= heights.min() < 5 and widths.max() == 5
    assert np.array_equal(got[~hidden], X[~hidden])
    white = after([A.Cutout(3, value=1.0)], X)
    assert white.max() == (255 if dtype is np.uint8 else 1)
    seen = (after([A.Cutout(20, probability=0.3)], X)[1:] == X[1:]).all(axis=(1, 2, 3)).mean()
    assert 0.5 < seen < 0.9


def test_mixup_blends_pictures_and_targets_with_the_same_shares():
    X = np.eye(5, dtype=np.float32)[:, None, None, :].repeat(2, 1)  # example i has the value 1 in channel i
    data = Dataset(X, np.arange(5), class_names=list("abcdef"))
    mixed, t = data.augmented([A.Mixup(1.0)], seed=3).take([0, 1, 2, 3, 4])
    assert t.dtype == np.float32 and t.shape == (5, 6)
    np.testing.assert_allclose(t.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(mixed[:, 0, 0], t[:, :5], atol=1e-6)
    assert (t > 0).sum(axis=1).max() == 2
    # The order in the batch does not matter, and an example alone is mixed with itself.
    order = [3, 0, 4, 2, 1]
    other, u = data.augmented([A.Mixup(1.0)], seed=3).take(order)
    assert np.array_equal(other, mixed[order]) and np.array_equal(u, t[order])
    np.testing.assert_allclose(data.augmented([A.Mixup(1.0)], seed=3).take([2])[1], [np.eye(6)[2]], atol=1e-6)


def test_mixup_of_numbers_one_hot_rows_and_wrong_labels():
    X = FLOATS.astype(np.float32)
    numbers = np.linspace(0, 1, 6)
    _, t = Dataset(X, numbers).augmented(["mixup"], seed=1).take(np.arange(6))
    assert t.shape == (6,) and 0 <= t.min() and t.max() <= 1
    _, t = Dataset(X, np.eye(6)).augmented(["mixup"], seed=1).take(np.arange(6))
    np.testing.assert_allclose(t.sum(axis=1), 1, rtol=1e-6)
    mixed, t = Dataset(COLOUR).augmented(["mixup"], seed=1).take(np.arange(6))
    assert t is None and mixed.dtype == np.uint8
    with pytest.raises(ValueError, match=r"mixup: t\[1\] is 4, expected a class 0 to 2"):
        Dataset(X, [0, 4, 1, 2, 0, 1]).augmented([A.Mixup(classes=3)])
    with pytest.raises(ValueError, match=r"t \(6, 10, 12\) are masks"):
        Dataset(X, np.zeros((6, 10, 12), int)).augmented(["mixup"])


@pytest.mark.parametrize("alpha", [0.05, 0.2, 1.0, 4.0, 60.0])
def test_beta_has_the_moments_of_its_distribution(alpha):
    x = beta(alpha, (np.arange(100_000) + 0.5) / 100_000)
    assert (np.diff(x) >= 0).all() and x.min() >= 0 and x.max() <= 1
    assert x.mean() == pytest.approx(0.5, abs=1e-6)
    assert x.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=2e-3)
    fourth = (x - 0.5) ** 4  # of a symmetric Beta: 3 var² (2α + 1) / (2α + 3)
    assert fourth.mean() == pytest.approx(
        3 * (1 / (4 * (2 * alpha + 1))) ** 2 * (2 * alpha + 1) / (2 * alpha + 3), rel=5e-3
    )
