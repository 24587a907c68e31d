"""What a network answered and what is true, as two rows of class numbers: the first step of every metric here."""

from __future__ import annotations

from typing import Any

import numpy as np


def classes_of(
    outputs: Any, t: Any, *, ignored: int | None = None, classes: int | None = None, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and true class of every position that counts, both (m,) int64.

    outputs    integers: class indices, the shape of t;
               floats (n, …, k), k > 1: probabilities or logits, the largest wins (the first of equal ones);
               floats (n, …, 1) or (n,): probabilities of class 1 of two, which wins above 0.5
    t          class indices (n, …) or (n, …, 1); or one-hot or soft targets (n, …, k), where the largest wins
    ignored    the class index whose positions do not count
    classes    the number of classes, where it is known

    Raises ValueError, naming the position, for shapes that do not fit, labels out of range, outputs that are NaN
    and binary outputs outside [0, 1]; TypeError for what is no array of numbers. `name` begins the texts.
    """
    _, predicted, truth, counted = _checked(outputs, t, ignored, classes, name)
    return predicted[counted], truth[counted]


def scores_of(
    outputs: Any, t: Any, *, ignored: int | None = None, probabilities: bool = False, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Scores (m, k) of all classes and true class (m,) of every position that counts.

    Arguments as of `classes_of`, but class indices tell no scores and are refused; of two classes with one
    probability p the scores are 1 - p and p.

    probabilities    the scores must be distributions: between 0 and 1, a sum of 1 (to 0.001)
    Raises ValueError and TypeError as `classes_of` does, and ValueError for scores that are no probabilities.
    """
    Y, predicted, truth, counted = _checked(outputs, t, ignored, None, name)
    if Y.dtype.kind != "f":
        raise ValueError(
            f"{name}: outputs {Y.shape} are {Y.dtype}; expected a score for each class, (n, ..., k)"
        )
    if Y.shape in (predicted.shape, (*predicted.shape, 1)):
        p = Y.reshape(predicted.shape)
        Y = np.stack([1 - p, p], axis=-1)
    if probabilities:
        wrong = (Y < 0).any(axis=-1) | (abs(Y.sum(axis=-1, dtype=np.float64) - 1.0) > 1e-3)
        if wrong.any():
            raise ValueError(
                f"{name}: outputs{_first(wrong)} are no probabilities of {Y.shape[-1]} classes, their sum is"
                f" {Y[wrong][0].sum():g}; expected numbers from 0 to 1 with a sum of 1 (is Softmax missing?)"
            )
    return Y[counted], truth[counted]


def _checked(
    outputs: Any, t: Any, ignored: int | None, classes: int | None, name: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Outputs, predicted classes, true classes, and which positions count."""
    Y, T = _numbers(outputs, f"{name}: outputs"), _numbers(t, f"{name}: t")
    predicted, truth, k = _matched(Y, T, name)
    if k is not None and classes is not None and k != classes:
        raise ValueError(f"{name}: outputs {Y.shape} tell {k} classes apart, expected {classes}")
    k = classes if k is None else k
    counted = np.ones(truth.shape, bool) if ignored is None else truth != ignored
    _refuse_outside(truth, counted, k, f"{name}: t")
    _refuse_outside(predicted, counted, k, f"{name}: outputs")
    return Y, predicted, truth, counted


def _matched(Y: np.ndarray, T: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray, int | None]:
    """Predicted classes, true classes (one shape) and, where the shapes tell it, the number of classes."""
    if Y.dtype.kind != "f" and Y.shape == (*T.shape, 1):
        Y = Y[..., 0]
    scores = Y.dtype.kind == "f" and Y.ndim > 1
    shape = Y.shape[:-1] if scores else Y.shape  # of the positions
    k = T.shape[-1] if T.ndim == len(shape) + 1 and T.shape[-1] > 1 else None  # of one-hot targets
    fits = T.shape in (shape, (*shape, 1)) if k is None else T.shape[:-1] == shape
    if not fits or (scores and (Y.shape[-1] == 0 or k not in (None, Y.shape[-1]))):
        raise ValueError(f"{name}: outputs {Y.shape} and t {T.shape} do not belong together")
    truth = _indices(T.reshape(shape), f"{name}: t") if k is None else _largest(T, f"{name}: t")
    if Y.dtype.kind != "f":
        return Y.astype(np.int64), truth, k
    _refuse_nan(Y, f"{name}: outputs")
    if scores and Y.shape[-1] > 1:
        return Y.argmax(axis=-1), truth, Y.shape[-1]
    return _binary(Y.reshape(shape), f"{name}: outputs"), truth, 2


def _binary(Y: np.ndarray, name: str) -> np.ndarray:
    """0 or 1 from the probability of class 1."""
    outside = (Y < 0) | (Y > 1)
    if outside.any():
        raise ValueError(
            f"{name}{_first(outside)} is {Y[outside][0]}; expected one probability an example, 0 to 1 (is Sigmoid"
            " missing?), or a score for each class"
        )
    return (Y > 0.5).astype(np.int64)


def _largest(T: np.ndarray, name: str) -> np.ndarray:
    """The class of one-hot or soft targets; their rows must be distributions."""
    fine = (T.min(axis=-1) >= 0) & (abs(T.sum(axis=-1) - 1.0) <= 1e-3)
    if not fine.all():
        at = np.unravel_index(np.argmin(fine), fine.shape)
        raise ValueError(
            f"{name}{_first(~fine)} is {T[at].tolist()}; expected one-hot targets, since t has shape {T.shape};"
            f" class indices would have shape {T.shape[:-1]}"
        )
    return T.argmax(axis=-1)


def _indices(a: np.ndarray, name: str) -> np.ndarray:
    """Class numbers as int64; floats only where they are whole."""
    if a.dtype.kind == "f":
        wrong = ~np.isfinite(a) | (a != np.rint(a))
        if wrong.any():
            raise ValueError(f"{name}{_first(wrong)} is {a[wrong][0]}; expected a class index")
    return a.astype(np.int64)


def _refuse_outside(a: np.ndarray, counted: np.ndarray, k: int | None, name: str) -> None:
    wrong = counted & ((a < 0) if k is None else (a < 0) | (a >= k))
    if wrong.any():
        expected = "0 or more" if k is None else f"0 to {k - 1}"
        raise ValueError(f"{name}{_first(wrong)} is class {a[wrong][0]}; expected {expected}")


def _refuse_nan(Y: np.ndarray, name: str) -> None:
    wrong = np.isnan(Y)
    if wrong.any():
        raise ValueError(f"{name}{_first(wrong)} is nan; expected numbers")


def _numbers(x: Any, name: str) -> np.ndarray:
    a = np.asarray(x)
    if a.dtype.kind not in "biuf":
        raise TypeError(f"{name}: expected an array of numbers, got {type(x).__name__} with dtype {a.dtype}")
    return a


def _first(wrong: np.ndarray) -> str:
    """The index of the first True, as Python writes it."""
    if wrong.ndim == 0:
        return ""
    return "[" + ", ".join(str(int(i)) for i in np.argwhere(wrong)[0]) + "]"
