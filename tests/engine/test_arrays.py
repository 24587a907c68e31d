"""Descriptions: a layer that is traced sees shapes, and is told so when it asks for more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from klarnet.engine import Description, aligned

F32 = np.dtype(np.float32)


def description(*shape: int) -> Description:
    return Description(shape, F32)


def test_what_can_be_known() -> None:
    X = description(4, 3, 2)
    assert (X.shape, X.ndim, X.size, X.nbytes, len(X), X.dtype) == ((4, 3, 2), 3, 24, 96, 4, F32)
    assert X.whole and "(4, 3, 2)" in repr(X)


def test_views_share_the_storage() -> None:
    X = description(4, 3, 2)
    part = X[1:3].reshape(12)
    assert part.storage is X.storage and part.offset == 24 and part.shape == (12,) and not part.whole
    assert part[3:].offset == 24 + 12 and part[3:].shape == (9,)
    assert X.reshape(2, -1).shape == X.reshape((2, 12)).shape == (2, 12)
    assert X.reshape(24).whole and X[:].whole and X[:99].shape == X.shape
    assert X[3:1].shape == (0, 3, 2) and X[-1:].offset == 72
    assert description(0, 3).reshape(-1, 3).shape == (0, 3)


@pytest.mark.parametrize("shape", [(5,), (5, -1), (7, 4), (0,)])
def test_a_reshape_that_does_not_fit(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"cannot reshape \(4, 3, 2\)"):
        description(4, 3, 2).reshape(*shape)


REFUSED: dict[str, Callable[[Any], Any]] = {
    "if": bool, "float": float, "int": int, "for": list, "NumPy": np.asarray, "sum": np.sum, "exp": np.exp,
    "X + 1": lambda X: X + 1, "1 + X": lambda X: 1 + X, "array + X": lambda X: np.ones((4, 3), np.float32) + X,
    "X - X": lambda X: X - X, "2 * X": lambda X: 2 * X, "X / 2": lambda X: X / 2, "X ** 2": lambda X: X**2,
    "-X": lambda X: -X, "X @ X": lambda X: X @ X, "array @ X": lambda X: np.ones((4, 4)) @ X, "X > 0": lambda X: X > 0,
    "X <= 0": lambda X: X <= 0, "X[0]": lambda X: X[0], "X[:, 0]": lambda X: X[:, 0], "X[::2]": lambda X: X[::2],
    "X[::-1]": lambda X: X[::-1], "X[[0, 1]]": lambda X: X[[0, 1]], "X[..., 0]": lambda X: X[..., 0],
    "range(X)": range, "1 / X": lambda X: 1 / X, "2 - X": lambda X: 2 - X,
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_values_are_refused_with_the_mend(what: str) -> None:
    with pytest.raises(
        TypeError, match=r"on a description of shape \(4, 3\): a layer with `traced = True` may only"
    ) as caught:
        REFUSED[what](description(4, 3))
    assert "remove `traced = True`" in str(caught.value)


@pytest.mark.parametrize("nbytes", [0, 1, 64, 1000])
def test_fresh_memory_starts_on_a_border_and_is_zero(nbytes: int) -> None:
    memory = aligned(nbytes)
    assert memory.nbytes == nbytes and not memory.any()
    assert nbytes == 0 or memory.ctypes.data % 64 == 0
