"""Every optimizer: its formula by hand, both engines, what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet import optimizers
from klarnet.engine import State, native, use, with_state
from klarnet.random import normal

OPTIMIZERS: dict[str, optimizers.Optimizer] = {
    "gradient descent": kn.GradientDescent(0.1),
    "gradient descent with decay": kn.GradientDescent(0.1, weight_decay=0.05),
    "momentum": kn.GradientDescent(0.1, momentum=0.9, weight_decay=0.05),
    "nesterov": kn.GradientDescent(0.1, momentum=0.8, nesterov=True),
    "adagrad": kn.Adagrad(0.1, weight_decay=0.05),
    "rmsprop": kn.RMSProp(0.1, rho=0.9),
    "adam": kn.Adam(0.1, weight_decay=0.05),
    "adamw": kn.AdamW(0.1, weight_decay=0.05),
}
each = pytest.mark.parametrize("name", OPTIMIZERS)
GRADIENTS = normal((5, 7), 2)


def updated(name: str, dtype: Any, engine: str, **options: Any) -> np.ndarray:
    """Seven weights after five steps."""
    opt = OPTIMIZERS[name]
    W = normal(7, 1).astype(dtype)
    slots = [np.zeros(7, dtype) for _ in opt.slots]
    with use(engine):
        for step, g in enumerate(GRADIENTS.astype(dtype), 1):
            with with_state(State(opt.learning_rate, step, 0)):
                opt.update(W, g, slots, decay=opt.weight_decay, **options)
    return W


def by_hand(name: str) -> np.ndarray:
    w, n, lam = normal(7, 1), OPTIMIZERS[name].learning_rate, OPTIMIZERS[name].weight_decay
    v, s = np.zeros(7), np.zeros(7)
    for t, g in enumerate(GRADIENTS, 1):
        if name == "adamw":
            w = w - n * lam * w
        else:
            g = g + lam * w
        if name.startswith("gradient"):
            w = w - n * g
        elif name == "momentum":
            v = 0.9 * v + g
            w = w - n * v
        elif name == "nesterov":
            v = 0.8 * v + g
            w = w - n * (g + 0.8 * v)
        elif name == "adagrad":
            s = s + g**2
            w = w - n * g / (np.sqrt(s) + 1e-10)
        elif name == "rmsprop":
            s = 0.9 * s + 0.1 * g**2
            w = w - n * g / (np.sqrt(s) + 1e-8)
        else:
            v, s = 0.9 * v + 0.1 * g, 0.999 * s + 0.001 * g**2
            w = w - n * (v / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)
    return w


def test_every_optimizer_stands_in_the_table() -> None:
    from klarnet.optimizers.optimizer import OPTIMIZERS as registered

    assert set(registered) == {o.name for o in OPTIMIZERS.values()}


@each
def test_five_steps_by_hand(name: str) -> None:
    assert np.allclose(updated(name, np.float64, "formulas"), by_hand(name), rtol=1e-12)


@pytest.mark.skipif(native.library() is None, reason=f"no native library: {native.why_not()}")
@each
def test_the_native_engine_agrees(name: str) -> None:
    assert np.allclose(updated(name, np.float32, "native"), by_hand(name), rtol=2e-5, atol=1e-6)


@each
def test_a_rate_of_its_own(name: str) -> None:
    """rate multiplies the learning rate, for one range of weights."""
    double = type(OPTIMIZERS[name])(**{**OPTIMIZERS[name].settings(), "learning_rate": 0.2})
    OPTIMIZERS["double"] = double
    try:
        assert np.allclose(
            updated(name, np.float64, "formulas", rate=2.0), updated("double", np.float64, "formulas")
        )
    finally:
        del OPTIMIZERS["double"]


def test_the_first_step_of_weights_that_join_later() -> None:
    """Adam corrects by their own count of steps."""
    late = kn.Adam(0.1)
    W, slots = np.zeros(3), [np.zeros(3), np.zeros(3)]
    with use("formulas"), with_state(State(0.1, 1001, 0)):
        late.update(W, np.array([1.0, -2.0, 30.0]), slots, decay=0.0, born=1000)
    assert np.allclose(W, [-0.1, 0.1, -0.1])


def test_biases_and_norms_do_not_decay() -> None:
    net = kn.Network([kn.Dense(3), kn.BatchNorm()], input_shape=(4,), seed=1)
    net.weights["dense_1/b"][...] = 1.0
    before = {k: v.copy() for k, v in net.weights.items()}
    net.forward(np.ones((2, 4)), training=True)
    net.backward(np.zeros((2, 3)))
    net.weight_gradients()
    net.update(kn.GradientDescent(0.1, weight_decay=0.5))
    assert np.allclose(net.weights["dense_1/W"], 0.95 * before["dense_1/W"])
    for name in ("dense_1/b", "batch_norm_1/gamma", "batch_norm_1/beta"):
        assert np.array_equal(net.weights[name], before[name])


@each
def test_settings_make_the_optimizer_again(name: str) -> None:
    opt = OPTIMIZERS[name]
    assert repr(type(opt)(**opt.settings())) == repr(opt) and optimizers.optimizer(opt) is opt
    assert type(optimizers.optimizer(opt.name)) is type(opt) and type(
        optimizers.optimizer(type(opt))
    ) is type(opt)


WRONG: list[tuple[Any, str]] = [
    (lambda: optimizers.optimizer("adm"), "optimizer 'adm' is not known, .*did you mean 'adam'"),
    (lambda: kn.Adam(0.0), "Adam: learning_rate is 0.0, expected a number above 0"),
    (lambda: kn.Adam(float("nan")), "learning_rate is nan"),
    (lambda: kn.Adam(float("inf")), "learning_rate is inf"),
    (lambda: kn.Adam(True), "learning_rate is True"),
    (lambda: kn.Adam("fast"), "learning_rate is 'fast'"),
    (lambda: kn.Adam(beta1=1.0), "beta1 is 1.0, expected a number 0 or more and below 1"),
    (lambda: kn.Adam(epsilon=0.0), "epsilon is 0.0"),
    (lambda: kn.RMSProp(rho=-0.1), "rho is -0.1"),
    (lambda: kn.GradientDescent(momentum=1.0), "momentum is 1.0"),
    (lambda: kn.GradientDescent(nesterov=True), "nesterov=True needs a momentum above 0"),
    (lambda: kn.AdamW(weight_decay=-1.0), "weight_decay is -1.0"),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_wrong_settings(number: int) -> None:
    make, message = WRONG[number]
    with pytest.raises(ValueError, match=message):
        make()
