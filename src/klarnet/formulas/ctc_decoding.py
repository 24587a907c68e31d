"""Reading a line: from a network's decisions at each step to labels.

    best path     the most probable class at each step. Quick; the most probable path is not always of the most
                  probable labelling (`ctc_beam` looks for that).
    reading       a path collapsed by B: its labels, on which steps each of them stands, and how sure the network was
                  there at best, the confidence.

With the path of `ctc_lattice.ctc_best_states` the reading is that of labels that are known: forced alignment.
X (t, k) are the logits of one line; the logarithms of probabilities are logits too. In float64 at least. NumPy only.

Source: Graves et al., "Connectionist temporal classification", 2006, section 3.2.
"""

from __future__ import annotations

import numpy as np

from ._namespace import tiny_is_zero
from .ctc_lattice import line


def ctc_best_path(X: np.ndarray) -> np.ndarray:
    """The most probable class at each step, of equals the first. X (t, k) → (t,) int32. Raises ValueError."""
    line("ctc_best_path", X)
    return np.argmax(np.asarray(X), axis=1).astype(np.int32)


@tiny_is_zero
def ctc_read(
    X: np.ndarray, path: np.ndarray, *, blank: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A path, read: runs of one class are its spans, for between two equal labels stands a blank.

    X (t, k), path (t,) classes → how many labels (1,); labels (t,), their spans (t, 2), first step and the one behind
    the last, filled up with −1; their confidences (t,) float64, the largest probability in each span, filled up with
    0; log P of the path (1,) float64. Raises ValueError.
    """
    log_Y = line("ctc_read", X)
    path, (steps, classes) = np.asarray(path), log_Y.shape
    if steps and not 0 <= path.min() <= path.max() < classes:
        raise ValueError(
            f"ctc_read: classes {path.min()} … {path.max()} in the path, expected 0 … {classes - 1}"
        )
    starts = np.flatnonzero(np.diff(path, prepend=-1))
    stops = np.append(starts[1:], steps).astype(np.int64)
    inked = path[starts] != blank
    count = int(inked.sum())
    labels, spans = np.full(steps, -1, np.int32), np.full((steps, 2), -1, np.int32)
    spans[:count] = np.stack([starts[inked], stops[inked]], axis=1)
    labels[:count] = path[spans[:count, 0]]
    confidences = np.zeros(steps)
    for i in range(count):
        confidences[i] = np.exp(log_Y[spans[i, 0] : spans[i, 1], labels[i]].max())
    along = np.array([log_Y[np.arange(steps), path].sum()], np.float64)
    return np.array([count], np.int32), labels, spans, confidences, along
