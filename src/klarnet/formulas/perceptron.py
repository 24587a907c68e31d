"""The perceptron: one neuron that says yes or no, and learns only from its mistakes.

    y = 1[x · w + b > 0]
    w ← w + η (t − y) x,     b ← b + η (t − y)

It learns every line that parts two classes, in finitely many steps (AND, OR), and never what no line parts
(XOR).

X (n, m), w (m,), b a number, t and y (n,) of 0 and 1.

Source: the course's chapter on the perceptron; Rosenblatt 1958; Minsky, Papert, "Perceptrons", 1969.
"""

from __future__ import annotations

from ._namespace import Array, namespace


def perceptron(X: Array, w: Array, b: float) -> Array:
    """y = 1[X · w + b > 0]. X (n, m), w (m,) → y (n,), of the type of X."""
    xp = namespace(X, w)
    return xp.astype(X @ w + b > 0, X.dtype)


def perceptron_update(
    X: Array, t: Array, w: Array, b: float, *, learning_rate: float = 1.0
) -> tuple[Array, float]:
    """One round over the examples, one after the other. X (n, m), t (n,) of 0 and 1 → the new w and b."""
    for x, target in zip(X, t, strict=True):
        error = float(target) - float(perceptron(x[None, :], w, b)[0])
        w = w + learning_rate * error * x
        b = b + learning_rate * error
    return w, b
