"""The feed: what happens to an example depends on seed, epoch and example alone; and the training that follows."""

from __future__ import annotations

import subprocess
import sys
import threading
from itertools import pairwise

import numpy as np
import pytest

import klarnet as kn
from klarnet.data import Dataset
from klarnet.data import augment as A

N = 37
X = kn.random.integers((N, 8, 10, 3), 1, 0, 256).astype(np.uint8)
T = np.arange(N) % 4
EVERYTHING = [
    A.Brightness(), A.Mirror("both"), A.Blur(), A.Rotate(20), A.Contrast(0.5), A.Saturation(), A.Hue(), A.Noise(),
    A.Crop(2), A.Scale(), A.Shift(1), A.ResizedCrop(), A.Cutout(3), A.Contrast(), A.Brightness(),
]  # fmt: skip
PIPELINES = {
    "everything": EVERYTHING,
    "copies": [A.Mirror(), A.Crop(2), A.Cutout(3)],
    "turned": [A.Rotate(30, fill="reflect"), A.Scale(fill="reflect")],
    "noise": [A.Noise(0.1)],
    "colours": [A.Contrast(0.5), A.Hue(30)],
}


def epoch_of(data, batch_size=5, **more):
    """All examples of an epoch in the data's own order."""
    pictures, at = [], []
    for x, t in data.batches(batch_size, **{"seed": 1, "shuffle": True} | more):
        pictures.append(x)
        at.append(t)
    order = np.argsort(np.concatenate(at), kind="stable")
    return np.concatenate(pictures)[order]


@pytest.mark.parametrize("name", PIPELINES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32, np.float64, bool])
def test_an_example_is_the_same_in_any_batch_and_order(name, dtype):
    values = X > 100 if dtype is bool else X.astype(dtype) / (255 if np.dtype(dtype).kind == "f" else 1)
    data = Dataset(values.astype(dtype), np.arange(N)).augmented(PIPELINES[name], seed=7, workers=0)
    first = epoch_of(data)
    assert first.dtype == dtype and first.shape == X.shape
    for batch_size, seed, shuffle in [(1, 1, True), (16, 2, True), (N, 3, False), (100, 4, True)]:
        assert np.array_equal(epoch_of(data, batch_size, seed=seed, shuffle=shuffle), first)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_any_number_of_workers_gives_the_same(workers):
    """8 examples all alike, two epochs: numbers depend on seed, epoch and example only."""
    same = Dataset(np.repeat(X[:1], 8, axis=0), np.arange(8))
    for epoch in (0, 1):
        alone = epoch_of(same.augmented(EVERYTHING, workers=0), 2, epoch=epoch)
        made = epoch_of(same.augmented(EVERYTHING, workers=workers), 2, epoch=epoch)
        assert np.array_equal(made, alone)
        assert len({x.tobytes() for x in made}) == 8  # no two examples alike
    both = [epoch_of(same.augmented(EVERYTHING, workers=workers), 2, epoch=epoch) for epoch in (0, 1)]
    assert all(not np.array_equal(a, b) for a, b in zip(*both, strict=True))  # the second epoch differs
    other = epoch_of(same.augmented(EVERYTHING, workers=workers), 2, seed=2)
    assert all(not np.array_equal(a, b) for a, b in zip(both[0], other, strict=True))


def test_two_steps_of_a_kind_have_numbers_of_their_own():
    data = Dataset(X, T)
    twice, once = data.augmented([A.Shift(1), A.Shift(1)], seed=1), data.augmented([A.Shift(2)], seed=1)
    rows = np.arange(N)
    u = kn.data.augment.augmented.Draws(rows, 1, 0, 2).uniform
    assert not np.intersect1d(u[0], u[1]).size
    assert not np.array_equal(twice.take(rows)[0], once.take(rows)[0])


@pytest.mark.parametrize("workers", [0, 2])
def test_an_epoch_that_broke_off_goes_on_with_the_same_pictures(workers):
    """10 examples, shuffled, batches of 2, resumed after 3: the 4 not yet seen, as the unbroken epoch has them."""
    data = Dataset(X[:10], np.arange(10)).augmented(EVERYTHING, workers=workers)
    settled = {"seed": 3, "epoch": 4, "shuffle": True}
    whole = list(data.batches(2, **settled))
    rest = list(data.batches(2, start=3, **settled))
    assert len(rest) == 2
    for (a, t), (b, u) in zip(whole[3:], rest, strict=True):
        assert np.array_equal(a, b) and np.array_equal(t, u)
    assert sorted(np.concatenate([t for _, t in whole]).tolist()) == list(range(10))


def test_the_order_is_that_of_the_data_set():
    data = Dataset(X, T)
    settled = {"seed": 2, "epoch": 1, "shuffle": True, "drop_last": True}
    plain = [t.tolist() for _, t in data.batches(6, **settled)]
    assert [t.tolist() for _, t in data.augmented(["mirror"]).batches(6, **settled)] == plain
    assert data.augmented(["mirror"]).iterations(6, drop_last=True) == len(plain)


def test_no_steps_change_nothing_and_the_data_stay_as_they_were():
    before = X.copy()
    assert np.array_equal(epoch_of(Dataset(X, np.arange(N)).augmented([], workers=0)), X)
    epoch_of(Dataset(X, np.arange(N)).augmented([A.Cutout(5, value=1)], workers=0))
    epoch_of(Dataset(X, np.arange(N)).augmented(EVERYTHING, workers=0))
    assert np.array_equal(X, before)


def net(size=(8, 10)):
    layers = [kn.Conv2D(4, 3, activation="relu"), kn.Flatten(), kn.Dropout(0.2), kn.Dense(4), kn.Softmax()]
    return kn.Network(layers, input_shape=(*size, 3), seed=4)


def fitted(workers, steps=EVERYTHING, **more):
    network = net()
    data = Dataset(X, T, class_names=list("abcd"), scaling=kn.data.Scaling(1 / 255))
    history = network.fit(
        data.augmented(steps, workers=workers), epochs=2, batch_size=8, progress=False, **more
    )
    assert np.isfinite(history["loss"]).all()
    return network


@pytest.mark.parametrize("steps", [EVERYTHING, [*EVERYTHING, A.Mixup()]], ids=["without mixup", "with mixup"])
def test_training_has_the_same_bits_for_one_and_four_workers(steps):
    alone, four = fitted(1, steps), fitted(4, steps)
    assert np.array_equal(alone.weights.values.view(np.uint32), four.weights.values.view(np.uint32))
    assert alone.class_names == tuple("abcd") and alone.scaling is not None
    assert not np.array_equal(alone.weights.values, fitted(1, steps, seed=9).weights.values)
    assert not [t for t in threading.enumerate() if "prefetch" in t.name]


def test_validation_as_a_share_is_not_augmented():
    data = Dataset(X, T)
    kept, held_out, test = data.augmented([A.Shift(2)], seed=1).split(
        0.5, 0.25, 0.25, seed=3, stratified=True
    )
    parts = data.split(0.5, 0.25, 0.25, seed=3, stratified=True)
    assert isinstance(kept, A.Augmented) and np.array_equal(kept.data.X, parts[0].X)
    assert isinstance(held_out, Dataset) and np.array_equal(held_out.X, parts[1].X)
    assert np.array_equal(test.t, parts[2].t)
    network = net()
    history = network.fit(data.augmented(["mirror"]), validation=0.25, epochs=1, batch_size=8, progress=False)
    assert "validation_loss" in history.rows[0]


def test_a_size_that_does_not_fit_the_network_is_found_before_the_first_step():
    smaller = Dataset(X, T).augmented([A.Crop(0, size=(6, 7))])
    net((6, 7)).fit(smaller, epochs=1, progress=False)
    with pytest.raises(ValueError, match=r"fit: input: expected shape \(n, 8, 10, 3\), got \(37, 6, 7, 3\)"):
        net().fit(smaller, epochs=1, progress=False)
    with pytest.raises(ValueError, match="label 4 at position 4"):
        net().fit(Dataset(X, np.arange(N)).augmented(["mirror"]), epochs=1, progress=False)


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: A.Augmented((X, T), []), TypeError, "expected a kn.data.Dataset, got tuple"),
        (lambda: Dataset(X[..., 0], T, name="cats").augmented([]), ValueError, r"cats: .*X\[..., None\]"),
        (lambda: Dataset(X, T).augmented("mirror"), TypeError, "'mirror', expected a list"),
        (lambda: Dataset(X, T).augmented(A.Mirror()), TypeError, "expected a list"),
        (lambda: Dataset(X, T).augmented([], workers=-1), ValueError, "workers must be at least 0, got -1"),
        (lambda: Dataset(X, T).augmented([]).batches(4), ValueError, "augmentation needs a seed"),
        (lambda: Dataset(X, T).augmented([]).batches(0, seed=1), ValueError, "at least 1, got 0"),
        (lambda: Dataset(X, T).augmented([]).batches(9, seed=1, start=6), ValueError, "0 to 5, got 6"),
        (lambda: Dataset(X, T).augmented([], seed=1).take([N]), IndexError, "examples 0 to 36"),
    ],
)
def test_what_cannot_be_augmented_is_refused_at_once(make, error, words):
    with pytest.raises(error, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_it_says_what_it_is():
    data = Dataset(X, T, name="cats").augmented([A.Mirror(), A.Noise()])
    assert repr(data) == f"<Augmented {data.data!r}: mirror, noise>"
    assert len(data) == data.examples == N and data.name == "cats"


TRAIN_THEN_LOAD = """
import multiprocessing, os, sys
import numpy as np
import klarnet as kn

def epoch(_=None):
    data = kn.data.digits()[:64].augmented(["rotate", "noise", "mirror"], workers=4)
    return sum(int(X.sum()) for X, _ in data.batches(8, seed=1, shuffle=True))

if __name__ == "__main__":
    digits = kn.data.digits()[:64]
    net = kn.Network([kn.Flatten(), kn.Dense(10), kn.Softmax()], input_shape=(28, 28, 1), seed=1)
    trainer = kn.Trainer(net)
    trainer.step(digits.X / np.float32(255), digits.t)
    found = epoch()
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(1) as pool:
            assert pool.apply_async(epoch).get(timeout=60) == found, method
    trainer.step(digits.X / np.float32(255), digits.t)
    print("done")
"""


def test_workers_start_after_training_steps_in_threads_forks_and_new_processes(tmp_path):
    """Nothing hangs, and nothing is printed by a library of threads."""
    script = tmp_path / "train_then_load.py"
    script.write_text(TRAIN_THEN_LOAD)
    done = subprocess.run(
        [sys.executable, "-X", "dev", str(script)], capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "done\n"
    assert not [
        line for line in done.stderr.splitlines() if "Warning" not in line and not line.startswith(" ")
    ]


def test_augmentation_keeps_ahead_of_the_one_who_trains():
    """Batches are ready before they are asked for: while the consumer holds one, `ahead` others are made."""
    made = []
    data = Dataset(X, T).augmented(["mirror"], seed=1)
    take = data.take

    def counting(rows, **more):
        made.append(len(rows))
        return take(rows, **more)

    data.take = counting
    feed = data.batches(4, seed=1)
    next(feed)
    for _ in range(1000):
        if len(made) >= 5:
            break
        threading.Event().wait(0.005)
    assert len(made) == 5  # the one that was given, and four ahead
    feed.close()


def test_seeds_next_to_each_other_do_not_resemble_each_other():
    rows = np.arange(50)
    u = [A.augmented.Draws(rows, seed, epoch, 3).uniform.ravel() for seed in (0, 1) for epoch in (0, 1)]
    assert all(abs(np.corrcoef(a, b)[0, 1]) < 0.15 for a, b in pairwise(u))


def test_pictures_on_disk_are_augmented_as_those_in_memory(tmp_path):
    from PIL import Image

    for i, x in enumerate(X[:12]):
        (tmp_path / f"class{i % 3}").mkdir(exist_ok=True)
        Image.fromarray(x).save(tmp_path / f"class{i % 3}" / f"{i:02}.png")
    loaded = kn.data.pictures(tmp_path)
    lazy = kn.data.pictures(tmp_path, in_memory=False)
    settled = {"seed": 3, "shuffle": True}
    for (a, t), (b, u) in zip(
        loaded.augmented(EVERYTHING).batches(5, **settled),
        lazy.augmented(EVERYTHING).batches(5, **settled),
        strict=True,
    ):
        assert np.array_equal(a, b) and np.array_equal(t, u)
    rows = [7, 0, 7]
    for source in (loaded, lazy):
        a, t = source.take(rows)
        assert np.array_equal(a, loaded.X[rows]) and np.array_equal(t, loaded.t[rows])
    assert A.contact_sheet(lazy, ["mirror"]).size == A.contact_sheet(loaded, ["mirror"]).size


def test_a_stream_of_batches_has_no_numbered_examples():
    stream = kn.data.as_dataset([(X, T)])
    with pytest.raises(TypeError, match="expected a kn.data.Dataset, got BatchStream"):
        A.Augmented(stream, ["mirror"])
    with pytest.raises(TypeError, match="BatchStream gives batches, not single examples"):
        stream.take([0])
    with pytest.raises(TypeError, match="got Augmented"):
        A.Augmented(Dataset(X, T).augmented(["mirror"]), ["mirror"])
