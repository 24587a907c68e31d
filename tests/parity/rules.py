"""How to draw valid inputs for every function of the table. A new row needs a rule here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from drawing import Case, Drawing

from klarnet import formulas
from klarnet.formulas import language_model
from klarnet.formulas.lexicon import word_tree

Rule = Callable[[Drawing], Case]
RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    def note(draw: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, draw))
        return draw

    return note


TERMS = 1.0  # the size of the terms of a sum, which may cancel

# Dense layers -----------------------------------------------------------------------------------------------------


@rule("dense")
def _dense(d: Drawing) -> Case:
    lead, m, k = d.lead(), d.size(least=0), d.size(least=0)
    return Case({"X": d.normal(*lead, m), "W": d.normal(m, k), "b": d.normal(k)}, scales={"Y": TERMS})


@rule("dense_backward")
def _dense_backward(d: Drawing) -> Case:
    lead, m, k = d.lead(), d.size(least=0), d.size(least=0)
    return Case({"dY": d.normal(*lead, k), "W": d.normal(m, k)}, scales={"dX": TERMS})


@rule("dense_gradients")
def _dense_gradients(d: Drawing) -> Case:
    lead, m, k = d.lead(), d.size(least=0), d.size(least=0)
    return Case({"X": d.normal(*lead, m), "dY": d.normal(*lead, k)}, scales={"dW": TERMS, "db": TERMS})


@rule("add_bias", "bias_gradients")
def _bias(d: Drawing) -> Case:
    lead, k = d.lead(), d.size()
    X = d.normal(*lead, k)
    return Case({"X": X, "b": d.normal(k), "dY": X}, scales={"db": TERMS})


# Element by element -----------------------------------------------------------------------------------------------


def _shape(d: Drawing) -> tuple[int, ...]:
    return d.choose([(20_011,), (3, 8192)]) if d.large else (*d.lead(), d.size(least=0))


def _elementwise(name: str, keeps: str, **scalars: tuple[float, ...]) -> None:
    @rule(name)
    def forward(d: Drawing) -> Case:
        X = d.normal(*_shape(d), scale=d.choose((1.0, 10.0)))
        return Case({"X": X}, {s: d.choose(options) for s, options in scalars.items()})

    @rule(f"{name}_backward")
    def backward(d: Drawing) -> Case:
        case = forward(d)
        X = case.arrays["X"]
        kept = X if keeps == "X" else getattr(formulas, name)(X, **case.scalars)
        dY = d.normal(*X.shape)
        return Case({"dY": dY, keeps: kept.astype(np.float32)}, case.scalars, scales={"dX": _largest(dY)})


_elementwise("relu", "Y")
_elementwise("leaky_relu", "X", slope=(0.01, 0.3))
_elementwise("elu", "Y", alpha=(1.0, 0.4))
_elementwise("gelu", "X")
_elementwise("silu", "X")
_elementwise("tanh", "Y")
_elementwise("sigmoid", "Y")


@rule("softmax")
def _softmax(d: Drawing) -> Case:
    return Case({"X": d.normal(*d.lead(), d.size(), scale=d.choose((1.0, 30.0)))})


@rule("softmax_backward")
def _softmax_backward(d: Drawing) -> Case:
    Y = formulas.softmax(d.normal(*d.lead(), d.size(), scale=2.0))
    dY = d.normal(*Y.shape)
    return Case({"dY": dY, "Y": Y}, scales={"dX": _largest(dY * Y)})


@rule("dropout", "dropout_backward", "gaussian_noise")
def _random(d: Drawing) -> Case:
    X = d.normal(*_shape(d))
    return Case(
        {"X": X, "dY": X},
        {"rate": d.choose((0.0, 0.3, 0.9)), "deviation": 0.5, "node": d.choose((0, 7, 2**31))},
    )


@rule("highway")
def _highway(d: Drawing) -> Case:
    shape = _shape(d)
    return Case({"H": d.normal(*shape), "T": d.uniform(*shape), "X": d.normal(*shape)})


@rule("highway_backward")
def _highway_backward(d: Drawing) -> Case:
    case = _highway(d)
    return Case({"dY": d.normal(*case.arrays["X"].shape), **case.arrays})


def _largest(X: np.ndarray) -> float:
    return float(np.max(np.abs(X), initial=0.0))


# Convolution and pooling --------------------------------------------------------------------------------------------


def _axis(d: Drawing, span: int, stride: int, most_padding: int) -> tuple[int, int, int]:
    """Size of the map, padding before and after, such that windows fit; some cells may be left over at the end."""
    before, after = (d.choose((*range(most_padding + 1), -1)) for _ in range(2))  # -1 leaves the border out
    places = d.size(options=(1, 2, 3, 6, 13, 29) if not d.large else (13, 29))
    left_over = d.few(stride - 1, least=0)
    size = (places - 1) * stride + span + left_over - before - after
    return max(1, size), before, after


def _convolution(d: Drawing) -> tuple[dict[str, Any], dict[str, Any], tuple[int, ...]]:
    """Arrays X, F, b, the scalars, and the shape of Y."""
    p, q = d.few(5), d.few(5)
    stride, dilation = (d.few(3), d.few(3)), (d.few(2), d.few(2))
    h, top, bottom = _axis(d, dilation[0] * (p - 1) + 1, stride[0], 4)
    w, left, right = _axis(d, dilation[1] * (q - 1) + 1, stride[1], 4)
    groups = d.choose((1, 1, 1, 2, 5))
    wide = d.large and groups == 1 and h * w < 400
    c, k = (d.size(options=LARGE_CHANNELS if wide else CHANNELS) for _ in range(2))
    X = d.normal(d.choose((1, 2, 3, 0)), h, w, groups * c)
    F = d.normal(p, q, c, groups * k, scale=0.5)
    scalars = {
        "stride": stride,
        "dilation": dilation,
        "padding": ((top, bottom), (left, right)),
        "groups": groups,
    }
    try:
        Y = formulas.conv2d(X, F, **scalars)
    except ValueError:  # the map had to be larger than the sum of its padding
        scalars["padding"] = ((p * 2, p * 2), (q * 2, q * 2))
        Y = formulas.conv2d(X, F, **scalars)
    return {"X": X, "F": F, "b": d.normal(groups * k)}, scalars, Y.shape


CHANNELS = (1, 2, 3, 5, 8, 17)
LARGE_CHANNELS = (33, 64, 70)


def _bound(arrays: dict[str, Any], scalars: dict[str, Any]) -> float:
    """Fewer products cost digits: 3x3 filters with many channels may be computed in Winograd's way."""
    p, q, c, k = arrays["F"].shape
    short = (p, q) == (3, 3) and scalars["stride"] == scalars["dilation"] == (1, 1) and min(c, k) >= 32
    return 1e-4 if short else 1e-5


@rule("conv2d")
def _conv2d(d: Drawing) -> Case:
    arrays, scalars, _ = _convolution(d)
    return Case(arrays, scalars, _bound(arrays, scalars), {"Y": TERMS})


@rule("conv2d_backward")
def _conv2d_backward(d: Drawing) -> Case:
    arrays, scalars, shape = _convolution(d)
    h, w = arrays["X"].shape[1:3]
    given = {"dY": d.normal(*shape), "F": arrays["F"]}
    return Case(given, {"h": h, "w": w, **scalars}, _bound(arrays, scalars), {"dX": TERMS})


@rule("conv2d_gradients")
def _conv2d_gradients(d: Drawing) -> Case:
    arrays, scalars, shape = _convolution(d)
    p, q = arrays["F"].shape[:2]
    given = {"X": arrays["X"], "dY": d.normal(*shape)}
    return Case(given, {"p": p, "q": q, **scalars}, _bound(arrays, scalars), {"dF": TERMS, "db": TERMS})


def _pooling(d: Drawing) -> Case:
    window, stride = (d.few(4), d.few(4)), (d.few(3), d.few(3))
    h, top, bottom = _axis(d, window[0], stride[0], window[0] - 1)
    w, left, right = _axis(d, window[1], stride[1], window[1] - 1)
    shape = (d.choose((1, 2, 0)), h, w, d.size(options=(1, 2, 3, 8, 17, 40)))
    X = d.steps(*shape) if d.choose((True, False)) else d.normal(*shape)
    return Case({"X": X}, {"window": window, "stride": stride, "padding": ((top, bottom), (left, right))})


@rule("max_pool2d")
def _max_pool(d: Drawing) -> Case:
    return _pooling(d)


@rule("max_pool2d_backward")
def _max_pool_backward(d: Drawing) -> Case:
    case = _pooling(d)
    X = case.arrays["X"]
    Y, index = formulas.max_pool2d(X, **case.scalars)
    return Case(
        {"dY": d.normal(*Y.shape), "index": index}, {"h": X.shape[1], "w": X.shape[2], **case.scalars}
    )


@rule("average_pool2d")
def _average_pool(d: Drawing) -> Case:
    case = _pooling(d)
    return Case(case.arrays, {**case.scalars, "count_padding": d.choose((1, 0))}, scales={"Y": 0.1})


@rule("average_pool2d_backward")
def _average_pool_backward(d: Drawing) -> Case:
    case = _average_pool(d)
    X = case.arrays["X"]
    Y = formulas.average_pool2d(X, **case.scalars)
    return Case({"dY": d.normal(*Y.shape)}, {"h": X.shape[1], "w": X.shape[2], **case.scalars})


@rule("global_average")
def _global_average(d: Drawing) -> Case:
    return Case({"X": d.normal(d.size(least=0), d.size(), d.size())}, scales={"Y": 0.1})


@rule("global_average_backward")
def _global_average_backward(d: Drawing) -> Case:
    return Case({"dY": d.normal(d.size(least=0), d.size())}, {"p": d.size()})


@rule("global_max")
def _global_max(d: Drawing) -> Case:
    n, p = d.choose((1, 2, 3, 7, 0)), d.size(options=(1, 2, 5, 9))
    return Case({"X": d.normal(n, p, d.size()), "lengths": d.integers(0, p + 1, n)})


@rule("global_max_backward")
def _global_max_backward(d: Drawing) -> Case:
    n, p, c = d.size(), d.size(options=(1, 2, 5, 9)), d.size()
    return Case({"dY": d.normal(n, c), "index": d.integers(-1, p, n, c)}, {"p": p})


@rule("max_unpool2d_backward")
def _max_unpool_backward(d: Drawing) -> Case:
    case = _pooling(d)
    X = case.arrays["X"]
    _, index = formulas.max_pool2d(X, **case.scalars)
    return Case({"dY": d.normal(*X.shape), "index": index}, case.scalars)


@rule("upsample2d")
def _upsample(d: Drawing) -> Case:
    n, h, w, c = d.choose((1, 2, 0)), d.size(), d.size(), d.size(options=CHANNELS)
    return Case({"X": d.normal(n, h, w, c)}, {"factor": (d.few(), d.few()), "bilinear": d.choose((0, 1))})


@rule("upsample2d_backward")
def _upsample_backward(d: Drawing) -> Case:
    case = _upsample(d)
    dY = d.normal(*formulas.upsample2d(case.arrays["X"], **case.scalars).shape)
    return Case({"dY": dY}, case.scalars, scales={"dX": TERMS})


# Norms --------------------------------------------------------------------------------------------------------------


def _channels(d: Drawing) -> dict[str, np.ndarray]:
    """X with two positions or more, and what belongs to each channel."""
    lead, c = d.lead(least=2), d.size()
    X = d.normal(*lead, c) + d.choose((0.0, 100.0)) * d.normal(c)
    found = {
        "X": X,
        "gamma": d.normal(c),
        "beta": d.normal(c),
        "mean": d.normal(c),
        "variance": d.uniform(c, low=0.1),
    }
    return {**found, "dY": d.normal(*lead, c)}


def _normalised(X: np.ndarray, mu: np.ndarray, sigma: np.ndarray) -> float:
    """The size of X̂: what is lost when X is large and its deviation small, no formula can bring back."""
    return float(np.max(np.abs(X.astype(np.float64)) / sigma, initial=1.0))


@rule("batch_norm")
def _batch_norm(d: Drawing) -> Case:
    a = _channels(d)
    _, _, Y, mu, sigma = formulas.batch_norm(a["X"], a["gamma"], a["beta"], a["mean"], a["variance"])
    return Case(a, {"momentum": 0.9, "epsilon": 1e-5}, scales={"Y": _normalised(a["X"], mu, sigma)})


def _batch_normed(d: Drawing) -> Case:
    a = _channels(d)
    a["mu"], a["sigma"] = formulas.batch_norm(a["X"], a["gamma"], a["beta"], a["mean"], a["variance"])[3:]
    G = _largest(a["gamma"] / a["sigma"] * a["dY"]) if a["X"].size else 0.0
    return Case(a, scales={"dX": G, "dgamma": _normalised(a["X"], a["mu"], a["sigma"]), "dbeta": TERMS})


@rule("batch_norm_backward", "batch_norm_gradients")
def _batch_norm_backward(d: Drawing) -> Case:
    return _batch_normed(d)


@rule("batch_norm_fixed", "batch_norm_fixed_backward")
def _batch_norm_fixed(d: Drawing) -> Case:
    lead, c = d.lead(), d.size()
    X = d.normal(*lead, c)
    rest = {"gamma": d.normal(c), "beta": d.normal(c), "mean": d.normal(c), "variance": d.uniform(c, low=0.1)}
    return Case(
        {"X": X, "dY": d.normal(*lead, c), "sigma": d.uniform(c, low=0.3), **rest},
        {"epsilon": 1e-5},
        scales={"Y": 1.0},
    )


@rule("layer_norm", "layer_norm_backward", "layer_norm_gradients")
def _layer_norm(d: Drawing) -> Case:
    lead, c = d.lead(), d.size()
    X, dY, gamma, beta = d.normal(*lead, c), d.normal(*lead, c), d.normal(c), d.normal(c)
    X = X + d.choose((0.0, 100.0)) * d.normal(*lead, 1)
    _, mu, sigma = formulas.layer_norm(X, gamma, beta)
    lost = _normalised(X, mu[..., None], sigma[..., None])
    G = _largest(gamma * dY / sigma[..., None])
    scales = {"Y": lost, "dX": G * lost, "dgamma": lost, "dbeta": TERMS}
    return Case(
        {"X": X, "dY": dY, "gamma": gamma, "beta": beta, "mu": mu, "sigma": sigma},
        {"epsilon": 1e-5},
        scales=scales,
    )


# Symbols, states, lengths -------------------------------------------------------------------------------------------


@rule("embedding", "embedding_gradients")
def _embedding(d: Drawing) -> Case:
    lead, v, m = d.lead(), d.size(), d.size()
    return Case(
        {"index": d.integers(0, v, *lead), "W": d.normal(v, m), "dY": d.normal(*lead, m)},
        {"v": v},
        scales={"dW": TERMS},
    )


def _states(d: Drawing) -> dict[str, np.ndarray]:
    n, t, k = (
        d.choose((1, 2, 3, 7, 0)),
        d.size(options=(1, 2, 5, 9)),
        d.size(options=LARGE_CHANNELS if d.large else SMALL_STATES),
    )
    return {
        "Z": d.normal(n, t, 4 * k), "W": d.normal(k, 4 * k, scale=0.5 / np.sqrt(k)), "h0": d.normal(n, k),
        "c0": d.normal(n, k), "lengths": d.integers(0, t + 1, n), "dH": d.normal(n, t, k), "X": d.normal(n, t, k),
        "dY": d.normal(n, k), "M": 2.0 * d.integers(0, 2, n, k).astype(np.float32),
    }  # fmt: skip


SMALL_STATES = (1, 2, 3, 8, 17, 33)


@rule("lstm", "last_step", "last_step_backward")
def _lstm(d: Drawing) -> Case:
    a = _states(d)
    return Case(a, {"reverse": d.choose((0, 1)), "t": a["Z"].shape[1]})


@rule("lstm_backward")
def _lstm_backward(d: Drawing) -> Case:
    case = _lstm(d)
    a = case.arrays

    def cells_and_gates(a: dict[str, Any]) -> dict[str, Any]:
        _, C, G = formulas.lstm(
            a["Z"], a["W"], a["h0"], a["c0"], a["lengths"], a["M"], reverse=case.scalars["reverse"]
        )
        return {"C": C, "G": G}

    return Case(a, case.scalars, scales={"dh0": 0.1, "dc0": 0.1}, following=cells_and_gates)


@rule("rnn", "rnn_backward")
def _rnn(d: Drawing) -> Case:
    case = _lstm(d)
    a, k = case.arrays, case.arrays["dH"].shape[2]
    W = a["W"][:, :k].copy()
    H = formulas.rnn(a["X"], W, a["h0"], a["lengths"], a["M"], reverse=case.scalars["reverse"])
    return Case({**a, "Z": a["X"], "W": W, "H": H}, case.scalars, scales={"dh0": 0.1})


def _gru_arrays(d: Drawing) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    case = _lstm(d)
    a, k = case.arrays, case.arrays["dH"].shape[2]
    three = {"Z": a["Z"][..., : 3 * k].copy(), "W": a["W"][:, : 3 * k].copy(), "b": d.normal(k)}
    return {**a, **three}, {**case.scalars, "before": d.choose((0, 1))}


@rule("gru")
def _gru(d: Drawing) -> Case:
    return Case(*_gru_arrays(d))


@rule("gru_backward", "gru_gradients")
def _gru_passes(d: Drawing) -> Case:
    a, scalars = _gru_arrays(d)
    how = {k: scalars[k] for k in ("reverse", "before")}

    def states_and_gates(a: dict[str, Any]) -> dict[str, Any]:
        H, G = formulas.gru(a["Z"], a["W"], a["b"], a["h0"], a["lengths"], a["M"], **how)
        dZ, _ = formulas.gru_backward(a["dH"], a["W"], H, G, a["h0"], a["lengths"], a["M"], **how)
        return {"H": H, "G": G, "dZ": dZ}

    scales = {"dh0": 0.1, "dW": TERMS, "db": TERMS}
    return Case({**a, **states_and_gates(a)}, scalars, scales=scales, following=states_and_gates)


@rule("recurrent_gradients")
def _recurrent_gradients(d: Drawing) -> Case:
    case = _lstm(d)
    shape = case.arrays["dH"].shape
    given = {"H": d.normal(*shape), "dZ": d.normal(*shape[:2], d.size(options=SMALL_STATES))}
    return Case({**case.arrays, **given}, case.scalars, scales={"dW": TERMS})


@rule("state_mask")
def _state_mask(d: Drawing) -> Case:
    case = _lstm(d)
    W = case.arrays["W"]
    how = {"n": len(case.arrays["M"]), "rate": d.choose((0.0, 0.3, 0.9)), "node": 3}
    return Case({"W": W}, {**case.scalars, **how})


@rule("carry")
def _carry(d: Drawing) -> Case:
    shape = _shape(d)
    return Case({"S": d.normal(*shape), "X": d.normal(*shape)})


@rule("mask")
def _mask(d: Drawing) -> Case:
    n, h, w, c = d.size(least=0), d.few(3), d.size(), d.size()
    return Case({"X": d.normal(n, h, w, c), "lengths": d.integers(0, w + 1, n)})


@rule("output_lengths")
def _output_lengths(d: Drawing) -> Case:
    return Case(
        {"lengths": d.integers(0, 40, d.size(least=0))},
        {"window": d.few(9), "stride": d.few(4), "padding": d.few(8, least=-3)},
    )


# Shapes -------------------------------------------------------------------------------------------------------------


@rule("add")
def _add(d: Drawing) -> Case:
    shape = _shape(d)
    return Case({"A": d.normal(*shape), "B": d.normal(*shape)})


@rule("concat")
def _concat(d: Drawing) -> Case:
    lead = d.lead()
    parts = tuple(d.normal(*lead, d.size()) for _ in range(d.few(5)))
    return Case({"Xs": parts}, {"widths": tuple(X.shape[-1] for X in parts)})


@rule("split")
def _split(d: Drawing) -> Case:
    widths = tuple(d.size() for _ in range(d.few(5)))
    return Case({"Y": d.normal(*d.lead(), sum(widths))}, {"widths": widths})


@rule("permute")
def _permute(d: Drawing) -> Case:
    axes = list(range(5))
    for i in range(4):  # any order, the identity first
        j = d.choose(range(i, 5))
        axes[i], axes[j] = axes[j], axes[i]
    options = (1, 2, 3, 5) if not d.large else (1, 3, 8, 17)
    return Case({"X": d.normal(*(d.size(least=0, options=options) for _ in range(5)))}, {"axes": tuple(axes)})


@rule("pad")
def _pad(d: Drawing) -> Case:
    h, w = d.size(), d.size()
    top, bottom, left, right = (d.few(3, least=-3) for _ in range(4))
    if h + min(top, 0) + min(bottom, 0) < 1 or w + min(left, 0) + min(right, 0) < 1:
        top, bottom, left, right = abs(top), abs(bottom), abs(left), abs(right)
    return Case(
        {"X": d.normal(d.few(2, least=0), h, w, d.size())}, {"padding": ((top, bottom), (left, right))}
    )


@rule("copy")
def _copy(d: Drawing) -> Case:
    return Case({"X": d.normal(*_shape(d))})


# Losses -------------------------------------------------------------------------------------------------------------


def _one_target(missing: set[str]) -> bool:
    return len(missing & {"t", "T"}) == 1


def _classes(d: Drawing) -> tuple[dict[str, Any], dict[str, Any]]:
    lead, k = d.lead(), d.size()
    ignored = d.choose((None, -1, 0))
    t = d.integers(-1 if ignored == -1 else 0, k, *lead)
    T = (
        formulas.softmax(d.normal(*lead, k, scale=2.0))
        if d.choose((True, False))
        else formulas.one_hot(np.maximum(t, 0), k, like=d.normal(1))
    )
    arrays = {
        "X": d.normal(*lead, k, scale=d.choose((1.0, 20.0))),
        "t": t,
        "T": T,
        "weights": d.uniform(k, low=0.1, high=3.0),
    }
    scalars = {
        "smoothing": d.choose((0.0, 0.1)),
        "ignored": ignored,
        "mean": d.choose((1, 0)),
        "factor": d.choose((1.0, 0.3)),
    }
    return arrays, scalars


def _total(arrays: dict[str, Any]) -> np.ndarray:
    return np.array([max(1.0, arrays["t"].size * 0.7)], np.float32)


@rule("softmax_cross_entropy")
def _softmax_cross_entropy(d: Drawing) -> Case:
    arrays, scalars = _classes(d)
    return Case(arrays, scalars, scales={"value": 1e-2}, valid=_one_target)


@rule("softmax_cross_entropy_backward")
def _softmax_cross_entropy_backward(d: Drawing) -> Case:
    arrays, scalars = _classes(d)
    total = _total(arrays)
    scale = float(scalars["factor"] / total[0])
    return Case(
        {**arrays, "P": formulas.softmax(arrays["X"]), "total": total},
        scalars,
        scales={"dX": scale},
        valid=_one_target,
    )


@rule("cross_entropy", "cross_entropy_backward")
def _cross_entropy(d: Drawing) -> Case:
    arrays, scalars = _classes(d)
    X = np.maximum(
        formulas.softmax(arrays["X"]), np.float32(1e-6)
    )  # below 1e-7 float32 and float64 clip differently
    return Case(
        {**arrays, "X": X, "total": _total(arrays)}, scalars, scales={"value": 1e-2}, valid=_one_target
    )


@rule("binary_cross_entropy", "binary_cross_entropy_backward")
def _binary_cross_entropy(d: Drawing) -> Case:
    shape = _shape(d)
    return Case(
        {"X": d.uniform(*shape, low=0.001, high=0.999), "T": d.uniform(*shape)},
        {"factor": d.choose((1.0, 0.01))},
    )


@rule("sigmoid_binary_cross_entropy", "sigmoid_binary_cross_entropy_backward")
def _sigmoid_binary_cross_entropy(d: Drawing) -> Case:
    shape = _shape(d)
    X = d.normal(*shape, scale=d.choose((1.0, 20.0)))
    return Case({"X": X, "P": formulas.sigmoid(X), "T": d.uniform(*shape)}, {"factor": d.choose((1.0, 0.01))})


@rule("squared_error", "squared_error_backward", "smooth_l1", "smooth_l1_backward")
def _distance(d: Drawing) -> Case:
    shape = _shape(d)
    return Case(
        {"X": d.normal(*shape), "T": d.normal(*shape)},
        {"beta": d.choose((1.0, 0.2)), "factor": d.choose((1.0, 0.01))},
    )


# Lines of CTC -------------------------------------------------------------------------------------------------------


@rule("ctc")
def _ctc(d: Drawing) -> Case:
    """Lines of all lengths, targets with repeats, empty ones and some that are too long for their line."""
    n, t, k, s = d.few(5), d.size(least=0), d.size(least=2), d.choose((0, 1, 3, 17))
    blank = d.choose((0, k - 1))
    labels = ((blank + d.integers(1, min(k, 4), n, s)) % k).astype(np.int32)
    counts = d.integers(0, min(s, d.choose((s, 1, t // 3))) + 1, n)
    labels[np.arange(s) >= counts[:, None]] = -1
    arrays = {
        "X": d.normal(n, t, k, scale=d.choose((1.0, 30.0))),
        "labels": labels,
        "lengths": d.integers(0, t + 1, n),
        "label_lengths": counts,
    }
    scalars = {"blank": blank, "skip": 1, "mean": d.choose((0, 1)), "factor": d.choose((1.0, 0.01))}
    # A loss is the logarithm of a float, which near 1 has no more digits than any other.
    return Case(arrays, scalars, scales={"G": TERMS, "losses": TERMS, "value": TERMS})


@rule("ctc_backward")
def _ctc_backward(d: Drawing) -> Case:
    G = d.normal(d.few(3), d.size(least=0), d.size())
    return Case(
        {"G": G, "total": np.full(1, d.choose((1.0, 3.0)), np.float32)}, {"factor": d.choose((1.0, 0.01))}
    )


@rule("ctc_best_path")
def _decisions(d: Drawing) -> Case:
    shape = d.size(least=0), d.size()
    return Case({"X": d.choose((d.normal(*shape), d.steps(*shape)))})


@rule("ctc_read", "ctc_lattice", "ctc_best_states")
def _line(d: Drawing) -> Case:
    t, k = d.size(least=0), d.size(least=2)
    blank = d.choose((0, k - 1))
    X = d.normal(t, k, scale=3.0)
    path = d.integers(0, min(k, 3), t)
    labels = (blank + d.integers(1, k, d.choose((0, 1, t // 3, t // 2)))) % k
    arrays = {"X": X, "path": path, "labels": labels.astype(np.int32)}
    return Case(arrays, {"blank": blank}, bound=1e-10)


_MODEL = {"symbols", "states", "arcs", "log_p", "log_back"}


@rule("ctc_beam_search")
def _beam(d: Drawing) -> Case:
    """A model of texts of three letters, which some classes stand for, and words of up to four letters."""
    t, k = d.size(least=0), d.size(least=3)
    blank = d.choose((0, k - 1))
    texts = [d.random.integers(0, 3, d.random.integers(0, 9)) for _ in range(9)]
    model = language_model.automaton(*language_model.count(texts, d.choose((1, 3)), 5), 5)
    labels = [c for c in range(k) if c != blank]
    words = [d.random.choice(labels[:-1], d.random.integers(1, 5)) for _ in range(d.choose((2, 30)))]
    nodes, branches = word_tree(words, labels[-1:])
    arrays = {
        "X": d.normal(t, k, scale=d.choose((0.5, 3.0))),
        "symbols": d.integers(0, 4, k),
        "states": model.states,
        "arcs": model.arcs,
        "log_p": model.log_p.astype(np.float32),
        "log_back": model.log_back.astype(np.float32),
        "nodes": nodes,
        "branches": branches,
    }
    scalars = {
        "w": d.choose((1, 2, 5, 32)),
        "blank": blank,
        "weight": d.choose((0.0, 0.7)),
        "bonus": d.choose((0.0, 0.5, -1.0)),
        "begin": model.begin,
        "end": 4,
    }

    def valid(missing: set[str]) -> bool:  # all of a model or none of it, and so for a lexicon
        return all(len(missing & part) in (0, len(part)) for part in (_MODEL, {"nodes", "branches"}))

    return Case(arrays, scalars, bound=1e-10, valid=valid)


# Clipping -----------------------------------------------------------------------------------------------------------


@rule("gradient_norm")
def _gradient_norm(d: Drawing) -> Case:
    sizes = (20_011, 5, 4096) if d.large else tuple(d.size(least=0) for _ in range(d.few(3)))
    scale = d.choose((1.0, 1e-3, 1e25, 1e-25))  # squares of the last two leave what a float holds
    return Case({"gs": tuple(d.normal(size, scale=scale) for size in sizes)})


@rule("clip_norm", "clip_value")
def _clip(d: Drawing) -> Case:
    g = d.normal(20_011 if d.large else d.size(least=0))
    norm = d.choose((0.0, 0.4, 1.0, 70.0))
    return Case({"g": g, "norm": np.full(1, norm, np.float32)}, {"most": d.choose((0.5, 1.0, 100.0))})


@rule("max_norm")
def _max_norm(d: Drawing) -> Case:
    lead, k, b = d.lead(), d.size(), d.choose((1, 1, d.size()))
    W = d.normal(*lead, k, b) * d.uniform(k, 1)
    size = float(np.sqrt(np.mean(W**2) * W.size / k)) if W.size else 1.0
    return Case({"W": W}, {"most": d.choose((0.5, 1.0, 10.0)) * max(size, 0.1)})


# Optimizers ---------------------------------------------------------------------------------------------------------


@rule("gradient_descent", "momentum", "adagrad", "rmsprop", "adam")
def _optimizer(d: Drawing) -> Case:
    p = 20_011 if d.large else d.size(least=0)
    arrays = {
        "W": d.normal(p),
        "g": d.normal(p),
        "v": d.normal(p),
        "m": d.normal(p),
        "s": d.uniform(p, low=0.01),
    }
    scalars = {
        "momentum": 0.9, "nesterov": d.choose((0, 1)), "epsilon": 1e-8, "rho": 0.99, "beta1": 0.9, "beta2": 0.999,
        "decoupled": d.choose((0, 1)), "born": d.choose((0, 2)), "rate": d.choose((1.0, 0.1)),
        "decay": d.choose((0.0, 0.01)),
    }  # fmt: skip
    return Case(arrays, scalars)
