"""Geometry: exact copies, one bilinear resampling, what lies outside, masks and points that move along."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klarnet import random
from klarnet.data import Dataset
from klarnet.data import augment as A
from klarnet.data.augment import affine
from klarnet.data.augment.resample import bilinear, nearest


def pictures(n: int = 6, h: int = 7, w: int = 9, d: int = 3, dtype: type = np.uint8) -> np.ndarray:
    return random.integers((n, h, w, d), 3, 0, 256).astype(dtype)


def moved(steps: list, X: np.ndarray, epoch: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The augmented pictures, and the maps that made them."""
    from klarnet.data.augment.draws import Draws

    augmented = Dataset(X).augmented(steps, seed=5, workers=0)
    rows = np.arange(len(X))
    draws = Draws(rows, 5, epoch, len(steps))
    return augmented.take(rows, epoch=epoch)[0], augmented.pipeline.maps(draws.uniform)[0]


def folded(i: int, length: int, fill: str | float) -> int | None:
    """The index inside for one that may lie outside, None where a constant stands; NumPy's own padding decides."""
    if not isinstance(fill, str):
        return i if 0 <= i < length else None
    reach = 3 * length
    return int(np.pad(np.arange(length), reach, mode=fill)[i + reach])


def at(X: np.ndarray, r: int, s: int, fill: str | float) -> np.ndarray:
    row, column = folded(r, X.shape[0], fill), folded(s, X.shape[1], fill)
    return np.full(X.shape[2:], fill) if row is None or column is None else X[row, column]


def slow_bilinear(X: np.ndarray, m: np.ndarray, size: tuple[int, int], fill: str | float) -> np.ndarray:
    """The formula pixel by pixel, in float64."""
    Y = np.empty((*size, X.shape[2]))
    for i in range(size[0]):
        for j in range(size[1]):
            x, y = m[:, :2] @ (j + 0.5, i + 0.5) + m[:, 2] - 0.5
            r, s = math.floor(y), math.floor(x)
            u, v = x - s, y - r
            upper = (1 - u) * at(X, r, s, fill) + u * at(X, r, s + 1, fill)
            lower = (1 - u) * at(X, r + 1, s, fill) + u * at(X, r + 1, s + 1, fill)
            Y[i, j] = (1 - v) * upper + v * lower
    return Y


def drawn_maps(n: int, h: int, w: int, stretch: float = 0.6) -> np.ndarray:
    maps = affine.identity(n) + (random.uniform((n, 2, 3), 8) - 0.5) * stretch
    maps[:, :, 2] += (random.uniform((n, 2), 9) - 0.5) * (w, h)
    return maps


@pytest.mark.parametrize("fill", ["edge", "reflect", 40.0])
@pytest.mark.parametrize("size", [(5, 6), (8, 4)])
def test_bilinear_is_its_formula(fill, size):
    X = pictures(4, 5, 6, 2).astype(np.float32)
    maps = drawn_maps(4, 5, 6)
    got = bilinear(X.transpose(3, 0, 1, 2).copy(), maps, size, fill)
    for k in range(4):
        expected = slow_bilinear(X[k].astype(float), maps[k], size, fill)
        np.testing.assert_allclose(got[:, k].transpose(1, 2, 0), expected, atol=2e-2)


@pytest.mark.parametrize("fill", ["edge", "reflect", 7])
def test_nearest_takes_the_pixel_in_which_the_point_lies(fill):
    X = pictures(4, 5, 6, 2)
    maps = drawn_maps(4, 5, 6)
    got = nearest(X[[2, 0, 3, 1]], maps, (5, 6), fill)
    assert got.dtype == X.dtype
    for k, example in enumerate([2, 0, 3, 1]):
        for i in range(5):
            for j in range(6):
                x, y = maps[k, :, :2] @ (j + 0.5, i + 0.5) + maps[k, :, 2]
                expected = at(X[example], math.floor(y), math.floor(x), fill)
                assert np.array_equal(got[k, i, j], expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("fill", ["edge", "reflect", 3])
def test_mirror_and_shift_are_exact_copies(dtype, fill):
    X = pictures(20, dtype=dtype)
    if dtype is np.float64:
        X /= 3.0  # numbers that float32 does not hold
    got, _ = moved([A.Mirror("both"), A.Shift(2, 1, fill=fill)], X)
    assert got.dtype == dtype
    pad = {"mode": fill} if isinstance(fill, str) else {"constant_values": fill}
    found = set()
    for x, y in zip(X, got, strict=True):
        mirrored = {(a, b): x[:: -1 if a else 1, :: -1 if b else 1] for a in (0, 1) for b in (0, 1)}
        fits = [
            (flip, dy, dx)
            for flip, z in mirrored.items()
            for dy in (-1, 0, 1)
            for dx in (-2, -1, 0, 1, 2)
            if np.array_equal(np.pad(z, ((1, 1), (2, 2), (0, 0)), **pad)[1 - dy :, 2 - dx :][:7, :9], y)
        ]
        assert len(fits) == 1
        found.add(fits[0])
    assert len({flip for flip, _, _ in found}) == 4 and len(found) > 10


def test_a_picture_whose_resampling_lands_on_pixels_keeps_its_numbers():
    X = pictures(8, 8, 8)
    got, _ = moved([A.Rotate((0, 0)), A.Scale((1, 1)), A.Mirror(probability=1)], X)
    assert np.array_equal(got, X[:, :, ::-1])


@pytest.mark.parametrize("degrees, turns", [(90, 1), (180, 2), (-90, 3)])
def test_rotation_is_counter_clockwise(degrees, turns):
    X = pictures(2, 8, 8)
    got, _ = moved([A.Rotate((degrees, degrees))], X)
    assert np.array_equal(got, np.rot90(X, turns, axes=(1, 2)))


def test_scaling_by_two_shows_the_middle_twice_as_large():
    X = np.zeros((1, 8, 8, 1), np.uint8)
    X[:, 3:5, 3:5] = 200
    got, _ = moved([A.Scale((2, 2))], X)
    assert (got[0, 3:5, 3:5] == 200).all() and got[0, 0].max() == 0
    assert got[0, 1, 2:6, 0].tolist() == [38, 50, 50, 38]  # ¼ · ¾ and ¼ of 200, half to even
    assert got[0, 2, 2:6, 0].tolist() == [112, 150, 150, 112]  # ¾ · ¾ and ¾


def test_steps_are_joined_in_their_order():
    X = pictures(5, 8, 8)
    there_and_back = [A.Shift(30), A.Rotate(40)]
    _, maps = moved(there_and_back, X)
    _, first = moved(there_and_back[:1], X)
    turned = affine.after(affine.inverse(first), maps)
    np.testing.assert_allclose(
        turned[:, :, :2] @ turned[:, :, :2].transpose(0, 2, 1), [np.eye(2)] * 5, atol=1e-12
    )
    np.testing.assert_allclose(affine.apply(turned[:, :, :2], np.array([4.0, 4.0])) + turned[:, :, 2], 4.0)
    # What one step pushes out the next brings back: no pixel is lost between them.
    got, _ = moved([A.Scale((4, 4)), A.Scale((0.25, 0.25))], X)
    assert np.array_equal(got, X)


def test_crop_shows_a_window_of_the_padded_picture():
    X = pictures(12, 6, 6)
    got, _ = moved([A.Crop(2, size=(5, 7), fill=9)], X)
    assert got.shape == (12, 5, 7, 3)
    for x, y in zip(X, got, strict=True):
        wide = np.pad(x, ((2, 2), (2, 2), (0, 0)), constant_values=9)
        assert any(np.array_equal(wide[i : i + 5, j : j + 7], y) for i in range(6) for j in range(4))
    whole, _ = moved([A.Crop(0)], X)
    assert np.array_equal(whole, X)


def test_resized_crop_lies_inside_and_keeps_area_and_proportions():
    X = pictures(200, 12, 12)
    step = A.ResizedCrop((0.2, 0.6), aspect=1.5, size=6)
    got, maps = moved([step], X)
    assert got.shape == (200, 6, 6, 3)
    corners = np.array([affine.apply(maps[:, :, :2], np.array(p)) + maps[:, :, 2] for p in ((0, 0), (6, 6))])
    assert corners.min() >= -1e-9 and corners.max() <= 12 + 1e-9
    width, height = (corners[1] - corners[0]).T
    share = width * height / 144
    assert 0.2 <= share.min() < 0.23 and 0.57 < share.max() <= 0.6 + 1e-9
    assert 1 / 1.5 - 1e-9 <= (width / height).min() < 0.7 and 1.4 < (width / height).max() <= 1.5 + 1e-9


@given(st.integers(0, 10_000))
def test_points_move_as_their_pictures(epoch):
    """A dot of light lies, in the new picture, where `map_points` says."""
    X = np.zeros((3, 24, 24, 1), np.float32)
    X[:, 9:11, 13:15] = 1.0  # its middle is the point (14, 10)
    steps = [A.Mirror("both"), A.Rotate(180), A.Scale((0.8, 1.1)), A.Shift(2)]
    got, maps = moved(steps, X, epoch)
    points = A.map_points(maps, np.full((3, 1, 2), (14.0, 10.0)))[:, 0]
    i, j = np.mgrid[:24, :24] + 0.5
    for y, point in zip(got[..., 0], points, strict=True):
        middle = np.array([(y * j).sum(), (y * i).sum()]) / y.sum()
        np.testing.assert_allclose(middle, point, atol=0.25)
    np.testing.assert_allclose(affine.after(maps, affine.inverse(maps)), affine.identity(3), atol=1e-9)


def test_a_mask_widened_with_its_picture_repeats_its_classes():
    mask = np.array([[[0, 2]]])
    twice = affine.linear(np.array([0.5]), np.zeros(1), np.zeros(1), np.ones(1), 1, 2)
    twice[:, 0, 2] = 0.0
    assert nearest(mask, twice, (1, 4), "edge").tolist() == [[[0, 0, 2, 2]]]


@given(st.integers(0, 10_000), st.sampled_from(["edge", "reflect"]))
def test_masks_move_with_their_pictures_and_get_no_new_class(epoch, fill):
    mask = np.zeros((4, 16, 16), np.uint8)
    mask[:, 4:9, 5:12] = 2
    mask[:, 10:, 2:6] = 11
    picture = mask[..., None] * 20
    steps = [A.Rotate(30, fill=fill), A.Scale(0.3), A.Mirror(), A.Brightness(0.01)]
    augmented = Dataset(picture, mask).augmented(steps, seed=1)
    X, t = augmented.take(np.arange(4), epoch=epoch)
    assert t.dtype == mask.dtype and set(np.unique(t)) <= {0, 2, 11}
    inner = (
        np.abs(X[..., 0] - t * 20.0) < 8
    )  # bilinear and nearest differ only along the borders of the shapes
    assert inner.mean() > 0.6


def test_masks_need_a_class_for_what_a_number_fills():
    mask = np.ones((3, 8, 8), np.int64)
    data = Dataset(np.full((3, 8, 8, 1), 200, np.uint8), mask)
    steps = [A.Shift(3, fill=0)]
    with pytest.raises(ValueError, match="outside=… must say which class is there"):
        A.Augmented(data, steps)
    X, t = A.Augmented(data, steps, seed=1, outside=11).take([0, 1, 2])
    assert np.array_equal(t == 11, X[..., 0] == 0) and set(np.unique(t)) == {1, 11}


@pytest.mark.parametrize("h, w", [(1, 5), (5, 1), (1, 1), (2, 2)])
@pytest.mark.parametrize("fill", ["edge", "reflect", 0.5])
def test_smallest_pictures(h, w, fill):
    X = pictures(3, h, w).astype(np.float32) / 255
    got, _ = moved([A.Rotate(180, fill=fill), A.Shift(9), A.Crop(2)], X)
    assert got.shape == X.shape and np.isfinite(got).all() and got.min() >= 0 and got.max() <= 1
