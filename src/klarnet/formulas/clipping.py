"""Keeping gradients and weights within bounds.

    norm of all gradients   n = √(Σ g²)                         over every weight of the network
    clip by norm            g ← g · min(1, c / n)               the direction stays
    clip by value           g ← min(max(g, −c), c)              entry by entry
    max-norm                w_j ← w_j · min(1, c / ‖w_j‖)       w_j: the weights that lead into unit j

Clipping comes between the gradients and the update, weight decay behind it; max-norm comes behind the update.
A NaN stays one.

Sources: the course's chapter on regularisation; Pascanu, Mikolov, Bengio, "On the difficulty of training
recurrent neural networks", ICML 2013; Srebro, Shraibman, "Rank, trace-norm and max-norm", COLT 2005;
Srivastava et al., "Dropout", JMLR 2014.
"""

from __future__ import annotations

from collections.abc import Sequence

from ._namespace import Array, namespace, tiny_is_zero


@tiny_is_zero
def gradient_norm(gs: Sequence[Array]) -> Array:
    """√(Σ g²) over the entries of all arrays (p_1,), (p_2,), … → (1,). Raises ValueError for no array at all."""
    if not gs:
        raise ValueError("gradient_norm: expected one array or more, got none")
    xp = namespace(*gs)
    wide = xp.result_type(gs[0].dtype, xp.float64)
    parts = [xp.sum(xp.reshape(xp.astype(g, wide), (1, -1)) ** 2, axis=1) for g in gs]
    return xp.astype(xp.sqrt(sum(parts[1:], parts[0])), gs[0].dtype, copy=False)


@tiny_is_zero
def clip_norm(g: Array, norm: Array, *, most: float) -> Array:
    """g · min(1, most / norm). g (p,), norm (1,) as `gradient_norm` gives it → the new g."""
    return g * _factor(norm, most)


def clip_value(g: Array, *, most: float) -> Array:
    """Every entry brought into [−most, most]. g (p,) → the new g."""
    return namespace(g).clip(g, -most, most)


@tiny_is_zero
def max_norm(W: Array, *, most: float) -> Array:
    """Each W[:, j, :] that is longer than `most` is made as long as that. W (a.., k, b) → the new W.

    Filters (p, q, d, k) and the weights of a dense layer (m, k) come with b = 1, those of a transposed convolution
    (p, q, k, d) as they are.
    """
    xp = namespace(W)
    wide = xp.astype(W, xp.result_type(W.dtype, xp.float64))
    axes = (*range(W.ndim - 2), W.ndim - 1)
    norm = xp.sqrt(xp.sum(wide**2, axis=axes, keepdims=True))
    return xp.astype(wide * _factor(norm, most), W.dtype, copy=False)


def _factor(norm: Array, most: float) -> Array:
    """min(1, most / norm), 1 where norm is 0 or NaN."""
    xp = namespace(norm)
    one = xp.ones_like(norm)
    return most / xp.where(norm > most, norm, most * one)
