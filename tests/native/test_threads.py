"""Threads: any number gives the same bits, several callers and forked children too, and nobody waits awake for long."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

random = np.random.default_rng(7)
f32 = np.float32


def normal(*shape: int) -> np.ndarray:
    return random.standard_normal(shape).astype(f32)


# Large enough to be shared: products of all forms, in pieces and not, with packed and unpacked factors.
PRODUCTS = [(32, 784, 128), (300, 700, 520), (5000, 20, 30), (9000, 64, 64), (64, 4600, 40), (3, 2000, 1000)]


@pytest.mark.parametrize(("n", "m", "k"), PRODUCTS)
def test_dense_with_any_number_of_threads(library: Any, call: Any, n: int, m: int, k: int) -> None:
    X, W, b, dY = normal(n, m), normal(m, k), normal(k), normal(n, k)
    calls = [call("dense", X, W, b), call("dense_backward", dY, W), call("dense_gradients", X, dY)]
    results = []
    for threads in (1, 2, 3, 7):
        library.kn_set_threads(threads)
        for _ in range(3):
            for c in calls:
                c()
            results.append([a.tobytes() for c in calls for a in c.outputs])
    assert all(other == results[0] for other in results)


def test_elementwise_losses_and_updates_with_any_number_of_threads(library: Any, call: Any) -> None:
    X, t = normal(40_000, 12), random.integers(0, 12, 40_000).astype(np.int32)
    W, g = normal(600_000), normal(600_000)
    loss = {"smoothing": 0.1, "ignored": 3, "mean": 1, "factor": 1.0}
    adam = {
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-8,
        "decoupled": 1,
        "born": 0,
        "rate": 1.0,
        "decay": 0.01,
    }
    seen = []
    for threads in (1, 2, 5):
        library.kn_set_threads(threads)
        moments = [W.copy(), g, np.zeros_like(W), np.zeros_like(W)]
        call("adam", *moments, outputs=[], **adam)()
        results = [call("gelu", X)(), call("softmax", X)(), call("dropout", X, rate=0.3, node=4)()]
        results += [*call("softmax_cross_entropy", X, t, None, None, **loss)(), *moments]
        seen.append([a.tobytes() for a in results])
    assert seen[0] == seen[1] == seen[2]


def test_two_python_threads_at_once(library: Any, call: Any) -> None:
    library.kn_set_threads(2)
    calls = [call("dense", normal(200, 300), normal(300, 400), normal(400)) for _ in range(2)]
    expected = [c().copy() for c in calls]
    wrong: list[int] = []

    def work(i: int) -> None:
        for _ in range(200):
            calls[i].outputs[0][...] = 0
            if calls[i]().tobytes() != expected[i].tobytes():
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


FORK = """
import os, sys
import numpy as np
from klarnet import engine
from klarnet.engine import functions as E, native
native.set_threads(2)
X, W = np.ones((256, 512), np.float32), np.ones((512, 512), np.float32)
with engine.use("native"):
    assert (E.dense(X, W) == 512).all()                  # the pool is there and at work
    child = os.fork()
    right = bool((E.dense(X, W) == 512).all())           # both go on, each with threads of its own
    if child == 0:
        grandchild = os.fork()
        right = right and bool((E.dense(X, W) == 512).all())
        if grandchild:
            right = right and os.waitpid(grandchild, 0)[1] == 0
        os._exit(0 if right else 1)
    sys.exit(0 if right and os.waitpid(child, 0)[1] == 0 else 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_fork_after_threads_were_started(library: Any) -> None:
    ended = run("-W", "ignore", "-c", FORK)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_process_ends_while_helpers_sleep(library: Any) -> None:
    ended = run("-c", FORK[: FORK.index("    child")] + "    import time; time.sleep(0.05)\n")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_helpers_sleep_when_there_is_nothing_to_do(library: Any, call: Any) -> None:
    library.kn_set_threads(2)
    work = call("dense", normal(256, 512), normal(512, 512), None)
    for _ in range(20):
        work()
    time.sleep(0.02)
    before, start = time.process_time(), time.perf_counter()
    time.sleep(0.3)
    used, took = time.process_time() - before, time.perf_counter() - start
    assert used < 0.1 * took


def test_number_of_threads(library: Any) -> None:
    library.kn_set_threads(3)
    assert library.kn_threads() == 3
    library.kn_set_threads(0)
    assert library.kn_threads() == 1
    assert 1 <= library.kn_default_threads() <= len(os.sched_getaffinity(0))


def test_affinity_limits_the_default(library: Any) -> None:
    one = min(os.sched_getaffinity(0))
    ask = "from klarnet.engine import native; print(native.library().kn_default_threads())"
    ended = run("-c", f"import os; os.sched_setaffinity(0, {{{one}}})\n{ask}")
    assert ended.stdout.strip() == "1", ended.stderr


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], timeout=60, capture_output=True, text=True)
