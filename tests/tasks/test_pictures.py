"""What a picture looks like to the one who reads it."""

from __future__ import annotations

import numpy as np

from klarnet.tasks.pictures import light_border


def test_light_paper_is_told_from_a_dark_ground() -> None:
    X = np.zeros((28, 28, 1), np.uint8)
    X[5:20, 5:20] = 255
    assert not light_border(X) and light_border(255 - X)
