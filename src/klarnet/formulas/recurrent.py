"""What all recurrent layers share: the order of the steps, their weight gradients, their last state.

Step t of an example counts where t < length; a recurrent layer with reverse = 1 begins at each example's own
last step. With h_before the state that a step begins with (h0 at its first):

    dW = Σ_t h_beforeᵀ · dz_t               over all steps that count, of all examples

The last state is that of the last step run: step length − 1, or step 0 in reverse. Of length 0 there is none:
it is 0 here, and the layer adds its initial state.

X, H (n, t, k), dZ (n, t, j), h0, Y (n, k), lengths (n,) integers or None for all t.
"""

from __future__ import annotations

from collections.abc import Iterable

from ._namespace import Array, namespace, rows, zeros


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
    H: Array, dZ: Array, h0: Array | None = None, lengths: Array | None = None, *, reverse: int = 0
) -> Array:
    """dW = Σ h_beforeᵀ · dz. H (n, t, k) outputs of the layer, dZ (n, t, j) → dW (k, j)."""
    xp = namespace(H, dZ, h0, lengths)
    return rows(states_before(H, h0, lengths, reverse)).T @ rows(xp.where(counted(lengths, H), dZ, 0.0))


def last_step(X: Array, lengths: Array | None = None, *, reverse: int = 0) -> Array:
    """The output after the last step run; 0 where the length is 0. X (n, t, k) → Y (n, k)."""
    xp = namespace(X, lengths)
    return xp.sum(xp.where(_last(lengths, X.shape[0], X.shape[1], X, reverse), X, 0.0), axis=1)


def last_step_backward(dY: Array, lengths: Array | None = None, *, t: int, reverse: int = 0) -> Array:
    """dX = dY at the last step run, 0 elsewhere. dY (n, k) → dX (n, t, k)."""
    xp = namespace(dY, lengths)
    return xp.where(_last(lengths, dY.shape[0], t, dY, reverse), dY[:, None, :], 0.0)


def _last(lengths: Array | None, n: int, t: int, like: Array, reverse: int) -> Array:
    """True at the one step of each example that is run last, booleans (n, t, 1)."""
    xp = namespace(like)
    if lengths is None:
        lengths = xp.full((n,), t, dtype=xp.int64, device=like.device)
    step = xp.arange(t, dtype=lengths.dtype, device=like.device)
    last = (step == 0) & (lengths[:, None] > 0) if reverse else step == lengths[:, None] - 1
    return last[:, :, None]
