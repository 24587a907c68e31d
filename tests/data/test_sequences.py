"""Sequences of different lengths: what a batch holds, who shares one, and a network that learns from them."""

from __future__ import annotations

import numpy as np
import pytest

import klarnet as kn
from klarnet.data import Dataset, Sequences
from klarnet.data.batches import order_by_length


def lines(n: int = 40, m: int | None = None, longest: int = 29, seed: int = 0) -> list[np.ndarray]:
    """n sequences of 1 to `longest` steps: symbols below 20, or m numbers a step."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, longest + 1, n)
    return [rng.integers(1, 20, t) if m is None else rng.normal(size=(t, m)) for t in lengths]


def reader(**how) -> kn.Network:
    x = kn.Input((None,), lengths=True)
    h = kn.GRU(12, **how)(kn.Embedding(20, 6)(x))
    return kn.Network(inputs=x, outputs=kn.Softmax()(kn.Dense(2)(h)), seed=1)


def of_epoch(data: Sequences, epoch: int = 0, start: int = 0, **how) -> list[tuple]:
    return list(data.batches(4, seed=3, epoch=epoch, shuffle=True, start=start, **how))


def test_a_batch_is_padded_and_says_how_long_each_example_is():
    data = Sequences([[3, 1, 4], [1, 5], []], [0, 1, 1])
    X, t, lengths = data.take([1, 0, 2])
    assert X.shape == (3, 8) and X[:2, :3].tolist() == [[1, 5, 0], [3, 1, 4]] and not X[2].any()
    assert t.tolist() == [1, 0, 1] and lengths.tolist() == [2, 3, 0] and lengths.dtype == np.int32


def test_numbers_and_pictures_are_padded_along_their_steps():
    X, _, lengths = Sequences([np.ones((9, 2)), np.ones((3, 2))]).take([0, 1])
    assert X.shape == (2, 16, 2) and X.sum(axis=(1, 2)).tolist() == [18, 6] and lengths.tolist() == [9, 3]
    X, _, lengths = Sequences(
        [np.full((4, 5, 1), 7, np.uint8), np.full((4, 40, 1), 7, np.uint8)], multiple=32
    ).take([0, 1])
    assert X.shape == (2, 4, 64, 1) and X.dtype == np.uint8 and lengths.tolist() == [5, 40]
    assert (X[0, :, :5] == 7).all() and not X[0, :, 5:].any()


def test_labels_end_with_minus_one_and_classes_of_steps_are_as_wide_as_their_steps():
    labels = Sequences(lines(3), [[1, 2], [], [5] * 9])
    assert labels.targets == "labels"
    _, t, _ = labels.take([0, 1])
    assert (
        t.shape == (2, 8)
        and t.dtype == np.int32
        and t[0].tolist() == [1, 2] + [-1] * 6
        and (t[1] == -1).all()
    )
    assert labels.take([2])[1].shape == (1, 16)
    steps = Sequences([[1, 2, 3], [4] * 9], [[0, 1, 0], [1] * 9], per_step=True)
    X, t, _ = steps.take([0])
    assert X.shape == t.shape == (1, 8) and t[0].tolist() == [0, 1, 0] + [-1] * 5
    X, t, _ = steps.take([0, 1])
    assert X.shape == t.shape == (2, 16)


def test_every_example_comes_once_in_an_epoch_and_similar_ones_together():
    data = Sequences(lines(402), np.arange(402))
    batches = list(data.batches(16, seed=3, epoch=0, shuffle=True))
    assert sorted(np.concatenate([t for _, t, _ in batches]).tolist()) == list(range(402))
    assert [len(t) for _, t, _ in batches] == [16] * 25 + [2]
    spread = [np.ptp(-(-lengths // 8)) for _, _, lengths in batches]
    assert max(spread) <= 1 and sum(s == 0 for s in spread) >= 20
    steps = [X.shape[1] for X, _, _ in batches]
    assert steps != sorted(steps) and steps != sorted(steps, reverse=True)


def test_the_order_follows_from_seed_and_epoch_alone():
    lengths = np.random.default_rng(1).integers(1, 9, 50)
    first = order_by_length(lengths, 8, 3, 0, "data")
    np.testing.assert_array_equal(first, order_by_length(lengths, 8, 3, 0, "data"))
    for other in (order_by_length(lengths, 8, 3, 1, "data"), order_by_length(lengths, 8, 4, 0, "data")):
        assert (first != other).any() and sorted(other.tolist()) == list(range(50))


def test_an_epoch_is_taken_up_again_in_its_middle():
    data = Sequences(lines(), np.arange(40))
    whole, rest = of_epoch(data, 2), of_epoch(data, 2, start=6)
    assert len(rest) == len(whole) - 6
    for (X, t, lengths), (X2, t2, lengths2) in zip(whole[6:], rest, strict=True):
        np.testing.assert_array_equal(X, X2)
        assert t.tolist() == t2.tolist() and lengths.tolist() == lengths2.tolist()


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_the_same_batches_for_any_number_of_workers(workers):
    data, other = Sequences(lines(m=3), np.arange(40)), Sequences(lines(m=3), np.arange(40))
    other.workers = workers
    for one, two in zip(of_epoch(data), of_epoch(other), strict=True):
        for a, b in zip(one, two, strict=True):
            np.testing.assert_array_equal(a, b)


def test_parts_keep_classes_groups_and_targets_together():
    data = Sequences(lines(), np.arange(40) % 2, class_names=("even", "odd"))
    a, b = data.split(0.5, 0.5, seed=1, stratified=True)
    assert len(a) == len(b) == 20 and a.t.sum() == b.t.sum() == 10 and a.class_names == ("even", "odd")
    groups = np.arange(40) // 10
    parts = Sequences(lines(), np.arange(40.0)).split(0.5, 0.5, seed=1, groups=groups)
    assert not set(parts[0].t // 10) & set(parts[1].t // 10)
    one = data[[7]]
    assert len(one) == 1 and one.X[0] is data.X[7] and one.lengths[0] == len(data.X[7])


def test_fit_evaluate_and_predict_take_sequences():
    X = lines(200)
    t = [int(x[-1] > 9) for x in X]
    train, test = Sequences(X, t, class_names=("low", "high")).split(0.8, 0.2, seed=1)
    net = reader(outputs="last")
    net.fit(train, validation=test, epochs=8, optimizer=kn.Adam(1e-2), progress=False)
    assert net.class_names == ("low", "high") and net.evaluate(test).accuracy > 0.9
    P = net.predict(test)
    for x, p in zip(test.X, P, strict=True):
        np.testing.assert_allclose(net.predict(x[None], lengths=[len(x)])[0], p, atol=1e-6)


def test_a_classification_of_every_step_passes_over_the_padding():
    X = lines(120)
    data = Sequences(X, [(x > 9).astype(int) for x in X], per_step=True)
    net = reader()
    how = {"loss": kn.CrossEntropy(ignored=-1), "metrics": [kn.metrics.Accuracy(ignored=-1)]}
    net.fit(data, epochs=15, optimizer=kn.Adam(1e-2), progress=False, **how)
    assert net.evaluate(data, **how).accuracy > 0.95
    P = net.predict(data)
    assert [p.shape for p in P] == [(len(x), 2) for x in X]
    right = sum(int((p.argmax(1) == (x > 9)).sum()) for p, x in zip(P, X, strict=True))
    assert right / sum(map(len, X)) == pytest.approx(net.evaluate(data, **how).accuracy)


def test_losses_do_not_depend_on_how_far_a_batch_is_padded():
    X, found = lines(24), []
    t = [int(x[0] > 9) for x in X]
    for multiple in (1, 8, 64):
        net = reader(outputs="last")
        data = Sequences(X, t, multiple=multiple)
        found.append([net.evaluate(data).loss, net.evaluate(data, batch_size=5).loss])
    np.testing.assert_allclose(found, found[0][0], rtol=1e-6)


def test_training_goes_on_from_a_checkpoint_to_the_bit(tmp_path):
    data = Sequences(lines(), [int(x[0] > 9) for x in lines()])
    whole = reader(outputs="last")
    whole.fit(data, epochs=3, batch_size=8, progress=False)
    broken = reader(outputs="last")
    broken.fit(data, epochs=1, batch_size=8, progress=False, callbacks=[kn.Checkpoint(tmp_path)])
    again = reader(outputs="last")
    again.fit(data, epochs=3, batch_size=8, progress=False, callbacks=[kn.Checkpoint(tmp_path)], resume=True)
    for name, w in whole.weights.items():
        np.testing.assert_array_equal(w, again.weights[name])


def test_predict_takes_any_source():
    X = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    net = kn.Network([kn.Dense(3), kn.Softmax()], input_shape=(4,), seed=1)
    np.testing.assert_array_equal(net.predict(Dataset(X), batch_size=7), net.predict(X, batch_size=7))


@pytest.mark.parametrize(
    ("X", "t", "how", "message"),
    [
        ([], None, {}, "no sequences"),
        ("text", None, {}, "expected a list of sequences"),
        ([[1.5, 2.0]], None, {}, r"X\[0\] has shape \(2,\) and dtype float64"),
        ([np.ones((2, 3)), np.ones((2, 4))], None, {}, r"X\[1\] has shape \(2, 4\) and X\[0\] \(2, 3\)"),
        ([np.ones((2, 3)), [[1, np.nan, 2]]], None, {}, r"X\[1\]\[0, 1\] is nan"),
        ([[1], [2]], [0], {}, "a target for each of 2 examples"),
        ([[1], [2]], [[0]], {}, "2 sequences, but 1 lists"),
        ([[1], [2]], [[0], [-1]], {}, r"t\[1\]\[0\] is -1"),
        ([[1], [2]], [[0], [0.5]], {}, r"t\[1\]: expected a list of whole numbers"),
        ([[1, 1], [2]], [[0], [1]], {"per_step": True}, r"t\[0\] has 1 classes for 2 steps"),
        ([[1], [2]], [0, 1], {"per_step": True}, "per_step=True needs a list of lists"),
        ([[1], [2]], [0, 2], {"class_names": ("a", "b")}, r"t\[1\] is 2"),
        ([[1], [2]], None, {"multiple": 0}, "multiple must be at least 1"),
    ],
)
def test_what_does_not_fit_is_refused(X, t, how, message):
    with pytest.raises((ValueError, TypeError), match=message):
        Sequences(X, t, **how)


def test_a_network_without_lengths_is_told_so_before_the_first_step():
    net = kn.Network([kn.Embedding(20, 4), kn.Flatten(), kn.Dense(2), kn.Softmax()], input_shape=(8,))
    with pytest.raises(ValueError, match=r"fit: the examples have lengths.*kn.Input\(…, lengths=True\)"):
        net.fit(Sequences([[1, 2]] * 4, [0, 1, 0, 1]), progress=False)
    with pytest.raises(TypeError, match="lengths are given twice"):
        reader(outputs="last").predict(Sequences([[1, 2]]), lengths=[2])
