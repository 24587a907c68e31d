"""Convolution and pooling kernels at the sizes where their paths divide: Winograd or direct, copied or plain windows,
reductions in several panels, rows cut in pieces, phases of a stride. (tests/parity draws the small shapes.)

Every instruction set of this machine is run; fused calls and other numbers of threads must give the same bits.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

from klarnet import formulas
from klarnet.engine import FUNCTIONS, State, native
from klarnet.engine.records import encode
from klarnet.engine.trace import shapes_of

pytestmark = pytest.mark.skipif(native.library() is None, reason="no native library")
ISAS = [] if native.library() is None else native.library().kn_isas().decode().split()


class Shape(NamedTuple):
    n: int
    h: int
    w: int
    c: int
    p: int
    q: int
    k: int
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
    groups: int = 1


HALF = ((1, 1), (1, 1))
WINOGRAD = {
    "whole tiles": Shape(2, 8, 12, 32, 3, 3, 32, padding=HALF),
    "cut tiles, valid": Shape(3, 15, 9, 17, 3, 3, 43),
    "full padding": Shape(3, 5, 6, 33, 3, 3, 16, padding=((2, 2), (2, 2))),
    "uneven padding": Shape(3, 7, 11, 24, 3, 3, 50, padding=((0, 2), (3, 0))),
    "one tile an image": Shape(40, 4, 4, 20, 3, 3, 18, padding=HALF),
    "few tiles": Shape(1, 14, 13, 20, 3, 3, 130, padding=HALF),
    "channels in two panels": Shape(2, 11, 8, 350, 3, 3, 16, padding=HALF),
    "a wide map": Shape(1, 8, 300, 16, 3, 3, 16, padding=HALF),
    "several batches of tiles": Shape(5, 40, 44, 16, 3, 3, 16, padding=HALF),
}
DIRECT = {
    "one channel in": Shape(3, 28, 28, 1, 3, 3, 32),
    "three channels in": Shape(2, 33, 21, 3, 3, 3, 16, padding=HALF),
    "few channels out": Shape(2, 20, 20, 16, 1, 1, 12),
    "two by two, stride two": Shape(2, 16, 18, 24, 2, 2, 48, stride=(2, 2)),
    "panels within a row of taps": Shape(1, 6, 7, 130, 5, 5, 9, padding=((2, 2), (2, 2))),
    "more cut away than won": Shape(2, 9, 5, 16, 3, 3, 16, padding=HALF),
    "more rows of dF than a batch": Shape(1, 9, 9, 60, 3, 3, 3, padding=HALF),
    "a row in pieces": Shape(1, 3, 700, 2, 3, 3, 5, padding=HALF),
    "many phases": Shape(1, 30, 31, 3, 7, 5, 8, stride=(5, 4), dilation=(2, 3), padding=((3, 4), (6, 1))),
    "stride beyond the filter": Shape(2, 14, 11, 5, 2, 1, 7, stride=(3, 4)),
    "groups": Shape(2, 12, 10, 12, 3, 3, 20, padding=HALF, groups=4),
    "depthwise": Shape(2, 12, 13, 21, 3, 3, 21, padding=HALF, groups=21),
    "depthwise, two filters a channel": Shape(2, 9, 9, 5, 3, 3, 10, padding=HALF, groups=5),
    "no image": Shape(0, 9, 9, 4, 3, 3, 4),
}
SHAPES = [pytest.param(s, id=name) for name, s in (WINOGRAD | DIRECT).items()]


@pytest.fixture(params=ISAS, autouse=True)
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    library = native.library()
    before, threads = library.kn_isa(), library.kn_threads()
    assert library.kn_set_isa(request.param.encode())
    yield request.param
    library.kn_set_isa(before)
    library.kn_set_threads(threads)


def run(
    name: str,
    arrays: list[Any],
    scalars: dict[str, Any],
    *,
    threads: int = 1,
    steps: Any = (),
    old: list[np.ndarray] | None = None,
) -> list[np.ndarray]:
    """One record, with finishing steps, or added to `old`; results between NaN-filled margins that must stay."""
    function = FUNCTIONS[name]
    sizes, shapes = function.derive(shapes_of(arrays), scalars)
    whole = [np.full(int(np.prod(s)) + 32, np.nan, np.float32) for s in shapes]
    outputs = [a[16:-16].reshape(s) for a, s in zip(whole, shapes, strict=True)]
    for a, b in zip(outputs, old or (), strict=False):
        a[...] = b
    adds = range(len(outputs)) if old else ()
    ready = [None if a is None else np.ascontiguousarray(a, np.float32) for a in arrays]
    words = np.array(
        encode(function, ready, outputs, scalars, sizes, lambda a: a.ctypes.data, adds=adds, steps=steps),
        np.int64,
    )
    native.library().kn_set_threads(threads)
    state = State(0.01, 1, 7)
    job = native.Job(words.ctypes.data, 0, len(words), None, ctypes.addressof(state))
    assert native.library().kn_run(ctypes.byref(job)) == -1
    for a in whole:
        assert np.isnan(a[:16]).all() and np.isnan(a[-16:]).all(), "written outside the array"
    return outputs


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.tobytes() == b.tobytes()


def calls(s: Shape, seed: int = 0) -> list[tuple[str, list[Any], dict[str, Any], list[np.ndarray]]]:
    """The three passes of one convolution: name, arrays, scalars, and what the pages say in float64."""
    random = np.random.default_rng(seed)
    X, F, b = (random.standard_normal(t).astype(np.float32) for t in
               ((s.n, s.h, s.w, s.c), (s.p, s.q, s.c // s.groups, s.k), (s.k,)))  # fmt: skip
    scalars = {"stride": s.stride, "dilation": s.dilation, "padding": s.padding, "groups": s.groups}
    wide = [a.astype(np.float64) for a in (X, F, b)]
    Y = formulas.conv2d(*wide, **scalars)
    dY = random.standard_normal(Y.shape).astype(np.float32)
    size, filters = {"h": s.h, "w": s.w}, {"p": s.p, "q": s.q}
    dX = formulas.conv2d_backward(dY.astype(np.float64), wide[1], **size, **scalars)
    dF, db = formulas.conv2d_gradients(wide[0], dY.astype(np.float64), **filters, **scalars)
    return [
        ("conv2d", [X, F, b], scalars, [Y]),
        ("conv2d_backward", [dY, F], size | scalars, [dX]),
        ("conv2d_gradients", [X, dY], filters | scalars, [dF, db]),
    ]


@pytest.mark.parametrize("shape", SHAPES)
def test_passes_agree_with_the_pages(shape: Shape) -> None:
    for name, arrays, scalars, expected in calls(shape):
        for came, right in zip(run(name, arrays, scalars), expected, strict=True):
            scale = np.abs(right).max(initial=0) or 1
            error = np.abs(came - right).max(initial=0) / scale
            assert error < 1e-5, f"{name}: {error:.1e} of the largest entry"


@pytest.mark.parametrize("shape", SHAPES)
def test_threads_steps_and_sums_change_no_bit(shape: Shape) -> None:
    for name, arrays, scalars, _ in calls(shape):
        plain = run(name, arrays, scalars)
        for threads in (2, 3):
            assert all(map(same, plain, run(name, arrays, scalars, threads=threads))), f"{threads} threads"
        if not FUNCTIONS[name].finish:
            old = [np.full_like(a, 0.37) for a in plain]
            came = run(name, arrays, scalars, threads=2, old=old)
            assert all(same(a, b + c) for a, b, c in zip(came, old, plain, strict=True)), (
                "added more than once"
            )
            continue
        mask = np.random.default_rng(5).standard_normal(plain[0].shape).astype(np.float32)
        relu, add, masked = FUNCTIONS["relu"], FUNCTIONS["add"], FUNCTIONS["relu_backward"]
        for steps, wanted in (
            ([(relu, None, {})], np.maximum(plain[0], 0)),
            ([(masked, mask, {})], np.where(mask > 0, plain[0], np.float32(0))),
            ([(add, mask, {})], plain[0] + mask),
            ([(relu, None, {}), (add, mask, {}), (masked, mask, {})],
             np.where(mask > 0, np.maximum(plain[0], 0) + mask, np.float32(0))),
        ):  # fmt: skip
            assert same(run(name, arrays, scalars, threads=2, steps=steps)[0] + 0, wanted + 0)


@pytest.mark.parametrize("shape", [WINOGRAD["several batches of tiles"], DIRECT["one channel in"]])
def test_the_largest_error_of_unlike_sizes(shape: Shape) -> None:
    """Inputs that are all positive, as behind a ReLU, sum up to far more than they cancel: no digit may be lost."""
    for name, arrays, scalars, _ in calls(shape):
        positive = [None if a is None else np.abs(a) for a in arrays]
        wide = [None if a is None else a.astype(np.float64) for a in positive]
        expected = getattr(formulas, name)(*wide, **scalars)
        expected = expected if isinstance(expected, tuple) else (expected,)
        for came, right in zip(run(name, positive, scalars), expected, strict=True):
            assert np.abs(came - right).max() < 1e-5 * np.abs(right).max()


def test_a_nan_stays_within_reach_of_its_filter() -> None:
    """Winograd mixes the values of a tile, so a NaN may spread over it: but it must not vanish, nor leave the tile."""
    for shape in (WINOGRAD["whole tiles"], DIRECT["three channels in"]):
        name, arrays, scalars, _ = calls(shape)[0]
        arrays[0][0, 4, 5, 1] = np.nan
        Y = run(name, arrays, scalars)[0]
        assert np.isnan(Y[0, 3:6, 4:7]).all()
        assert not np.isnan(Y[0, 8 + 4 :]).any() and not np.isnan(Y[1:]).any()


@pytest.mark.parametrize("window, stride, padding", [
    ((2, 2), (2, 2), ((0, 0), (0, 0))),
    ((3, 3), (2, 2), ((1, 1), (1, 1))),
    ((3, 2), (1, 3), ((2, 0), (1, 1))),
    ((2, 3), (4, 5), ((0, 1), (0, 2))),
])  # fmt: skip
@pytest.mark.parametrize("channels", [1, 8, 19, 40])
def test_pooling(window: Any, stride: Any, padding: Any, channels: int) -> None:
    random = np.random.default_rng(1)
    X = random.integers(-3, 4, (3, 11, 13, channels)).astype(np.float32)  # many ties
    X[random.random(X.shape) < 0.05] = np.nan
    X[random.random(X.shape) < 0.3] = -np.inf
    scalars = {"window": window, "stride": stride, "padding": padding}
    Y, index = formulas.max_pool2d(X, **scalars)
    eager = native.call(FUNCTIONS["max_pool2d"], [X], scalars, State(0.01, 1, 0))
    assert np.array_equal(eager[0], Y, equal_nan=True) and np.array_equal(eager[1], index)
    dY = random.standard_normal(Y.shape).astype(np.float32)
    size = {"h": 11, "w": 13}
    for name, arrays, more in (
        ("max_pool2d_backward", [dY, index], {}),
        ("average_pool2d_backward", [dY], {"count_padding": 0}),
        ("average_pool2d_backward", [dY], {"count_padding": 1}),
    ):
        right = getattr(formulas, name)(*arrays, **size, **scalars, **more)
        for threads in (1, 2):
            native.library().kn_set_threads(threads)
            came = native.call(FUNCTIONS[name], arrays, size | scalars | more, State(0.01, 1, 0))[0]
            assert np.abs(came - right).max() < 1e-5
