"""A run that is killed again and again gives, once it comes to its end, the bits of one that never was."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import klarnet as kn

SCRIPT = Path(__file__).with_name("killed_run.py")
TOTAL = 11 * 20  # iterations


def started(folder: Path, every: int) -> subprocess.Popen[str]:
    source = str(Path(kn.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": source, "KLARNET_THREADS": "1"}
    command = [sys.executable, str(SCRIPT), str(folder), str(every)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def to_the_end(folder: Path, every: int) -> bytes:
    """The file of the trained network."""
    _, error = (process := started(folder, every)).communicate(timeout=300)
    assert process.returncode == 0, error
    return (folder / "trained.klarnet").read_bytes()


def killed(folder: Path, every: int, iterations: int, wait: float) -> int:
    """Start or go on, kill so many iterations and `wait` seconds later; returns the last iteration that was told."""
    with started(folder, every) as process:
        assert process.stdout is not None and process.stderr is not None
        told = [process.stdout.readline() for _ in range(iterations)]
        assert told[-1], process.stderr.read()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        told += process.stdout.read().split("\n")
    return max(int(line) for line in told if line.strip())


def check(folder: Path, moments: int, seed: int, every: int) -> None:
    """Kill at so many random moments, then compare with the run that was left alone."""
    draw = random.Random(seed)
    reached = 0
    for _ in range(moments):
        # A step takes some milliseconds, and so does writing a checkpoint: both are hit.
        last = killed(
            folder / "killed", every, draw.randint(1, TOTAL // (moments + 1)), draw.uniform(0, 0.008)
        )
        assert last >= reached - every, "a checkpoint was lost"
        reached = last
    assert 0 < reached < TOTAL
    assert to_the_end(folder / "killed", every) == to_the_end(folder / "whole", every)
    assert not list((folder / "killed").glob(".*"))  # nothing half-written is left
    rows = [kn.read_checkpoint(folder / name / "last.klarnet")["history"] for name in ("killed", "whole")]
    for row in [*rows[0], *rows[1]]:
        del row["seconds"], row["examples_per_second"]
    assert rows[0] == rows[1] and len(rows[0]) == 11


def test_killed_twice(tmp_path: Path) -> None:
    check(tmp_path, moments=2, seed=1, every=3)


@pytest.mark.slow
def test_killed_at_twenty_random_moments(tmp_path: Path) -> None:
    check(tmp_path, moments=20, seed=2, every=1)
