"""Long short-term memory: a cell that keeps what a gate lets it keep.

The part that runs step by step. z_t = x_t · W_x + b, of all steps at once, is a dense layer in front of it; W
here are the recurrent weights W_h. Row vectors, gates in blocks of k in the order i, f, g, o:

    (i, f, g, o) = (σ, σ, tanh, σ) of z_t + h_{t−1} · W
    c_t = f ⊙ c_{t−1} + i ⊙ g,     h_t = o ⊙ tanh(c_t)

Backward, from the last step to the first, δh and δc being what comes from the step after:

    δh += dh_t,   δc += δh ⊙ o ⊙ (1 − tanh² c_t)
    δz = (δc ⊙ g ⊙ i(1 − i),  δc ⊙ c_{t−1} ⊙ f(1 − f),  δc ⊙ i ⊙ (1 − g²),  δh ⊙ tanh(c_t) ⊙ o(1 − o))
    δh ← δz · Wᵀ,   δc ← δc ⊙ f

The gradients of W are `recurrent_gradients`, those of W_x and b `dense_gradients` with dZ.

Lengths: step t of an example counts where t < length. Elsewhere h is 0, dz is 0, and the state stays as it
was, so an example gives the same numbers alone and in a batch, whatever stands in the padding. reverse = 1
runs from each example's own last step to its first. An example of length 0 keeps h0 and c0.

Dropout of the state (M = `state_mask`, one mask an example for all its steps): the product sees h_{t−1} ⊙ M, and what
comes back through it is multiplied by M. The cell is left alone.

Z (n, t, 4k), W (k, 4k), h0, c0 (n, k) or None for 0, lengths (n,) integers or None for all, M (n, k) or None for 1,
H, C (n, t, k), G (n, t, 4k).

Sources: the course's chapter on LSTM; Hochreiter, Schmidhuber, "Long short-term memory", Neural Computation
1997; Gers, Schmidhuber, Cummins, "Learning to forget", 2000.
"""

from __future__ import annotations

from ._namespace import Array, namespace, tiny_is_zero, zeros
from .activation import sigmoid
from .recurrent import counted, masked, steps


@tiny_is_zero
def lstm(
    Z: Array,
    W: Array,
    h0: Array | None = None,
    c0: Array | None = None,
    lengths: Array | None = None,
    M: Array | None = None,
    *,
    reverse: int = 0,
) -> tuple[Array, Array, Array]:
    """→ H, the outputs; C, the cell after each step; G, the gates after σ and tanh (0 past a length)."""
    xp = namespace(Z, W, h0, c0, lengths, M)
    (n, t, _), k = Z.shape, W.shape[0]
    h, c = (zeros((n, k), Z, W) if s is None else s for s in (h0, c0))
    H, C, G = (zeros((n, t, width), Z, W) for width in (k, k, 4 * k))
    counts = counted(lengths, Z)
    for now in steps(t, reverse):
        on = counts[:, now, :]
        z = Z[:, now, :] + masked(h, M) @ W
        i, f, o = (sigmoid(z[:, a * k : (a + 1) * k]) for a in (0, 1, 3))
        g = xp.tanh(z[:, 2 * k : 3 * k])
        c = xp.where(on, f * c + i * g, c)
        h_now = o * xp.tanh(c)
        h = xp.where(on, h_now, h)
        H[:, now, :], C[:, now, :] = xp.where(on, h_now, 0.0), c
        G[:, now, :] = xp.where(on, xp.concat((i, f, g, o), axis=-1), 0.0)
    return H, C, G


@tiny_is_zero
def lstm_backward(
    dH: Array,
    W: Array,
    C: Array,
    G: Array,
    c0: Array | None = None,
    lengths: Array | None = None,
    M: Array | None = None,
    *,
    reverse: int = 0,
) -> tuple[Array, Array, Array]:
    """dH (n, t, k), and C, G from the forward pass → dZ (n, t, 4k), dh0, dc0 (n, k)."""
    xp = namespace(dH, W, C, G, c0, lengths, M)
    n, t, k = dH.shape
    first = zeros((n, k), dH) if c0 is None else c0
    dZ, dh, dc = zeros((n, t, 4 * k), dH), zeros((n, k), dH), zeros((n, k), dH)
    counts = counted(lengths, dH)
    order = list(steps(t, reverse))
    for at in reversed(range(t)):
        now = order[at]
        on = counts[:, now, :]
        c_before = C[:, order[at - 1], :] if at else first
        i, f, g, o = (G[:, now, a * k : (a + 1) * k] for a in range(4))
        T = xp.tanh(C[:, now, :])
        dh_now = dh + dH[:, now, :]
        dc_now = dc + dh_now * o * (1.0 - T * T)
        dz = xp.concat(
            (
                dc_now * g * (i * (1.0 - i)),
                dc_now * c_before * (f * (1.0 - f)),
                dc_now * i * (1.0 - g * g),
                dh_now * T * (o * (1.0 - o)),
            ),
            axis=-1,
        )
        dz = xp.where(on, dz, 0.0)
        dZ[:, now, :] = dz
        dh = xp.where(on, masked(dz @ W.T, M), dh)
        dc = xp.where(on, dc_now * f, dc)
    return dZ, dh, dc
