"""What a picture looks like to the one who reads it."""

from __future__ import annotations

import numpy as np


def light_border(X: np.ndarray) -> bool:
    """Is a picture (h, w, d) light at its border: dark ink on light paper?"""
    border = np.concatenate([X[0], X[-1], X[:, 0], X[:, -1]])
    return bool(np.median(border) > 127)
