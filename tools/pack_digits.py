"""Packs the digits that come with klarnet: `python tools/pack_digits.py FOLDER-WITH-MNIST`.

Takes the first 600 pictures of every class from MNIST's training files, in the order of the files, and
writes them class by class as one IDX file (10, 600, 28, 28), packed by gzip, into the package. The test
files are left alone, so that a network trained on the packed digits may be tested on MNIST's 10,000.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from klarnet.data.embedded import FILE  # noqa: E402
from klarnet.data.idx import write_idx  # noqa: E402
from klarnet.data.mnist import mnist  # noqa: E402

PER_CLASS = 600


def pack(directory: str, per_class: int = PER_CLASS) -> np.ndarray:
    """The first `per_class` pictures of every class, (10, per_class, 28, 28) uint8."""
    train = mnist(directory)
    return np.stack([train.X[train.t == c][:per_class, :, :, 0] for c in range(10)])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python tools/pack_digits.py FOLDER-WITH-MNIST")
    FILE.parent.mkdir(exist_ok=True)
    write_idx(FILE, pack(sys.argv[1]))
    print(f"{FILE}: {FILE.stat().st_size} bytes")
