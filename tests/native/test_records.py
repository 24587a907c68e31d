"""Records: several in one job, addresses by buffer, refusals with their place, missing functions, denormals."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from typing import Any

import numpy as np

from klarnet.engine import FUNCTIONS, State, native
from klarnet.engine.generate import abi
from klarnet.engine.records import encode

f32 = np.float32
LOSS = {"smoothing": 0.0, "ignored": None, "mean": 1, "factor": 1.0}


def test_abi_and_missing(library: Any) -> None:
    assert library.kn_abi() == abi()
    rows = len(FUNCTIONS)
    assert library.kn_missing(-1) == library.kn_missing(rows) == library.kn_missing(1 << 20) == 1
    for name in ("dense", "adam", "gaussian_noise", "softmax_cross_entropy_backward"):
        assert library.kn_missing(FUNCTIONS[name].number) == 0


def test_instruction_sets(library: Any) -> None:
    names = library.kn_isas().split()
    assert library.kn_isa() in names
    assert names[-1] in (b"baseline", b"neon")
    assert library.kn_set_isa(b"mmx") == 0
    for name in names:
        assert library.kn_set_isa(name) == 1
        assert library.kn_isa() == name
        assert library.kn_peak(0.01, 1) > 0.1


def test_addresses_by_buffer(library: Any) -> None:
    """Two records in one job; arrays in two buffers at offsets; one address is absolute."""
    arena, weights = np.zeros(64, f32), np.arange(64, dtype=f32)
    X = np.array([[1.0, -2.0]], f32)
    places = {"X": X.ctypes.data, "W": 2 << 48 | 8, "Y": 1 << 48 | 4, "Z": 1 << 48 | 32}
    dense, relu = FUNCTIONS["dense"], FUNCTIONS["relu"]
    words = encode(dense, ["X", "W", None], ["Y"], {}, {"n": 1, "m": 2, "k": 3}, places.__getitem__)
    first = len(words)
    words += encode(relu, ["Y"], ["Z"], {}, {"n": 3}, places.__getitem__)
    encoded = np.array(words, np.int64)
    bases = np.array([0, arena.ctypes.data, weights.ctypes.data], np.uint64)
    state = State(0.1, 1, 0)
    job = native.Job(encoded.ctypes.data, 0, len(words), bases.ctypes.data, ctypes.addressof(state))
    assert library.kn_run(ctypes.byref(job)) == -1
    W = weights[2:8].reshape(2, 3)
    assert (arena[1:4] == (X @ W)[0]).all()
    assert (arena[8:11] == np.maximum(X @ W, 0)[0]).all()
    assert (np.delete(arena, [1, 2, 3, 8, 9, 10]) == 0).all()

    arena[:] = 0  # the second record alone
    arena[1:4] = [-1, 2, -3]
    job.first = first
    assert library.kn_run(ctypes.byref(job)) == -1
    assert arena[8:11].tolist() == [0, 2, 0]


def test_a_refusal_stops_the_job(library: Any, call: Any) -> None:
    X, t = np.zeros((3, 4), f32), np.array([0, 4, 9], np.int32)
    loss = call("softmax_cross_entropy", X, t, None, None, **LOSS)
    update = call("relu", np.full(5, -1.0, f32), outputs=[np.full(5, 7.0, f32)])
    words = np.concatenate([update.words, loss.words, update.words])
    state = State(0.1, 1, 0)
    start = len(update.words)
    job = native.Job(words.ctypes.data, 0, len(words), None, ctypes.addressof(state))
    assert library.kn_run(ctypes.byref(job)) == start
    assert (state.status, state.where, state.value) == (1, 1, 4)
    assert (update.outputs[0] == 0).all()  # what stood before the refusal has run
    update.outputs[0][...] = 7
    job.first = start
    assert library.kn_run(ctypes.byref(job)) == start
    assert (update.outputs[0] == 7).all()  # what stood behind it has not
    t[1:] = 3
    assert library.kn_run(ctypes.byref(job)) == -1  # the status is that of this run
    assert state.status == 0


def test_a_loss_that_is_no_number_is_refused(call: Any) -> None:
    for bad in (np.nan, np.inf):
        X = np.array([[bad, 0.0], [1.0, 2.0]], f32)
        loss = call("softmax_cross_entropy", X, np.array([1, 0], np.int32), None, None, **LOSS)
        assert loss.run() == 0
        assert loss.state.status == 3


def test_a_record_longer_than_the_buffer(library: Any, call: Any) -> None:
    """A concat of many arrays: its record does not fit into the usual room."""
    parts = tuple(np.full((2, 1), i, f32) for i in range(300))
    Y = call("concat", parts, widths=(1,) * 300)()
    assert (Y == np.arange(300)).all()


DENORMALS = """
import numpy as np
from klarnet import engine
from klarnet.engine import functions as E
tiny = np.full(8, 1e-40, np.float32)
assert (tiny * np.float32(0.5) != 0).all()               # this thread works with denormals
with engine.use("native"):
    assert (E.add(tiny, tiny) == 0).all()                # the engine does not
assert (tiny * np.float32(0.5) != 0).all()               # and the thread's own switch is back
"""


def test_denormals_are_zero_inside_and_untouched_outside(library: Any) -> None:
    ended = subprocess.run([sys.executable, "-c", DENORMALS], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
