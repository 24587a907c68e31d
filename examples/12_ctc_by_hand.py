"""CTC by hand: all paths listed, the lattice, the gradient, and what is read out, each beside the library.

The lattice is written down as on the board, with plain probabilities; the library keeps logarithms, which do not vanish
on long lines. The line has four steps, the classes are the blank (-), a and b.
"""

from __future__ import annotations

from itertools import groupby, product

import numpy as np

import klarnet as kn

LETTERS = "-ab"
Y = np.array([[0.5, 0.4, 0.1], [0.6, 0.3, 0.1], [0.3, 0.25, 0.45], [0.5, 0.1, 0.4]])


def collapse(path: tuple[int, ...]) -> tuple[int, ...]:
    """B: join what repeats, then drop the blanks."""
    return tuple(c for c, _ in groupby(path) if c != 0)


def listed(Y: np.ndarray) -> dict[tuple[int, ...], float]:
    """P(l|x) of every labelling, by listing every path."""
    found: dict[tuple[int, ...], float] = {}
    for path in product(range(Y.shape[1]), repeat=len(Y)):
        labels = collapse(path)
        found[labels] = found.get(labels, 0.0) + float(np.prod(Y[np.arange(len(Y)), path]))
    return found


def lattice(Y: np.ndarray, labels: tuple[int, ...]) -> tuple[list[int], np.ndarray, np.ndarray, float]:
    """The states l', alpha and beta (t, u) with the y of their own step, P(l|x)."""
    states = [0]
    for label in labels:
        states += [label, 0]

    def sums(y: np.ndarray, states: list[int]) -> np.ndarray:
        a = np.zeros_like(y)
        a[0, :2] = y[0, :2]
        for t in range(1, len(y)):
            for u in range(len(states)):
                came = a[t - 1, u] + (a[t - 1, u - 1] if u > 0 else 0.0)
                if u > 1 and states[u] != 0 and states[u] != states[u - 2]:
                    came += a[t - 1, u - 2]  # a blank is left out
                a[t, u] = y[t, u] * came
        return a

    y = Y[:, states]
    alpha = sums(y, states)
    beta = sums(y[::-1, ::-1], states[::-1])[::-1, ::-1]  # the line read from its end
    return states, alpha, beta, float(alpha[-1, -2:].sum())


def gradient(Y: np.ndarray, labels: tuple[int, ...]) -> np.ndarray:
    """Of -log P by the logits: what the network says, less the occupancy of each class."""
    states, alpha, beta, P = lattice(Y, labels)
    dX = Y.copy()
    for u, label in enumerate(states):
        dX[:, label] -= alpha[:, u] * beta[:, u] / (Y[:, label] * P)
    return dX


def named(labels: tuple[int, ...]) -> str:
    return "".join(LETTERS[c] for c in labels) or "(empty)"


def main() -> dict[str, float]:
    """→ the largest differences to the library, and the probabilities of what the two decoders read."""
    X, every = np.log(Y), listed(Y)
    print("labellings of four steps:", len(every), "with", f"{sum(every.values()):.12f}", "in all")
    off = {"lattice": 0.0, "gradient": 0.0}
    for labels, P in every.items():
        states, alpha, beta, by_hand = lattice(Y, labels)
        found = kn.ctc.lattice(X, labels)
        values = (alpha, found.alpha), (beta, found.beta), (by_hand, P), (found.probability, P)
        off["lattice"] = max(off["lattice"], *(float(np.abs(a - b).max()) for a, b in values))
        padded = np.array([labels], int).reshape(1, -1)
        _, _, G, _ = kn.formulas.ctc(X[None], padded)
        off["gradient"] = max(off["gradient"], float(np.abs(gradient(Y, labels) - G[0]).max()))
    print(f"largest differences: lattice {off['lattice']:.0e}, gradient {off['gradient']:.0e}")

    greedy = collapse(tuple(Y.argmax(axis=1).tolist()))
    best = max(every, key=lambda labels: every[labels])
    assert greedy == kn.ctc.best_path(X).labels and best == kn.ctc.beam_search(X)[0].labels
    for name, labels in (("best path", greedy), ("beam search", best)):
        print(f"{name:11} reads {named(labels):7} of probability {every[labels]:.4f}")
    aligned = kn.ctc.align(X, best)
    print(f"{named(best)} stands on the path {named(tuple(aligned.path.tolist()))}")
    return {**off, "best path": every[greedy], "beam search": every[best]}


if __name__ == "__main__":
    main()
