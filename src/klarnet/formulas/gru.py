"""Gated recurrent unit: one gate says how much of the state is renewed, another what of it is seen meanwhile.

The part that runs step by step. (a_r, a_z, a_n) = x_t · W_x + b, of all steps at once, is a dense layer in front
of it; W = (W_r, W_z, W_n) here are the recurrent weights, b (k,) the bias of the recurrent part of n. Row vectors,
gates in blocks of k in the order r, z, n:

    r = σ(a_r + h_{t−1} · W_r),     z = σ(a_z + h_{t−1} · W_z)
    after  (before = 0):   s = h_{t−1} · W_n + b,     n = tanh(a_n + r ⊙ s)
    before (before = 1):   s = r ⊙ h_{t−1},           n = tanh(a_n + s · W_n + b)
    h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}

Reset before is the paper's form; reset after needs one product a step and is what most libraries compute.
Backward, from the last step to the first, δh being what comes from the step after:

    δh += dh_t
    δa_n = δh ⊙ (1 − z) ⊙ (1 − n²),   δa_z = δh ⊙ (h_{t−1} − n) ⊙ z(1 − z)
    after:    δa_r = δa_n ⊙ s ⊙ r(1 − r),        δh ← δh ⊙ z + (δa_r, δa_z, δa_n ⊙ r) · Wᵀ
    before:   q = δa_n · W_nᵀ,   δa_r = q ⊙ h_{t−1} ⊙ r(1 − r),
              δh ← δh ⊙ z + q ⊙ r + (δa_r, δa_z) · (W_r, W_z)ᵀ

Weight gradients, one product for the gates and one for n, over all steps that count of all examples:

    d(W_r, W_z) = Σ h_{t−1}ᵀ · (δa_r, δa_z)
    after:    dW_n = Σ h_{t−1}ᵀ · (δa_n ⊙ r),     db = Σ δa_n ⊙ r
    before:   dW_n = Σ sᵀ · δa_n,                 db = Σ δa_n

and those of W_x and its bias are `dense_gradients` with dZ = (δa_r, δa_z, δa_n).

Lengths: step t of an example counts where t < length. Elsewhere h is 0, dz is 0, and the state stays as it
was, so an example gives the same numbers alone and in a batch, whatever stands in the padding. reverse = 1
runs from each example's own last step to its first. An example of length 0 keeps h0.

Dropout of the state (M = `state_mask`, one mask an example for all its steps): all products see h_{t−1} ⊙ M, and what
comes back through them (and through s, reset before) is multiplied by M. The mix of n and h_{t−1} sees the whole state.

Z (n, t, 3k), W (k, 3k), b (k,) or None, h0 (n, k) or None for 0, lengths (n,) integers or None for all, M (n, k) or
None for 1, H (n, t, k), G (n, t, 4k) in the order r, z, n, s.

Sources: Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014 (reset before); Chung et
al., "Empirical evaluation of gated recurrent neural networks on sequence modeling", 2014.
"""

from __future__ import annotations

from ._namespace import Array, namespace, rows, tiny_is_zero, total, zeros
from .activation import sigmoid
from .recurrent import counted, masked, states_before, steps


@tiny_is_zero
def gru(
    Z: Array,
    W: Array,
    b: Array | None = None,
    h0: Array | None = None,
    lengths: Array | None = None,
    M: Array | None = None,
    *,
    reverse: int = 0,
    before: int = 0,
) -> tuple[Array, Array]:
    """→ H, the states; G, the gates r, z after σ, n after tanh, and s (all 0 past a length)."""
    xp = namespace(Z, W, b, h0, lengths, M)
    (n_examples, t, _), k = Z.shape, W.shape[0]
    h = zeros((n_examples, k), Z, W) if h0 is None else h0
    b = zeros((k,), Z, W) if b is None else b
    H, G = (zeros((n_examples, t, width), Z, W) for width in (k, 4 * k))
    counts = counted(lengths, Z)
    for now in steps(t, reverse):
        on, a = counts[:, now, :], Z[:, now, :]
        seen = masked(h, M)
        gates = sigmoid(a[:, : 2 * k] + seen @ W[:, : 2 * k])
        r, z = gates[:, :k], gates[:, k:]
        if before:
            s = r * seen
            n = xp.tanh(a[:, 2 * k :] + (s @ W[:, 2 * k :] + b))
        else:
            s = seen @ W[:, 2 * k :] + b
            n = xp.tanh(a[:, 2 * k :] + r * s)
        h_now = (1.0 - z) * n + z * h
        h = xp.where(on, h_now, h)
        H[:, now, :] = xp.where(on, h_now, 0.0)
        G[:, now, :] = xp.where(on, xp.concat((r, z, n, s), axis=-1), 0.0)
    return H, G


@tiny_is_zero
def gru_backward(
    dH: Array,
    W: Array,
    H: Array,
    G: Array,
    h0: Array | None = None,
    lengths: Array | None = None,
    M: Array | None = None,
    *,
    reverse: int = 0,
    before: int = 0,
) -> tuple[Array, Array]:
    """dH (n, t, k), and H, G from the forward pass → dZ (n, t, 3k), dh0 (n, k)."""
    xp = namespace(dH, W, H, G, h0, lengths, M)
    n_examples, t, k = dH.shape
    dZ, dh = zeros((n_examples, t, 3 * k), dH), zeros((n_examples, k), dH)
    counts, begun = counted(lengths, dH), states_before(H, h0, lengths, reverse)
    for now in reversed(list(steps(t, reverse))):
        on, h = counts[:, now, :], begun[:, now, :]
        r, z, n, s = (G[:, now, i * k : (i + 1) * k] for i in range(4))
        dh_now = dh + dH[:, now, :]
        dn = dh_now * (1.0 - z) * (1.0 - n * n)
        dz = dh_now * (h - n) * (z * (1.0 - z))
        if before:
            q = dn @ W[:, 2 * k :].T
            dr = q * masked(h, M) * (r * (1.0 - r))
            back = q * r + xp.concat((dr, dz), axis=-1) @ W[:, : 2 * k].T
        else:
            dr = dn * s * (r * (1.0 - r))
            back = xp.concat((dr, dz, dn * r), axis=-1) @ W.T
        dZ[:, now, :] = xp.where(on, xp.concat((dr, dz, dn), axis=-1), 0.0)
        dh = xp.where(on, dh_now * z + masked(back, M), dh)
    return dZ, dh


@tiny_is_zero
def gru_gradients(
    H: Array,
    dZ: Array,
    G: Array,
    h0: Array | None = None,
    lengths: Array | None = None,
    M: Array | None = None,
    *,
    reverse: int = 0,
    before: int = 0,
) -> tuple[Array, Array]:
    """H, G from the forward pass, dZ from the backward pass → dW (k, 3k), db (k,)."""
    xp = namespace(H, dZ, G, h0, lengths, M)
    k = H.shape[2]
    D = xp.where(counted(lengths, H), dZ, 0.0)
    h, s, dn = masked(states_before(H, h0, lengths, reverse), M), G[:, :, 3 * k :], D[:, :, 2 * k :]
    if before:
        seen = s
    else:
        seen, dn = h, dn * G[:, :, :k]
    dW = xp.concat((rows(h).T @ rows(D[:, :, : 2 * k]), rows(seen).T @ rows(dn)), axis=1)
    return dW, total(rows(dn), 0)
