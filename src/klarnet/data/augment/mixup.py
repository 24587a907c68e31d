"""Mixup: pairs of examples of a batch are blended, inputs and targets alike."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .step import Augmentation


class Mixup(Augmentation):
    """x' = λ x + (1 − λ) x̃,  t' = λ t + (1 − λ) t̃,  λ ~ Beta(α, α) for each example.

    Classes become distributions (n, k), which the cross entropies take as soft targets; other targets, floats or
    one-hot, are blended as they are. It comes after all other steps.

    alpha    α, above 0, at most 100: small leaves most examples nearly as they are, 1 makes every λ equally likely
    classes  k, where class names do not tell it; None: the largest class of the data + 1

    The partner x̃ is the next of the batch in the order of a number that each example draws: so who is mixed with whom
    depends on which examples are in the batch, not on their order there, λ only on the example.

    Zhang et al. 2018 ("mixup: Beyond empirical risk minimization").
    """

    name = "mixup"

    def __init__(self, alpha: float = 0.2, *, classes: int | None = None) -> None:
        self.alpha = self._number("alpha", alpha, least=0.01, most=100)
        self.classes = None if classes is None else self._number("classes", classes, least=2, whole=True)

    def blend(
        self, X: np.ndarray, t: np.ndarray | None, u: np.ndarray, classes: int | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """X (n, …) and t mixed. u (n, 4) uniform in [0, 1); classes: k where t holds class indices (n,)."""
        order = np.argsort(u[:, 0], kind="stable")
        partner = np.empty_like(order)
        partner[order] = np.roll(order, -1)
        share = beta(self.alpha, u[:, 1])
        if t is not None:
            T = np.eye(classes, dtype=np.float32)[t] if classes else t.astype(np.float32)
            t = _blend(T, T[partner], share)
        Y = _blend(X.astype(np.float32), X[partner].astype(np.float32), share)
        if X.dtype.kind != "f":
            np.rint(Y, out=Y)
        return Y.astype(X.dtype), t


def _blend(A: np.ndarray, B: np.ndarray, share: np.ndarray) -> np.ndarray:
    share = share.astype(np.float32).reshape(-1, *[1] * (A.ndim - 1))
    A *= share
    A += (1 - share) * B
    return A


def beta(alpha: float, u: np.ndarray) -> np.ndarray:
    """Numbers with the distribution Beta(α, α) from uniform ones, by the inverse of its distribution function.

    The density is symmetric about ½. Where it is infinite at 0 (α < 1), that of s = x^α is (1 − x)^(α−1), which is
    smooth; its integral up to ½ is tabulated by the trapezoidal rule.
    """
    x, share = _table(float(alpha))
    lower = np.interp(1 - np.abs(2 * u - 1), share, x)
    return np.where(u < 0.5, lower, 1 - lower)


@lru_cache(maxsize=16)
def _table(alpha: float, points: int = 8193) -> tuple[np.ndarray, np.ndarray]:
    p = min(alpha, 1.0)
    s = np.linspace(0, 0.5**p, points)
    x = s ** (1 / p)
    density = x ** (alpha - p) * (1 - x) ** (alpha - 1)
    share = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return x, share / share[-1]
