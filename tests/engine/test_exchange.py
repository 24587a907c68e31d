"""The mask of a relu before a pooling is taken of the pooled map: when, when not, and with the same bits."""

from __future__ import annotations

import numpy as np
import pytest

import klarnet as kn


def names(net: kn.Network, shape: tuple[int, ...]) -> list[str]:
    trainer = kn.Trainer(net)
    plan = trainer.plan(np.zeros((4, *shape), np.float32), np.zeros(4, int)).plan
    return [" + ".join([c.name, *(f.name for f, _, _ in c.steps)]) for c in plan.calls]


def network(*between: kn.Layer, pool: kn.Layer | None = None) -> kn.Network:
    layers = [
        kn.Conv2D(8, 3, activation="relu"),
        *between,
        pool or kn.MaxPool2D(2),
        kn.Flatten(),
        kn.Dense(3),
    ]
    return kn.Network([*layers, kn.Softmax()], input_shape=(10, 10, 2), seed=3)


def test_the_mask_finishes_the_call_before_and_the_large_map_is_not_needed() -> None:
    net = network()
    found = names(net, (10, 10, 2))
    assert "dense_backward + relu_backward" in found and "relu_backward" not in found
    trainer = kn.Trainer(net)
    calls = trainer.plan(np.zeros((4, 10, 10, 2), np.float32), np.zeros(4, int)).plan.calls
    large = calls[0].outputs[0].storage
    assert [c.name for c in calls if large in [x.storage for x in c.reads()]] == ["max_pool2d"]


def test_a_layer_between_relu_and_pooling_keeps_the_mask_where_it_was() -> None:
    assert "relu_backward" in " ".join(names(network(kn.Dropout(0.2)), (10, 10, 2)))
    assert "dense_backward + relu_backward" not in names(network(kn.Dropout(0.2)), (10, 10, 2))


@pytest.mark.parametrize("engine", ["formulas", "native"])
@pytest.mark.parametrize(
    "pool", [kn.MaxPool2D(2), kn.MaxPool2D(3, stride=1), kn.MaxPool2D(3, stride=2, padding="half")]
)
def test_the_bits_are_those_of_the_passes(engine: str, pool: kn.MaxPool2D) -> None:
    """Overlapping windows add up several gradients at one place."""
    if engine == "native" and kn.engine.native.library() is None:
        pytest.skip("needs the native engine")
    pool = kn.MaxPool2D(pool.window, stride=pool.stride, padding=pool.padding)
    with kn.engine.use(engine):
        net = network(pool=pool)
        X, t = kn.random.normal((6, 10, 10, 2), 5).astype(np.float32), np.arange(6) % 3
        trainer = kn.Trainer(net, optimizer=kn.GradientDescent(0.1))
        trainer.step(X, t)
        planned = net.weights.gradients.copy()
        twin = network(pool=kn.MaxPool2D(pool.window, stride=pool.stride, padding=pool.padding))
        plain = kn.Trainer(twin, optimizer=kn.GradientDescent(0.1)).plan(X, t, optimise=False)
        plain.run([X], {"output": t.astype(np.int32)}, {})
        assert np.array_equal(planned, twin.weights.gradients)
