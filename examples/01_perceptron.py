"""The perceptron learns AND, OR and NOT, and cannot learn XOR.

A single neuron draws one line. AND, OR and NOT can be cut by a line, and the perceptron rule finds one after a few
rounds. No line parts the two classes of XOR, so the rule goes round in circles, however long it runs.
"""

from __future__ import annotations

import numpy as np

from klarnet.formulas import perceptron, perceptron_update

PAIRS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
TABLES = {
    "AND": (PAIRS, np.array([0, 0, 0, 1])),
    "OR": (PAIRS, np.array([0, 1, 1, 1])),
    "NOT": (np.array([[0], [1]], float), np.array([1, 0])),
    "XOR": (PAIRS, np.array([0, 1, 1, 0])),
}


def learn(X: np.ndarray, t: np.ndarray, rounds: int = 100) -> tuple[int | None, np.ndarray]:
    """The round after which every answer is right (None: never), and the last answers."""
    w, b = np.zeros(X.shape[1]), 0.0
    for number in range(1, rounds + 1):
        w, b = perceptron_update(X, t, w, b)
        if (perceptron(X, w, b) == t).all():
            return number, perceptron(X, w, b)
    return None, perceptron(X, w, b)


def main() -> dict[str, int | None]:
    found = {}
    for name, (X, t) in TABLES.items():
        number, answers = learn(X, t)
        found[name] = number
        outcome = f"learned in round {number}" if number else "not learned in 100 rounds"
        print(f"{name:4} wanted {t}  got {answers.astype(int)}  {outcome}")
    return found


if __name__ == "__main__":
    main()
