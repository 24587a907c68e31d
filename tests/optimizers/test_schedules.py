"""Schedules: their formulas, what is made of names and tables, and a training that follows them."""

from __future__ import annotations

from math import cos, pi
from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet.optimizers import SCHEDULES, Place, schedule

X = kn.random.normal((60, 5), seed=1).astype(np.float32)
T = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)


def mlp() -> kn.Network:
    return kn.Network([kn.Dense(8, activation="relu"), kn.Dense(3), kn.Softmax()], input_shape=(5,), seed=4)


EACH: list[kn.Schedule] = [
    kn.Constant(),
    kn.Step(3),
    kn.Step(at=[5, 2], gamma=0.5),
    kn.Cosine(minimum=0.01),
    kn.OneCycle(up=0.4),
    kn.ReduceOnPlateau(gamma=0.5, patience=2, better="lower"),
    kn.WarmUp(4, then=kn.Cosine()),
    kn.WarmUp(epochs=0.5, then="one_cycle", start=0.1),
]
each = pytest.mark.parametrize("one", EACH, ids=repr)


def factors(one: kn.Schedule, iterations: int, per_epoch: int | None = None) -> list[float]:
    return one.rates(1.0, iterations, per_epoch)


def test_the_rates_by_hand() -> None:
    assert factors(kn.Constant(), 3) == [1.0, 1.0, 1.0]
    assert factors(kn.Step(2, gamma=0.5), 6, 1) == [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    assert factors(kn.Step(2, gamma=0.5), 6, 3) == [1.0] * 6  # two epochs
    assert factors(kn.Step(at=[3, 1], gamma=0.5), 5, 1) == [1.0, 0.5, 0.5, 0.25, 0.25]
    wave = [0.1 + 0.9 * (1 + cos(pi * t / 4)) / 2 for t in range(4)]
    assert factors(kn.Cosine(minimum=0.1), 4) == pytest.approx(wave)
    assert factors(kn.WarmUp(4), 6) == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    assert factors(kn.WarmUp(2, start=0.5), 3) == [0.75, 1.0, 1.0]
    cycle = factors(kn.OneCycle(up=0.5, start=0.2, end=0.0), 8)
    assert cycle[0] == pytest.approx(0.2) and cycle[2] == pytest.approx(0.6) and cycle[4] == 1.0
    assert cycle[6] == pytest.approx(0.5) and min(cycle) >= 0


def test_what_follows_a_warm_up_begins_behind_it() -> None:
    joined = factors(kn.WarmUp(4, then=kn.Cosine()), 14)
    assert joined[4:] == pytest.approx(factors(kn.Cosine(), 10)) and joined[:4] == [0.25, 0.5, 0.75, 1.0]
    assert factors(kn.WarmUp(epochs=0.5, then=kn.Cosine()), 14, 8) == pytest.approx(joined)
    late = kn.WarmUp(4, then=kn.Step(2))
    assert late.factor(Place(10, epoch=2)) == pytest.approx(
        0.1
    )  # epochs count from the start of the training


def test_at_the_end_and_beyond_the_lowest_rate_stays() -> None:
    for t in (100, 101, 10_000):
        assert kn.Cosine(minimum=0.25).factor(Place(t, iterations=100)) == 0.25
        assert kn.OneCycle(end=0.25).factor(Place(t, iterations=100)) == 0.25
    for up in (0.0, 1.0):
        assert all(0 <= f <= 1 for f in factors(kn.OneCycle(up=up), 10))
    assert kn.Cosine().factor(Place(0, iterations=0)) == 0.0


def test_a_plateau_counts_epochs_without_improvement() -> None:
    one = kn.ReduceOnPlateau(gamma=0.5, patience=2, minimum=0.2)
    memory: dict[str, Any] = {}
    seen = []
    for value in (3.0, 2.0, float("nan"), 2.5, 1.0, 1.0, 1.0, 9.0, 9.0):
        memory = one.observe(memory, value, "lower")
        seen.append(memory["reductions"])
    assert seen == [0, 0, 0, 1, 1, 1, 2, 2, 3] and memory["best"] == 1.0
    assert [one.factor(Place(0, reductions=r)) for r in range(4)] == [1.0, 0.5, 0.25, 0.2]
    assert one.observe({"best": 0.5, "waited": 1}, 0.6, "higher") == {
        "best": 0.6,
        "waited": 0,
        "reductions": 0,
    }
    strict = kn.ReduceOnPlateau(patience=1, minimum_improvement=0.2)
    assert strict.observe({"best": 1.0}, 0.9, "lower")["reductions"] == 1
    first = one.observe({}, float("nan"), "lower")
    assert first["best"] is None and one.observe(first, 5.0, "lower")["best"] == 5.0


@each
def test_settings_make_the_schedule_again(one: kn.Schedule) -> None:
    again = schedule({"name": one.name, **one.settings()})
    assert repr(again) == repr(one) and factors(again, 12, 4) == factors(one, 12, 4)
    assert eval(repr(one), vars(kn)) is not one  # the text is Python
    assert schedule(one) is one


def test_every_schedule_stands_in_the_table() -> None:
    assert set(SCHEDULES) == {one.name for one in EACH}
    assert type(schedule("cosine")) is type(schedule(kn.Cosine)) is kn.Cosine


WRONG: list[tuple[Any, str]] = [
    (lambda: schedule("cosin"), "schedule 'cosin' is not known, .*did you mean 'cosine'"),
    (
        lambda: schedule({"name": "cosine", "minmum": 0.1}),
        "schedule cosine: the setting 'minmum' .*'minimum'",
    ),
    (lambda: schedule({"minimum": 0.1}), "its name is missing"),
    (lambda: schedule(3), "schedule 3 is not known"),
    (lambda: schedule({"name": "warm_up", "iterations": 5, "then": "cosin"}), "did you mean 'cosine'"),
    (lambda: kn.Step(), "Step: expected one of every"),
    (lambda: kn.Step(3, at=[4]), "Step: expected one of every"),
    (lambda: kn.Step(0), "Step: every is 0, expected a whole number above 0"),
    (lambda: kn.Step(at=[2.5]), r"Step: at is 2\.5"),
    (lambda: kn.Step(at="30"), "Step: at is '30', expected a list"),
    (lambda: kn.Step(3, gamma=0.0), "Step: gamma is 0.0, expected a number above 0 up to 1"),
    (lambda: kn.Cosine(minimum=1.5), "Cosine: minimum is 1.5, expected a number from 0 up to 1"),
    (lambda: kn.Cosine(minimum=float("nan")), "Cosine: minimum is nan"),
    (lambda: kn.OneCycle(up=True), "OneCycle: up is True"),
    (lambda: kn.ReduceOnPlateau(patience=0), "ReduceOnPlateau: patience is 0"),
    (lambda: kn.ReduceOnPlateau(better="more"), "better is 'more', expected 'lower' or 'higher'"),
    (lambda: kn.ReduceOnPlateau(monitor=3), "monitor is 3"),
    (lambda: kn.WarmUp(), "WarmUp: expected one of iterations"),
    (lambda: kn.WarmUp(2.5), "WarmUp: iterations is 2.5"),
    (lambda: kn.WarmUp(epochs=0), "WarmUp: epochs is 0, expected a number above 0"),
    (lambda: kn.WarmUp(epochs=float("inf")), "WarmUp: epochs is inf"),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_wrong_settings(number: int) -> None:
    make, message = WRONG[number]
    with pytest.raises(ValueError, match=message):
        make()


class Rates(kn.Callback):
    """The rate of each iteration."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def on_batch_end(self, fit: Any, loss: float) -> None:
        self.seen.append(fit.trainer.learning_rate)


@pytest.mark.parametrize("one", [s for s in EACH if s.plateau is None], ids=repr)
def test_a_training_follows_its_schedule(one: kn.Schedule) -> None:
    rates = Rates()
    net = mlp()
    history = net.fit(
        X,
        T,
        optimizer=kn.Adam(0.02),
        schedule=one,
        batch_size=16,
        epochs=7,
        progress=False,
        callbacks=[rates],
    )
    assert rates.seen == one.rates(0.02, 28, 4)
    assert history["learning_rate"] == rates.seen[3::4]


def test_the_rate_changes_the_weights_and_a_constant_one_changes_nothing() -> None:
    found = []
    for one in (None, "constant", "cosine"):
        net = mlp()
        net.fit(X, T, schedule=one, epochs=2, progress=False)
        found.append(net.weights.values.tobytes())
    assert found[0] == found[1] != found[2]


def test_a_training_waits_for_the_plateau() -> None:
    class Reductions(kn.Callback):
        def on_fit_start(self, fit: Any) -> None:
            self.seen: list[int] = []

        def on_epoch_start(self, fit: Any) -> None:
            self.seen.append(fit.plateau.get("reductions", 0))

    script = Reductions()
    for better, reductions in (("lower", [0, 0, 0, 0]), ("higher", [0, 0, 1, 2])):
        one = kn.WarmUp(1, then=kn.ReduceOnPlateau(gamma=0.5, patience=1, monitor="loss", better=better))
        net = mlp()
        history = net.fit(
            X, T, optimizer=kn.Adam(0.01), schedule=one, epochs=4, progress=False, callbacks=[script]
        )
        assert all(np.diff(history["loss"]) < 0)
        assert script.seen == reductions
    assert history["learning_rate"] == [0.01, 0.01, 0.005, 0.0025]


def test_what_a_schedule_cannot_know_is_refused_before_the_first_step() -> None:
    def batches() -> Any:
        yield X[:20], T[:20]

    net = mlp()
    before = net.weights.values.tobytes()
    for one, message in (
        (kn.Cosine(), "Cosine: the data do not say"),
        (kn.WarmUp(epochs=2), "iterations=COUNT"),
    ):
        with pytest.raises(ValueError, match=message):
            net.fit(batches(), schedule=one, epochs=1, progress=False)
    with pytest.raises(ValueError, match="did you mean 'cosine'"):
        net.fit(X, T, schedule="cossine", progress=False)
    assert net.weights.values.tobytes() == before
    net.fit(batches(), schedule=kn.WarmUp(2), epochs=1, progress=False)
