"""What holds for every page of the engine's table, from one call of each: signature, shapes and types of the outputs,
inputs left alone, any memory order, NumPy's own numbers as scalars, an empty batch, another array library."""

from __future__ import annotations

import inspect
from typing import Any

import array_api_strict
import numpy as np
import pytest

from klarnet import formulas
from klarnet.engine.table import FUNCTIONS
from klarnet.engine.trace import DTYPES
from klarnet.formulas.language_model import automaton, count
from klarnet.formulas.lexicon import word_tree

random = np.random.default_rng(7)


def normal(*shape: int) -> np.ndarray:
    return random.standard_normal(shape)


def positive(*shape: int) -> np.ndarray:
    return random.uniform(0.1, 0.9, shape)


ONE, N = np.ones(1), 3
LENGTHS, CLASSES = np.array([2, 0, 4], np.int32), np.array([1, 0, 4], np.int32)
MASK = np.array([[0.0, 2.0], [2.0, 2.0], [2.0, 0.0]])
CONVOLUTION = {"stride": (2, 1), "dilation": (1, 2), "padding": ((1, 0), (2, 1)), "groups": 2}
POOLING = {"window": (2, 3), "stride": (2, 1), "padding": ((1, 0), (0, 1))}
RANDOM = {"node": 2, "seed": 3, "step": 4}
UPDATE = {"learning_rate": 0.1, "rate": 0.5, "decay": 0.1}
TARGETS = (CLASSES, None, positive(5))
LINE = np.array([[0.5, 1.0, -1.5, 0.0], [1.5, 1.25, 0.75, -0.5], [-0.25, 0.0, 2.0, 1.0]])
MODEL = automaton(*count([np.array([0, 1]), np.array([0, 2, 1, 1])], 2, 5), 5)
SMOOTHED = {"smoothing": 0.1, "ignored": 4, "factor": 0.5}

Call = tuple[tuple[Any, ...], dict[str, Any]]
CALLS: dict[str, Call] = {
    "dense": ((normal(N, 2, 4), normal(4, 5), normal(5)), {}),
    "dense_backward": ((normal(N, 2, 5), normal(4, 5)), {}),
    "dense_gradients": ((normal(N, 2, 4), normal(N, 2, 5)), {}),
    **{
        name: ((normal(N, 4),), scalars)
        for name, scalars in (
            ("relu", {}),
            ("leaky_relu", {"slope": 0.1}),
            ("elu", {"alpha": 0.5}),
            ("gelu", {}),
            ("silu", {}),
            ("tanh", {}),
            ("sigmoid", {}),
            ("softmax", {}),
            ("copy", {}),
            ("dropout", {"rate": 0.5, **RANDOM}),
            ("dropout_backward", {"rate": 0.5, **RANDOM}),
            ("gaussian_noise", {"deviation": 0.5, **RANDOM}),
        )
    },
    **{
        f"{name}_backward": ((normal(N, 4), positive(N, 4)), scalars)
        for name, scalars in (
            ("relu", {}),
            ("leaky_relu", {"slope": 0.1}),
            ("elu", {"alpha": 0.5}),
            ("gelu", {}),
            ("silu", {}),
            ("tanh", {}),
            ("sigmoid", {}),
            ("softmax", {}),
        )
    },
    "conv2d": ((normal(N, 5, 6, 4), normal(2, 3, 2, 6), normal(6)), CONVOLUTION),
    "conv2d_backward": ((normal(N, 3, 5, 6), normal(2, 3, 2, 6)), {"h": 5, "w": 6, **CONVOLUTION}),
    "conv2d_gradients": ((normal(N, 5, 6, 4), normal(N, 3, 5, 6)), {"p": 2, "q": 3, **CONVOLUTION}),
    "max_pool2d": ((normal(N, 5, 6, 2),), POOLING),
    "max_pool2d_backward": (
        (normal(N, 3, 5, 2), random.integers(0, 6, (N, 3, 5, 2)).astype(np.uint16)),
        {"h": 5, "w": 6, **POOLING},
    ),
    "max_unpool2d_backward": (
        (normal(N, 5, 6, 2), random.integers(0, 6, (N, 3, 5, 2)).astype(np.uint16)),
        POOLING,
    ),
    "upsample2d": ((normal(N, 3, 4, 2),), {"factor": (2, 3), "bilinear": 1}),
    "upsample2d_backward": ((normal(N, 6, 12, 2),), {"factor": (2, 3), "bilinear": 1}),
    "add_bias": ((normal(N, 2, 4), normal(4)), {}),
    "bias_gradients": ((normal(N, 2, 4),), {}),
    "average_pool2d": ((normal(N, 5, 6, 2),), {"count_padding": 0, **POOLING}),
    "average_pool2d_backward": ((normal(N, 3, 5, 2),), {"h": 5, "w": 6, "count_padding": 0, **POOLING}),
    "global_average": ((normal(N, 4, 2),), {}),
    "global_average_backward": ((normal(N, 2),), {"p": 4}),
    "global_max": ((normal(N, 4, 2), LENGTHS), {}),
    "global_max_backward": ((normal(N, 2), LENGTHS[:, None] * np.ones((1, 2), np.int32) - 1), {"p": 4}),
    "batch_norm": (
        (normal(N, 4, 2), normal(2), normal(2), normal(2), positive(2)),
        {"momentum": 0.8, "epsilon": 1e-5},
    ),
    "batch_norm_backward": ((normal(N, 4, 2), normal(N, 4, 2), normal(2), positive(2), normal(2)), {}),
    "batch_norm_fixed": ((normal(N, 4, 2), normal(2), normal(2), normal(2), positive(2)), {"epsilon": 1e-5}),
    "batch_norm_fixed_backward": ((normal(N, 4, 2), positive(2), normal(2)), {}),
    "batch_norm_gradients": ((normal(N, 4, 2), normal(N, 4, 2), normal(2), positive(2)), {}),
    "layer_norm": ((normal(N, 4, 2), normal(2), normal(2)), {"epsilon": 1e-5}),
    "layer_norm_backward": ((normal(N, 4, 2), normal(N, 4, 2), normal(N, 4), positive(N, 4), normal(2)), {}),
    "layer_norm_gradients": ((normal(N, 4, 2), normal(N, 4, 2), normal(N, 4), positive(N, 4)), {}),
    "embedding": ((CLASSES[:, None] % 3, normal(5, 2)), {}),
    "embedding_gradients": ((CLASSES[:, None], normal(N, 1, 2)), {"v": 5}),
    "highway": (tuple(normal(N, 4) for _ in range(3)), {}),
    "highway_backward": (tuple(normal(N, 4) for _ in range(4)), {}),
    "lstm": ((normal(N, 4, 8), normal(2, 8), normal(N, 2), normal(N, 2), LENGTHS, MASK), {"reverse": 1}),
    "lstm_backward": (
        (normal(N, 4, 2), normal(2, 8), normal(N, 4, 2), positive(N, 4, 8), normal(N, 2), LENGTHS, MASK),
        {"reverse": 0},
    ),
    "rnn": ((normal(N, 4, 2), normal(2, 2), normal(N, 2), LENGTHS, MASK), {"reverse": 1}),
    "rnn_backward": ((normal(N, 4, 2), normal(2, 2), normal(N, 4, 2), LENGTHS, MASK), {"reverse": 0}),
    "gru": (
        (normal(N, 4, 6), normal(2, 6), normal(2), normal(N, 2), LENGTHS, MASK),
        {"reverse": 1, "before": 0},
    ),
    "gru_backward": (
        (normal(N, 4, 2), normal(2, 6), normal(N, 4, 2), positive(N, 4, 8), normal(N, 2), LENGTHS, MASK),
        {"reverse": 0, "before": 1},
    ),
    "gru_gradients": (
        (normal(N, 4, 2), normal(N, 4, 6), positive(N, 4, 8), normal(N, 2), LENGTHS, MASK),
        {"reverse": 1, "before": 0},
    ),
    "recurrent_gradients": ((normal(N, 4, 2), normal(N, 4, 5), normal(N, 2), LENGTHS, MASK), {"reverse": 1}),
    "last_step": ((normal(N, 4, 2), LENGTHS, normal(N, 2)), {"reverse": 0}),
    "state_mask": ((normal(2, 8),), {"n": N, "rate": 0.5, "reverse": 1, **RANDOM}),
    "carry": ((normal(N, 2), normal(N, 2)), {}),
    "last_step_backward": ((normal(N, 2), LENGTHS), {"t": 4, "reverse": 1}),
    "mask": ((normal(N, 2, 4, 3), LENGTHS), {}),
    "output_lengths": ((LENGTHS,), {"window": 2, "stride": 2, "padding": 1}),
    "add": ((normal(N, 4), normal(N, 4)), {}),
    "concat": (((normal(N, 2, 1), normal(N, 2, 3)),), {"widths": (1, 3)}),
    "split": ((normal(N, 2, 4),), {"widths": (1, 3)}),
    "permute": ((normal(N, 2, 1, 4, 3),), {"axes": (0, 3, 2, 4, 1)}),
    "pad": ((normal(N, 4, 5, 2),), {"padding": ((1, 0), (-2, 2))}),
    "softmax_cross_entropy": ((normal(N, 5), *TARGETS), {"mean": 1, **SMOOTHED}),
    "softmax_cross_entropy_backward": ((positive(N, 5), *TARGETS, ONE), SMOOTHED),
    "cross_entropy": ((positive(N, 5), *TARGETS), {"mean": 1, **SMOOTHED}),
    "cross_entropy_backward": ((positive(N, 5), *TARGETS, ONE), SMOOTHED),
    "smooth_l1": ((normal(N, 4), normal(N, 4)), {"beta": 0.5, "factor": 0.5}),
    "smooth_l1_backward": ((normal(N, 4), normal(N, 4)), {"beta": 0.5, "factor": 0.5}),
    **{
        name: ((positive(N, 4), positive(N, 4)), {"factor": 0.5})
        for name in (
            "binary_cross_entropy",
            "binary_cross_entropy_backward",
            "sigmoid_binary_cross_entropy",
            "sigmoid_binary_cross_entropy_backward",
            "squared_error",
            "squared_error_backward",
        )
    },
    "ctc": (
        (normal(N, 6, 4), np.array([[1, 1], [2, -1], [3, 1]], np.int32)[:N], LENGTHS + 2, None),
        {"blank": 0, "skip": 1, "mean": 1, "factor": 0.5},
    ),
    "ctc_backward": ((normal(N, 6, 4), ONE), {"factor": 0.5}),
    "ctc_best_path": ((LINE,), {}),
    "ctc_read": ((LINE, np.array([1, 1, 0], np.int32)), {"blank": 0}),
    "ctc_lattice": ((LINE, np.array([1, 2, 3], np.int32)), {"blank": 0}),
    "ctc_best_states": ((LINE, np.array([1, 2, 3], np.int32)), {"blank": 0}),
    "ctc_beam_search": (
        (LINE, np.array([4, 0, 1, 2], np.int32), *MODEL[:4], *word_tree([(1, 2), (2,)], [3])),
        {"w": 4, "blank": 0, "weight": 0.5, "bonus": 0.25, "begin": MODEL.begin, "end": 4},
    ),
    "gradient_norm": (((normal(N), normal(N)),), {}),
    "clip_norm": ((normal(4), np.full(1, 3.0)), {"most": 0.5}),
    "clip_value": ((normal(4),), {"most": 0.5}),
    "max_norm": ((normal(2, 3, 4, 2),), {"most": 0.5}),
    "gradient_descent": ((normal(4), normal(4)), UPDATE),
    "momentum": ((normal(4), normal(4), normal(4)), {"momentum": 0.9, "nesterov": 1, **UPDATE}),
    "adagrad": ((normal(4), normal(4), positive(4)), {"epsilon": 1e-8, **UPDATE}),
    "rmsprop": ((normal(4), normal(4), positive(4)), {"rho": 0.9, "epsilon": 1e-8, **UPDATE}),
    "adam": (
        (normal(4), normal(4), normal(4), positive(4)),
        {"beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8, "decoupled": 1, "born": 2, "step": 5, **UPDATE},
    ),
}
OPTIMIZERS = [name for name, function in FUNCTIONS.items() if "learning_rate" in function.state]
LINES = {name for name in FUNCTIONS if name.startswith("ctc") and name != "ctc_backward"}
NUMPY_ONLY = {"embedding_gradients", *LINES}
pages = pytest.mark.parametrize("name", FUNCTIONS)


def each(arrays: tuple[Any, ...], change: Any) -> tuple[Any, ...]:
    """The arrays of a call, changed one by one; None stays, a tuple of arrays stays a tuple."""
    return tuple(
        None if a is None else tuple(map(change, a)) if isinstance(a, tuple) else change(a) for a in arrays
    )


def run(name: str, arrays: tuple[Any, ...], scalars: dict[str, Any]) -> tuple[Any, ...]:
    result = getattr(formulas, name)(*arrays, **scalars)
    return result if isinstance(result, tuple) else (result,)


def cast(dtype: Any) -> Any:
    return lambda a: a.astype(dtype) if a.dtype.kind == "f" else a


def same(found: tuple[Any, ...], wanted: tuple[Any, ...], bound: float = 1e-13) -> None:
    assert len(found) == len(wanted)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(np.asarray(a), b, rtol=bound, atol=bound)


def test_every_function_is_called_here() -> None:
    assert set(CALLS) == set(FUNCTIONS)


@pages
def test_signature(name: str) -> None:
    """The row's arrays by position, in its order; its scalars and state by keyword, all else with a default."""
    function, parameters = FUNCTIONS[name], inspect.signature(getattr(formulas, name)).parameters.values()
    assert [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD] == [
        p.name for p in function.inputs
    ]
    by_keyword = {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}
    wanted = {s.name for s in function.scalars} | set(function.state)
    assert wanted <= set(by_keyword)
    assert all(by_keyword[extra].default is not inspect.Parameter.empty for extra in set(by_keyword) - wanted)
    trailing = list(function.inputs)
    while trailing and trailing[-1].optional:
        assert inspect.signature(getattr(formulas, name)).parameters[trailing.pop().name].default is None


@pages
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shapes_and_types(name: str, dtype: Any) -> None:
    """The new values of what the row updates, then its outputs, as the table says."""
    function, (arrays, scalars) = FUNCTIONS[name], CALLS[name]
    arrays = each(arrays, cast(dtype))
    given = {k: v for k, v in scalars.items() if k not in function.state}
    shapes = [
        None if a is None else tuple(x.shape for x in a) if isinstance(a, tuple) else a.shape for a in arrays
    ]
    _, outputs = function.derive(shapes, given)
    wanted = [(a.shape, p.kind) for p, a in zip(function.inputs, arrays, strict=True) if p.updated]
    for p, shape in zip(function.outputs, outputs, strict=True):
        wanted += [(s, p.kind) for s in shape] if p.many else [(shape, p.kind)]
    kinds = {"float": np.dtype(dtype), **DTYPES}
    assert [(a.shape, a.dtype) for a in run(name, arrays, scalars)] == [(s, kinds[k]) for s, k in wanted]


@pages
def test_inputs_stay_as_they_are(name: str) -> None:
    arrays, scalars = CALLS[name]
    arrays = each(arrays, np.copy)
    before = each(arrays, np.copy)
    each(arrays, lambda a: a.setflags(write=False))
    first = run(name, arrays, scalars)
    same(run(name, arrays, scalars), first, 0.0)  # nothing is remembered from call to call
    each(arrays, lambda a: a.setflags(write=True))
    for a, b in zip(arrays, before, strict=True):
        np.testing.assert_equal(a, b)


def turned(a: np.ndarray) -> np.ndarray:
    all_axes = (slice(None, None, -1),) * a.ndim
    return np.ascontiguousarray(a[all_axes])[all_axes]


def thinned(a: np.ndarray) -> np.ndarray:
    wide = np.zeros(tuple(2 * s for s in a.shape), a.dtype)
    every_second = (slice(None, None, 2),) * a.ndim
    wide[every_second] = a
    return wide[every_second]


@pages
@pytest.mark.parametrize(
    "order", [np.asfortranarray, turned, thinned], ids=["column-major", "reversed", "thinned"]
)
def test_any_memory_order(name: str, order: Any) -> None:
    arrays, scalars = CALLS[name]
    same(run(name, each(arrays, order), scalars), run(name, arrays, scalars))


@pages
def test_zero_strides(name: str) -> None:
    """A broadcast view gives what its copy gives."""

    def flat(a: np.ndarray) -> np.ndarray:
        return np.broadcast_to(a[:1], a.shape)

    arrays, scalars = CALLS[name]
    views = each(arrays, flat)
    same(run(name, views, scalars), run(name, each(views, np.copy), scalars))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_numpy_scalars_do_not_widen(name: str) -> None:
    """A learning rate that a schedule worked out with NumPy is a float64 with a will of its own."""
    arrays, scalars = CALLS[name]
    scalars = {k: np.float64(v) if k == "learning_rate" else v for k, v in scalars.items()}
    assert all(a.dtype == np.float32 for a in run(name, each(arrays, cast(np.float32)), scalars))


@pages
@pytest.mark.parametrize("dtype", [np.float16, np.longdouble])
def test_other_floating_types(name: str, dtype: Any) -> None:
    arrays, scalars = CALLS[name]
    found = run(name, each(arrays, cast(dtype)), scalars)
    wanted = run(name, arrays, scalars)
    function = FUNCTIONS[name]
    kinds = [
        p.kind for p in (*function.updated, *function.outputs) for _ in range(len(found) if p.many else 1)
    ]
    for a, b, kind in zip(found, wanted, kinds, strict=True):
        assert a.dtype == DTYPES.get(kind, dtype)
        np.testing.assert_allclose(a.astype(float), b, rtol=0.02, atol=0.02)


@pytest.mark.parametrize(
    "name",
    [
        n
        for n in FUNCTIONS
        if n not in OPTIMIZERS
        and not n.startswith("batch_norm")
        and n != "ctc_beam_search"  # a line of no steps reads as one labelling, the empty one
    ],
)
def test_empty_batch(name: str) -> None:
    """No example: outputs of size 0, gradients 0, a loss of 0 (divided by 1); never a crash."""

    def none(a: np.ndarray) -> np.ndarray:
        return a[:0] if a.shape[0] == N else a

    arrays, scalars = CALLS[name]
    scalars = scalars | {"n": 0} if "n" in scalars else scalars
    for p, a in zip(FUNCTIONS[name].outputs, run(name, each(arrays, none), scalars), strict=False):
        assert np.all(a == (1 if p.name == "total" else 0))


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in NUMPY_ONLY])
def test_another_array_library(name: str) -> None:
    """The strictest library there is: it has what the array API standard says and nothing else."""
    arrays, scalars = CALLS[name]
    found = run(name, each(arrays, array_api_strict.asarray), scalars)
    assert all(isinstance(a, type(array_api_strict.asarray(1))) for a in found)
    same(found, run(name, arrays, scalars))
