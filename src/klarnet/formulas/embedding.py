"""Embedding: each symbol has a vector, a row of W.

    Y = W[index],     dW[v] = Σ dY over all positions where index = v

index (n..) integers from 0 to v − 1, W (v, m), Y (n.., m). It is the product of one-hot rows with W, without
the zeros. There is no dX: an index has no gradient. The gradients add up in the order of the batch.

The gradients are NumPy only (they scatter). Source: Bengio et al., "A neural probabilistic language model",
JMLR 2003.
"""

from __future__ import annotations

from math import prod

import numpy as np

from ._namespace import Array, namespace, rows
from .targets import check_classes


def embedding(index: Array, W: Array) -> Array:
    """Y = W[index]. index (n..), W (v, m) → Y (n.., m).

    Raises ValueError for an index outside 0 … v − 1, with its position, TypeError for one that is no integer.
    """
    xp = namespace(index, W)
    check_classes("embedding", index, W.shape[0], what="index")
    Y = xp.take(W, xp.reshape(index, (prod(index.shape),)), axis=0)
    return xp.reshape(Y, (*index.shape, W.shape[1]))


def embedding_gradients(index: np.ndarray, dY: np.ndarray, *, v: int) -> np.ndarray:
    """index (n..), dY (n.., m), v rows → dW (v, m). Raises as `embedding`."""
    check_classes("embedding_gradients", index, v, what="index")
    dW = np.zeros((v, dY.shape[-1]), dY.dtype)
    np.add.at(dW, index.reshape(-1), rows(dY))
    return dW
