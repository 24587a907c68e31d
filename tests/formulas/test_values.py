"""Values worked out by hand, for the pages where a slip of the formula would not show in a gradient."""

from __future__ import annotations

from math import e, erf, log, pi, sqrt, tanh

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from klarnet import formulas as f
from klarnet import random
from klarnet.formulas.normal_distribution import density, distribution


def test_dense() -> None:
    X, W, b = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0, 5.0], [6.0, 7.0, 8.0]]), np.array([1.0, 0.0, -1.0])
    assert_array_equal(f.dense(X, W, b), [[16, 18, 20]])
    assert_array_equal(f.dense(X, W), [[15, 18, 21]])
    assert_array_equal(f.dense(X[0], W), [15, 18, 21])
    dW, db = f.dense_gradients(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0], [10.0]]))
    assert_array_equal(dW, [[31], [42]])  # the sum over the batch
    assert_array_equal(db, [11])


def test_derivatives_at_zero() -> None:
    zero, one = np.zeros(1), np.ones(1)
    assert f.relu_backward(one, f.relu(zero)) == 0
    assert f.leaky_relu_backward(one, zero, slope=0.2) == 0.2
    assert f.elu_backward(one, f.elu(zero, alpha=0.7), alpha=0.7) == 0.7
    assert f.gelu_backward(one, zero) == 0.5 and f.silu_backward(one, zero) == 0.5
    assert f.tanh_backward(one, zero) == 1 and f.sigmoid_backward(one, f.sigmoid(zero)) == 0.25


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid"])
def test_a_nan_goes_through(name: str) -> None:
    assert_array_equal(np.isnan(getattr(f, name)(np.array([np.nan, 1.0]))), [True, False])


def test_normal_distribution_against_the_standard_library() -> None:
    x = np.linspace(-8, 8, 1001)
    assert_allclose(distribution(x), [0.5 * (1 + erf(v / sqrt(2))) for v in x], rtol=0, atol=3e-16)
    assert_allclose(density(x), np.exp(-x * x / 2) / sqrt(2 * pi), rtol=1e-14)
    with np.errstate(all="raise", under="ignore"):
        assert_array_equal(distribution(np.array([-1e300, 1e300])), [0, 1])
        assert_array_equal(density(np.array([-1e300, 1e300])), [0, 0])
    assert_allclose(
        distribution(np.array([-10.0, -30.0])), [7.619853024160527e-24, 4.906713927148187e-198], rtol=1e-13
    )


def test_dropout_keeps_what_the_generator_says() -> None:
    X = np.arange(1.0, 25.0, dtype=np.float32).reshape(4, 6)
    options = {"node": 3, "seed": 5, "step": 7}
    u = random.uniform((4, 6), 5, node=3, step=7, purpose=random.DROPOUT)
    scale = np.float32(1 / (1 - 0.3))
    for laid in (X, np.asfortranarray(X)):  # the element's number is its row-major place
        assert_array_equal(f.dropout(laid, rate=0.3, **options), np.where(u >= 0.3, X * scale, 0))
    assert_array_equal(f.dropout_backward(X, rate=0.3, **options), f.dropout(X, rate=0.3, **options))
    assert_array_equal(f.dropout(X, rate=0.0, **options), X)
    assert f.dropout(X, rate=float(u[2, 3]), **options)[2, 3] > 0  # u = rate stays
    others = [f.dropout(X, rate=0.5, **{**options, name: 9}) for name in options]
    assert all(np.any(other != f.dropout(X, rate=0.5, **options)) for other in others)


def test_dropout_keeps_the_mean_and_drops_infinities() -> None:
    Y = f.dropout(np.ones(100_000), rate=0.3, node=0, seed=1, step=0)
    assert abs(Y.mean() - 1) < 0.01 and abs((Y == 0).mean() - 0.3) < 0.01
    assert set(f.dropout(np.full(99, np.inf), rate=0.5, node=0, seed=1, step=0)) == {0.0, np.inf}
    for rate in (1.0, -0.1, float("nan")):
        with pytest.raises(ValueError, match="rate must be at least 0 and below 1"):
            f.dropout(np.ones(3), rate=rate, node=0, seed=1, step=0)


def test_noise() -> None:
    X = np.ones((3, 5), np.float32)
    N = random.normal((3, 5), 5, node=3, step=7, purpose=random.NOISE)
    assert_array_equal(
        f.gaussian_noise(X, deviation=0.1, node=3, seed=5, step=7), X + (0.1 * N).astype(np.float32)
    )


def test_convolution_is_not_turned_round() -> None:
    X, F = np.arange(9.0).reshape(1, 3, 3, 1), np.array([[1.0, 10.0], [100.0, 1000.0]]).reshape(2, 2, 1, 1)
    assert_array_equal(f.conv2d(X, F)[0, :, :, 0], [[4310, 5421], [7643, 8754]])
    assert_array_equal(
        f.conv1d(np.arange(4.0).reshape(1, 4, 1), np.array([1.0, 10.0]).reshape(2, 1, 1))[0, :, 0],
        [10, 21, 32],
    )


def test_convolution_backward_leaves_cells_that_no_window_reached() -> None:
    dX = f.conv2d_backward(np.ones((1, 2, 2, 1)), np.ones((1, 1, 1, 1)), h=4, w=4, stride=(2, 2))
    assert_array_equal(dX[0, :, :, 0], [[1, 0, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]])


def test_groups_do_not_see_each_other() -> None:
    generator = np.random.default_rng(1)
    X, F = generator.normal(size=(2, 5, 4, 6)), generator.normal(size=(3, 2, 2, 9))
    parts = [f.conv2d(X[..., 2 * g : 2 * g + 2], F[..., 3 * g : 3 * g + 3]) for g in range(3)]
    assert_allclose(f.conv2d(X, F, groups=3), np.concatenate(parts, -1), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": 2}, "expected filters"),
        ({"padding": ((-1, -1), (0, 0))}, "does not fit into 4 cells"),
        ({"dilation": (3, 1)}, "spans 7"),
    ],
)
def test_convolution_refuses(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        f.conv2d(np.ones((1, 4, 4, 3)), np.ones((3, 3, 3, 4)), **options)
    with pytest.raises(ValueError, match="these sizes give an output of 2x2, but dY is 3x2"):
        f.conv2d_backward(np.ones((1, 3, 2, 4)), np.ones((3, 3, 3, 4)), h=4, w=4)
    with pytest.raises(ValueError, match="these sizes give an output of 2x2, but dY is 3x2"):
        f.conv2d_gradients(np.ones((1, 4, 4, 3)), np.ones((1, 3, 2, 4)), p=3, q=3)


def test_pooling_counts() -> None:
    X, options = np.ones((1, 3, 3, 1)), {"window": (2, 2), "stride": (2, 2), "padding": ((1, 0), (1, 0))}
    assert_array_equal(f.average_pool2d(X, **options)[0, :, :, 0], [[0.25, 0.5], [0.5, 1]])
    assert_array_equal(f.average_pool2d(X, count_padding=0, **options)[0, :, :, 0], [[1, 1], [1, 1]])
    dX = f.average_pool2d_backward(np.ones((1, 2, 2, 1)), h=3, w=3, count_padding=0, **options)
    assert_array_equal(dX[0, :, :, 0], [[1, 0.5, 0.5], [0.5, 0.25, 0.25], [0.5, 0.25, 0.25]])
    with pytest.raises(ValueError, match="max_pool2d: a window that spans 3 does not fit into 2 cells"):
        f.max_pool2d(np.ones((1, 2, 2, 1)), window=(3, 3), stride=(1, 1))
    with pytest.raises(ValueError, match="at most 65536 cells"):
        f.max_pool2d(np.ones((1, 257, 257, 1)), window=(257, 257), stride=(1, 1))
    with pytest.raises(ValueError, match="output of 1x1, but dY is 2x2"):
        f.max_pool2d_backward(
            np.ones((1, 2, 2, 1)), np.zeros((1, 2, 2, 1), np.uint16), h=2, w=2, window=(2, 2), stride=(1, 1)
        )


def test_overlapping_windows_add_up() -> None:
    X = np.array([0.0, 5.0, 0.0]).reshape(1, 1, 3, 1)
    _, index = f.max_pool2d(X, window=(1, 2), stride=(1, 1))
    assert_array_equal(index.reshape(-1), [1, 0])
    dX = f.max_pool2d_backward(np.ones((1, 1, 2, 1)), index, h=1, w=3, window=(1, 2), stride=(1, 1))
    assert_array_equal(dX.reshape(-1), [0, 2, 0])


def test_batch_norm_running_values() -> None:
    X = np.array([[1.0], [2.0], [3.0], [6.0]])  # mean 3, biased variance 3.5, unbiased 14/3
    mean, variance, Y, mu, sigma = f.batch_norm(
        X, np.array([2.0]), np.array([1.0]), np.array([10.0]), np.array([1.0]), momentum=0.9, epsilon=0.5
    )
    assert_allclose([mean[0], variance[0], mu[0], sigma[0]], [9.3, 0.9 + 0.1 * 14 / 3, 3.0, 2.0])
    assert_allclose(Y[:, 0], [-1, 0, 1, 4])
    with pytest.raises(ValueError, match="expected two positions or more"):
        f.batch_norm(X[:1], np.ones(1), np.zeros(1), np.zeros(1), np.ones(1))


def test_embedding_gradients_add_up() -> None:
    dW = f.embedding_gradients(np.array([2, 0, 2]), np.array([[1.0], [10.0], [100.0]]), v=3)
    assert_array_equal(dW[:, 0], [10, 0, 101])


def test_lstm_one_step() -> None:
    """Gates in the order i, f, g, o."""

    def s(x: float) -> float:
        return 1 / (1 + e**-x)

    Z, W = np.array([[[1.0, 2.0, 3.0, 4.0]]]), np.array([[0.1, 0.2, 0.3, 0.4]])
    H, C, G = f.lstm(Z, W, np.array([[0.5]]), np.array([[2.0]]))
    i, g, o, forget = s(1.05), tanh(3.15), s(4.2), s(2.1)
    c = forget * 2.0 + i * g
    assert_allclose(G[0, 0], [i, forget, g, o])
    assert_allclose([C[0, 0, 0], H[0, 0, 0]], [c, o * tanh(c)])


@pytest.mark.parametrize(("reverse", "wanted"), [(0, 5 * 10 + 1 * 20), (1, 2 * 10 + 5 * 20)])
def test_recurrent_gradients_count_the_steps_within_the_length(reverse: int, wanted: float) -> None:
    H, dZ = np.array([1.0, 2.0, 99.0]).reshape(1, 3, 1), np.array([10.0, 20.0, np.nan]).reshape(1, 3, 1)
    dW = f.recurrent_gradients(H, dZ, np.array([[5.0]]), np.array([2]), reverse=reverse)
    assert_array_equal(dW, [[wanted]])  # h0 = 5 stands before the first step run


def test_lengths() -> None:
    L = f.output_lengths(np.array([0, 1, 2, 5, 6]), window=3, stride=2, padding=1)
    assert_array_equal(L, [0, 0, 1, 2, 3])
    assert L.dtype == np.int32
    X = np.full((2, 1, 3, 1), np.nan)
    X[0, 0, :2] = X[1, 0, :1] = 7.0
    assert_array_equal(f.mask(X, np.array([2, 1]))[:, 0, :, 0], [[7, 7, 0], [7, 0, 0]])


def test_cross_entropy_by_hand() -> None:
    P, t = np.array([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]), np.array([0, 1])
    value, total = f.cross_entropy(P, t)
    assert_allclose([value[0], total[0]], [(log(2) + log(10)) / 2, 2])
    assert_allclose(f.cross_entropy(P, t, mean=0)[0], [log(20)])
    value, total = f.cross_entropy(P, t, None, np.array([3.0, 1.0, 1.0]))
    assert_allclose([value[0], total[0]], [(3 * log(2) + log(10)) / 4, 4])
    T = np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    value, total = f.cross_entropy(P, None, T, np.array([3.0, 1.0, 1.0]))
    assert_allclose([value[0], total[0]], [(1.5 * log(2) + 0.5 * log(4) - log(0.8)) / 3, 3])


def test_cross_entropy_joined_and_apart() -> None:
    X = np.random.default_rng(1).normal(size=(5, 4))
    t, options = np.array([0, 3, 1, 1, 2]), {"smoothing": 0.1, "ignored": 3}
    value, P, total = f.softmax_cross_entropy(X, t, **options)
    apart, _ = f.cross_entropy(P, t, **options)
    assert_allclose(value, apart, rtol=1e-14)
    dX = f.softmax_backward(f.cross_entropy_backward(P, t, None, None, total, **options), P)
    assert_allclose(f.softmax_cross_entropy_backward(P, t, None, None, total, **options), dX, atol=1e-15)


def test_cross_entropy_of_an_impossible_class_is_finite() -> None:
    for dtype, least in ((np.float64, 1e-12), (np.float32, 1e-7)):
        P, t = np.array([[1.0, 0.0]], dtype), np.array([1])
        value, total = f.cross_entropy(P, t)
        assert_allclose(value, [-log(least)], rtol=1e-6)
        assert_allclose(f.cross_entropy_backward(P, t, None, None, total), [[0, -1 / least]], rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((), ValueError, "either class numbers t or distributions T, got neither"),
        ((np.zeros(2, int), np.ones((2, 3))), ValueError, "got both"),
        ((np.zeros(3, int),), ValueError, r"class numbers of shape \(2,\) for X \(2, 3\), got \(3,\)"),
        ((np.zeros(2),), TypeError, "integer type, got float64"),
        ((None, np.ones((2, 2))), ValueError, r"X \(2, 3\), T \(2, 2\)"),
        ((np.zeros(2, int), None, np.ones(2)), ValueError, r"one weight a class, \(3,\), got \(2,\)"),
    ],
)
def test_cross_entropy_refuses(arguments: tuple, error: type[Exception], message: str) -> None:
    for page in (f.softmax_cross_entropy, f.cross_entropy):
        with pytest.raises(error, match=message):
            page(np.full((2, 3), 1 / 3), *arguments)


def test_smooth_l1_and_huber() -> None:
    X, T = np.array([0.0, 0.25, -3.0]), np.zeros(3)
    assert_allclose(f.smooth_l1(X, T, beta=0.5), [0.0625 + 2.75])
    assert_allclose(f.huber(X, T, beta=0.5), [(0.0625 + 2.75) / 2])
    assert_allclose(f.smooth_l1_backward(X, T, beta=0.5), [0, 0.5, -1])
    with np.errstate(all="raise"):  # no square of a large number is taken
        assert_allclose(f.smooth_l1(np.full(1, 1e200), np.zeros(1)), [1e200])
    with pytest.raises(ValueError, match="beta must be above 0, got 0"):
        f.smooth_l1(X, T, beta=0.0)


def test_one_hot() -> None:
    assert_array_equal(f.one_hot(np.array([[2, 0]]), 3, like=np.zeros(1)), [[[0, 0, 1], [1, 0, 0]]])


def test_first_steps_of_the_optimizers() -> None:
    W, g, zero = np.array([1.0]), np.array([2.0]), np.zeros(1)
    assert_allclose(f.gradient_descent(W, g, learning_rate=0.1, rate=0.5, decay=1.0), [1 - 0.05 * 3])
    W1, v = f.momentum(W, g, np.array([1.0]), learning_rate=0.1, momentum=0.5)
    assert_allclose([W1[0], v[0]], [1 - 0.25, 2.5])
    W1, v = f.momentum(W, g, np.array([1.0]), learning_rate=0.1, momentum=0.5, nesterov=1)
    assert_allclose([W1[0], v[0]], [1 - 0.1 * (2 + 1.25), 2.5])
    W1, s = f.adagrad(W, g, np.array([5.0]), learning_rate=0.1, epsilon=1.0)
    assert_allclose([W1[0], s[0]], [1 - 0.1 * 2 / 4, 9])
    W1, s = f.rmsprop(W, g, np.array([6.0]), learning_rate=0.1, rho=0.5, epsilon=1.0)
    assert_allclose([W1[0], s[0]], [1 - 0.1 * 2 / (1 + sqrt(5)), 5])
    for size in (1e-3, 1.0, 1e3):  # Adam's first step is η, whatever the gradient's size
        assert_allclose(f.adam(W, size * g, zero, zero, learning_rate=0.1, step=1, epsilon=0.0)[0], [0.9])
    coupled = f.adam(W, g, zero, zero, learning_rate=0.1, step=1, decay=0.5, epsilon=0.0)
    apart = f.adam(W, g, zero, zero, learning_rate=0.1, step=1, decay=0.5, decoupled=1, epsilon=0.0)
    assert_allclose([coupled[0][0], coupled[1][0], apart[0][0], apart[1][0]], [0.9, 0.25, 0.85, 0.2])


def test_adam_counts_from_the_birth_of_the_weights() -> None:
    W, g, m, s = (np.full(1, x) for x in (1.0, 2.0, 0.3, 0.5))
    late = f.adam(W, g, m, s, learning_rate=0.1, step=105, born=100)
    assert_array_equal(late[0], f.adam(W, g, m, s, learning_rate=0.1, step=5)[0])
    with pytest.raises(ValueError, match="expected a step after 5"):
        f.adam(W, g, m, s, learning_rate=0.1, step=5, born=5)


@pytest.mark.parametrize(
    ("targets", "learns"),
    [
        ([0, 0, 0, 1], True),
        ([0, 1, 1, 1], True),
        ([0, 1, 1, 0], False),
    ],
    ids=["AND", "OR", "XOR"],
)
def test_perceptron(targets: list[int], learns: bool) -> None:
    X, t = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array(targets)
    w, b = np.zeros(2), 0.0
    for _ in range(20):
        w, b = f.perceptron_update(X, t, w, b)
    assert np.array_equal(f.perceptron(X, w, b), t) is learns


def test_merges_refuse() -> None:
    with pytest.raises(ValueError, match=r"add: expected arrays of one shape, got A \(2, 3\), B \(3,\)"):
        f.add(np.ones((2, 3)), np.ones(3))
    with pytest.raises(ValueError, match="got none"):
        f.concat(())
    with pytest.raises(ValueError, match=r"X0 \(2,\), X1 \(3,\)"):
        f.concat((np.ones((2, 1)), np.ones((3, 1))))
    with pytest.raises(ValueError, match=r"expected widths \(1, 2\), got \(1, 1\)"):
        f.concat((np.ones((2, 1)), np.ones((2, 1))), widths=(1, 2))
    with pytest.raises(ValueError, match=r"add up to 4, but the array is \(2, 3\)"):
        f.split(np.ones((2, 3)), widths=(1, 3))
    with pytest.raises(ValueError, match="expected an order of the axes 0 to 1"):
        f.permute(np.ones((2, 3)), axes=(0, 0))


def test_what_is_no_array_is_refused() -> None:
    with pytest.raises(TypeError, match=r"expected an array, got list; wrap it in numpy\.asarray"):
        f.relu_backward([1.0], [1.0])
    array_api_strict = pytest.importorskip("array_api_strict")
    with pytest.raises(TypeError, match="expected arrays of one library"):
        f.add(np.ones(2), array_api_strict.ones(2))


def test_whole_numbers_are_promoted_or_refused_never_cut() -> None:
    X = np.arange(9).reshape(1, 3, 3, 1)
    assert_array_equal(f.conv2d(X, np.full((3, 3, 1, 1), 0.5)), [[[[18.0]]]])
    for page in (f.max_pool2d, f.average_pool2d):
        with pytest.raises(TypeError, match="expected arrays of a floating type, got int64"):
            page(X, window=(2, 2), stride=(1, 1))
