"""Every backward pass and weight gradient against central differences, over drawn shapes, options and memory orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klarnet import formulas as f
from klarnet.formulas.checks import check, projection

Draw = Any
SEEDS = st.integers(0, 2**32 - 1)
small = st.integers(1, 4)


def reversed_strides(A: np.ndarray) -> np.ndarray:
    turned = (slice(None, None, -1),) * A.ndim
    return np.ascontiguousarray(A[turned])[turned]


def every_second(A: np.ndarray) -> np.ndarray:
    wide = np.full((*A.shape[:-1], 2 * A.shape[-1]), np.nan) if A.ndim else A
    wide[..., ::2] = A
    return wide[..., ::2]


ORDERS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "row-major": np.ascontiguousarray,
    "column-major": np.asfortranarray,
    "reversed": reversed_strides,
    "every second": every_second,
}


@st.composite
def arrays(draw: Draw, *shape: int, low: float | None = None, high: float = 1.0) -> np.ndarray:
    """Normal numbers, or uniform ones in [low, high], in some memory order."""
    generator = np.random.default_rng(draw(SEEDS))
    A = generator.standard_normal(shape) if low is None else generator.uniform(low, high, shape)
    return ORDERS[draw(st.sampled_from(sorted(ORDERS)))](A)


def agree(
    name: str,
    f: Callable[[np.ndarray], np.ndarray],
    X: np.ndarray,
    back: Callable[[np.ndarray], np.ndarray],
    order: str = "row-major",
) -> None:
    """f(X) → Y, back(dY) → dX: is dX the gradient?"""
    dY = projection(f(X).shape)
    check(f, X, back(ORDERS[order](dY)), dY, entries=12, name=name)


orders = st.sampled_from(sorted(ORDERS))


# Activations -------------------------------------------------------------------------------------------------------

ACTIVATIONS = {
    "relu": "Y",
    "leaky_relu": "X",
    "elu": "Y",
    "gelu": "X",
    "silu": "X",
    "tanh": "Y",
    "sigmoid": "Y",
    "softmax": "Y",
    "log_softmax": "Y",
}


@pytest.mark.parametrize("name", ACTIVATIONS)
@given(data=st.data(), shape=st.lists(small, min_size=1, max_size=4), order=orders)
def test_activation(name: str, data: Any, shape: list[int], order: str) -> None:
    X = data.draw(arrays(*shape)) * 2.0
    options = {"leaky_relu": {"slope": 0.2}, "elu": {"alpha": 0.7}}.get(name, {})
    function, backward = getattr(f, name), getattr(f, f"{name}_backward")
    kept = X if ACTIVATIONS[name] == "X" else function(X, **options)
    agree(name, lambda X: function(X, **options), X, lambda dY: backward(dY, kept, **options), order)


@given(data=st.data(), shape=st.lists(small, min_size=1, max_size=4), rate=st.sampled_from([0.0, 0.3, 0.9]))
def test_dropout_and_noise(data: Any, shape: list[int], rate: float) -> None:
    X, options = data.draw(arrays(*shape)), {"node": 3, "seed": 5, "step": 7}
    agree(
        "dropout",
        lambda X: f.dropout(X, rate=rate, **options),
        X,
        lambda dY: f.dropout_backward(dY, rate=rate, **options),
    )
    agree("noise", lambda X: f.gaussian_noise(X, deviation=rate, **options), X, lambda dY: dY)


# Dense, convolution, pooling ---------------------------------------------------------------------------------------


@given(data=st.data(), lead=st.lists(small, max_size=3), m=small, k=small, order=orders)
def test_dense(data: Any, lead: list[int], m: int, k: int, order: str) -> None:
    X, W, b = data.draw(arrays(*lead, m)), data.draw(arrays(m, k)), data.draw(arrays(k))
    agree("dX", lambda X: f.dense(X, W, b), X, lambda dY: f.dense_backward(dY, W), order)
    agree("dW", lambda W: f.dense(X, W, b), W, lambda dY: f.dense_gradients(X, dY)[0], order)
    agree("db", lambda b: f.dense(X, W, b), b, lambda dY: f.dense_gradients(X, dY)[1], order)


@st.composite
def windows(draw: Draw, *, dilated: bool) -> tuple[tuple[int, int], dict[str, Any], tuple[int, int]]:
    """A window, the options that go with it, and a map on which at least one window fits."""
    window = draw(small), draw(small)
    stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    dilation = (draw(st.integers(1, 3)), draw(st.integers(1, 2))) if dilated else (1, 1)
    padding = f.explicit_padding(
        draw(
            st.one_of(
                st.sampled_from(["valid", "half", "full"]),
                st.integers(0, 2),
                st.tuples(
                    st.tuples(st.integers(0, 2), st.integers(0, 2)),
                    st.tuples(st.integers(0, 2), st.integers(0, 2)),
                ),
            )
        ),
        window,
        dilation,
    )
    least = [max(d * (w - 1) + 1 - sum(p), 1) for d, w, p in zip(dilation, window, padding, strict=True)]
    size = tuple(low + draw(st.integers(0, 4)) for low in least)
    options = {"stride": stride, "padding": padding}
    return window, options | ({"dilation": dilation} if dilated else {}), size


@given(
    data=st.data(),
    drawn=windows(dilated=True),
    n=st.integers(1, 2),
    groups=st.integers(1, 3),
    d=st.integers(1, 2),
    each=st.integers(1, 2),
    order=orders,
)
def test_convolution(data: Any, drawn: Any, n: int, groups: int, d: int, each: int, order: str) -> None:
    (p, q), options, (h, w) = drawn
    options = options | {"groups": groups}
    X, F = data.draw(arrays(n, h, w, groups * d)), data.draw(arrays(p, q, d, groups * each))
    b = data.draw(arrays(groups * each))
    agree(
        "dX",
        lambda X: f.conv2d(X, F, b, **options),
        X,
        lambda dY: f.conv2d_backward(dY, F, h=h, w=w, **options),
        order,
    )
    agree(
        "dF",
        lambda F: f.conv2d(X, F, b, **options),
        F,
        lambda dY: f.conv2d_gradients(X, dY, p=p, q=q, **options)[0],
        order,
    )
    agree(
        "db",
        lambda b: f.conv2d(X, F, b, **options),
        b,
        lambda dY: f.conv2d_gradients(X, dY, p=p, q=q, **options)[1],
        order,
    )


@given(data=st.data(), drawn=windows(dilated=True), n=st.integers(1, 2), groups=st.integers(1, 2))
def test_convolution_of_sequences(data: Any, drawn: Any, n: int, groups: int) -> None:
    (_, q), options, (_, t) = drawn
    options = {name: value[1] for name, value in options.items()} | {"groups": groups}
    X, F, b = (
        data.draw(arrays(n, t, 2 * groups)),
        data.draw(arrays(q, 2, 2 * groups)),
        data.draw(arrays(2 * groups)),
    )
    agree(
        "dX", lambda X: f.conv1d(X, F, b, **options), X, lambda dY: f.conv1d_backward(dY, F, t=t, **options)
    )
    agree(
        "dF",
        lambda F: f.conv1d(X, F, b, **options),
        F,
        lambda dY: f.conv1d_gradients(X, dY, q=q, **options)[0],
    )
    agree(
        "db",
        lambda b: f.conv1d(X, F, b, **options),
        b,
        lambda dY: f.conv1d_gradients(X, dY, q=q, **options)[1],
    )


@given(data=st.data(), drawn=windows(dilated=False), n=st.integers(1, 2), c=st.integers(1, 3), order=orders)
def test_max_pooling(data: Any, drawn: Any, n: int, c: int, order: str) -> None:
    window, options, (h, w) = drawn
    X, options = data.draw(arrays(n, h, w, c)), options | {"window": window}
    Y, index = f.max_pool2d(X, **options)
    reached = np.isfinite(Y)  # with full padding some windows see no cell of the map
    agree(
        "dX",
        lambda X: np.where(reached, f.max_pool2d(X, **options)[0], 0.0),
        X,
        lambda dY: f.max_pool2d_backward(dY * reached, index, h=h, w=w, **options),
        order,
    )


@given(
    data=st.data(),
    drawn=windows(dilated=False),
    n=st.integers(1, 2),
    c=st.integers(1, 3),
    order=orders,
    count=st.integers(0, 1),
)
def test_average_pooling(data: Any, drawn: Any, n: int, c: int, order: str, count: int) -> None:
    window, options, (h, w) = drawn
    X, options = data.draw(arrays(n, h, w, c)), options | {"window": window, "count_padding": count}
    agree(
        "dX",
        lambda X: f.average_pool2d(X, **options),
        X,
        lambda dY: f.average_pool2d_backward(dY, h=h, w=w, **options),
        order,
    )
    P = X.reshape(n, h * w, c)
    agree("global", f.global_average, P, lambda dY: f.global_average_backward(dY, p=h * w), order)


@given(data=st.data(), n=small, p=small, c=small, varied=st.booleans())
def test_global_max(data: Any, n: int, p: int, c: int, varied: bool) -> None:
    X = data.draw(arrays(n, p, c))
    lengths = np.array(data.draw(st.lists(st.integers(0, p), min_size=n, max_size=n)), np.int32)
    given_ = lengths if varied else None
    index = f.global_max(X, given_)[1]
    agree("max", lambda X: f.global_max(X, given_)[0], X, lambda dY: f.global_max_backward(dY, index, p=p))


# Norms -------------------------------------------------------------------------------------------------------------


@given(data=st.data(), lead=st.lists(small, min_size=1, max_size=3), c=small, order=orders)
def test_batch_norm(data: Any, lead: list[int], c: int, order: str) -> None:
    X, gamma, beta = data.draw(arrays(lead[0] + 2, *lead[1:], c)), data.draw(arrays(c)), data.draw(arrays(c))
    mean, variance = data.draw(arrays(c)), data.draw(arrays(c, low=0.5))

    def forward(X: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
        return f.batch_norm(X, gamma, beta, mean, variance, epsilon=0.01)[2]

    *_, mu, sigma = f.batch_norm(X, gamma, beta, mean, variance, epsilon=0.01)
    agree(
        "dX",
        lambda X: forward(X, gamma, beta),
        X,
        lambda dY: f.batch_norm_backward(dY, X, mu, sigma, gamma),
        order,
    )
    agree(
        "dgamma",
        lambda gamma: forward(X, gamma, beta),
        gamma,
        lambda dY: f.batch_norm_gradients(dY, X, mu, sigma)[0],
        order,
    )
    agree(
        "dbeta",
        lambda beta: forward(X, gamma, beta),
        beta,
        lambda dY: f.batch_norm_gradients(dY, X, mu, sigma)[1],
        order,
    )
    _, mu, sigma = f.batch_norm_fixed(X, gamma, beta, mean, variance)
    agree(
        "fixed",
        lambda X: f.batch_norm_fixed(X, gamma, beta, mean, variance)[0],
        X,
        lambda dY: f.batch_norm_fixed_backward(dY, sigma, gamma),
        order,
    )


@given(data=st.data(), lead=st.lists(small, max_size=3), c=small, order=orders)
def test_layer_norm(data: Any, lead: list[int], c: int, order: str) -> None:
    X, gamma, beta = data.draw(arrays(*lead, c)), data.draw(arrays(c)), data.draw(arrays(c))
    _, mu, sigma = f.layer_norm(X, gamma, beta, epsilon=0.01)
    agree(
        "dX",
        lambda X: f.layer_norm(X, gamma, beta, epsilon=0.01)[0],
        X,
        lambda dY: f.layer_norm_backward(dY, X, mu, sigma, gamma),
        order,
    )
    agree(
        "dgamma",
        lambda gamma: f.layer_norm(X, gamma, beta, epsilon=0.01)[0],
        gamma,
        lambda dY: f.layer_norm_gradients(dY, X, mu, sigma)[0],
        order,
    )
    agree(
        "dbeta",
        lambda beta: f.layer_norm(X, gamma, beta, epsilon=0.01)[0],
        beta,
        lambda dY: f.layer_norm_gradients(dY, X, mu, sigma)[1],
        order,
    )


# Embedding, highway, recurrent -------------------------------------------------------------------------------------


@given(data=st.data(), shape=st.lists(small, min_size=1, max_size=3), v=small, m=small, order=orders)
def test_embedding(data: Any, shape: list[int], v: int, m: int, order: str) -> None:
    W, index = data.draw(arrays(v, m)), np.random.default_rng(data.draw(SEEDS)).integers(0, v, shape)
    agree("dW", lambda W: f.embedding(index, W), W, lambda dY: f.embedding_gradients(index, dY, v=v), order)


@given(data=st.data(), shape=st.lists(small, min_size=1, max_size=3), order=orders)
def test_highway(data: Any, shape: list[int], order: str) -> None:
    H, T, X = (data.draw(arrays(*shape)) for _ in range(3))
    agree("dH", lambda H: f.highway(H, T, X), H, lambda dY: f.highway_backward(dY, H, T, X)[0], order)
    agree("dT", lambda T: f.highway(H, T, X), T, lambda dY: f.highway_backward(dY, H, T, X)[1], order)
    agree("dX", lambda X: f.highway(H, T, X), X, lambda dY: f.highway_backward(dY, H, T, X)[2], order)


recurrent = given(
    data=st.data(),
    n=st.integers(1, 3),
    t=st.integers(1, 5),
    k=st.integers(1, 3),
    reverse=st.integers(0, 1),
    varied=st.booleans(),
    initial=st.booleans(),
)


def drawn_lengths(data: Any, n: int, t: int, varied: bool) -> np.ndarray | None:
    if not varied:
        return None
    return np.array(data.draw(st.lists(st.integers(0, t), min_size=n, max_size=n)), np.int32)


def drawn_mask(data: Any, n: int, k: int) -> np.ndarray | None:
    """A mask of states as dropout draws it, or none."""
    rate = data.draw(st.sampled_from([None, 0.5]))
    if rate is None:
        return None
    return f.state_mask(
        np.ones((k, 1)), n=n, rate=rate, node=3, reverse=0, seed=data.draw(st.integers(0, 99)), step=1
    )


@recurrent
def test_lstm(data: Any, n: int, t: int, k: int, reverse: int, varied: bool, initial: bool) -> None:
    Z, W = data.draw(arrays(n, t, 4 * k)), data.draw(arrays(k, 4 * k))
    h0, c0 = (data.draw(arrays(n, k)), data.draw(arrays(n, k))) if initial else (None, None)
    lengths = drawn_lengths(data, n, t, varied)
    M = drawn_mask(data, n, k)
    H, C, G = f.lstm(Z, W, h0, c0, lengths, M, reverse=reverse)

    def back(dH: np.ndarray) -> tuple[np.ndarray, ...]:
        return f.lstm_backward(dH, W, C, G, c0, lengths, M, reverse=reverse)

    agree("dZ", lambda Z: f.lstm(Z, W, h0, c0, lengths, M, reverse=reverse)[0], Z, lambda dH: back(dH)[0])
    agree(
        "dW",
        lambda W: f.lstm(Z, W, h0, c0, lengths, M, reverse=reverse)[0],
        W,
        lambda dH: f.recurrent_gradients(H, back(dH)[0], h0, lengths, M, reverse=reverse),
    )
    if initial:
        agree(
            "dh0", lambda h0: f.lstm(Z, W, h0, c0, lengths, M, reverse=reverse)[0], h0, lambda dH: back(dH)[1]
        )
        agree(
            "dc0", lambda c0: f.lstm(Z, W, h0, c0, lengths, M, reverse=reverse)[0], c0, lambda dH: back(dH)[2]
        )


@recurrent
def test_rnn(data: Any, n: int, t: int, k: int, reverse: int, varied: bool, initial: bool) -> None:
    Z, W = data.draw(arrays(n, t, k)), data.draw(arrays(k, k))
    h0, lengths = data.draw(arrays(n, k)) if initial else None, drawn_lengths(data, n, t, varied)
    M = drawn_mask(data, n, k)

    def forward(Z: np.ndarray = Z, W: np.ndarray = W, h0: np.ndarray | None = h0) -> np.ndarray:
        return f.rnn(Z, W, h0, lengths, M, reverse=reverse)

    def back(dH: np.ndarray) -> tuple[np.ndarray, ...]:
        return f.rnn_backward(dH, W, forward(), lengths, M, reverse=reverse)

    def gradients(dH: np.ndarray) -> np.ndarray:
        return f.recurrent_gradients(forward(), back(dH)[0], h0, lengths, M, reverse=reverse)

    agree("dZ", lambda Z: forward(Z=Z), Z, lambda dH: back(dH)[0])
    agree("dW", lambda W: forward(W=W), W, gradients)
    if h0 is not None:
        agree("dh0", lambda h0: forward(h0=h0), h0, lambda dH: back(dH)[1])


@recurrent
def test_gru(data: Any, n: int, t: int, k: int, reverse: int, varied: bool, initial: bool) -> None:
    Z, W, b = data.draw(arrays(n, t, 3 * k)), data.draw(arrays(k, 3 * k)), data.draw(arrays(k))
    h0, lengths = data.draw(arrays(n, k)) if initial else None, drawn_lengths(data, n, t, varied)
    M = drawn_mask(data, n, k)
    how = {"reverse": reverse, "before": data.draw(st.integers(0, 1))}

    def forward(
        Z: np.ndarray = Z, W: np.ndarray = W, b: np.ndarray = b, h0: np.ndarray | None = h0
    ) -> np.ndarray:
        return f.gru(Z, W, b, h0, lengths, M, **how)[0]

    H, G = f.gru(Z, W, b, h0, lengths, M, **how)

    def back(dH: np.ndarray) -> tuple[np.ndarray, ...]:
        return f.gru_backward(dH, W, H, G, h0, lengths, M, **how)

    def gradients(dH: np.ndarray) -> tuple[np.ndarray, ...]:
        return f.gru_gradients(H, back(dH)[0], G, h0, lengths, M, **how)

    agree("dZ", lambda Z: forward(Z=Z), Z, lambda dH: back(dH)[0])
    agree("dW", lambda W: forward(W=W), W, lambda dH: gradients(dH)[0])
    agree("db", lambda b: forward(b=b), b, lambda dH: gradients(dH)[1])
    if h0 is not None:
        agree("dh0", lambda h0: forward(h0=h0), h0, lambda dH: back(dH)[1])


@given(
    data=st.data(),
    n=st.integers(1, 3),
    t=st.integers(1, 5),
    k=st.integers(1, 3),
    reverse=st.integers(0, 1),
    varied=st.booleans(),
)
def test_last_step_and_mask(data: Any, n: int, t: int, k: int, reverse: int, varied: bool) -> None:
    X = data.draw(arrays(n, t, k))
    lengths = np.array(data.draw(st.lists(st.integers(0, t), min_size=n, max_size=n)), np.int32)
    given_ = lengths if varied else None
    agree(
        "last",
        lambda X: f.last_step(X, given_, reverse=reverse),
        X,
        lambda dY: f.last_step_backward(dY, given_, t=t, reverse=reverse)[0],
    )
    agree(
        "last, of the initial state",
        lambda h0: f.last_step(X, given_, h0, reverse=reverse),
        data.draw(arrays(n, k)),
        lambda dY: f.last_step_backward(dY, given_, t=t, reverse=reverse)[1],
    )
    X = data.draw(arrays(n, 2, t, k))
    agree("mask", lambda X: f.mask(X, lengths), X, lambda dY: f.mask(dY, lengths))


# Merges and shapes -------------------------------------------------------------------------------------------------


@given(
    data=st.data(),
    lead=st.lists(small, max_size=3),
    widths=st.lists(small, min_size=1, max_size=3),
    order=orders,
)
def test_merge(data: Any, lead: list[int], widths: list[int], order: str) -> None:
    Xs = [data.draw(arrays(*lead, w)) for w in widths]
    for i, X in enumerate(Xs):
        agree(
            "concat",
            lambda X, i=i: f.concat((*Xs[:i], X, *Xs[i + 1 :]), widths=widths),
            X,
            lambda dY, i=i: f.split(dY, widths=widths)[i],
            order,
        )
    agree("add", lambda X: f.add(X, Xs[0]), Xs[0], lambda dY: dY, order)


@given(
    data=st.data(),
    n=st.integers(1, 2),
    h=st.integers(3, 5),
    w=st.integers(3, 5),
    order=orders,
    sides=st.tuples(*[st.integers(-1, 2)] * 4),
    axes=st.permutations(range(4)),
)
def test_shape(data: Any, n: int, h: int, w: int, order: str, sides: Any, axes: list[int]) -> None:
    X, (top, bottom, left, right) = data.draw(arrays(n, h, w, 2)), sides
    agree(
        "pad",
        lambda X: f.pad(X, padding=((top, bottom), (left, right))),
        X,
        lambda dY: f.pad(dY, padding=((-top, -bottom), (-left, -right))),
        order,
    )
    agree(
        "permute",
        lambda X: f.permute(X, axes=axes),
        X,
        lambda dY: f.permute(dY, axes=np.argsort(axes)),
        order,
    )


# Losses ------------------------------------------------------------------------------------------------------------


@given(
    data=st.data(),
    lead=st.lists(small, max_size=3),
    k=st.integers(1, 5),
    soft=st.booleans(),
    weighted=st.booleans(),
    smoothing=st.sampled_from([0.0, 0.1]),
    ignored=st.sampled_from([None, 0, -1]),
    mean=st.integers(0, 1),
    factor=st.sampled_from([1.0, 0.3]),
    logits=st.booleans(),
)
def test_cross_entropy(
    data: Any,
    lead: list[int],
    k: int,
    soft: bool,
    weighted: bool,
    smoothing: float,
    ignored: int | None,
    mean: int,
    factor: float,
    logits: bool,
) -> None:
    X = data.draw(arrays(*lead, k)) if logits else data.draw(arrays(*lead, k, low=0.1))
    generator = np.random.default_rng(data.draw(SEEDS))
    t, T = (None, generator.dirichlet(np.ones(k), lead)) if soft else (generator.integers(0, k, lead), None)
    if t is not None and ignored is not None:
        t = np.where(generator.random(lead) < 0.3, ignored, t)
    weights = data.draw(arrays(k, low=0.2)) if weighted else None
    options = {"smoothing": smoothing, "ignored": ignored, "factor": factor}
    if logits:
        _, P, total = f.softmax_cross_entropy(X, t, T, weights, mean=mean, **options)
        agree(
            "dX",
            lambda X: f.softmax_cross_entropy(X, t, T, weights, mean=mean, **options)[0],
            X,
            lambda d: d * f.softmax_cross_entropy_backward(P, t, T, weights, total, **options),
        )
    else:
        _, total = f.cross_entropy(X, t, T, weights, mean=mean, **options)
        agree(
            "dX",
            lambda X: f.cross_entropy(X, t, T, weights, mean=mean, **options)[0],
            X,
            lambda d: d * f.cross_entropy_backward(X, t, T, weights, total, **options),
        )


@pytest.mark.parametrize(
    "name", ["binary_cross_entropy", "sigmoid_binary_cross_entropy", "squared_error", "smooth_l1", "huber"]
)
@given(
    data=st.data(),
    shape=st.lists(small, min_size=1, max_size=3),
    factor=st.sampled_from([1.0, 0.3]),
    beta=st.sampled_from([0.5, 1.0]),
)
def test_loss_of_numbers(name: str, data: Any, shape: list[int], factor: float, beta: float) -> None:
    binary = name == "binary_cross_entropy"
    X = data.draw(arrays(*shape, low=0.1, high=0.9) if binary else arrays(*shape))
    T, options = data.draw(arrays(*shape, low=0.0)), {"factor": factor}
    if name in ("smooth_l1", "huber"):
        options["beta"] = beta
    function, backward = getattr(f, name), getattr(f, f"{name}_backward")
    if name.startswith("sigmoid"):
        P = function(X, T, **options)[1]
        agree(name, lambda X: function(X, T, **options)[0], X, lambda d: d * backward(P, T, **options))
    else:
        agree(name, lambda X: function(X, T, **options), X, lambda d: d * backward(X, T, **options))
