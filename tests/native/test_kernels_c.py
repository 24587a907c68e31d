"""Norms, embedding, highway, recurrent layers, merges, elementwise losses: native against their pages in float64.

Shapes are drawn; every array has a guarded margin on both sides, so a write outside is seen, and begins at an odd
address. Every instruction set of this machine is run.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klarnet import formulas
from klarnet.engine import FUNCTIONS, State, native
from klarnet.engine.records import encode
from klarnet.engine.trace import DTYPES, shapes_of

pytestmark = pytest.mark.skipif(native.library() is None, reason="no native library")
ISAS = [] if native.library() is None else native.library().kn_isas().decode().split()
# Floats on either side; odd, so that arrays begin at odd multiples of four bytes. Under AddressSanitizer the margin is
# its own, which sees reads as well.
MARGIN = 0 if "libasan" in os.environ.get("LD_PRELOAD", "") else 21
GUARD = np.float32(-1.5e30)

size = st.sampled_from([0, 1, 2, 3, 5, 7, 8, 9, 13, 16, 17, 31, 32, 33, 40, 65])
some = st.sampled_from([1, 2, 3, 5, 8, 16, 17, 33])


class Guarded:
    """An array between two margins."""

    def __init__(self, values: np.ndarray) -> None:
        self.whole = np.full(values.size + 2 * MARGIN, GUARD).view(values.dtype)
        self.array = self.whole[MARGIN : MARGIN + values.size].reshape(values.shape)
        self.array[...] = values
        self.margins = self.whole[:MARGIN].copy(), self.whole[self.whole.size - MARGIN :].copy()

    def check(self) -> None:
        assert self.whole[:MARGIN].tobytes() == self.margins[0].tobytes(), "written in front of the array"
        assert self.whole[self.whole.size - MARGIN :].tobytes() == self.margins[1].tobytes(), (
            "written behind the array"
        )


def run(
    name: str,
    arrays: list[Any],
    scalars: dict[str, Any],
    *,
    old: dict[str, np.ndarray] | None = None,
    over: dict[str, str] | None = None,
    absent: tuple[str, ...] = (),
) -> dict[str, Any]:
    """One native call. `old`: outputs to add to; `over`: outputs that lie over an input; `absent`: outputs left out.

    Returns updated inputs and outputs by name. Raises ValueError when the function refuses.
    """
    function, old, over = FUNCTIONS[name], old or {}, over or {}
    _, shapes = function.derive(shapes_of(arrays), scalars)
    ready: list[Any] = []
    guards: list[Guarded] = []

    def guarded(values: np.ndarray) -> np.ndarray:
        guards.append(Guarded(values))
        return guards[-1].array

    for p, a in zip(function.inputs, arrays, strict=True):
        dtype = DTYPES.get(p.kind, np.dtype(np.float32))
        ready.append(
            None
            if a is None
            else tuple(guarded(x.astype(dtype)) for x in a)
            if p.many
            else guarded(a.astype(dtype))
        )
    inputs = {p.name: x for p, x in zip(function.inputs, ready, strict=True)}
    outputs: list[Any] = []
    for p, shape in zip(function.outputs, shapes, strict=True):
        fresh = DTYPES.get(p.kind, np.dtype(np.float32))
        if p.name in absent:
            outputs.append(None)
        elif p.name in over:
            outputs.append(inputs[over[p.name]])
        elif p.many:
            outputs.append(tuple(guarded(np.full(s, 7, fresh)) for s in shape))
        else:
            outputs.append(guarded(old.get(p.name, np.full(shape, 7)).astype(fresh)))
    adds = [i for i, p in enumerate(function.outputs) if p.name in old]
    sizes = function.derive(shapes_of(arrays), scalars)[0]
    words = np.array(
        encode(function, ready, outputs, scalars, sizes, lambda a: a.ctypes.data if a.size else 0, adds=adds),
        np.int64,
    )
    state = State(0.01, 1, 0)
    job = native.Job(words.ctypes.data, 0, len(words), None, ctypes.addressof(state))
    done = native.library().kn_run(ctypes.byref(job))
    for guard in guards:
        guard.check()
    if done != -1:
        raise native.refusal(name, state)
    updated = {p.name: inputs[p.name] for p in function.updated}
    return updated | {p.name: x for p, x in zip(function.outputs, outputs, strict=True)}


def page(name: str, arrays: list[Any], scalars: dict[str, Any]) -> dict[str, Any]:
    """The page in float64, results by name as `run` gives them."""
    function = FUNCTIONS[name]
    wide = [
        x.astype(np.float64)
        if p.kind == "float" and x is not None and not p.many
        else tuple(y.astype(np.float64) for y in x)
        if p.many
        else x
        for p, x in zip(function.inputs, arrays, strict=True)
    ]
    with np.errstate(all="ignore"):
        returned = getattr(formulas, name)(*wide, **scalars)
    if function.many is not None and function.outputs[0].many:
        return {function.outputs[0].name: returned}
    values = returned if isinstance(returned, tuple) else (returned,)
    names = [p.name for p in function.updated] + [p.name for p in function.outputs]
    return dict(zip(names, values, strict=True))


def agree(came: Any, expected: Any, bound: float = 1e-5) -> None:
    if isinstance(expected, tuple):
        for a, b in zip(came, expected, strict=True):
            agree(a, b, bound)
        return
    assert came.shape == expected.shape
    missing = np.isnan(expected)
    assert np.array_equal(np.isnan(came), missing)
    if not missing.all():
        wrong = float(np.abs(came - expected)[~missing].max())
        assert wrong <= bound * max(1e-30, float(np.abs(expected[~missing]).max()))


# One drawn example a function: the arrays in the order of the row, and the scalars ----------------------------------

Example = tuple[list[Any], dict[str, Any]]
Draw = Callable[..., Any]


class Make:
    """Draws sizes and random arrays."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.random = np.random.default_rng(draw(st.integers(0, 2**32)))

    def sizes(self, *kinds: Any) -> tuple[int, ...]:
        return tuple(self.draw(k) for k in kinds)

    def normal(self, *shape: int) -> np.ndarray:
        return self.random.standard_normal(shape).astype(np.float32)

    def uniform(self, *shape: int) -> np.ndarray:
        return self.random.random(shape).astype(np.float32)

    def maybe(self, *shape: int) -> np.ndarray | None:
        return self.normal(*shape) if self.draw(st.booleans()) else None

    def lengths(self, n: int, t: int) -> np.ndarray | None:
        return self.random.integers(-1, t + 2, n).astype(np.int32) if self.draw(st.booleans()) else None


def _norm(make: Make, name: str) -> Example:
    n, c = make.sizes(st.integers(2, 70) if name == "batch_norm" else size, size)
    lead = (n,) if name.startswith("layer") else (c,)
    X, gamma, beta = make.normal(n, c) * 3 + 5, make.normal(c), make.normal(c)
    dY, mu, sigma = make.normal(n, c), make.normal(*lead) + 5, make.uniform(*lead) + 0.5
    mean, variance, epsilon = make.normal(c), make.uniform(c), {"epsilon": 1e-3}
    return {
        "batch_norm": ([X, gamma, beta, mean, variance], {"momentum": 0.9, **epsilon}),
        "batch_norm_backward": ([dY, X, mu, sigma, gamma], {}),
        "batch_norm_fixed": ([X, gamma, beta, mean, variance], epsilon),
        "batch_norm_fixed_backward": ([dY, sigma, gamma], {}),
        "batch_norm_gradients": ([dY, X, mu, sigma], {}),
        "layer_norm": ([X, gamma, beta], epsilon),
        "layer_norm_backward": ([dY, X, mu, sigma, gamma], {}),
        "layer_norm_gradients": ([dY, X, mu, sigma], {}),
    }[name]


def _embedding(make: Make, name: str) -> Example:
    n, v, m = make.sizes(size, some, size)
    index = make.random.integers(0, v, n).astype(np.int32)
    return ([index, make.normal(v, m)], {}) if name == "embedding" else ([index, make.normal(n, m)], {"v": v})


def _highway(make: Make, name: str) -> Example:
    (n,) = make.sizes(size)
    return [make.normal(n) for _ in range(3 if name == "highway" else 4)], {}


def _lstm(make: Make, name: str) -> Example:
    n, t, k = make.sizes(
        st.integers(0, 9), st.integers(1, 5), st.sampled_from([0, 1, 2, 7, 8, 11, 16, 33, 40])
    )
    lengths, scalars = make.lengths(n, t), {"reverse": make.draw(st.integers(0, 1))}
    Z, W, h0, c0 = (
        make.normal(n, t, 4 * k),
        make.normal(k, 4 * k) / max(1, k) ** 0.5,
        make.maybe(n, k),
        make.maybe(n, k),
    )
    M = make.maybe(n, k)
    H, C, G = formulas.lstm(Z, W, h0, c0, lengths, M, **scalars)
    return {
        "lstm": ([Z, W, h0, c0, lengths, M], scalars),
        "lstm_backward": ([make.normal(n, t, k), W, C, G, c0, lengths, M], scalars),
        "recurrent_gradients": ([H, make.normal(n, t, 4 * k), h0, lengths, M], scalars),
        "last_step": ([H, lengths, h0], scalars),
        "last_step_backward": ([make.normal(n, k), lengths], {"t": t, **scalars}),
    }[name]


def _rnn(make: Make, name: str) -> Example:
    n, t, k = make.sizes(
        st.integers(0, 9), st.integers(1, 5), st.sampled_from([0, 1, 2, 7, 8, 11, 16, 33, 70])
    )
    lengths, scalars = make.lengths(n, t), {"reverse": make.draw(st.integers(0, 1))}
    Z, W, h0 = make.normal(n, t, k), make.normal(k, k) / max(1, k) ** 0.5, make.maybe(n, k)
    M = make.maybe(n, k)
    if name == "rnn":
        return [Z, W, h0, lengths, M], scalars
    return [make.normal(n, t, k), W, formulas.rnn(Z, W, h0, lengths, M, **scalars), lengths, M], scalars


def _gru(make: Make, name: str) -> Example:
    n, t, k = make.sizes(
        st.integers(0, 9), st.integers(1, 5), st.sampled_from([0, 1, 2, 7, 8, 11, 16, 33, 70])
    )
    zero_or_one = st.integers(0, 1)
    lengths, how = make.lengths(n, t), {"reverse": make.draw(zero_or_one), "before": make.draw(zero_or_one)}
    Z, W, b = make.normal(n, t, 3 * k), make.normal(k, 3 * k) / max(1, k) ** 0.5, make.maybe(k)
    h0, M, dH = make.maybe(n, k), make.maybe(n, k), make.normal(n, t, k)
    H, G = formulas.gru(Z, W, b, h0, lengths, M, **how)
    dZ, _ = formulas.gru_backward(dH, W, H, G, h0, lengths, M, **how)
    return {
        "gru": ([Z, W, b, h0, lengths, M], how),
        "gru_backward": ([dH, W, H, G, h0, lengths, M], how),
        "gru_gradients": ([H, dZ, G, h0, lengths, M], how),
    }[name]


def _picture(make: Make, name: str) -> Example:
    n, h, w, c = make.sizes(st.integers(0, 3), st.integers(1, 6), st.integers(1, 9), size)
    X = make.normal(n, h, w, c)
    if name == "mask":
        return [X, make.random.integers(-1, w + 2, n).astype(np.int32)], {}
    sides = st.integers(-1, 3)
    top, left = (max(b, 1 - a) for a, b in zip((h, w), make.sizes(sides, sides), strict=True))
    # What is cropped may not be more than there is, whatever is padded on the other side.
    bottom, right = make.sizes(
        *(st.integers(max(1 - a - min(b, 0), -1), 3) for a, b in ((h, top), (w, left)))
    )
    return [X], {"padding": ((top, bottom), (left, right))}


def _output_lengths(make: Make, name: str) -> Example:
    n, window, stride, padding = make.sizes(size, some, some, st.integers(0, 4))
    return [make.random.integers(0, 50, n).astype(np.int32)], {
        "window": window,
        "stride": stride,
        "padding": padding,
    }


def _merge(make: Make, name: str) -> Example:
    wide = size if name == "split" else some  # the page of concat knows no array without columns
    n, widths = make.draw(size), tuple(make.draw(st.lists(wide, min_size=1, max_size=5)))
    if name == "split":
        return [make.normal(n, sum(widths))], {"widths": widths}
    return [tuple(make.normal(n, w) for w in widths)], {"widths": widths}


def _permute(make: Make, name: str) -> Example:
    shape = make.draw(
        st.lists(st.sampled_from([0, 1, 1, 2, 3, 9, 17, 34]), min_size=5, max_size=5).filter(
            lambda s: np.prod(s) < 30_000
        )
    )
    return [make.normal(*shape)], {"axes": tuple(make.draw(st.permutations(range(5))))}


def _loss(make: Make, name: str) -> Example:
    (n,) = make.sizes(size)
    probabilities = not name.startswith(("squared", "smooth"))
    X, T = (make.uniform(n) if probabilities else make.normal(n) * 2 for _ in range(2))
    if name == "sigmoid_binary_cross_entropy":
        X = make.normal(n) * 8
    return [X, T], {"factor": 0.25} | ({"beta": 0.7} if name.startswith("smooth") else {})


FAMILIES = {
    _norm: "batch_norm batch_norm_backward batch_norm_fixed batch_norm_fixed_backward batch_norm_gradients "
    "layer_norm layer_norm_backward layer_norm_gradients",
    _embedding: "embedding embedding_gradients",
    _highway: "highway highway_backward",
    _lstm: "lstm lstm_backward recurrent_gradients last_step last_step_backward",
    _rnn: "rnn rnn_backward",
    _gru: "gru gru_backward gru_gradients",
    _picture: "mask pad",
    _output_lengths: "output_lengths",
    _merge: "concat split",
    _permute: "permute",
    _loss: "squared_error squared_error_backward smooth_l1 smooth_l1_backward binary_cross_entropy "
    "binary_cross_entropy_backward sigmoid_binary_cross_entropy sigmoid_binary_cross_entropy_backward",
}
MAKERS = {name: maker for maker, names in FAMILIES.items() for name in names.split()}


@pytest.fixture(autouse=True)
def best_again() -> Any:
    yield
    native.library().kn_set_isa(ISAS[0].encode())
    native.library().kn_set_threads(native.library().kn_default_threads())


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("name", MAKERS)
@given(data=st.data())
def test_native_is_the_page(name: str, isa: str, data: Any) -> None:
    native.library().kn_set_isa(isa.encode())
    arrays, scalars = MAKERS[name](Make(data.draw), name)
    came, expected = run(name, arrays, scalars), page(name, arrays, scalars)
    for output, value in expected.items():
        agree(came[output], value)


@pytest.mark.parametrize("name", [n for n in MAKERS if any(p.adds for p in FUNCTIONS[n].outputs)])
@given(data=st.data())
def test_added_is_the_whole_sum_added_once(name: str, data: Any) -> None:
    make = Make(data.draw)
    arrays, scalars = MAKERS[name](make, name)
    plain = run(name, arrays, scalars)
    old = {
        p.name: make.normal(*plain[p.name].shape) for p in FUNCTIONS[name].outputs if make.draw(st.booleans())
    }
    for output, value in run(name, arrays, scalars, old=old).items():
        assert np.array_equal(value, plain[output] + old.get(output, np.float32(0)))


IN_PLACE = [(n, target, source) for n in MAKERS for target, source in FUNCTIONS[n].in_place]


@pytest.mark.parametrize(("name", "target", "source"), IN_PLACE)
@given(data=st.data())
def test_in_place_gives_the_same_bits(name: str, target: str, source: str, data: Any) -> None:
    arrays, scalars = MAKERS[name](Make(data.draw), name)
    plain, laid_over = run(name, arrays, scalars), run(name, arrays, scalars, over={target: source})
    for output, value in plain.items():
        assert value.tobytes() == laid_over[output].tobytes()


def some_lengths(make: Make) -> np.ndarray:
    return make.random.integers(0, 12, 37).astype(np.int32)


def gru_passes(make: Make, before: int) -> Example:
    gates = make.uniform(37, 11, 200)
    arrays = [make.normal(37, 11, 50), make.normal(50, 150) / 7, make.uniform(37, 11, 50), gates]
    return [*arrays, make.normal(37, 50), some_lengths(make), make.normal(37, 50)], {
        "reverse": 0,
        "before": before,
    }


LARGE: dict[str, Callable[[Make], Example]] = {
    "batch_norm": lambda m: (
        [m.normal(20_011, 24), m.normal(24), m.normal(24), m.normal(24), m.uniform(24)],
        {"momentum": 0.9, "epsilon": 1e-5},
    ),
    "batch_norm_backward": lambda m: (
        [m.normal(9_001, 67), m.normal(9_001, 67), m.normal(67), m.uniform(67) + 1, m.normal(67)],
        {},
    ),
    "batch_norm_gradients": lambda m: (
        [m.normal(70_001, 3), m.normal(70_001, 3), m.normal(3), m.uniform(3) + 1],
        {},
    ),
    "layer_norm": lambda m: ([m.normal(2_003, 301), m.normal(301), m.normal(301)], {"epsilon": 1e-5}),
    "layer_norm_gradients": lambda m: (
        [m.normal(4_001, 101), m.normal(4_001, 101), m.normal(4_001), m.uniform(4_001) + 1],
        {},
    ),
    "embedding_gradients": lambda m: (
        [m.random.integers(0, 999, 20_000).astype(np.int32), m.normal(20_000, 37)],
        {"v": 999},
    ),
    "highway_backward": lambda m: ([m.normal(300_001) for _ in range(4)], {}),
    "lstm": lambda m: (
        [
            m.normal(37, 11, 4 * 50),
            m.normal(50, 200) / 7,
            None,
            m.normal(37, 50),
            m.random.integers(0, 12, 37).astype(np.int32),
            m.normal(37, 50),
        ],
        {"reverse": 1},
    ),
    "lstm_backward": lambda m: (
        [
            m.normal(37, 11, 50),
            m.normal(50, 200) / 7,
            m.normal(37, 11, 50),
            m.uniform(37, 11, 200),
            None,
            None,
            m.normal(37, 50),
        ],
        {"reverse": 0},
    ),
    "recurrent_gradients": lambda m: (
        [m.normal(37, 11, 50), m.normal(37, 11, 200), m.normal(37, 50), None, None],
        {"reverse": 0},
    ),
    "rnn": lambda m: (
        [m.normal(37, 11, 70), m.normal(70, 70) / 9, m.normal(37, 70), some_lengths(m), None],
        {"reverse": 1},
    ),
    "rnn_backward": lambda m: (
        [
            m.normal(37, 11, 70),
            m.normal(70, 70) / 9,
            m.uniform(37, 11, 70),
            some_lengths(m),
            m.normal(37, 70),
        ],
        {"reverse": 0},
    ),
    "gru": lambda m: (
        [m.normal(37, 11, 150), m.normal(50, 150) / 7, m.normal(50), m.normal(37, 50), some_lengths(m), None],
        {"reverse": 1, "before": 0},
    ),
    "gru_backward": lambda m: gru_passes(m, 1),
    "gru_gradients": lambda m: (
        [
            m.normal(37, 11, 50),
            m.normal(37, 11, 150),
            m.uniform(37, 11, 200),
            m.normal(37, 50),
            None,
            m.normal(37, 50),
        ],
        {"reverse": 0, "before": 0},
    ),
    "permute": lambda m: ([m.normal(3, 70, 5, 65, 33)], {"axes": (0, 3, 4, 2, 1)}),
    "pad": lambda m: ([m.normal(5, 90, 70, 9)], {"padding": ((3, -1), (-2, 4))}),
    "concat": lambda m: ([(m.normal(30_001, 5), m.normal(30_001, 16))], {"widths": (5, 16)}),
    "squared_error": lambda m: ([m.normal(400_009), m.normal(400_009)], {"factor": 1 / 400_009}),
    "sigmoid_binary_cross_entropy": lambda m: (
        [m.normal(400_009) * 4, m.uniform(400_009)],
        {"factor": 1 / 400_009},
    ),
}


def bits(results: dict[str, Any]) -> list[bytes]:
    return [x.tobytes() for r in results.values() for x in (r if isinstance(r, tuple) else (r,))]


@pytest.mark.parametrize("name", LARGE)
def test_large_arrays_any_number_of_threads_same_bits(name: str) -> None:
    make = Make(lambda _: 7)
    arrays, scalars = LARGE[name](make)
    for output, value in page(name, arrays, scalars).items():
        agree(run(name, arrays, scalars)[output], value)
    native.library().kn_set_threads(1)
    alone = bits(run(name, arrays, scalars))
    for threads in (2, 3, 7):
        native.library().kn_set_threads(threads)
        assert bits(run(name, arrays, scalars)) == alone, threads


@pytest.mark.parametrize("reverse", [0, 1])
def test_an_example_gives_the_same_bits_alone_and_in_a_batch(reverse: int) -> None:
    make = Make(lambda _: 3)
    Z, W, h0, c0 = make.normal(7, 6, 80), make.normal(20, 80) / 5, make.normal(7, 20), make.normal(7, 20)
    M, dH, lengths = make.normal(7, 20), make.normal(7, 6, 20), np.array([6, 0, 3, 1, 6, 5, 2], np.int32)
    for i, length in enumerate(lengths):
        Z[i, length:] = dH[i, length:] = np.nan  # whatever stands behind a length
    whole = run("lstm", [Z, W, h0, c0, lengths, M], {"reverse": reverse})
    back = run("lstm_backward", [dH, W, whole["C"], whole["G"], c0, lengths, M], {"reverse": reverse})
    for i, length in enumerate(lengths):
        one = slice(i, i + 1)
        alone = run("lstm", [Z[one, :length], W, h0[one], c0[one], None, M[one]], {"reverse": reverse})
        again = run(
            "lstm_backward",
            [dH[one, :length], W, alone["C"], alone["G"], c0[one], None, M[one]],
            {"reverse": reverse},
        )
        for name in "HCG":
            assert whole[name][one, :length].tobytes() == alone[name].tobytes()
        assert not whole["H"][i, length:].any() and not back["dZ"][i, length:].any()
        assert back["dZ"][one, :length].tobytes() == again["dZ"].tobytes()
        assert back["dh0"][one].tobytes() == again["dh0"].tobytes()
        assert back["dc0"][one].tobytes() == again["dc0"].tobytes()


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("reverse", [0, 1])
def test_rnn_and_gru_give_the_same_bits_alone_and_in_a_batch(reverse: int, before: int) -> None:
    make, how = Make(lambda _: 3), {"reverse": reverse, "before": before}
    lengths = np.array([6, 0, 3, 1, 6, 5, 2], np.int32)
    Z, W, b, h0 = make.normal(7, 6, 60), make.normal(20, 60) / 5, make.normal(20), make.normal(7, 20)
    M, X, V, dH = make.normal(7, 20), make.normal(7, 6, 20), make.normal(20, 20) / 5, make.normal(7, 6, 20)
    for i, length in enumerate(lengths):
        Z[i, length:] = X[i, length:] = dH[i, length:] = np.nan  # whatever stands behind a length

    def passes(which: slice, steps: int, lengths: np.ndarray | None) -> dict[str, np.ndarray]:
        gru = run("gru", [Z[which, :steps], W, b, h0[which], lengths, M[which]], how)
        back = run(
            "gru_backward", [dH[which, :steps], W, gru["H"], gru["G"], h0[which], lengths, M[which]], how
        )
        way = {"reverse": reverse}
        H = run("rnn", [X[which, :steps], V, h0[which], lengths, M[which]], way)["H"]
        rnn = run("rnn_backward", [dH[which, :steps], V, H, lengths, M[which]], way)
        return {**gru, **back, "rnn": H, **{f"rnn_{k}": v for k, v in rnn.items()}}

    whole = passes(slice(None), 6, lengths)
    for i, length in enumerate(lengths):
        alone = passes(slice(i, i + 1), length, None)
        for name, one in alone.items():
            here = whole[name][i : i + 1]
            if here.ndim == 3:
                assert not here[:, length:].any(), name
                here = here[:, :length]
            assert here.tobytes() == one.tobytes(), name


def test_absent_outputs_change_nothing_else() -> None:
    make = Make(lambda _: 5)
    Z, W = make.normal(4, 5, 44), make.normal(11, 44) / 3
    forward = run("lstm", [Z, W, None, None, None, None], {"reverse": 0})
    arrays = [make.normal(4, 5, 11), W, forward["C"], forward["G"], None, None, None]
    whole = run("lstm_backward", arrays, {"reverse": 0})
    for absent in [("dh0",), ("dc0",), ("dh0", "dc0")]:
        some = run("lstm_backward", arrays, {"reverse": 0}, absent=absent)
        assert some["dZ"].tobytes() == whole["dZ"].tobytes()
    both = run("lstm_backward", arrays, {"reverse": 0}, absent=("dc0",), over={"dZ": "G"})
    assert both["dZ"].tobytes() == whole["dZ"].tobytes() and both["dh0"].tobytes() == whole["dh0"].tobytes()


def test_a_part_of_split_may_be_absent() -> None:
    Y = np.arange(24, dtype=np.float32).reshape(4, 6)
    first, last = np.zeros((4, 1), np.float32), np.zeros((4, 3), np.float32)
    words = np.array(
        encode(
            FUNCTIONS["split"],
            [Y],
            [(first, None, last)],
            {"widths": (1, 2, 3)},
            {"n": 4, "k": 6},
            lambda a: a.ctypes.data,
        ),
        np.int64,
    )
    job = native.Job(words.ctypes.data, 0, len(words), None, ctypes.addressof(State(0.01, 1, 0)))
    assert native.library().kn_run(ctypes.byref(job)) == -1
    assert np.array_equal(first, Y[:, :1]) and np.array_equal(last, Y[:, 3:])


@pytest.mark.parametrize("name", ["embedding", "embedding_gradients"])
@pytest.mark.parametrize("bad", [10, -1, 2**31 - 1, -(2**31)])
def test_an_index_outside_is_refused_with_its_place(name: str, bad: int) -> None:
    index = np.array([[3, 0], [bad, 11]], np.int32)
    arrays = [index, np.ones((10, 4))] if name == "embedding" else [index, np.ones((2, 2, 4))]
    with pytest.raises(ValueError, match=f"{name}: index {bad} at position 2"):
        run(name, arrays, {} if name == "embedding" else {"v": 10})


@pytest.mark.parametrize(
    "name", ["squared_error", "smooth_l1", "binary_cross_entropy", "sigmoid_binary_cross_entropy"]
)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_loss_that_is_no_number_is_refused(name: str, bad: float) -> None:
    X = np.full(9_000, 0.5, np.float32)
    X[8_999] = bad
    scalars = {"factor": 1.0} | ({"beta": 1.0} if name == "smooth_l1" else {})
    with pytest.raises(ValueError, match="not a finite number"):
        run(
            name, [X, np.full(9_000, np.nan if name == "binary_cross_entropy" else 0.25, np.float32)], scalars
        )


def test_a_nan_goes_through_every_gradient() -> None:
    X, T = np.array([0.5, np.nan, 0.25], np.float32), np.full(3, 0.25, np.float32)
    for name in ("squared_error", "smooth_l1", "binary_cross_entropy", "sigmoid_binary_cross_entropy"):
        scalars = {"factor": 1.0} | ({"beta": 1.0} if name == "smooth_l1" else {})
        dX = run(f"{name}_backward", [X, T], scalars)["dX"]
        assert np.isnan(dX).tolist() == [False, True, False]


def test_binary_cross_entropy_of_certain_answers() -> None:
    X, T = np.array([1, 0], np.float32), np.array([1, 0], np.float32)
    assert run("binary_cross_entropy", [X, T], {"factor": 1.0})["value"] == 0
    X, T = np.array([1000, -1000], np.float32), np.array([1, 1], np.float32)
    came = run("sigmoid_binary_cross_entropy", [X, T], {"factor": 1.0})
    assert came["value"] == 1000
    assert run("sigmoid_binary_cross_entropy_backward", [came["P"], T], {"factor": 1.0})["dX"].tolist() == [
        0,
        -1,
    ]
    small = run("sigmoid_binary_cross_entropy", [np.full(1, 20.0), np.ones(1)], {"factor": 1.0})["value"]
    assert small[0] == pytest.approx(np.log1p(np.exp(-20.0)), rel=1e-6)


def test_variance_does_not_cancel() -> None:
    X = np.array([[40000, 40001, 40002, 40003]], np.float32)
    one, none = np.ones(4, np.float32), np.zeros(4, np.float32)
    expected = np.array([[-1.341635420, -0.447211807, 0.447211807, 1.341635420]])
    agree(run("layer_norm", [X, one, none], {"epsilon": 1e-5})["Y"], expected)
    still = run("layer_norm", [np.full((1, 256), 1234.0), np.ones(256), np.zeros(256)], {"epsilon": 1e-5})
    assert not still["Y"].any()
    column = np.tile(X.T, (5_000, 1))
    came = run(
        "batch_norm", [column, one[:1], none[:1], none[:1], one[:1]], {"momentum": 0.9, "epsilon": 1e-5}
    )
    agree(came["Y"][:4], expected.T)
    assert came["variance"][0] == pytest.approx(0.9 + 0.1 * 1.25 * 20_000 / 19_999, rel=1e-6)
    assert came["mean"][0] == np.float32(4000.15)


def test_gradients_of_an_embedding_add_up_in_the_order_of_the_batch() -> None:
    index = np.array([1, 0, 1, 1], np.int32)
    dY = np.array([[2**24], [5], [1], [-(2**24)]], np.float32)  # 2^24 + 1 rounds back to 2^24
    assert run("embedding_gradients", [index, dY], {"v": 3})["dW"].tolist() == [[5], [0], [0]]
