"""The fully connected layer.

    Y = X · W + b

Every output is a weighted sum of all inputs. Backward, with dY = ∂L/∂Y:

    dX = dY · Wᵀ
    dW = Xᵀ · dY            the sum over the batch: one outer product x ⊗ dy an example
    db = Σ dY               over the batch, and over every other leading axis

X (n.., m), W (m, k), b (k,), Y (n.., k), where n.. is any number of leading axes: a batch, steps, pixels.

Source: the course's chapter on the multilayer perceptron; Rumelhart, Hinton, Williams, "Learning
representations by back-propagating errors", Nature 1986.
"""

from __future__ import annotations

from ._namespace import Array, namespace, rows, total


def dense(X: Array, W: Array, b: Array | None = None) -> Array:
    """Y = X · W + b. X (n.., m), W (m, k), b (k,) or None → Y (n.., k)."""
    xp = namespace(X, W, b)
    Y = xp.reshape(rows(X) @ W, (*X.shape[:-1], W.shape[-1]))
    return Y if b is None else Y + b


def dense_backward(dY: Array, W: Array) -> Array:
    """dX = dY · Wᵀ. dY (n.., k), W (m, k) → dX (n.., m)."""
    xp = namespace(dY, W)
    return xp.reshape(rows(dY) @ W.T, (*dY.shape[:-1], W.shape[0]))


def dense_gradients(X: Array, dY: Array) -> tuple[Array, Array]:
    """dW = Xᵀ · dY, db = Σ dY. X (n.., m), dY (n.., k) → dW (m, k), db (k,)."""
    return rows(X).T @ rows(dY), total(rows(dY), 0)
