"""States that are carried from batch to batch: a stream in pieces, what begins anew, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet.engine import native, use
from klarnet.formulas import checks
from klarnet.network import BaseNetwork
from klarnet.random import normal

needs_library = pytest.mark.skipif(native.library() is None, reason=f"no native library: {native.why_not()}")
engines = pytest.mark.parametrize("engine", ["formulas", pytest.param("native", marks=needs_library)])
LAYERS: dict[str, Callable[..., Any]] = {
    "rnn": lambda **how: kn.RNN(5, output_units=4, **how),
    "gru": lambda **how: kn.GRU(5, **how),
    "gru, reset before": lambda **how: kn.GRU(5, reset="before", **how),
    "lstm": lambda **how: kn.LSTM(5, **how),
}
every = pytest.mark.parametrize("name", LAYERS)


def network(name: str, *, carry: bool = True, lengths: bool = False, dtype: Any = np.float32) -> kn.Network:
    """Two layers of a kind, one upon the other, and a dense layer at each step."""
    x = kn.Input((None, 3), lengths=lengths)
    y = LAYERS[name](carry_state=carry)(LAYERS[name](carry_state=carry)(x))
    net = kn.Network(inputs=x, outputs=kn.Softmax()(kn.Dense(4)(y)), seed=3, dtype=dtype)
    net.weights.values[...] += 0.2 * normal(net.weights.values.shape, 8).astype(dtype)
    return net


def pieces(name: str = "lstm", count: int = 4) -> list[tuple[np.ndarray, np.ndarray]]:
    """A stream of two rows in pieces of 5 steps, and its targets."""
    X = normal((2, 5 * count, 3), 1).astype(np.float32)
    t = kn.random.integers((2, 5 * count), 2, 0, 4)
    return [(X[:, i : i + 5], t[:, i : i + 5]) for i in range(0, 5 * count, 5)]


def trainer_of(net: kn.Network) -> kn.Trainer:
    return kn.Trainer(net, optimizer=kn.Adam(0.01))


@engines
@every
def test_a_stream_in_pieces_is_the_whole_stream(name: str, engine: str) -> None:
    net, whole = network(name), network(name, carry=False)
    X = normal((2, 13, 3), 1).astype(np.float32)
    parts = (X[:, :5], X[:, 5:6], X[:, 6:])
    with use(engine):
        Y = whole.forward(X)
        eager = np.concatenate([net.forward(part) for part in parts], 1)
        net.reset_states()
        frozen = net.freeze_for_inference(2)
        replayed = np.concatenate([frozen(part) for part in parts], 1)
        again = frozen(parts[0])
        frozen.reset_states()
        assert np.array_equal(frozen(parts[0]), replayed[:, :5]) and not np.array_equal(
            again, replayed[:, :5]
        )
    assert np.abs(eager - Y).max() < 1e-6 and np.abs(replayed - Y).max() < 1e-6


@engines
@every
def test_each_example_goes_on_where_its_own_length_ended(name: str, engine: str) -> None:
    net, whole = network(name, lengths=True), network(name, carry=False)
    X = normal((3, 4, 3), 1).astype(np.float32)
    with use(engine):
        net.forward(X, lengths=[4, 0, 2])
        Y = net.forward(X[:, :2], lengths=[2, 2, 2])
        for i, length in enumerate([4, 0, 2]):
            one = np.concatenate([X[i : i + 1, :length], X[i : i + 1, :2]], 1)
            assert np.abs(whole.forward(one)[0, -2:] - Y[i]).max() < 1e-6


@every
def test_gradients_are_those_of_the_truncated_graph(name: str) -> None:
    """Against central differences in which the state of the piece before is a constant."""
    net = network(name, dtype=np.float64)
    (X, _), (Z, t), *_ = pieces()
    with use("formulas"):
        net.forward(X)
        report = kn.check_gradients(net, Z, t, loss="cross_entropy")
        assert report.passed and len(report.errors) == len(net.weights) + 1
        before = net.states.named()
        assert all(state.any() for state in before.values())

        def loss(values: np.ndarray) -> Any:
            net.states.take(before)
            return net.forward(values)

        Y = loss(Z)
        dX = net.backward(checks.projection(Y.shape))
        checks.check(loss, Z.astype(np.float64), dX, checks.projection(Y.shape))


@needs_library
@every
def test_steps_of_a_trainer_carry_on(name: str) -> None:
    """A replayed step begins where the one before has ended, as the passes in the open do; a reset begins anew."""
    net = network(name)
    trainer, data = trainer_of(net), pieces()
    trainer.learning_rate = 0.0
    with use("native"):
        values = [trainer.step(X, t) for X, t in data]
        open_ = network(name)
        for (X, t), value in zip(data, values, strict=True):
            P = open_.forward(X)
            assert value == pytest.approx(-np.log(np.take_along_axis(P, t[..., None], 2)).mean(), rel=1e-5)
        assert trainer.step(*data[0]) != values[0]
        net.reset_states()
        assert trainer.step(*data[0]) == values[0]


@needs_library
def test_a_step_is_one_call_and_gives_the_same_bits_for_any_number_of_threads() -> None:
    def weights(threads: int) -> np.ndarray:
        native.set_threads(threads)
        net = network("lstm")
        trainer = trainer_of(net)
        for X, t in pieces():
            trainer.step(X, t)
        (execution,) = trainer._plans.found.values()
        assert execution.bound.single is not None
        return np.concatenate([net.weights.values, *(s.ravel() for s in net.states.named().values())])

    before = native.threads()
    try:
        with use("native"):
            assert np.array_equal(weights(1), weights(2))
    finally:
        native.set_threads(before)


def test_predict_and_evaluate_begin_anew_and_leave_the_states_alone() -> None:
    net, data = network("gru"), pieces()
    first = net.forward(data[0][0])
    before = net.states.named()
    X = np.concatenate([x for x, _ in data])  # rows 0 and 1 of each piece, one batch behind the other
    Y = net.predict(X, batch_size=2)
    assert np.abs(Y[:2] - first).max() < 1e-6
    assert np.abs(Y[2:4] - net.forward(data[1][0])).max() < 1e-6
    net.states.take(before)
    one, two = net.evaluate(data, batch_size=2), net.evaluate(data, batch_size=2)
    net.trace(*data[0])
    kn.profile(net, *data[0], seconds=0)
    assert one.loss == two.loss
    assert all(np.array_equal(before[k], a) for k, a in net.states.named().items())


@pytest.mark.parametrize("after", [2, 3, 4])
def test_a_training_goes_on_to_the_bit(after: int, tmp_path: Path) -> None:
    """Broken off within an epoch or behind it; each epoch begins anew."""

    class Broken(Exception):
        pass

    class Break(kn.Callback):
        def on_settled(self, fit: Any) -> None:
            if fit.trainer.iterations == after:
                raise Broken

    def trained(*callbacks: Any, resume: bool = False) -> np.ndarray:
        net = network("lstm")
        net.fit(pieces(count=3), epochs=3, progress=False, callbacks=callbacks, resume=resume)
        return net.weights.values

    whole, keep = trained(), kn.Checkpoint(tmp_path, every=1)
    with pytest.raises(Broken):
        trained(keep, Break())
    assert np.array_equal(trained(keep, resume=True), whole)


def test_a_refused_step_leaves_the_states_as_they_were() -> None:
    net, data = network("gru"), pieces()
    trainer = trainer_of(net)
    trainer.step(*data[0])
    before, X = net.states.named(), data[1][0].copy()
    X[0, 2, 0] = np.nan
    with pytest.raises(kn.NotFiniteError):
        trainer.step(X, data[1][1])
    assert all(np.array_equal(before[k], a) for k, a in net.states.named().items())


def test_a_layer_that_carries_is_saved_as_such(tmp_path: Path) -> None:
    net = network("lstm")
    net.save(tmp_path / "net.klarnet")
    again = kn.load(tmp_path / "net.klarnet")
    X = pieces()[0][0]
    assert np.array_equal(again.forward(X), net.forward(X)) and np.array_equal(
        again.forward(X), net.forward(X)
    )


def test_what_is_refused() -> None:
    net, data = network("lstm"), pieces()
    net.forward(data[0][0])
    with pytest.raises(
        ValueError, match=r"lstm_1: its state is carried .* had 2 examples, this one has 1; .*reset"
    ):
        net.forward(data[1][0][:1])
    assert net.predict(data[1][0][:1]).shape == (1, 5, 4)
    net.reset_states()
    assert net.forward(data[1][0][:1]).shape == (1, 5, 4)
    X, t = data[0]
    for given in ((X, t), (kn.data.Dataset(X, t),)):
        with pytest.raises(
            ValueError, match="carries its state from batch to batch, but these examples are shuffled"
        ):
            net.fit(*given, progress=False)
    with pytest.raises(ValueError, match="carry_state with reverse"):
        kn.GRU(3, carry_state=True, reverse=True)
    with pytest.raises(ValueError, match="the reversed direction begins at the end of what is still to come"):
        kn.Bidirectional(kn.GRU(3, carry_state=True))
    x, h = kn.Input((None, 3)), kn.Input((4,))
    with pytest.raises(ValueError, match="carry_state and an initial state"):
        kn.Network(inputs=[x, h], outputs=kn.GRU(4, carry_state=True)([x, h]))
    with pytest.raises(ValueError, match="each direction begins with states of its own"):
        kn.Network(inputs=[x, h], outputs=kn.Bidirectional(kn.GRU(4))([x, h]))
    one = kn.GRU(3, carry_state=True)
    with pytest.raises(ValueError, match="gru_1:2: a layer that carries its state cannot stand twice"):
        kn.Network(inputs=x, outputs=one(one(x)))


def test_each_thread_carries_its_own() -> None:
    from threading import Thread

    net, (X, _) = network("gru"), pieces()[0]
    first = net.forward(X)
    found: list[np.ndarray] = []
    thread = Thread(target=lambda: found.append(BaseNetwork.forward(net, X)))
    thread.start()
    thread.join()
    assert np.array_equal(found[0], first) and not np.array_equal(net.forward(X), first)
