"""The loss CTC in a network: lengths reach it by themselves, what it cannot use is refused or left out, and both
engines give PyTorch's numbers."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import klarnet as kn
from klarnet.data.ragged import padded_labels
from klarnet.engine import functions as E
from klarnet.engine import native
from klarnet.formulas.labelling import paths

OPTIONS = {"blank": 0, "skip": 0, "mean": 1, "factor": 1.0}
each = pytest.mark.usefixtures("on_each_engine")


def reader(classes: int = 4, *, seed: int = 1, **options: object) -> kn.Network:
    """Lines of 3 features, read in both directions."""
    x = kn.Input((None, 3), lengths=True)
    y = kn.Dense(classes, name="logits")(kn.Bidirectional(kn.LSTM(5))(x))
    return kn.Network(inputs=x, outputs=y, seed=seed, **options)


def batch(n: int = 4, t: int = 9, seed: int = 0) -> tuple[np.ndarray, list[list[int]], np.ndarray]:
    random = np.random.default_rng(seed)
    X = random.standard_normal((n, t, 3)).astype(np.float32)
    return X, [[1, 1], [], [2, 3, 1], [3]][:n], np.array([t, 3, t - 2, 1][:n])


# Numbers ------------------------------------------------------------------------------------------------------------


@each
def test_every_line_counts_with_its_own_steps():
    """The loss of a batch is the mean of the losses of its lines alone, and so are the weight gradients."""
    X, t, lengths = batch()
    whole = reader().trace(X, t, loss="ctc", lengths=lengths)
    alone = [
        reader().trace(X[i : i + 1, : lengths[i]], t[i : i + 1], loss="ctc", lengths=lengths[i : i + 1])
        for i in range(4)
    ]
    assert whole.loss == pytest.approx(np.mean([one.loss for one in alone]), rel=1e-5)
    dW = whole["logits"].dW["W"]
    assert dW == pytest.approx(np.mean([one["logits"].dW["W"] for one in alone], axis=0), abs=1e-6)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000), t=st.integers(1, 6), blank=st.sampled_from([0, 3]))
def test_gradients_agree_with_differences(seed, t, blank):
    """Lines without steps and without labels among them, and some that are too short for theirs."""
    random = np.random.default_rng(seed)
    n = 3
    X = random.standard_normal((n, t, 3))
    lengths = random.integers(0, t + 1, n)
    labels = [(blank + random.integers(1, 4, random.integers(0, length // 2 + 2))) % 4 for length in lengths]
    loss = kn.CTC(blank=blank, infeasible="skip")
    report = kn.check_gradients(reader(seed=seed), X, labels, loss=loss, lengths=lengths, entries=4)
    assert report.worst < 1e-6, report


@each
def test_the_golden_values_of_pytorch():
    with np.load(Path(__file__).parents[1] / "golden" / "ctc.npz") as file:
        golden = dict(file)
    for case in {name.split("/")[0] for name in golden}:
        g = {name.split("/")[1]: a for name, a in golden.items() if name.startswith(f"{case}/")}
        options = json.loads(str(g["options"]))
        X = g["X"].astype(np.float32)
        _, losses, G, _ = E.ctc(
            X,
            g["labels"],
            g["lengths"],
            g["label_lengths"],
            skip=1,
            **{"blank": 0, "mean": 1, "factor": 1.0, **options},
        )
        possible = np.isfinite(losses)
        assert losses[possible] == pytest.approx(g["losses"][possible], rel=1e-5)
        assert np.abs(G - g["G"]).max() < 1e-5, case


@pytest.mark.skipif(native.library() is None, reason="the native engine is not built")
@pytest.mark.parametrize("steps", [1, 50, 1000])
def test_native_and_formulas_agree_on_long_lines(steps):
    random = np.random.default_rng(steps)
    X = (5 * random.standard_normal((3, steps, 20))).astype(np.float32)
    labels = np.full((3, 40), -1, np.int32)
    for i, count in enumerate((0, min(1, steps), steps // 25)):
        labels[i, :count] = random.integers(1, 20, count)
    found = []
    for engine in ("native", "formulas"):
        given = X if engine == "native" else X.astype(np.float64)
        found.append(E.ctc(given, labels, None, None, blank=0, skip=0, mean=1, factor=1.0))
    (_, losses, G, _), (_, right, right_G, _) = found
    assert losses == pytest.approx(right, rel=1e-5)
    assert np.abs(G - right_G).max() < 1e-5


# Traps --------------------------------------------------------------------------------------------------------------


def loss_of(Y: np.ndarray, labels: list[list[int]], **options: object) -> tuple[float, np.ndarray]:
    """Loss and gradient of lines of probabilities Y (n, t, k)."""
    loss = kn.CTC(**options)
    value, kept = loss.forward(np.log(Y).astype(np.float32), padded_labels(labels, None, "labels"))
    return float(value[0]), loss.backward(kept)


@each
def test_t15_an_empty_target_is_all_blanks():
    blank = np.array([0.6, 0.5, 0.4])
    Y = np.stack([blank, 1 - blank], axis=1)[None]
    value, dX = loss_of(Y, [[]])
    assert value == pytest.approx(2.120263536, rel=1e-6)
    assert (dX[0, :, 0] < 0).all() and (dX[0, :, 1] > 0).all()


@each
def test_t16_a_doubled_label_needs_a_blank_between():
    Y = np.array([[[0.5, 0.5], [0.7, 0.3], [0.4, 0.6]]])
    assert loss_of(Y, [[1, 1]])[0] == pytest.approx(1.560647748, rel=1e-6)
    two = np.concatenate([Y[:, :2], Y[:, :2]])
    with pytest.raises(ValueError, match="loss is"):
        loss_of(two, [[1, 1], [1, 0 + 1]])
    value, dX = loss_of(two, [[1, 1], [1]], infeasible="skip")
    assert value == pytest.approx(loss_of(two[1:], [[1]])[0], rel=1e-6)
    assert (dX[0] == 0).all() and np.isfinite(dX).all() and (dX[1] != 0).any()


@each
def test_t18_a_thousand_steps():
    Y = np.full((1, 1000, 4), 0.25)
    value, dX = loss_of(Y, [[2]])
    assert value == pytest.approx(1373.170998, rel=1e-6)
    assert np.isfinite(dX).all()


@each
def test_a_sure_network_that_is_wrong_has_a_finite_loss():
    """Each label has a probability of e^-90, which no float32 holds, nor the product of ten of them a float64."""
    X = np.zeros((1, 30, 3), np.float32)
    X[..., 0] = 90.0
    loss = kn.CTC()
    value, kept = loss.forward(X, np.array([[1, 2] * 10], np.int32))
    dX = loss.backward(kept)
    assert value[0] == pytest.approx(1800 - np.log(30045015), rel=1e-4)  # C(30, 10) places of the blanks
    assert dX.sum() == pytest.approx(0, abs=1e-4) and dX[0, :, 1:].sum() == pytest.approx(-20, rel=1e-4)


@each
@pytest.mark.parametrize("labels", [[[2]], [[1, 2] * 4]])
def test_the_gradient_is_finite_however_unlikely_a_line_is(labels):
    """Probabilities from 1 to e^-8000: each power of two between has been P of some line."""
    random = np.random.default_rng(0)
    loss, t = kn.CTC(), padded_labels(labels, None, "labels")
    for scale in range(0, 1000, 7):
        X = random.uniform(0, 1, (1, 20, 3)).astype(np.float32)
        X[..., 0] += scale
        _, kept = loss.forward(X, t)
        dX = loss.backward(kept)
        assert np.isfinite(dX).all() and np.abs(dX.sum(axis=2)).max() < 1e-4, scale


@each
@pytest.mark.parametrize("blank", [0, 2])
def test_the_loss_is_the_sum_over_all_paths(blank):
    """To 1e-12 in float64; the native engine works in float32 and leaves float64 to the page."""
    Y = kn.formulas.softmax(2 * np.random.default_rng(7).standard_normal((2, 5, 3)))
    rows, lengths = [[1, 1], [(blank + 1) % 3]], np.array([5, 3], np.int32)
    wanted = 0.0
    for y, labels, steps in zip(Y, rows, lengths, strict=True):
        every = paths(labels, steps, 3, blank=blank)
        wanted -= np.log(sum(np.prod(y[np.arange(steps), list(path)]) for path in every))
    loss = kn.CTC(blank=blank, reduction="sum")
    value, _ = loss.forward(np.log(Y), padded_labels(rows, None, "labels"), lengths=lengths)
    assert value[0] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.skipif(native.library() is None, reason="the native engine is not built")
@pytest.mark.parametrize("sure", [0.0, 40.0, 3000.0])
def test_float32_keeps_its_digits_where_logits_are_far_apart(sure):
    Y = np.random.default_rng(3).standard_normal((1, 300, 30)).astype(np.float32)
    Y[..., 0] += sure
    labels = 1 + np.arange(90, dtype=np.int32)[None] % 29
    found = [E.ctc(Y.astype(dtype), labels, None, None, **OPTIONS) for dtype in (np.float32, np.float64)]
    (value, _, G, _), (right, _, right_G, _) = found
    assert value[0] == pytest.approx(right[0], rel=1e-6)
    assert np.abs(G - right_G).max() < 1e-5


@each
def test_a_logit_of_minus_infinity_takes_its_class_out():
    Y = np.zeros((3, 3, 3), np.float32)
    Y[0, :, 2] = -np.inf
    labels, lengths = np.array([[2], [2], [1]], np.int32), np.full(3, 3, np.int32)
    value, losses, G, total = E.ctc(Y, labels, lengths, None, **{**OPTIONS, "skip": 1})
    assert losses[0] == np.inf and total[0] == 2
    assert np.isfinite(value).all() and np.isfinite(G).all() and not G[0].any() and G[1:].any()


@each
def test_empty_truth_is_trained_as_no_text():
    """Also in a line without steps; the run goes on and its loss falls (T36)."""
    X, _, _ = batch()
    trainer = kn.Trainer(reader(), loss="ctc", optimizer=kn.Adam(0.05))
    values = [trainer.step(X, [[], [1], [], []], lengths=[9, 4, 0, 2]) for _ in range(5)]
    assert np.isfinite(values).all() and values[-1] < values[0]


# Lengths ------------------------------------------------------------------------------------------------------------


@each
@pytest.mark.parametrize("past", [1e3, np.nan])
def test_what_lies_past_a_length_changes_no_bit(past):
    X, t, lengths = batch()
    spoilt = X.copy()
    for x, steps in zip(spoilt, lengths, strict=True):
        x[steps:] = past
    weights = []
    for inputs in (X, spoilt):
        trainer = kn.Trainer(reader(), loss="ctc")
        for _ in range(2):
            trainer.step(inputs, t, lengths=lengths)
        weights.append(trainer.net.weights.values)
    assert (weights[0] == weights[1]).all()


def pictures() -> kn.Network:
    line = kn.Input((4, None, 1), lengths=True)
    s = kn.ToSequence()(kn.MaxPool2D(2)(kn.Conv2D(2, 3, padding="half", activation="tanh")(line)))
    return kn.Network(inputs=line, outputs=kn.Dense(3)(kn.Bidirectional(kn.LSTM(2))(s)), seed=1)


@each
def test_steps_are_counted_behind_the_layers():
    """Of twelve columns pooled by two six steps are left, of seven three."""
    X = np.random.default_rng(4).standard_normal((2, 4, 12, 1))
    assert kn.check_gradients(pictures(), X, [[1, 2], [1]], loss="ctc", lengths=[12, 7], entries=6).passed
    trainer = kn.Trainer(pictures(), loss="ctc")
    assert np.isfinite(trainer.step(X, [[1, 2, 1], [1, 2, 1]], lengths=[12, 7]))
    with pytest.raises(
        ValueError, match="line 1 has 3 steps, but its 3 labels with 1 equal neighbours need 4"
    ):
        trainer.step(X, [[1, 2, 1], [1, 2, 2]], lengths=[12, 7])


# What does not fit --------------------------------------------------------------------------------------------------


@each
def test_a_line_that_is_too_short_is_named_and_nothing_changes():
    X, _, lengths = batch()
    net = reader()
    before = net.weights.values.copy()
    trainer = kn.Trainer(net, loss="ctc")
    with pytest.raises(
        ValueError,
        match=r'line 3 has 1 steps, but its 2 labels with 1 equal neighbours need 3; pool less, or .*"skip"',
    ):
        trainer.step(X, [[1], [], [1], [2, 2]], lengths=lengths)
    assert (net.weights.values == before).all() and trainer.iterations == 0


@each
def test_lines_left_out_are_counted_and_teach_nothing():
    X, t, lengths = batch()
    impossible = [*t[:3], [1, 2, 3]]
    trainer = kn.Trainer(reader(), loss=kn.CTC(infeasible="skip"))
    said = "1 of the 4 lines of a batch are left out. ctc: line 3 has 1 steps, .* need 3; pool less$"
    with pytest.warns(UserWarning, match=said):
        value = trainer.step(X, impossible, lengths=lengths)
    others = kn.Trainer(reader(), loss="ctc")
    assert value == pytest.approx(others.step(X[:3], t[:3], lengths=lengths[:3]), rel=1e-5)
    assert trainer.left_out == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # said once
        trainer.step(X, impossible, lengths=lengths)
    assert trainer.left_out == 2
    assert trainer.net.weights["logits/W"] == pytest.approx(others.net.weights["logits/W"], abs=2e-3)


@each
def test_a_training_tells_how_many_were_left_out():
    """In the history and in results, whose means are over the lines that count."""
    X, t, lengths = batch()
    t, loss = [*t[:3], [1, 2, 3]], kn.CTC(infeasible="skip")
    others = reader().evaluate(X[:3], t[:3], lengths=lengths[:3], loss="ctc").loss
    result = reader().evaluate(X, t, lengths=lengths, loss=loss, batch_size=3)
    assert result.loss == pytest.approx(others, rel=1e-5) and result.left_out == 1
    options = {"loss": loss, "epochs": 2, "batch_size": 2, "progress": False}
    with pytest.warns(UserWarning, match="are left out"):
        history = reader().fit(X, t, lengths=lengths, **options)
    assert history["left_out"] == [1, 1] and np.isfinite(history["loss"]).all()
    assert reader().fit(X[:3], t[:3], lengths=lengths[:3], **options)["left_out"] == [0, 0]
    refusing = {**options, "loss": "ctc"}
    assert "left_out" not in reader().fit(X[:3], t[:3], lengths=lengths[:3], **refusing)


@each
def test_data_that_does_not_fit_is_named_before_the_first_step():
    X, t, lengths = batch()
    for labels, words in (
        ([*t[:3], [1, 2]], "line 3 has 1 steps, but its 2 labels with 0 equal neighbours need 2"),
        ([*t[:2], [2, 0], [3]], "line 2 of output: label 0 at position 1 is the blank"),
    ):
        net = reader()
        before = net.weights.values.copy()
        with pytest.raises(ValueError, match=f"fit: ctc: {words}"):
            net.fit(X, labels, lengths=lengths, loss="ctc", batch_size=1, epochs=1, progress=False)
        with pytest.raises(ValueError, match=f"evaluate: ctc: {words}"):
            net.evaluate(X, labels, lengths=lengths, loss="ctc")
        source = kn.data.Sequences([x[:n] for x, n in zip(X, lengths, strict=True)], labels)
        with pytest.raises(ValueError, match=f"fit: ctc: {words}"):
            net.fit(source, loss="ctc", epochs=1, progress=False)
        assert (net.weights.values == before).all()


def test_a_softmax_in_front_is_refused():
    X, t, lengths = batch()
    x = kn.Input((None, 3), lengths=True)
    net = kn.Network(inputs=x, outputs=kn.Softmax()(kn.Dense(4)(x)))
    for call in (
        lambda: kn.Trainer(net, loss="ctc"),
        lambda: net.evaluate(X, t, lengths=lengths, loss="ctc"),
        lambda: kn.check_gradients(net, X, t, loss="ctc", lengths=lengths),
    ):
        with pytest.raises(ValueError, match="CTC takes logits: leave Softmax out, softmax_1 gives"):
            call()


@each
@pytest.mark.parametrize(
    ("rows", "lengths", "counts", "options", "words"),
    [
        ([[1, 2], [1, 4]], None, None, {}, "label 4 at position"),
        ([[1, 0], [1, 2]], None, None, {}, "label 0 at position"),
        ([[1, 2], [1, 2]], [5, 6], None, {}, "6 "),
        ([[1, 2], [1, 2]], None, [3, 2], {}, "3 "),
        ([[1, 2], [1, 2]], None, None, {"blank": 4}, "blank 4, expected a class from 0 to 3"),
        ([[1, 2], [1, 2]], None, None, {"blank": -1}, "blank -1, expected a class from 0 to 3"),
    ],
)
def test_what_a_call_of_the_engine_refuses(rows, lengths, counts, options, words):
    given = [None if a is None else np.array(a, np.int32) for a in (rows, lengths, counts)]
    with pytest.raises(ValueError, match=words):
        E.ctc(np.zeros((2, 5, 4), np.float32), *given, **{**OPTIONS, **options})


@each
@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([[1], [], [2, 0], [3]], "line 2 of output: label 0 at position 1 is the blank"),
        ([[1], [], [2], [4]], "line 3 of output: label 4 at position 0 expected 0 … 3"),
    ],
)
def test_a_label_that_is_none_is_named(labels, words):
    X, _, lengths = batch()
    with pytest.raises(ValueError, match=words):
        kn.Trainer(reader(), loss="ctc").step(X, labels, lengths=lengths)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: kn.CTC(blank=-1), "blank -1"),
        (lambda: kn.CTC(infeasible="drop"), "infeasible 'drop'"),
        (lambda: kn.CTC(reduction="none"), "reduction 'none'"),
        (
            lambda: kn.Trainer(reader(), loss=kn.CTC(blank=4)).step(*batch()[:2]),
            "blank 4, but logits gives 4 classes",
        ),
        (lambda: kn.Trainer(reader(), loss="ctc").step(batch()[0], [[1], [2]]), "ctc: 4 examples|shape"),
        (
            lambda: kn.Trainer(reader(), loss="ctc").step(batch()[0], [[1.5], [2], [], []]),
            r"targets of output\[0\]",
        ),
    ],
)
def test_wrong_settings_and_targets(make, words):
    with pytest.raises((ValueError, TypeError), match=words):
        make()


def test_the_memory_of_a_training_is_known_beforehand():
    shown = str(reader().summary(batch_size=4, steps=30, training=True, loss="ctc"))
    assert "gradients" in shown and "optimizer" in shown


# Training -----------------------------------------------------------------------------------------------------------


def signals(n: int, seed: int) -> tuple[np.ndarray, list[list[int]], np.ndarray]:
    """Pulses on three wires, one to four of them, some steps long, with pauses between: the labels are the wires."""
    random = np.random.default_rng(seed)
    X = np.zeros((n, 24, 3), np.float32)
    labels, lengths = [], np.zeros(n, np.int64)
    for i in range(n):
        row, at = random.integers(1, 4, random.integers(1, 5)), 0
        for label in row:
            long = random.integers(1, 4)
            X[i, at : at + long, label - 1] = 1
            at += long + random.integers(1, 3)
        labels.append([int(c) for c in row])
        lengths[i] = min(at, 24)
    return X + 0.1 * random.standard_normal(X.shape).astype(np.float32), labels, lengths


@each
def test_rows_of_labels_come_as_lists_or_padded():
    X, rows, lengths = batch()
    padded = padded_labels(rows, None, "t")
    steps = [
        kn.Trainer(reader(), loss="ctc").step(X, t, lengths=lengths) for t in (rows, padded, padded.tolist())
    ]
    assert steps[0] == steps[1] == steps[2]
    losses = [reader().evaluate(X, t, lengths=lengths, loss="ctc").loss for t in (rows, padded)]
    assert losses[0] == losses[1] == reader().evaluate((X, rows), lengths=lengths, loss="ctc").loss
    plain = [reader().fit(X, t, loss="ctc", epochs=1, progress=False)["loss"] for t in (rows, padded)]
    assert plain[0] == plain[1] and np.isfinite(plain[0]).all()


def test_a_network_learns_to_read_pulses_and_threads_change_no_bit():
    X, labels, lengths = signals(64, seed=1)
    weights = []
    usual = kn.engine.threads()
    for threads in (1, 2, usual):
        kn.engine.set_threads(threads)
        trainer = kn.Trainer(reader(seed=3), loss="ctc", optimizer=kn.Adam(0.02))
        for step in range(120):
            part = slice(16 * (step % 4), 16 * (step % 4) + 16)
            trainer.step(X[part], labels[part], lengths=lengths[part])
        weights.append(trainer.net.weights.values.copy())
    assert (weights[0] == weights[1]).all() and (weights[0] == weights[2]).all()
    others, right, long = signals(50, seed=2)
    Y = trainer.net.forward(others, lengths=long)
    read = [list(kn.ctc.best_path(y[:t]).labels) for y, t in zip(Y, long, strict=True)]
    assert sum(a == b for a, b in zip(read, right, strict=True)) >= 45
    net = reader()
    net.fit(X, labels, lengths=lengths, loss="ctc", epochs=1, progress=False)
    assert (
        net.evaluate(others, right, lengths=long).loss
        == net.evaluate(others, right, lengths=long, loss="ctc").loss
    )
    assert trainer.net.evaluate(others, right, lengths=long, loss="ctc").loss < 1.0
