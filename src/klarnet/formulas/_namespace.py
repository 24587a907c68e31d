"""What the pages share: which array library they compute with, and a few small things it does not offer.

A page is written against the array API standard (https://data-apis.org/array-api): it asks its inputs for
their library and computes with that. So the same page runs on NumPy, CuPy and JAX-like arrays as they are,
and on torch tensors where array-api-compat is installed. A page that says "NumPy only" scatters or sorts,
which the standard cannot say.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from math import prod
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any
"""An array of any library that follows the standard, of any floating type unless a page says otherwise."""

tiny_is_zero = np.errstate(under="ignore")
"""Decorator of a page: a result too small for its type becomes 0, as it should, even where NumPy was told to
raise on underflow."""


def namespace(*arrays: Array | None) -> Any:
    """The array library of the inputs; None among them is skipped.

    Raises TypeError for something that is no array, and for arrays of different libraries.
    """
    found = None
    for array in arrays:
        if array is None:
            continue
        xp = _library(array)
        if found is not None and xp is not found:
            raise TypeError(
                f"formulas: expected arrays of one library, got {found.__name__} and {xp.__name__}"
            )
        found = xp
    return np if found is None else found


def _library(array: Array) -> Any:
    if isinstance(array, (np.ndarray, np.generic)):
        return np
    if hasattr(array, "__array_namespace__"):
        return array.__array_namespace__()
    kind = type(array)
    if kind.__module__ == "torch":
        try:  # by name: a helper, no dependency of the pages
            return import_module("array_api_compat").array_namespace(array)
        except ImportError:
            raise TypeError(
                "formulas: torch tensors need the package array-api-compat, or hand in tensor.numpy()"
            ) from None
    raise TypeError(f"formulas: expected an array, got {kind.__name__}; wrap it in numpy.asarray(...)")


def filled(shape: Sequence[int], value: float, *like: Array) -> Array:
    """An array full of `value`, in the library and place of `like` and the type that holds them all.

    Raises TypeError where that is no floating type: sums of whole numbers would be cut off without a word.
    """
    xp = namespace(*like)
    dtype = xp.result_type(*(a.dtype for a in like))
    if not xp.isdtype(dtype, "real floating"):
        raise TypeError(
            f"formulas: expected arrays of a floating type, got {dtype}; use X.astype(numpy.float32)"
        )
    return xp.full(tuple(shape), value, dtype=dtype, device=like[0].device)


def zeros(shape: Sequence[int], *like: Array) -> Array:
    """As `filled`, with zeros."""
    return filled(shape, 0.0, *like)


def rows(X: Array) -> Array:
    """X (n.., m) with its leading axes folded into one: (n, m). A vector (m,) is one row."""
    return namespace(X).reshape(X, (prod(X.shape[:-1]), X.shape[-1]))


def total(X: Array, axis: int | tuple[int, ...], *, keepdims: bool = False) -> Array:
    """Sum over `axis`, added up in float64 at least and rounded once: many terms cost float32 no digits."""
    xp = namespace(X)
    wide = xp.result_type(X.dtype, xp.float64)
    return xp.astype(xp.sum(X, axis=axis, dtype=wide, keepdims=keepdims), X.dtype, copy=False)


def one_number(L: Array, factor: float = 1.0) -> Array:
    """factor · ΣL over all elements, as a loss gives it: one element, shape (1,), added up like `total`."""
    xp = namespace(L)
    wide = xp.result_type(L.dtype, xp.float64)
    return xp.astype(factor * xp.sum(xp.reshape(L, (1, -1)), axis=1, dtype=wide), L.dtype, copy=False)


def same_shape(page: str, **arrays: Array) -> None:
    """Refuse arrays of different shapes: a formula that says a - b never means broadcasting."""
    namespace(*arrays.values())
    if len({tuple(a.shape) for a in arrays.values()}) > 1:
        came = ", ".join(f"{name} {tuple(a.shape)}" for name, a in arrays.items())
        raise ValueError(f"{page}: expected arrays of one shape, got {came}; reshape one of them")
