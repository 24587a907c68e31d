"""Row-major and column-major storage: where an element lies, and that klarnet takes either order.

offset = Σ index · stride. Row-major (C) lets the last index run fastest, column-major (Fortran) the first. The formulas
hold for any number of dimensions.
"""

from __future__ import annotations

import numpy as np

import klarnet as kn
from klarnet.data import layout


def main() -> bool:
    shape, place = (2, 3, 4), (1, 0, 2)
    for order in ("row", "column"):
        where = layout.offset(place, shape, order)
        print(
            f"{order + '-major:':13} strides {layout.strides(shape, order)}, element {place} lies at {where}, "
            f"and {where} is element {layout.index(where, shape, order)}"
        )
    rows = np.arange(24.0).reshape(shape)
    columns = np.asfortranarray(rows)
    assert rows.ravel(order="K")[layout.offset(place, shape, "row")] == rows[place]
    assert columns.ravel(order="K")[layout.offset(place, shape, "column")] == rows[place]

    X, t = kn.random.normal((60, 4), seed=1), kn.random.permutation(60, 2) % 3
    answers = []
    for arrange in (np.ascontiguousarray, np.asfortranarray, lambda a: a[::-1].copy()[::-1]):
        net = kn.Network(
            [kn.Dense(8, activation="relu"), kn.Dense(3), kn.Softmax()], input_shape=(4,), seed=1
        )
        net.fit(arrange(X), t, epochs=3, progress=False)
        answers.append(net.predict(arrange(X)))
    same = all(np.array_equal(answers[0], a) for a in answers)
    print(f"trained and asked in three memory orders: {'the same bits' if same else 'DIFFERENT numbers'}")
    return same


if __name__ == "__main__":
    main()
