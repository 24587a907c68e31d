"""Records: the words of a call, one by one."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from klarnet.engine.records import NONE, encode
from klarnet.engine.table import FUNCTIONS


class At:
    """Stands for an array: an address and a shape."""

    def __init__(self, address: int, *shape: int) -> None:
        self.address, self.shape = address, shape


def words(name: str, inputs: list[Any], outputs: list[Any], sizes: list[int], **rest: Any) -> list[int]:
    f = FUNCTIONS[name]
    scalars = rest.pop("scalars", {})
    return encode(
        f, inputs, outputs, scalars, dict(zip(f.letters, sizes, strict=True)), lambda x: x.address, **rest
    )


def bits(value: float) -> int:
    return int(struct.unpack("<q", struct.pack("<d", value))[0])


def head(name: str, length: int, addresses: int, entries: int) -> int:
    return FUNCTIONS[name].number | length << 16 | addresses << 32 | entries << 48


def test_addresses_sizes_and_scalars() -> None:
    found = words("leaky_relu", [At(1000)], [At(2000)], [6], scalars={"slope": 0.25})
    assert found == [head("leaky_relu", 5, 2, 0), 1000, 2000, 6, bits(0.25)]


def test_missing_arrays_and_accumulation() -> None:
    found = words("dense_gradients", [At(8), At(16)], [At(24), None], [5, 3, 4], adds=[0])
    assert found == [head("dense_gradients", 9, 4, 0), 8, 16, 24, 0, 5, 3, 4, 1]
    both = words("dense_gradients", [At(8), At(16)], [At(24), At(32)], [5, 3, 4], adds=[0, 1])
    assert both[-1] == 3


def test_lists_and_scalars_that_are_none() -> None:
    scalars = {"stride": (2, 3), "dilation": (1, 1), "padding": ((1, 2), (3, 4)), "groups": 5}
    found = words("conv2d", [At(8), At(16), None], [At(24)], list(range(1, 11)), scalars=scalars)
    assert found[1:] == [8, 16, 0, 24, *range(1, 11), 2, 3, 1, 1, 1, 2, 3, 4, 5, 0]
    scalars = {"smoothing": 0.0, "ignored": None, "mean": 1, "factor": 0.5}
    found = words("cross_entropy", [At(8), At(16), None, None], [At(24), At(32)], [3, 4], scalars=scalars)
    assert found[-4:] == [bits(0.0), NONE, 1, bits(0.5)]
    with pytest.raises(ValueError, match="stride: expected 2 numbers, got 3"):
        words(
            "max_pool2d",
            [At(8)],
            [At(16), None],
            [1] * 6,
            scalars={"window": (2, 2), "stride": (1, 1, 1), "padding": (0,) * 4},
        )


def test_finishing_steps() -> None:
    f = FUNCTIONS
    steps: list[Any] = [
        (f["relu"], None, {}),
        (f["add"], At(48), {}),
        (f["dropout"], None, {"rate": 0.5, "node": 9}),
        (f["leaky_relu_backward"], At(56), {"slope": 0.1}),
    ]
    found = words("dense", [At(8), At(16), At(24)], [At(32)], [5, 3, 4], steps=steps)
    assert found[0] == head("dense", 25, 4, 4)
    assert found[8] == 4, "count"
    assert found[9:] == [
        0, f["relu"].number, 0, 0,
        48, f["add"].number, 0, 0,
        0, f["dropout"].number, bits(0.5), 9,
        56, f["leaky_relu_backward"].number, bits(0.1), 0,
    ]  # fmt: skip


def test_any_number_of_arrays() -> None:
    found = words("concat", [(At(8, 5, 2), At(16, 5, 3))], [At(24)], [5, 5], scalars={"widths": (2, 3)})
    assert found == [head("concat", 13, 1, 2), 24, 5, 5, 2, 8, 2, 0, 0, 16, 3, 0, 0]
    found = words("split", [At(24)], [(None, At(16, 5, 3))], [5, 5], scalars={"widths": (2, 3)})
    assert found[5:] == [0, 2, 0, 0, 16, 3, 0, 0], "a part that nobody reads keeps its width"
