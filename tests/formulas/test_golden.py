"""The pages against PyTorch: every case of tests/golden, in float64 to 1e-12 and in float32 to 1e-5."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from klarnet import formulas as f

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


def read(chapter: str) -> dict[str, dict[str, Any]]:
    with np.load(GOLDEN / f"{chapter}.npz") as arrays:
        cases: dict[str, dict[str, Any]] = {}
        for key in arrays.files:
            case, name = key.split("/")
            cases.setdefault(case, {})[name] = arrays[key]
    for case in cases.values():
        case["options"] = {
            k: tuple(map(tuplewise, v)) if isinstance(v, list) else v
            for k, v in json.loads(str(case["options"])).items()
        }
    return cases


def tuplewise(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


CHAPTERS = {chapter: read(chapter) for chapter in sorted(p.stem for p in GOLDEN.glob("*.npz"))}


def of(chapter: str, start: str = "") -> Any:
    """Run a test for each case of a chapter, in both precisions: arguments `g` (arrays, options) and `near`."""
    parameters = []
    for name, case in CHAPTERS[chapter].items():
        if not name.startswith(start):
            continue
        for dtype, bound in ((np.float64, 1e-12), (np.float32, 1e-5)):
            arrays = {
                k: v.astype(dtype) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v
                for k, v in case.items()
            }
            exact = SimpleNamespace(**case)
            parameters.append(
                pytest.param(
                    SimpleNamespace(name=name, **{"b": None} | arrays),
                    Near(exact, bound),
                    id=f"{name}-{np.dtype(dtype).name}",
                )
            )
    assert parameters
    return pytest.mark.parametrize(("g", "near"), parameters)


class Near:
    """near("dX", array): is it the golden array of that name, relative to its largest entry?"""

    def __init__(self, exact: SimpleNamespace, bound: float) -> None:
        self.exact, self.bound = exact, bound

    def __call__(self, name: str, array: np.ndarray) -> bool:
        wanted = getattr(self.exact, name)
        dtype = np.float32 if self.bound > 1e-9 else np.float64
        assert array.shape == wanted.shape and array.dtype == dtype, (
            name,
            array.shape,
            wanted.shape,
            array.dtype,
        )
        error = np.max(np.abs(array - wanted), initial=0.0) / max(np.max(np.abs(wanted), initial=0.0), 1e-30)
        assert error <= self.bound, f"{name}: relative error {error:.2e}"
        return True


def test_every_golden_file_is_read_here() -> None:
    assert set(CHAPTERS) == {
        "dense",
        "activation",
        "convolution",
        "pooling",
        "norm",
        "embedding",
        "highway",
        "lstm",
        "recurrent",
        "shape",
        "cross_entropy",
        "ctc",
        "regression",
        "optimizers",
    }


@of("dense")
def test_dense(g, near) -> None:
    dW, db = f.dense_gradients(g.X, g.dY)
    assert near("Y", f.dense(g.X, g.W, g.b)) and near("dX", f.dense_backward(g.dY, g.W)) and near("dW", dW)
    assert g.b is None or near("db", db)


@of("activation")
def test_activation(g, near) -> None:
    function, backward = getattr(f, g.name), getattr(f, f"{g.name}_backward")
    keeps = g.X if g.name in ("leaky_relu", "gelu", "silu") else g.Y
    assert near("Y", function(g.X, **g.options)) and near("dX", backward(g.dY, keeps, **g.options))


@of("convolution")
def test_convolution(g, near) -> None:
    if g.name == "one_dimension":
        dF, db = f.conv1d_gradients(g.X, g.dY, q=3, **g.options)
        assert near("Y", f.conv1d(g.X, g.F, g.b, **g.options))
        assert near("dX", f.conv1d_backward(g.dY, g.F, t=11, **g.options))
    else:
        h, w = g.X.shape[1:3]
        dF, db = f.conv2d_gradients(g.X, g.dY, p=g.F.shape[0], q=g.F.shape[1], **g.options)
        assert near("Y", f.conv2d(g.X, g.F, g.b, **g.options))
        assert near("dX", f.conv2d_backward(g.dY, g.F, h=h, w=w, **g.options))
    assert near("dF", dF) and (g.b is None or near("db", db))


@of("pooling", "max")
def test_max_pooling(g, near) -> None:
    h, w = g.X.shape[1:3]
    Y, index = f.max_pool2d(g.X, **g.options)
    assert near("Y", Y) and near("dX", f.max_pool2d_backward(g.dY, index, h=h, w=w, **g.options))
    (_, q), (sy, sx), ((top, _), (left, _)) = (g.options[k] for k in ("window", "stride", "padding"))
    i, j = np.ogrid[: Y.shape[1], : Y.shape[2]]
    row = (i * sy - top)[None, :, :, None] + index // q
    column = (j * sx - left)[None, :, :, None] + index % q
    np.testing.assert_array_equal(row * w + column, g.flat)


@of("pooling", "average")
def test_average_pooling(g, near) -> None:
    h, w = g.X.shape[1:3]
    assert near("Y", f.average_pool2d(g.X, **g.options))
    assert near("dX", f.average_pool2d_backward(g.dY, h=h, w=w, **g.options))


@of("pooling", "global")
def test_global_average(g, near) -> None:
    assert near("Y", f.global_average(g.X)) and near("dX", f.global_average_backward(g.dY, p=g.X.shape[1]))


@of("norm", "batch")
def test_batch_norm(g, near) -> None:
    if g.name.endswith("training"):
        mean, variance, Y, mu, sigma = f.batch_norm(g.X, g.gamma, g.beta, g.mean, g.variance, **g.options)
        assert near("new_mean", mean) and near("new_variance", variance)
        assert near("dX", f.batch_norm_backward(g.dY, g.X, mu, sigma, g.gamma))
    else:
        epsilon = g.options["epsilon"]
        Y, mu, sigma = f.batch_norm_fixed(g.X, g.gamma, g.beta, g.mean, g.variance, epsilon=epsilon)
        assert near("dX", f.batch_norm_fixed_backward(g.dY, sigma, g.gamma))
    dgamma, dbeta = f.batch_norm_gradients(g.dY, g.X, mu, sigma)
    assert near("Y", Y) and near("dgamma", dgamma) and near("dbeta", dbeta)


@of("norm", "layer")
def test_layer_norm(g, near) -> None:
    Y, mu, sigma = f.layer_norm(g.X, g.gamma, g.beta, **g.options)
    dgamma, dbeta = f.layer_norm_gradients(g.dY, g.X, mu, sigma)
    assert near("Y", Y) and near("dX", f.layer_norm_backward(g.dY, g.X, mu, sigma, g.gamma))
    assert near("dgamma", dgamma) and near("dbeta", dbeta)


@of("embedding")
def test_embedding(g, near) -> None:
    assert near("Y", f.embedding(g.index, g.W)) and near("dW", f.embedding_gradients(g.index, g.dY, v=6))


@of("highway")
def test_highway(g, near) -> None:
    dH, dT, dX = f.highway_backward(g.dY, g.H, g.T, g.X)
    assert near("Y", f.highway(g.H, g.T, g.X)) and near("dH", dH) and near("dT", dT) and near("dX", dX)


@of("lstm")
def test_lstm(g, near) -> None:
    lengths = getattr(g, "lengths", None)
    Z = f.dense(g.x, g.Wx, g.b)
    H, C, G = f.lstm(Z, g.W, g.h0, g.c0, lengths, **g.options)
    assert near("H", H) and near("last", f.last_step(H, lengths, **g.options))
    dH = g.dH + f.last_step_backward(g.dlast, lengths, t=H.shape[1], **g.options)[0]
    dZ, dh0, dc0 = f.lstm_backward(dH, g.W, C, G, g.c0, lengths, **g.options)
    dWx, db = f.dense_gradients(g.x, dZ)
    assert near("dx", f.dense_backward(dZ, g.Wx)) and near("dWx", dWx) and near("db", db)
    assert near("dh0", dh0) and near("dc0", dc0)
    assert near("dW", f.recurrent_gradients(H, dZ, g.h0, lengths, **g.options))


@of("recurrent", "rnn")
def test_rnn(g, near) -> None:
    lengths = getattr(g, "lengths", None)
    H = f.rnn(f.dense(g.x, g.Wx, g.b), g.W, g.h0, lengths, **g.options)
    assert near("H", H) and near("last", f.last_step(H, lengths, **g.options))
    dH = g.dH + f.last_step_backward(g.dlast, lengths, t=H.shape[1], **g.options)[0]
    dZ, dh0 = f.rnn_backward(dH, g.W, H, lengths, **g.options)
    dWx, db = f.dense_gradients(g.x, dZ)
    assert near("dx", f.dense_backward(dZ, g.Wx)) and near("dWx", dWx) and near("db", db) and near("dh0", dh0)
    assert near("dW", f.recurrent_gradients(H, dZ, g.h0, lengths, **g.options))


@of("recurrent", "gru")
def test_gru(g, near) -> None:
    lengths, before = getattr(g, "lengths", None), "before" in g.name
    H, G = f.gru(f.dense(g.x, g.Wx, g.b), g.W, g.bh, g.h0, lengths, **g.options, before=before)
    assert near("H", H) and near("last", f.last_step(H, lengths, **g.options))
    dH = g.dH + f.last_step_backward(g.dlast, lengths, t=H.shape[1], **g.options)[0]
    dZ, dh0 = f.gru_backward(dH, g.W, H, G, g.h0, lengths, **g.options, before=before)
    dWx, db = f.dense_gradients(g.x, dZ)
    assert near("dx", f.dense_backward(dZ, g.Wx)) and near("dWx", dWx) and near("db", db) and near("dh0", dh0)
    dW, dbh = f.gru_gradients(H, dZ, G, g.h0, lengths, **g.options, before=before)
    assert near("dW", dW) and near("dbh", dbh)


@of("shape")
def test_shape(g, near) -> None:
    if g.name == "permute":
        assert near("Y", f.permute(g.X, **g.options))
        assert near("dX", f.permute(g.dY, axes=np.argsort(g.options["axes"])))
    elif g.name == "concat":
        dA, dB = f.split(g.dY, **g.options)
        assert near("Y", f.concat((g.A, g.B), **g.options)) and near("dA", dA) and near("dB", dB)
    else:
        (top, bottom), (left, right) = g.options["padding"]
        assert near("Y", f.pad(g.X, **g.options))
        assert near("dX", f.pad(g.dY, padding=((-top, -bottom), (-left, -right))))


@of("cross_entropy")
def test_cross_entropy(g, near) -> None:
    targets = [getattr(g, name, None) for name in ("t", "T", "weights")]
    backward = {k: v for k, v in g.options.items() if k != "mean"}
    if g.name == "probabilities":
        value, total = f.cross_entropy(g.X, *targets, **g.options)
        assert near("value", value) and near("dX", f.cross_entropy_backward(g.X, *targets, total, **backward))
    else:
        value, P, total = f.softmax_cross_entropy(g.X, *targets, **g.options)
        assert near("value", value) and near(
            "dX", f.softmax_cross_entropy_backward(P, *targets, total, **backward)
        )


@of("ctc")
def test_ctc(g, near) -> None:
    value, losses, G, total = f.ctc(g.X, g.labels, g.lengths, g.label_lengths, skip=1, **g.options)
    impossible = np.isinf(losses)  # PyTorch is asked to call these losses 0
    assert list(impossible) == [g.name == "infeasible", False, False, False]
    assert near("losses", np.where(impossible, 0, losses).astype(losses.dtype)) and near("G", G)
    np.testing.assert_allclose(value, losses[~impossible].mean(), rtol=1e-6)
    assert total == np.count_nonzero(~impossible)


@of("regression")
def test_regression(g, near) -> None:
    page = g.name.split("-")[0]
    function, backward = getattr(f, page), getattr(f, f"{page}_backward")
    if page.startswith("sigmoid"):
        value, P = function(g.X, g.T, **g.options)
        assert near("dX", backward(P, g.T, **g.options))
    else:
        value = function(g.X, g.T, **g.options)
        assert near("dX", backward(g.X, g.T, **g.options))
    assert near("value", value)


@of("optimizers")
def test_ten_steps_of_an_optimizer(g, near) -> None:
    page = next(
        p for p in ("gradient_descent", "momentum", "adagrad", "rmsprop", "adam") if g.name.startswith(p)
    )
    W, Ws = g.W, []
    state = [np.zeros_like(W) for _ in range({"gradient_descent": 0, "adam": 2}.get(page, 1))]
    for step, gradient in enumerate(g.g, start=1):
        options = {**g.options, "step": step} if page == "adam" else g.options
        result = getattr(f, page)(W, gradient, *state, **options)
        W, *state = result if isinstance(result, tuple) else (result,)
        Ws.append(W)
    assert near("Ws", np.stack(Ws))
