"""Class targets: what an example ought to be.

A target is a class number t, or a distribution T over the k classes (one-hot, or soft). Smoothing ε spreads a
part of it over all classes, and class weights ω count some classes more than others:

    Q_j = ω_j ((1 − ε) T_j + ε / k)

which is what cross entropy weighs the logarithms with. An ignored target has Q = 0.

Source: Szegedy et al., "Rethinking the inception architecture", 2016 (label smoothing).
"""

from __future__ import annotations

from math import prod

from ._namespace import Array, namespace, same_shape


def one_hot(t: Array, k: int, *, like: Array) -> Array:
    """T[.., j] = 1 where j = t, else 0, in the type of `like`. t (n..) integers → T (n.., k).

    A class outside 0 … k − 1 gives a row of zeros; `check_classes` refuses it.
    """
    xp = namespace(t, like)
    classes = xp.arange(k, dtype=t.dtype, device=like.device)
    return xp.astype(xp.expand_dims(t, axis=-1) == classes, like.dtype)


def check_classes(page: str, t: Array, k: int, *, what: str = "class", ignored: int | None = None) -> None:
    """Refuse numbers that are no integers (TypeError) or outside 0 … k − 1 (ValueError, with the place).

    `ignored` is let through.
    """
    xp = namespace(t)
    if not xp.isdtype(t.dtype, "integral"):
        raise TypeError(f"{page}: expected {what} numbers of an integer type, got {t.dtype}")
    bad = (t < 0) | (t >= k)
    if ignored is not None:
        bad = bad & (t != ignored)
    if prod(t.shape) and bool(xp.any(bad)):
        flat = int(xp.argmax(xp.astype(xp.reshape(bad, (-1,)), xp.uint8)))
        value = int(xp.reshape(t, (-1,))[flat])
        place: list[int] = []
        for size in reversed(t.shape):
            flat, at = divmod(flat, size)
            place.insert(0, at)
        raise ValueError(
            f"{page}: expected {what} numbers from 0 to {k - 1}, got {value} at position {tuple(place)}"
        )


def weighted_targets(
    page: str,
    X: Array,
    t: Array | None,
    T: Array | None,
    weights: Array | None,
    smoothing: float,
    ignored: int | None,
) -> tuple[Array, Array]:
    """Q (n.., k) and what each position counts in a mean (n..): 1 or its weight Σ ω_j T_j, 0 where ignored.

    X (n.., k) gives shape and type. Raises ValueError unless exactly one of t and T is there and fits.
    """
    xp = namespace(X, t, T, weights)
    k = X.shape[-1]
    if (t is None) == (T is None):
        raise ValueError(
            f"{page}: expected either class numbers t or distributions T, got "
            f"{'neither' if t is None else 'both'}"
        )
    if weights is not None and tuple(weights.shape) != (k,):
        raise ValueError(f"{page}: expected one weight a class, ({k},), got {tuple(weights.shape)}")
    if t is not None:
        if tuple(t.shape) != tuple(X.shape[:-1]):
            raise ValueError(
                f"{page}: expected class numbers of shape {tuple(X.shape[:-1])} for X "
                f"{tuple(X.shape)}, got {tuple(t.shape)}"
            )
        check_classes(page, t, k, ignored=ignored)
        T = one_hot(t, k, like=X)
        counts = xp.ones(t.shape, dtype=X.dtype, device=X.device)
        if ignored is not None:
            counts = xp.where(t == ignored, 0.0, counts)
    else:
        same_shape(page, X=X, T=T)
        T = xp.astype(T, X.dtype, copy=False)
        counts = xp.ones(X.shape[:-1], dtype=X.dtype, device=X.device)
    Q = T if smoothing == 0 else (1.0 - smoothing) * T + smoothing / k
    if weights is not None:
        counts = counts * xp.sum(T * weights, axis=-1)
        Q = Q * weights
    if ignored is not None and t is not None:
        Q = xp.where(xp.expand_dims(t == ignored, axis=-1), 0.0, Q)
    return Q, counts
