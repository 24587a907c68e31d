"""Cross entropy: how surprised the network is by the right class.

    L = factor / N · Σ_n ℓ_n,     ℓ_n = − Σ_j Q_nj log P_nj

P (n.., k) are probabilities, Q the targets with smoothing and class weights (`targets`). N, the output
`total`, is 1 with mean = 0; with mean = 1 the number of positions that count (ignored ones do not), or with
class weights the sum of the weights of their targets; 1 if nothing counts, so that the loss is then 0 and the
gradient exactly 0.

On logits X, with P = softmax(X) inside (the stable form, and the one to prefer):

    log P = log_softmax(X),     dX = factor / N · (P Σ_j Q_j − Q)          P − T without weights: Σ Q = 1

On probabilities X themselves, kept away from 0 by 1e-12 in float64 and 1e-7 in float32:

    dX = − factor / N · Q / X

X (n.., k); either t (n..), class numbers, or T (n.., k), distributions; weights (k,), one a class; value,
total (1,).

Source: the course's chapter on loss functions; Bishop, "Pattern recognition and machine learning", 4.3.4.
"""

from __future__ import annotations

from ._namespace import Array, namespace, one_number, tiny_is_zero
from .softmax import log_softmax, softmax
from .targets import weighted_targets


@tiny_is_zero
def softmax_cross_entropy(
    X: Array,
    t: Array | None = None,
    T: Array | None = None,
    weights: Array | None = None,
    *,
    smoothing: float = 0.0,
    ignored: int | None = None,
    mean: int = 1,
    factor: float = 1.0,
) -> tuple[Array, Array, Array]:
    """Softmax and cross entropy in one. X (n.., k) logits → value (1,), P (n.., k), total (1,).

    A logit of −∞ takes its class out. Raises ValueError for a class outside 0 … k − 1 (with its position),
    for shapes that do not fit, and unless exactly one of t and T is given; TypeError for class numbers of
    another type.
    """
    Q, counts = weighted_targets("softmax_cross_entropy", X, t, T, weights, smoothing, ignored)
    total = _divisor(counts, mean)
    return one_number(_surprise(Q, log_softmax(X)), factor) / total, softmax(X), total


@tiny_is_zero
def softmax_cross_entropy_backward(
    P: Array,
    t: Array | None,
    T: Array | None,
    weights: Array | None,
    total: Array,
    *,
    smoothing: float = 0.0,
    ignored: int | None = None,
    factor: float = 1.0,
) -> Array:
    """dX = factor / N · (P Σ Q − Q), by the logits. P (n.., k) and total (1,) from the forward pass → dX."""
    xp = namespace(P)
    Q, _ = weighted_targets("softmax_cross_entropy_backward", P, t, T, weights, smoothing, ignored)
    return factor / total * (P * xp.sum(Q, axis=-1, keepdims=True) - Q)


def cross_entropy(
    X: Array,
    t: Array | None = None,
    T: Array | None = None,
    weights: Array | None = None,
    *,
    smoothing: float = 0.0,
    ignored: int | None = None,
    mean: int = 1,
    factor: float = 1.0,
) -> tuple[Array, Array]:
    """On probabilities. X (n.., k) → value (1,), total (1,). Raises as `softmax_cross_entropy`."""
    xp = namespace(X)
    Q, counts = weighted_targets("cross_entropy", X, t, T, weights, smoothing, ignored)
    total = _divisor(counts, mean)
    return one_number(_surprise(Q, xp.log(kept_positive(X))), factor) / total, total


def cross_entropy_backward(
    X: Array,
    t: Array | None,
    T: Array | None,
    weights: Array | None,
    total: Array,
    *,
    smoothing: float = 0.0,
    ignored: int | None = None,
    factor: float = 1.0,
) -> Array:
    """dX = − factor / N · Q / X. X (n.., k) probabilities, total (1,) → dX (n.., k), by the probabilities."""
    Q, _ = weighted_targets("cross_entropy_backward", X, t, T, weights, smoothing, ignored)
    return -factor / total * (Q / kept_positive(X))


def kept_positive(X: Array) -> Array:
    """Probabilities, at least 1e-12 (float64) or 1e-7, so that their logarithm and inverse are finite."""
    xp = namespace(X)
    least = 1e-12 if xp.finfo(X.dtype).eps < 1e-12 else 1e-7
    return xp.maximum(X, xp.asarray(least, dtype=X.dtype, device=X.device))


def _surprise(Q: Array, log_P: Array) -> Array:
    """−Q log P, with 0 · log 0 = 0: a class that no target asks for may be impossible."""
    xp = namespace(Q, log_P)
    return -Q * xp.where(Q == 0, 0.0, log_P)


def _divisor(counts: Array, mean: int) -> Array:
    """N as an array (1,)."""
    xp = namespace(counts)
    if not mean:
        return xp.ones((1,), dtype=counts.dtype, device=counts.device)
    N = one_number(counts)
    return xp.where(N == 0, 1.0, N)
