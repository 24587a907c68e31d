"""Layers with settings and sizes drawn at random: gradients, and both engines against each other."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from bench import Row, check_gradients, near, passes_of
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

import klarnet as kn
from klarnet.engine import native, use

few, many = settings(max_examples=max(5, settings().max_examples // 3)), settings()
ACTIVATIONS = st.sampled_from([None, "relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid"])
ONE_OR_TWO = st.integers(1, 2)


def pairs(least: int, most: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(least, most), st.integers(least, most))


@st.composite
def convolutions(draw: Any) -> Row:
    size, stride, dilation = draw(pairs(1, 4)), draw(pairs(1, 3)), draw(pairs(1, 2))
    padding = draw(
        st.one_of(
            st.sampled_from(["valid", "half", "full"]), st.tuples(pairs(0, 3), pairs(0, 3)), st.integers(0, 2)
        )
    )
    groups, d, fn = draw(ONE_OR_TWO), draw(ONE_OR_TWO), draw(ONE_OR_TWO)
    h, w = (d_ * (s - 1) + 1 + draw(st.integers(0, 4)) for s, d_ in zip(size, dilation, strict=True))
    make = partial(
        kn.Conv2D, groups * fn, size, stride=stride, dilation=dilation, padding=padding, groups=groups,
        bias=draw(st.booleans()), activation=draw(ACTIVATIONS),
    )  # fmt: skip
    return Row(make, [(draw(ONE_OR_TWO), h, w, groups * d)])


@st.composite
def transposed(draw: Any) -> Row:
    size, stride, dilation = draw(pairs(1, 3)), draw(pairs(1, 3)), draw(pairs(1, 2))
    extra = tuple(draw(st.integers(0, s - 1)) for s in stride)
    padding = (
        draw(st.sampled_from(["valid", ((0, 0), (0, 0))]))
        if min(size) < 2
        else draw(st.sampled_from(["valid", "half", 1]))
    )
    make = partial(
        kn.ConvTranspose2D,
        draw(ONE_OR_TWO),
        size,
        stride=stride,
        dilation=dilation,
        output_padding=extra,
        padding=padding,
    )
    return Row(make, [(draw(ONE_OR_TWO), draw(st.integers(3, 5)), draw(st.integers(3, 5)), draw(ONE_OR_TWO))])


@st.composite
def pools(draw: Any) -> Row:
    window, stride = draw(pairs(1, 3)), draw(st.one_of(st.none(), pairs(1, 3)))
    padding = tuple((draw(st.integers(0, f - 1)), draw(st.integers(0, f - 1))) for f in window)
    kind = draw(st.sampled_from([kn.MaxPool2D, kn.AveragePool2D]))
    rest = {"count_padding": draw(st.booleans())} if kind is kn.AveragePool2D else {}
    h, w = (f + draw(st.integers(0, 4)) for f in window)
    return Row(
        partial(kind, window, stride=stride, padding=padding, **rest),
        [(draw(ONE_OR_TWO), h, w, draw(st.integers(1, 3)))],
    )


@st.composite
def sequences(draw: Any) -> Row:
    size, dilation = draw(st.integers(1, 4)), draw(ONE_OR_TWO)
    padding = draw(st.one_of(st.sampled_from(["valid", "half", "full"]), st.integers(0, 2), pairs(0, 2)))
    make = draw(st.sampled_from([
        partial(kn.Conv1D, 2, size, stride=draw(st.integers(1, 3)), dilation=dilation, padding=padding,
                activation=draw(ACTIVATIONS)),
        partial(kn.MaxPool1D, size, stride=draw(st.integers(1, 3)), padding=min(size - 1, 1)),
        partial(kn.AveragePool1D, size, padding=min(size - 1, 1), count_padding=draw(st.booleans())),
        partial(kn.LSTM, draw(st.integers(1, 4)), outputs=draw(st.sampled_from(["sequence", "last"])),
                reverse=draw(st.booleans())),
        partial(kn.Dense, draw(st.integers(1, 4)), activation=draw(ACTIVATIONS)),
        kn.LayerNorm,
    ]))  # fmt: skip
    return Row(make, [(draw(ONE_OR_TWO), size * dilation + draw(st.integers(0, 3)), draw(st.integers(1, 3)))])


@st.composite
def shapes(draw: Any) -> Row:
    n, h, w, d = (draw(st.integers(1, 4)) for _ in range(4))
    frame = tuple(draw(pairs(0, 2)) for _ in range(2))
    shape = draw(st.sampled_from([(n, h, w, d), (n, h * w, d), (n, d)]))
    picture = (n, h + 4, w + 4, d)
    order = draw(st.permutations(range(len(shape) - 1)))
    choice = draw(st.sampled_from([
        Row(partial(kn.Permute, tuple(order)), [shape]),
        Row(kn.Flatten, [shape]),
        Row(partial(kn.Pad2D, frame), [picture]),
        Row(partial(kn.Crop2D, frame), [picture]),
        Row(partial(kn.Upsample2D, draw(pairs(1, 3)), method=draw(st.sampled_from(["nearest", "bilinear"]))),
            [picture]),
        Row(partial(kn.ToSequence, draw(st.sampled_from(["width", "height"]))), [picture]),
        Row(partial(kn.Concat, draw(st.integers(-len(shape) + 1, len(shape) - 2))), [shape] * draw(st.integers(2, 3)),
            apply=lambda layer, nodes: layer(nodes)),
    ]))  # fmt: skip
    return choice


KINDS = {
    "convolutions": convolutions,
    "transposed": transposed,
    "pools": pools,
    "sequences": sequences,
    "shapes": shapes,
}


@pytest.mark.parametrize("kind", KINDS)
def test_gradients(kind: str) -> None:
    @few
    @drawn(KINDS[kind]())
    def check(row: Row) -> None:
        check_gradients(row, entries=12)

    check()


@pytest.mark.skipif(native.library() is None, reason=f"no native library: {native.why_not()}")
@pytest.mark.parametrize("kind", KINDS)
def test_the_native_engine_agrees_with_the_formulas(kind: str) -> None:
    @many
    @drawn(KINDS[kind](), st.sampled_from([np.ascontiguousarray, np.asfortranarray]))
    def check(row: Row, order: Any) -> None:
        arrays = row.arrays()
        found = []
        for engine in ("native", "formulas"):
            with use(engine):
                found.append(passes_of(row.network(), [order(x) for x in arrays]))
        a, b = found
        assert near(a.Y, b.Y) and all(near(x, y) for x, y in zip(a.dX, b.dX, strict=True))
        assert all(near(a.gradients[n], b.gradients[n]) for n in b.gradients)

    check()
