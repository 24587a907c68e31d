"""The simplest recurrent layer: a state that is mixed with each input.

The part that runs step by step. z_t = x_t · W_x + b, of all steps at once, is a dense layer in front of it, and
outputs y_t = h_t · W_o, where there are such weights, are one behind it; W here are the recurrent weights W_h.
Row vectors:

    g_t = z_t + h_{t−1} · W,     h_t = tanh(g_t)

Backward, from the last step to the first, δh being what comes from the step after:

    δh += dh_t,   δz = δh ⊙ (1 − h_t²),   δh ← δz · Wᵀ

since the derivative of tanh at g_t is 1 − tanh² g_t = 1 − h_t². The gradients of W are `recurrent_gradients`,
those of W_x and b `dense_gradients` with dZ.

Lengths: step t of an example counts where t < length. Elsewhere h is 0, dz is 0, and the state stays as it
was, so an example gives the same numbers alone and in a batch, whatever stands in the padding. reverse = 1
runs from each example's own last step to its first. An example of length 0 keeps h0.

Dropout of the state (M = `state_mask`, one mask an example for all its steps): the product sees h_{t−1} ⊙ M, and what
comes back through it is multiplied by M.

Z (n, t, k), W (k, k), h0 (n, k) or None for 0, lengths (n,) integers or None for all, M (n, k) or None for 1, H
(n, t, k).

Sources: the course's chapter on recurrent networks; Elman, "Finding structure in time", Cognitive Science 1990.
"""

from __future__ import annotations

from ._namespace import Array, namespace, tiny_is_zero, zeros
from .recurrent import counted, masked, steps


@tiny_is_zero
def rnn(
    Z: Array,
    W: Array,
    h0: Array | None = None,
    lengths: Array | None = None,
    M: Array | None = None,
    *,
    reverse: int = 0,
) -> Array:
    """→ H (n, t, k), the states (0 past a length)."""
    xp = namespace(Z, W, h0, lengths, M)
    n, t, k = Z.shape
    h, H = zeros((n, k), Z, W) if h0 is None else h0, zeros((n, t, k), Z, W)
    counts = counted(lengths, Z)
    for now in steps(t, reverse):
        on = counts[:, now, :]
        h_now = xp.tanh(Z[:, now, :] + masked(h, M) @ W)
        h = xp.where(on, h_now, h)
        H[:, now, :] = xp.where(on, h_now, 0.0)
    return H


@tiny_is_zero
def rnn_backward(
    dH: Array,
    W: Array,
    H: Array,
    lengths: Array | None = None,
    M: Array | None = None,
    *,
    reverse: int = 0,
) -> tuple[Array, Array]:
    """dH (n, t, k), and H from the forward pass → dZ (n, t, k), dh0 (n, k)."""
    xp = namespace(dH, W, H, lengths, M)
    n, t, k = dH.shape
    dZ, dh = zeros((n, t, k), dH), zeros((n, k), dH)
    counts = counted(lengths, dH)
    for now in reversed(list(steps(t, reverse))):
        on, h = counts[:, now, :], H[:, now, :]
        dz = xp.where(on, (dh + dH[:, now, :]) * (1.0 - h * h), 0.0)
        dZ[:, now, :] = dz
        dh = xp.where(on, masked(dz @ W.T, M), dh)
    return dZ, dh
