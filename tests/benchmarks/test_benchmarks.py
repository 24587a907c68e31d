"""The benchmark's own arithmetic, and its scripts on the smallest workload."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from klarnet.engine import native

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def tables(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import tables

    return tables


def step(who, variant, ms, least):
    return {
        "kind": "step",
        "who": who,
        "variant": variant,
        "workload": "xor",
        "ms_per_step": ms,
        "min": least,
        "gflops": 100 / ms,
    }


def test_ratio_is_best_variant_of_best_peer_over_klarnet_by_medians_of_rounds(tables):
    lines = [step("klarnet", "native", ms, 1.0) for ms in (2.0, 2.0, 50.0)]
    lines += [step("torch", "eager", ms, 3.0) for ms in (9.0, 9.0, 1.0)]
    lines += [step("jax", "jit", ms, 4.0) for ms in (5.0, 5.0, 90.0)]
    lines += [{"kind": "step", "who": "keras", "variant": "xla", "workload": "xor", "error": "no result"}]
    lines += [{"kind": "kernels", "kernels": {}, "peak_gflops": 200.0, "workload": "kernels"}]
    row = tables.summary(lines)["workloads"]["xor"]
    assert row["best_peer"] == "jax jit"
    assert row["ratio"] == 2.5
    assert row["ratio_of_fastest"] == 3.0
    assert row["percent_of_peak"] == 25.0


def test_table_names_peers_that_are_not_installed(tables, tmp_path):
    about = {"machine": "one", "threads": 2, "rounds": 1, "seconds": 1.0, "versions": {"jax": "1.2"}}
    lines = [step("klarnet", "native", 1.0, 1.0), step("jax", "jit", 2.0, 2.0)]
    result = {"about": about | {"missing": ["torch"]}, **tables.summary(lines)}
    tables.write(result, tmp_path / "results.md")
    text = (tmp_path / "results.md").read_text()
    assert "JAX 1.2" in text and "left out: PyTorch" in text
    assert "| xor | 1.000 | **2.000** (jit) | 2.00 | 2.00 |" in text


def run(*arguments):
    done = subprocess.run(
        [sys.executable, *map(str, arguments), "--workload", "xor", "--threads", "1"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


needs_engine = pytest.mark.skipif(native.library() is None, reason="the native engine is not built")


@needs_engine
def test_klarnet_peer_prints_the_peers_line():
    line = run(BENCHMARKS / "klarnet_peer.py", "--seconds", "0.05")
    assert line["peer"] == "klarnet" and line["steps"] >= 5 and 0 < line["min"] <= line["ms_per_step"]


@needs_engine
def test_memory_of_a_step_is_what_lies_above_the_import():
    line = run(BENCHMARKS / "step_memory.py", BENCHMARKS / "klarnet_peer.py")
    assert line["after_import_mb"] > 5
    assert 0 < line["step_mb"] < line["peak_mb"]


def test_input_pipeline_compares_augmented_steps_with_those_in_memory(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import input_pipeline

    data = input_pipeline.pictures(64)
    assert 0 < input_pipeline.cost(data, ("rotate", "mirror"), 4, rounds=1) < 1e5
    memory, augmented, ratios = input_pipeline.compare(data, ("mirror", "crop"), 1, 2, 1, 4)
    assert memory > 0 and augmented > 0 and len(ratios) == 2


def test_decoders_times_every_kind_of_line(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import decoders

    monkeypatch.setattr(decoders, "STEPS", 20)
    monkeypatch.setattr(sys, "argv", ["decoders.py", "--seconds", "0", "--engine", "formulas"])
    decoders.main()
    found = json.loads(capsys.readouterr().out)["decoders"]
    assert set(found) == {"decided", "unsure", "flat"}
    for calls in found.values():
        assert {"beam", "beam, 5-grams", "beam, lexicon", "alignment", "lattice"} < set(calls)
        assert all(0 < figures["min"] <= figures["ms"] for figures in calls.values())
