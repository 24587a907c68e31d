"""The contact sheet shows what the training will see."""

from __future__ import annotations

import numpy as np
import pytest

from klarnet.data import Dataset
from klarnet.data import augment as A

X = np.arange(6 * 16 * 12 * 3, dtype=np.uint16).reshape(6, 16, 12, 3).astype(np.uint8)


def cell(sheet, i, j, h, w):
    """Picture i of column j, of h x w pixels on the sheet."""
    top, left = 16 + i * (h + 4), 4 + j * (max(w, 48) + 4)
    return np.asarray(sheet)[top : top + h, left : left + w]


def test_originals_stand_first_then_the_epochs_of_the_training():
    steps = [A.Mirror(), A.Shift(2)]
    data = Dataset(X, [0, 0, 0, 1, 1, 2])
    sheet = A.contact_sheet(data, steps, 3, examples=4, variants=2, side=32)
    assert sheet.mode == "RGB" and sheet.size == (4 + 3 * 52, 16 + 4 * 36)
    chosen = [0, 3, 5, 1]  # of each class in turn
    augmented = data.augmented(steps, seed=3)
    for j, pictures in enumerate([X[chosen], *(augmented.take(chosen, epoch=e)[0] for e in (0, 1))]):
        for i, x in enumerate(pictures):
            assert np.array_equal(cell(sheet, i, j, 32, 24), x.repeat(2, 0).repeat(2, 1))


def test_grey_floats_and_cut_pictures():
    grey = np.linspace(-2, 2, 3 * 8 * 8).reshape(3, 8, 8, 1)
    sheet = A.contact_sheet(Dataset(grey), [A.Crop(0, size=4)], examples=9, variants=1, side=8)
    assert sheet.size == (4 + 2 * 52, 16 + 3 * 12)
    first = cell(sheet, 0, 0, 8, 8)
    assert first[0, 0].tolist() == [0, 0, 0] and cell(sheet, 2, 0, 8, 8)[7, 7].tolist() == [255] * 3
    assert (cell(sheet, 0, 1, 8, 8)[4:] == 255).all()  # the cut picture is smaller: paper below it


@pytest.mark.parametrize("wrong", [{"examples": 0}, {"variants": 1.5}, {"side": -1}])
def test_wrong_numbers_are_refused(wrong):
    with pytest.raises(ValueError, match="contact_sheet: .* expected a whole number above 0"):
        A.contact_sheet(Dataset(X), ["mirror"], **wrong)
