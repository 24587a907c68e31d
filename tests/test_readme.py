"""The Python of README.md is run as it stands there, with one epoch in place of ten."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import klarnet as kn

README = Path(__file__).parents[1] / "README.md"


def test_the_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert "epochs=10" in first
    names: dict[str, Any] = {}
    exec(compile(first.replace("epochs=10", "epochs=1"), "README.md, first block", "exec"), names)
    assert names["p"].shape == (5, 10) and (tmp_path / "digits.klarnet").exists()

    net, test = names["net"], names["test"]
    X, t = test.X[:4], test.t[:4]
    W = kn.random.normal((9, 5), 1)
    names |= {"X": X, "t": t, "W": W}
    names["dY"] = kn.random.normal((4, 10), 2).astype(np.float32)
    # the page of the formulas takes a dY that fits W
    second = second.replace("dense_backward(dY, W)", "dense_backward(dY[:, :5], W)")
    assert "dense_backward(dY[:, :5], W)" in second
    before = net.weights["dense_1/W"].copy()
    exec(compile(second, "README.md, second block", "exec"), names)
    assert names["dX"].shape == X.shape
    assert not np.array_equal(net.weights["dense_1/W"], before)
