"""Plans of many shapes: memory stays within its bound, and what comes out does not depend on it."""

from __future__ import annotations

import gc
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import klarnet as kn


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = kn.engine.plan_memory()
    yield
    kn.engine.set_plan_memory(before)


def reader(lengths: bool = True) -> kn.Network:
    x = kn.Input((None, 2), lengths=lengths)
    return kn.Network(inputs=x, outputs=kn.Softmax()(kn.Dense(2)(kn.RNN(3, outputs="last")(x))), seed=1)


def batch(steps: int) -> tuple[np.ndarray, np.ndarray]:
    return np.random.default_rng(steps).normal(size=(1, steps, 2)).astype(np.float32), np.array([steps % 2])


def resident() -> int:
    """Bytes of this process that lie in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is read from /proc")
def test_memory_does_not_grow_over_2000_batches_of_random_widths():
    if kn.engine.engine() != "native":
        pytest.skip("no native engine")
    kn.engine.set_plan_memory(1 << 20)
    trainer = kn.Trainer(reader())
    widths = np.random.default_rng(0).integers(1, 2000, 2000)
    sizes = []
    for half in np.split(widths, 2):
        for width in half:
            trainer.step(*batch(int(width)))
        gc.collect()
        sizes.append(resident())
    assert len(set(widths[1000:].tolist()) - set(widths[:1000].tolist())) > 400
    assert 10 < len(trainer._plans.found) < 100 and trainer._plans.nbytes <= 1 << 20
    assert sizes[1] - sizes[0] < 8 << 20  # with plans of all widths it grows by 16 MB


def test_the_plans_of_formulas_are_bounded_too():
    kn.engine.set_plan_memory(1 << 18)
    with kn.engine.use("formulas"):
        trainer = kn.Trainer(reader())
        widths = np.random.default_rng(0).integers(1, 60, 80)
        sizes = []
        tracemalloc.start()
        try:
            for half in np.split(widths, 2):
                for width in half:
                    trainer.step(*batch(int(width)))
                gc.collect()
                sizes.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
    assert len(set(widths.tolist())) > 2 * len(trainer._plans.found) > 4 and trainer._plans.nbytes <= 1 << 18
    assert sizes[0] < 4 << 20 and sizes[1] < 1.5 * sizes[0]


def test_what_is_learned_does_not_depend_on_how_many_plans_are_kept():
    found = []
    for nbytes in (0, 200_000, 64 << 20):
        kn.engine.set_plan_memory(nbytes)
        net = reader(lengths=False)
        trainer = kn.Trainer(net)
        losses = [trainer.step(*batch(w)) for w in [3, 4, 5, 3, 3, 6, 7, 8, 9, 10, 11, 3, 4, 5, 3, 4, 5] * 3]
        found.append((losses, net.weights.values.copy()))
        assert (len(trainer._plans.found) == 1) == (nbytes == 0)
    for losses, values in found[1:]:
        assert losses == found[0][0]
        np.testing.assert_array_equal(values, found[0][1])


def test_the_plans_used_least_recently_go_first():
    trainer = kn.Trainer(reader())
    for steps in (3, 4, 5):
        trainer.step(*batch(steps))
    trainer.step(*batch(3))
    kn.engine.set_plan_memory(trainer._plans.nbytes)
    trainer.step(*batch(6))
    assert [key[0][0][1] for key in trainer._plans.found][-2:] == [3, 6]
    assert 4 not in [key[0][0][1] for key in trainer._plans.found]


def test_prediction_keeps_as_much_and_the_arena_is_that_of_the_largest():
    kn.engine.set_plan_memory(100_000)
    net = reader()
    frozen = net.freeze_for_inference()
    for steps in (300, *range(5, 30), 300):
        X = batch(steps)[0]
        np.testing.assert_allclose(frozen(X), net.predict(X), atol=1e-6)
    assert net._local.plans.nbytes <= 100_000 and frozen._local.plans.nbytes <= 100_000
    largest = reader()
    largest.predict(batch(300)[0])
    arena = kn.engine.ARENA
    assert net.memory().arrays[arena].nbytes == largest.memory().arrays[arena].nbytes


@pytest.mark.parametrize(("nbytes", "error"), [(-1, ValueError), (1.5, TypeError), (True, TypeError)])
def test_what_is_no_number_of_bytes_is_refused(nbytes, error):
    with pytest.raises(error, match="set_plan_memory"):
        kn.engine.set_plan_memory(nbytes)
