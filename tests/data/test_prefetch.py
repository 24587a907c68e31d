"""Prefetch: the order is kept, errors arrive, memory is bounded, and no thread stays behind."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from itertools import islice

import numpy as np
import pytest

from klarnet.data.prefetch import prefetch

NAME = "klarnet-prefetch"


def workers_alive() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(NAME)]


@pytest.fixture(autouse=True)
def no_thread_stays_behind():
    yield
    assert workers_alive() == []


@pytest.mark.parametrize("workers", [0, 1, 2, 4])
@pytest.mark.parametrize("ahead", [1, 3, 100])
def test_items_come_in_their_order_whoever_is_first(workers, ahead):
    def slow_at_first(i: int) -> int:
        time.sleep(0.004 * (i % 3 == 0))
        return i * i

    assert list(prefetch(slow_at_first, 20, workers=workers, ahead=ahead)) == [i * i for i in range(20)]
    assert list(prefetch(slow_at_first, 0, workers=workers)) == []


def test_items_are_made_by_threads_before_they_are_asked_for():
    made: list[tuple[int, str]] = []
    third = threading.Event()

    def make(i: int) -> int:
        made.append((i, threading.current_thread().name))
        if i == 2:
            third.set()
        return i

    items = prefetch(make, 10, ahead=2)
    assert made == []  # nothing runs before the first item is asked for
    assert next(items) == 0
    assert third.wait(5)  # two more, though nobody asked for them
    items.close()
    assert [i for i, _ in made] == [0, 1, 2] and {name for _, name in made} == {f"{NAME}-0"}


@pytest.mark.parametrize("workers", [1, 4])
def test_never_more_than_ahead_are_kept(workers):
    lock, made, most = threading.Lock(), 0, 0

    def make(i: int) -> int:
        nonlocal made
        with lock:
            made += 1
        return i

    for i in prefetch(make, 60, workers=workers, ahead=3):
        time.sleep(0.0005)
        with lock:
            most = max(most, made - (i + 1))
    assert 1 <= most <= 3


def test_several_workers_run_at_the_same_time():
    barrier = threading.Barrier(3, timeout=10)

    def make(i: int) -> int:
        barrier.wait()  # passes only if three are in here together
        return i

    assert list(prefetch(make, 6, workers=3)) == list(range(6))


def fail_at(k: int):
    def make(i: int) -> int:
        if i == k:
            raise OSError(f"picture {i} is broken")
        return i

    return make


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_an_error_arrives_where_its_item_is_due(workers):
    items, seen = prefetch(fail_at(5), 50, workers=workers), []
    with pytest.raises(OSError, match="picture 5 is broken") as caught:
        for i in items:
            seen.append(i)
    assert seen == [0, 1, 2, 3, 4]
    assert "make" in [entry.name for entry in caught.traceback]  # where it happened
    assert next(items, "ended") == "ended"


def test_the_error_of_the_first_bad_item_wins_even_if_a_later_one_failed_before():
    def make(i: int) -> int:
        if i == 1:
            time.sleep(0.05)
        if i >= 1:
            raise ValueError(f"item {i}")
        return i

    with pytest.raises(ValueError, match="item 1"):
        list(prefetch(make, 8, workers=4))


@pytest.mark.parametrize("end", ["break", "islice", "close", "error", "forgotten"])
def test_a_consumer_that_stops_early_leaves_no_thread(end):
    items = prefetch(lambda i: i, 1000, workers=2)
    if end == "break":
        for i in items:
            if i == 3:
                break
        del items
    elif end == "islice":
        assert list(islice(items, 3)) == [0, 1, 2]
        items.close()
    elif end == "close":
        next(items)
        items.close()
    elif end == "error":
        with pytest.raises(RuntimeError, match="the consumer's own"):
            for i in items:
                if i == 2:
                    raise RuntimeError("the consumer's own")
        items.close()
    else:
        next(items)
        circle = [items]
        circle.append(circle)
        del items, circle
        gc.collect()
    assert workers_alive() == []


def test_ctrl_c_ends_the_threads_and_reaches_the_consumer():
    code = f"""
import os, signal, threading, time
from klarnet.data.prefetch import prefetch
threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    for i in prefetch(lambda i: time.sleep(0.02 if i < 5 else 0.5) or i, 100, workers=2):
        pass
except KeyboardInterrupt:
    print("interrupted", [t.name for t in threading.enumerate() if t.name.startswith("{NAME}")])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)
    assert (done.stdout, done.stderr, done.returncode) == ("interrupted []\n", "", 0)


def test_a_program_ends_though_an_iterator_is_still_open():
    code = "from klarnet.data.prefetch import prefetch; items = prefetch(lambda i: i, 99); print(next(items))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)
    assert (done.stdout, done.stderr, done.returncode) == ("0\n", "", 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_goes_on_without_threads_and_the_parent_with_them():
    items = prefetch(lambda i: i, 20, workers=2, ahead=2)
    assert next(items) == 0
    child = os.fork()
    if child == 0:
        signal.alarm(10)  # should it hang
        os._exit(0 if list(items) == list(range(1, 20)) and not os.getpid() == os.getppid() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert list(items) == list(range(1, 20))


def test_numpy_settings_of_the_consumer_hold_in_the_workers():
    with np.errstate(over="raise"):
        with pytest.raises(FloatingPointError):
            list(prefetch(lambda i: np.float32(1e38) * np.float32(1e38), 1))


@pytest.mark.parametrize(
    "wrong, error, words",
    [
        ({"count": -1}, ValueError, "count must be at least 0, got -1"),
        ({"count": 2.5}, TypeError, "count must be a whole number, got 2.5"),
        ({"workers": -1}, ValueError, "workers must be at least 0"),
        ({"workers": None}, TypeError, "workers must be a whole number, got None"),
        ({"ahead": 0}, ValueError, "ahead must be at least 1, got 0"),
    ],
)
def test_wrong_numbers_are_refused_at_once(wrong, error, words):
    with pytest.raises(error, match=f"prefetch: {words}"):
        prefetch(lambda i: i, **{"count": 3, **wrong})
