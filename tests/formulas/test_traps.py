"""Faults that users of other libraries ran into, as small inputs with the right answer."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from klarnet import formulas as f

FLOATS = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture
def every_warning_an_error():
    with np.errstate(all="raise"):
        yield


@FLOATS
def test_large_inputs_neither_overflow_nor_warn(dtype: type, every_warning_an_error: None) -> None:
    X = np.array([1000, 999, 0], dtype)
    Y, L = f.softmax(X), f.log_softmax(X)
    assert_allclose(Y, [0.731058579, 0.268941421, 0], rtol=1e-6)
    assert_allclose(L, [-0.313261688, -1.313261688, -1000.313261688], rtol=1e-6)
    for name in ("relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid"):
        function, backward = getattr(f, name), getattr(f, f"{name}_backward")
        X = np.array([-1000, 1000], dtype)
        Y = function(X)
        dX = backward(np.ones(2, dtype), X if name in ("leaky_relu", "gelu", "silu") else Y)
        assert np.all(np.isfinite(Y)) and np.all(np.isfinite(dX))
        ends = {"tanh": [-1, 1], "sigmoid": [0, 1], "elu": [-1, 1000], "leaky_relu": [-10, 1000]}
        assert_allclose(Y, ends.get(name, [0, 1000]), atol=1e-30)
    for dX in (
        f.softmax_backward(np.ones(3, dtype), f.softmax(np.array([1000, 999, 0], dtype))),
        f.log_softmax_backward(np.ones(3, dtype), L),
    ):
        assert np.all(np.isfinite(dX))


@FLOATS
def test_a_class_masked_out_by_minus_infinity(dtype: type, every_warning_an_error: None) -> None:
    X, t = np.array([[-np.inf, 0, 0]], dtype), np.array([1])
    assert_allclose(f.log_softmax(X), [[-np.inf, -0.693147181, -0.693147181]], rtol=1e-6)
    value, P, total = f.softmax_cross_entropy(X, t)
    assert_allclose(value, [0.693147181], rtol=1e-6)
    assert_allclose(f.softmax_cross_entropy_backward(P, t, None, None, total), [[0, -0.5, 0.5]])
    assert_allclose(f.log_softmax_backward(np.array([[0, -1, 0]], dtype), f.log_softmax(X)), [[0, -0.5, 0.5]])


def test_layer_norm_does_not_cancel() -> None:
    X = np.array([[40000, 40001, 40002, 40003]], np.float32)
    Y, *_ = f.layer_norm(X, np.ones(4, np.float32), np.zeros(4, np.float32), epsilon=1e-5)
    assert_allclose(Y, [[-1.341635420, -0.447211807, 0.447211807, 1.341635420]], rtol=1e-6)
    for value in (1234.0, 1234.1):
        Y, *_ = f.layer_norm(
            np.full((1, 256), value, np.float32), np.ones(256, np.float32), np.zeros(256, np.float32)
        )
        assert_array_equal(Y, 0)


def test_batch_norm_of_one_value_is_refused_and_of_sixteen_works() -> None:
    ones = np.ones(8)
    with pytest.raises(ValueError, match=r"batch_norm: expected two positions or more .* got X \(1, 8\)"):
        f.batch_norm(np.ones((1, 8)), ones, ones, ones, ones)
    X = np.random.default_rng(1).normal(size=(1, 4, 4, 8))
    *_, Y, mu, sigma = f.batch_norm(X, ones, 0 * ones, ones, ones, epsilon=0.0)
    assert_allclose(Y.mean((0, 1, 2)), 0, atol=1e-12)
    assert_allclose(Y.std((0, 1, 2)), 1)


def test_max_pooling_of_nan_infinities_and_ties() -> None:
    def pooled(*cells: float) -> tuple[float, int]:
        Y, index = f.max_pool2d(np.array(cells, float).reshape(1, 2, 2, 1), window=(2, 2), stride=(2, 2))
        return float(Y[0, 0, 0, 0]), int(index[0, 0, 0, 0])

    assert np.isnan(pooled(np.nan, 1, 2, 3)[0]) and pooled(np.nan, 1, 2, 3)[1] == 0
    assert pooled(3, np.inf, np.nan, np.nan)[1] == 2  # the first of several
    assert pooled(*[-np.inf] * 4) == (-np.inf, 0)
    assert pooled(5, 5, 1, 5) == (5.0, 0)
    index = np.zeros((1, 1, 1, 1), np.uint16)
    dX = f.max_pool2d_backward(np.ones((1, 1, 1, 1)), index, h=2, w=2, window=(2, 2), stride=(2, 2))
    assert_array_equal(dX[0, :, :, 0], [[1, 0], [0, 0]])


def test_max_pooling_never_points_into_the_padding() -> None:
    X, options = (
        np.full((1, 2, 2, 1), -np.inf),
        {"window": (2, 2), "stride": (2, 2), "padding": ((1, 1), (1, 1))},
    )
    _, index = f.max_pool2d(X, **options)
    assert_array_equal(index[0, :, :, 0], [[3, 2], [1, 0]])
    dX = f.max_pool2d_backward(np.ones((1, 2, 2, 1)), index, h=2, w=2, **options)
    assert_array_equal(dX[0, :, :, 0], [[1, 1], [1, 1]])  # no gradient is lost in the padding


def test_half_padding() -> None:
    def convolved(x: list[float], F: list[float], stride: int) -> list[float]:
        padding = f.explicit_padding("half", (1, len(F)))[1]
        X, W = np.array(x).reshape(1, -1, 1), np.array(F).reshape(-1, 1, 1)
        return list(f.conv1d(X, W, stride=stride, padding=padding)[0, :, 0])

    assert convolved([1, 2, 3, 4, 5, 6], [1.0, 1.0, 1.0], 2) == [3, 9, 15]
    assert convolved([1, 2, 3], [1.0, 1.0], 1) == [3, 5, 3]


@pytest.mark.parametrize(("size", "window", "dilation"), [(4, 6, 1), (5, 3, 3), (2, 3, 1)])
def test_a_window_larger_than_the_map_is_refused_with_both_sizes(
    size: int, window: int, dilation: int
) -> None:
    span = dilation * (window - 1) + 1
    with pytest.raises(ValueError, match=f"spans {span} does not fit into {size} cells"):
        f.output_size(size, window, dilation=dilation)


@pytest.mark.parametrize("wrong", [10, -1])
def test_embedding_outside_names_the_place(wrong: int) -> None:
    index = np.array([[1, 2, 9], [0, wrong, wrong]])
    with pytest.raises(ValueError, match=rf"index numbers from 0 to 9, got {wrong} at position \(1, 1\)"):
        f.embedding(index, np.ones((10, 2)))
    with pytest.raises(ValueError, match=rf"got {wrong} at position \(1, 1\)"):
        f.embedding_gradients(index, np.ones((2, 3, 2)), v=10)
    with pytest.raises(TypeError, match="integer type, got float64"):
        f.embedding(np.ones(2), np.ones((10, 2)))


@pytest.mark.parametrize("wrong", [3, -4])
def test_a_label_outside_names_the_place(wrong: int) -> None:
    for page in (f.softmax_cross_entropy, f.cross_entropy):
        with pytest.raises(ValueError, match=rf"class numbers from 0 to 2, got {wrong} at position \(2,\)"):
            page(np.full((4, 3), 1 / 3), np.array([0, -1, wrong, wrong]), ignored=-1)


@pytest.mark.parametrize("channels", [1, 3])
def test_pooling_of_an_odd_map_keeps_its_places(channels: int) -> None:
    X = (np.arange(25.0)[:, None] + 100 * np.arange(channels)).reshape(1, 5, 5, channels)
    Y, index = f.max_pool2d(X, window=(2, 2), stride=(2, 2))
    assert_array_equal(Y[0, :, :, 0], [[6, 8], [16, 18]])
    back = f.max_pool2d_backward(Y, index, h=5, w=5, window=(2, 2), stride=(2, 2))
    wanted = np.zeros_like(X)
    for i in (1, 3):
        for j in (1, 3):
            wanted[0, i, j] = X[0, i, j]
    assert_array_equal(back, wanted)


def test_all_labels_ignored_gives_no_gradient(every_warning_an_error: None) -> None:
    X, t = np.random.default_rng(1).normal(size=(5, 3)), np.full(5, -1)
    for weights in (None, np.array([1.0, 2.0, 3.0])):
        value, P, total = f.softmax_cross_entropy(X, t, None, weights, ignored=-1, smoothing=0.1)
        dX = f.softmax_cross_entropy_backward(P, t, None, weights, total, ignored=-1, smoothing=0.1)
        assert value == 0 and total == 1 and np.all(dX == 0)
        value, total = f.cross_entropy(P, t, None, weights, ignored=-1)
        assert value == 0 and total == 1
        assert np.all(f.cross_entropy_backward(P, t, None, weights, total, ignored=-1) == 0)


def test_smoothing_spares_ignored_examples() -> None:
    X, t = np.array([[2.0, 0, 0], [0, 3, 0], [5, 1, 1]]), np.array([0, 1, -1])
    value, *_ = f.softmax_cross_entropy(X, t, smoothing=0.1, ignored=-1)
    assert_allclose(value, [0.333900528], rtol=1e-8)
    assert_allclose(f.softmax_cross_entropy(X[:2], t[:2], smoothing=0.1)[0], value, rtol=1e-14)
    for i, alone in enumerate((0.372878100, 0.294922956)):
        assert_allclose(
            f.softmax_cross_entropy(X[i : i + 1], t[i : i + 1], smoothing=0.1)[0], [alone], rtol=1e-8
        )


@FLOATS
def test_binary_cross_entropy_at_the_ends(dtype: type, every_warning_an_error: None) -> None:
    ends = np.array([1, 0], dtype)
    assert f.binary_cross_entropy(ends, ends) == 0
    assert np.all(np.isfinite(f.binary_cross_entropy_backward(ends, ends)))
    assert np.all(np.isfinite(f.binary_cross_entropy_backward(ends, 1 - ends)))
    X, T = np.array([1000, -1000], dtype), np.ones(2, dtype)
    losses = [float(f.sigmoid_binary_cross_entropy(X[i : i + 1], T[i : i + 1])[0][0]) for i in range(2)]
    assert losses == [0, 1000]
    _, P = f.sigmoid_binary_cross_entropy(X, T)
    assert_array_equal(f.sigmoid_binary_cross_entropy_backward(P, T), [0, -1])


@pytest.mark.parametrize(
    "name", ["squared_error", "smooth_l1", "huber", "binary_cross_entropy", "sigmoid_binary_cross_entropy"]
)
def test_shapes_are_never_broadcast(name: str) -> None:
    X, T = np.array([[0.1], [0.2], [0.3]]), np.array([0.1, 0.2, 0.3])
    for page in (name, f"{name}_backward"):
        with pytest.raises(ValueError, match=r"expected arrays of one shape, got [XP] \(3, 1\), T \(3,\)"):
            getattr(f, page)(X, T)


@pytest.mark.parametrize("reverse", [0, 1])
def test_lstm_of_length_zero(reverse: int) -> None:
    generator = np.random.default_rng(1)
    x, Wx, W, b = (generator.normal(size=s) for s in ((2, 2, 3), (3, 8), (2, 8), (8,)))
    h0, c0, dH = (generator.normal(size=s) for s in ((2, 2), (2, 2), (2, 2, 2)))
    lengths = np.array([0, 2])
    H, C, G = f.lstm(f.dense(x, Wx, b), W, h0, c0, lengths, reverse=reverse)
    dZ, dh0, dc0 = f.lstm_backward(dH, W, C, G, c0, lengths, reverse=reverse)
    assert np.all(H[0] == 0) and np.all(dZ[0] == 0) and np.all(dh0[0] == 0) and np.all(dc0[0] == 0)
    assert_array_equal(C[0], [c0[0], c0[0]])  # the state stays as it was
    assert_array_equal(f.last_step(H, lengths, reverse=reverse)[0], 0)
    assert_array_equal(f.last_step(H, lengths, h0, reverse=reverse)[0], h0[0])
    assert_array_equal(f.last_step(C, lengths, c0, reverse=0)[0], c0[0])
    one = slice(1, 2)
    alone = f.lstm(f.dense(x[one], Wx, b), W, h0[one], c0[one], reverse=reverse)
    for together, single in zip((H, C, G), alone, strict=True):
        assert_allclose(together[one], single, rtol=1e-14)
    dZ1, *_ = f.lstm_backward(dH[one], W, *alone[1:], c0[one], reverse=reverse)
    assert_allclose(dZ[one], dZ1, rtol=1e-14)
    for both, single in (
        (
            f.recurrent_gradients(H, dZ, h0, lengths, reverse=reverse),
            f.recurrent_gradients(alone[0], dZ1, h0[one], reverse=reverse),
        ),
        (f.dense_gradients(x, dZ)[0], f.dense_gradients(x[one], dZ1)[0]),
    ):
        assert_allclose(both, single, rtol=1e-13)


@pytest.mark.parametrize("reverse", [0, 1])
@pytest.mark.parametrize("padding", [0.0, 9.0, np.nan])
def test_lstm_never_looks_into_the_padding(reverse: int, padding: float) -> None:
    generator = np.random.default_rng(2)
    Z, W, h0 = generator.normal(size=(1, 4, 8)), generator.normal(size=(2, 8)), generator.normal(size=(1, 2))
    dH, lengths = generator.normal(size=(1, 4, 2)), np.array([2])
    short = f.lstm(Z[:, :2], W, h0, reverse=reverse)
    short_dZ, short_dh0, _ = f.lstm_backward(dH[:, :2], W, *short[1:], reverse=reverse)
    Z[:, 2:] = dH[:, 2:] = padding
    H, C, G = f.lstm(Z, W, h0, None, lengths, reverse=reverse)
    dZ, dh0, _ = f.lstm_backward(dH, W, C, G, None, lengths, reverse=reverse)
    for long, wanted in ((H, short[0]), (G, short[2]), (dZ, short_dZ)):
        assert_array_equal(long[:, :2], wanted)
        assert np.all(long[:, 2:] == 0)
    assert_array_equal(dh0, short_dh0)
    assert_array_equal(f.last_step(H, lengths, reverse=reverse), short[0][:, 0 if reverse else 1])
    assert_allclose(
        f.recurrent_gradients(H, dZ, h0, lengths, reverse=reverse),
        f.recurrent_gradients(short[0], short_dZ, h0, reverse=reverse),
        rtol=1e-14,
    )


def test_negative_strides_that_a_copy_would_keep() -> None:
    """One row seen backwards counts as contiguous, and still has a negative stride."""
    X = np.arange(12.0).reshape(1, 3, 4)[::-1]
    W = np.arange(8.0).reshape(4, 2)
    assert_array_equal(f.dense(X, W), f.dense(X.copy(), W))
    assert_array_equal(f.softmax(X), f.softmax(X.copy()))


def test_convolution_of_a_map_of_a_gigabyte() -> None:
    """2 415 919 104 cells unfolded, more than 2³¹. The map is a view without memory of its own: its far end counts."""
    side, last = 8192, 4 * 2047 + 2
    for axis in (1, 2):
        line = np.arange(side, dtype=np.float32).reshape([side if a == axis else 1 for a in range(4)])
        X = np.broadcast_to(line, (1, side, side, 4))
        F = np.zeros((3, 3, 4, 1), np.float32)
        F[2, 2, 3] = 1.0
        Y = f.conv2d(X, F, stride=(2047, 2047))
        assert_array_equal(np.unique(Y), np.arange(2, side, 2047))
        assert Y[0, -1, -1, 0] == last == side - 2
        dF, _ = f.conv2d_gradients(X, np.ones_like(Y), p=3, q=3, stride=(2047, 2047))
        assert dF[2, 2, 0, 0] == np.sum(Y, dtype=np.float64)


def test_sizes_beyond_32_bits() -> None:
    assert f.output_size(2**40, 3, stride=2, padding=(1, 1)) == 2**39
    lengths = np.array([2**31 - 1], np.int32)  # the sum with the padding would wrap in 32 bits
    assert f.output_lengths(lengths, window=1, stride=2, padding=2) == 2**30 + 1


@pytest.mark.parametrize("padding", [0.0, 9.0, np.nan])
def test_a_reversed_rnn_begins_at_the_examples_own_last_step(padding: float) -> None:
    X, one, b = np.array([[[1.0], [2.0], [padding], [padding]]]), np.ones((1, 1)), np.array([0.5])
    H = f.rnn(f.dense(X, one, b), one, lengths=np.array([2]), reverse=1)
    assert_allclose(H[0, :, 0], [0.986253601, 0.986614298, 0, 0], atol=5e-10)
    assert np.all(H[0, 2:] == 0)


@pytest.mark.parametrize("reverse", [0, 1])
def test_rnn_of_length_zero_and_padding(reverse: int) -> None:
    generator = np.random.default_rng(3)
    Z, W, h0, dH = (generator.normal(size=s) for s in ((2, 4, 3), (3, 3), (2, 3), (2, 4, 3)))
    lengths, one = np.array([0, 2]), slice(1, 2)
    Z[0], dH[0], Z[1, 2:], dH[1, 2:] = (np.nan,) * 4
    H = f.rnn(Z, W, h0, lengths, reverse=reverse)
    dZ, dh0 = f.rnn_backward(dH, W, H, lengths, reverse=reverse)
    assert not H[0].any() and not dZ[0].any() and not dh0[0].any()
    assert not H[1, 2:].any() and not dZ[1, 2:].any()
    alone = f.rnn(Z[one, :2], W, h0[one], reverse=reverse)
    dZ1, dh01 = f.rnn_backward(dH[one, :2], W, alone, reverse=reverse)
    assert_allclose(H[one, :2], alone, rtol=1e-12)
    assert_allclose(dZ[one, :2], dZ1, rtol=1e-12)
    assert_allclose(dh0[one], dh01, rtol=1e-12)
    both = f.recurrent_gradients(H, dZ, h0, lengths, reverse=reverse)
    assert_allclose(both, f.recurrent_gradients(alone, dZ1, h0[one], reverse=reverse), rtol=1e-12)


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("reverse", [0, 1])
def test_gru_of_length_zero_and_padding(reverse: int, before: int) -> None:
    generator, how = np.random.default_rng(4), {"reverse": reverse, "before": before}
    sizes = ((2, 4, 9), (3, 9), (3,), (2, 3), (2, 4, 3))
    Z, W, b, h0, dH = (generator.normal(size=s) for s in sizes)
    lengths, one = np.array([0, 2]), slice(1, 2)
    Z[0], dH[0], Z[1, 2:], dH[1, 2:] = (np.nan,) * 4
    H, G = f.gru(Z, W, b, h0, lengths, **how)
    dZ, dh0 = f.gru_backward(dH, W, H, G, h0, lengths, **how)
    for A in (H, G, dZ):
        assert not A[0].any() and not A[1, 2:].any()
    assert not dh0[0].any()
    alone = f.gru(Z[one, :2], W, b, h0[one], **how)
    dZ1, dh01 = f.gru_backward(dH[one, :2], W, *alone, h0[one], **how)
    for together, single in ((H, alone[0]), (G, alone[1]), (dZ, dZ1)):
        assert_allclose(together[one, :2], single, rtol=1e-12)
    assert_allclose(dh0[one], dh01, rtol=1e-12)
    both = f.gru_gradients(H, dZ, G, h0, lengths, **how)
    single = f.gru_gradients(alone[0], dZ1, alone[1], h0[one], **how)
    for x, y in zip(both, single, strict=True):
        assert_allclose(x, y, rtol=1e-12)
