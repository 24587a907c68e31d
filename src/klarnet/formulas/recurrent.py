"""What all recurrent layers share: the order of the steps, their weight gradients, their last state.

Step t of an example counts where t < length; a recurrent layer with reverse = 1 begins at each example's own
last step. With h_before the state that a step begins with (h0 at its first):

    dW = Σ_t (h_before ⊙ M)ᵀ · dz_t         over all steps that count, of all examples

Dropout of the state: one mask an example for all its steps, so that what is left out is left out throughout,

    M_iu = 1[v_iu ≥ rate] / (1 − rate)      v uniform, from (seed, node, step) alone; M = 1 without it

and the recurrent products see h_{t−1} ⊙ M. A mask of each step's own would wash the memory out.

The last state is that of the last step run: step length − 1, or step 0 in reverse. Of length 0 it is h0.

Truncated back-propagation: a long stream comes in pieces, and the state that one piece ends with is what the next
begins with (`carry`). It is a constant there: no gradient goes back into the piece before.

X, H (n, t, k), dZ (n, t, j), h0, Y, M (n, k), lengths (n,) integers or None for all t.

Sources: Gal, Ghahramani, "A theoretically grounded application of dropout in recurrent neural networks", 2016;
Williams, Peng, "An efficient gradient-based algorithm for on-line training of recurrent network trajectories", Neural
Computation 1990 (truncated back-propagation).
"""

from __future__ import annotations

from collections.abc import Iterable

from klarnet.random import DROPOUT, uniform

from ._namespace import Array, filled, namespace, rows, same_shape, zeros


def steps(t: int, reverse: int) -> Iterable[int]:
    """The steps 0 … t − 1 in the order in which they run."""
    return range(t - 1, -1, -1) if reverse else range(t)


def counted(lengths: Array | None, X: Array) -> Array:
    """Which steps count, for X (n, t, ..): step < length, as booleans (n, t, 1)."""
    xp = namespace(X, lengths)
    n, t = X.shape[:2]
    if lengths is None:
        return xp.ones((n, t, 1), dtype=xp.bool, device=X.device)
    return (xp.arange(t, dtype=lengths.dtype, device=X.device) < lengths[:, None])[:, :, None]


def states_before(H: Array, h0: Array | None, lengths: Array | None, reverse: int) -> Array:
    """The state that each step begins with: H moved by one step, h0 (or 0) at each example's first. (n, t, k)."""
    xp = namespace(H, h0, lengths)
    n, t, k = H.shape
    first = zeros((n, 1, k), H) if h0 is None else h0[:, None, :]
    if not reverse:
        return xp.concat((first, H[:, : t - 1, :]), axis=1)
    after = xp.concat(
        (counted(lengths, H)[:, 1:, :], xp.zeros((n, 1, 1), dtype=xp.bool, device=H.device)), axis=1
    )
    return xp.where(after, xp.concat((H[:, 1:, :], first), axis=1), first)


def recurrent_gradients(
    H: Array,
    dZ: Array,
    h0: Array | None = None,
    lengths: Array | None = None,
    M: Array | None = None,
    *,
    reverse: int = 0,
) -> Array:
    """dW = Σ (h_before ⊙ M)ᵀ · dz. H (n, t, k) outputs of the layer, dZ (n, t, j) → dW (k, j)."""
    xp = namespace(H, dZ, h0, lengths, M)
    begun = masked(states_before(H, h0, lengths, reverse), M)
    return rows(begun).T @ rows(xp.where(counted(lengths, H), dZ, 0.0))


def masked(h: Array, M: Array | None) -> Array:
    """h ⊙ M, h (n, k) or (n, t, k): what the recurrent product sees of a state."""
    if M is None:
        return h
    return h * (M if h.ndim == 2 else M[:, None, :])


def state_mask(W: Array, *, n: int, rate: float, node: int, reverse: int = 0, seed: int, step: int) -> Array:
    """→ M (n, k): 0 with probability `rate`, else 1 / (1 − rate), for the states that W (k, j) multiplies.

    Element (i, u) takes uniform number (i + reverse · n) k + u: both directions of a layer have masks of their own.
    Raises ValueError for a rate outside [0, 1).
    """
    if not 0.0 <= rate < 1.0:
        raise ValueError(f"state_mask: rate must be at least 0 and below 1, got {rate}")
    xp, k = namespace(W), W.shape[0]
    v = uniform((n, k), seed, node=node, step=step, purpose=DROPOUT, first=reverse * n * k)
    return xp.where(xp.asarray(v >= rate, device=W.device), filled((n, k), 1.0 / (1.0 - rate), W), 0.0)


def last_step(X: Array, lengths: Array | None = None, h0: Array | None = None, *, reverse: int = 0) -> Array:
    """The output after the last step run; h0 (or 0) where the length is 0. X (n, t, k) → Y (n, k)."""
    xp = namespace(X, lengths, h0)
    last = _last(lengths, X.shape[0], X.shape[1], X, reverse)
    Y = xp.sum(xp.where(last, X, 0.0), axis=1)
    return Y if h0 is None else xp.where(xp.any(last, axis=1), Y, h0)


def last_step_backward(
    dY: Array, lengths: Array | None = None, *, t: int, reverse: int = 0
) -> tuple[Array, Array]:
    """dX = dY at the last step run, dh0 = dY where there is none, 0 elsewhere. dY (n, k) → dX (n, t, k), dh0 (n, k)."""
    xp = namespace(dY, lengths)
    last = _last(lengths, dY.shape[0], t, dY, reverse)
    return xp.where(last, dY[:, None, :], 0.0), xp.where(xp.any(last, axis=1), 0.0, dY)


def carry(S: Array, X: Array) -> Array:
    """S ← X: what the batch at hand leaves to the next. S, X of one shape, both (n, k) for a state."""
    same_shape("carry", S=S, X=X)
    return X


def _last(lengths: Array | None, n: int, t: int, like: Array, reverse: int) -> Array:
    """True at the one step of each example that is run last, booleans (n, t, 1)."""
    xp = namespace(like)
    if lengths is None:
        lengths = xp.full((n,), t, dtype=xp.int64, device=like.device)
    step = xp.arange(t, dtype=lengths.dtype, device=like.device)
    last = (step == 0) & (lengths[:, None] > 0) if reverse else step == lengths[:, None] - 1
    return last[:, :, None]
