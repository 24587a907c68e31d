"""The digits in the package: what they are, that they are MNIST's, and that they cost little."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from klarnet.data import Scaling, digits, mnist
from klarnet.data.embedded import FILE

ROOT = Path(__file__).parents[2]
REAL = ROOT / "../shared/data/mnist"
needs_mnist = pytest.mark.skipif(not REAL.is_dir(), reason="MNIST's files are not in ../shared/data/mnist")


def test_digits():
    data = digits()
    assert data.X.shape == (6000, 28, 28, 1) and data.X.dtype == np.uint8
    assert np.bincount(data.t).tolist() == [600] * 10 and data.t.dtype == np.int64
    assert data.class_names == tuple("0123456789") and data.scaling == Scaling(1 / 255)
    assert np.array_equal(data.X, digits().X) and np.array_equal(data.t, digits().t)


def test_digits_are_mixed():
    t = digits().t
    for begin in range(0, 6000, 1000):
        assert np.bincount(t[begin : begin + 1000], minlength=10).min() > 60


def test_the_file_is_small_and_comes_with_its_licence():
    assert FILE.stat().st_size <= 2 * 1024 * 1024
    text = FILE.with_name("README").read_text()
    assert FILE.name in text and "CC-BY-SA-3.0" in text and "LeCun" in text


@needs_mnist
def test_digits_are_the_first_of_every_class():
    data, train = digits(), mnist(REAL)
    for c in range(10):
        ours, theirs = data.X[data.t == c], train.X[train.t == c][:600]
        assert sorted(map(bytes, ours)) == sorted(map(bytes, theirs))


@needs_mnist
def test_the_tool_makes_this_file():
    spec = importlib.util.spec_from_file_location("pack_digits", ROOT / "tools/pack_digits.py")
    tool = importlib.util.module_from_spec(spec)
    path = list(sys.path)
    try:
        spec.loader.exec_module(tool)
    finally:
        sys.path[:] = path
    from klarnet.data import read_idx

    assert np.array_equal(tool.pack(REAL), read_idx(FILE))


def test_importing_data_and_metrics_stays_cheap():
    heavy = "PIL gzip zlib difflib numpy.random scipy matplotlib importlib.resources".split()
    code = f"""
import sys, types
bare = types.ModuleType("klarnet")  # in place of klarnet/__init__.py, which imports the other rooms too
bare.__path__ = [{str(ROOT / "src/klarnet")!r}]
sys.modules["klarnet"] = bare
import klarnet.data, klarnet.metrics
print([m for m in {heavy} if m in sys.modules], [m for m in sys.modules if m.startswith("klarnet.engine")])
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[] []"
