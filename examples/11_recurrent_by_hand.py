"""A recurrent network by its pages alone: forward, backward through time, weight gradients, update.

It learns to add binary numbers, a digit of both at each step, the lowest first, and so has to remember the carry:

    z_t = x_t W_x + b,   h_t = tanh(z_t + h_{t-1} W_h),   y_t = softmax(h_t W_o)

No network, no trainer: the passes are called one by one, with those of one step written out beside the pages' loop.
Trained on sums of 6 digits, it adds numbers of 40.
"""

from __future__ import annotations

import numpy as np

import klarnet.formulas as F
from klarnet.formulas.initialisers import glorot_uniform, orthogonal

UNITS = 16


def sums(n: int, digits: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """n pairs of numbers as X (n, digits, 2), the digits of their sums (n, digits)."""
    bits = np.random.default_rng(seed).integers(0, 2, (n, digits, 2))
    carry, total = np.zeros(n, int), np.zeros((n, digits), int)
    for t in range(digits):
        both = bits[:, t].sum(axis=1) + carry
        total[:, t], carry = both % 2, both // 2
    return bits.astype(np.float64), total


def first_weights(seed: int) -> dict[str, np.ndarray]:
    return {
        "W_x": glorot_uniform((2, UNITS), seed, node=1),
        "W_h": orthogonal((UNITS, UNITS), seed, node=2),
        "b": np.zeros(UNITS),
        "W_o": glorot_uniform((UNITS, 2), seed, node=3),
    }


def forward(w: dict[str, np.ndarray], X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The states H (n, t, k) and the logits (n, t, 2)."""
    H = F.rnn(F.dense(X, w["W_x"], w["b"]), w["W_h"])
    return H, F.dense(H, w["W_o"])


def gradients(
    w: dict[str, np.ndarray], X: np.ndarray, H: np.ndarray, dY: np.ndarray
) -> dict[str, np.ndarray]:
    """Backward and weight gradients by the pages. dY (n, t, 2) by the logits."""
    dG, _ = F.rnn_backward(F.dense_backward(dY, w["W_o"]), w["W_h"], H)
    dW_x, db = F.dense_gradients(X, dG)
    return {
        "W_x": dW_x,
        "W_h": F.recurrent_gradients(H, dG),
        "b": db,
        "W_o": F.dense_gradients(H, dY)[0],
    }


def gradients_by_hand(
    w: dict[str, np.ndarray], X: np.ndarray, H: np.ndarray, dY: np.ndarray
) -> dict[str, np.ndarray]:
    """The same, step by step as on the board."""
    g = {name: np.zeros_like(W) for name, W in w.items()}
    dg = np.zeros_like(H[:, 0])
    for t in reversed(range(H.shape[1])):
        before = H[:, t - 1] if t else np.zeros_like(H[:, 0])
        dh = dY[:, t] @ w["W_o"].T + dg @ w["W_h"].T  # h_t goes two ways: to y_t and to the step after
        dg = dh * (1 - H[:, t] ** 2)  # through tanh
        g["W_x"] += X[:, t].T @ dg
        g["W_h"] += before.T @ dg
        g["b"] += dg.sum(axis=0)
        g["W_o"] += H[:, t].T @ dY[:, t]
    return g


def main(steps: int = 600) -> tuple[float, float]:
    """→ the largest difference between both backward passes, and the share of long sums that are right."""
    w = first_weights(seed=1)
    moments = {name: (np.zeros_like(W), np.zeros_like(W)) for name, W in w.items()}
    difference = 0.0
    for step in range(1, steps + 1):
        X, T = sums(32, 6, seed=step)
        H, logits = forward(w, X)
        loss, P, total = F.softmax_cross_entropy(logits, T)
        dY = F.softmax_cross_entropy_backward(P, T, None, None, total)
        g = gradients(w, X, H, dY)
        if step == 1:
            by_hand = gradients_by_hand(w, X, H, dY)
            difference = max(float(abs(g[name] - by_hand[name]).max()) for name in w)
            print(f"backward through time: largest difference between board and pages {difference:.0e}")
        norm = F.gradient_norm([A.reshape(-1) for A in g.values()])
        for name in w:
            clipped = F.clip_norm(g[name].reshape(-1), norm, most=1.0).reshape(g[name].shape)
            w[name], *moments[name] = F.adam(w[name], clipped, *moments[name], step=step, learning_rate=1e-2)
        if step % 100 == 0:
            print(f"step {step:4}  loss {float(loss[0]):.4f}  length of the gradient {float(norm[0]):.4f}")
    X, T = sums(500, 40, seed=0)
    right = float((forward(w, X)[1].argmax(axis=2) == T).all(axis=1).mean())
    print(f"numbers of 40 digits added without a mistake: {right:.1%}")
    return difference, right


if __name__ == "__main__":
    main()
