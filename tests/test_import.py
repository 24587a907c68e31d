"""Importing klarnet is cheap, and every public name is there."""

from __future__ import annotations

import subprocess
import sys

import klarnet as kn


def measured(code: str) -> float:
    """Seconds for a line of Python in a process of its own, NumPy loaded before."""
    timed = f"import time, numpy; start = time.perf_counter(); {code}; print(time.perf_counter() - start)"
    return float(
        subprocess.run([sys.executable, "-c", timed], capture_output=True, text=True, check=True).stdout
    )


def test_import_costs_less_than_50_ms_beyond_numpy() -> None:
    assert min(measured("import klarnet") for _ in range(5)) < 0.05


def test_import_loads_nothing_large() -> None:
    code = "import klarnet, sys; print(*sys.modules)"
    loaded = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.split())
    assert not loaded & {"matplotlib", "rich", "cyclopts", "PIL", "safetensors", "msgspec", "torch"}


def test_a_network_needs_no_command_line_and_no_pictures() -> None:
    code = (
        "import klarnet as kn, numpy as np, sys; net = kn.Network([kn.Dense(2), kn.Softmax()], input_shape=(3,)); "
        "kn.Trainer(net).step(np.zeros((4, 3), np.float32), np.zeros(4, int)); print(*sys.modules)"
    )
    loaded = set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
    )
    assert not loaded & {"matplotlib", "rich", "cyclopts", "PIL", "safetensors", "msgspec"}


def test_every_public_name_is_there_and_nothing_else_is_promised() -> None:
    for name in kn.__all__:
        assert getattr(kn, name) is not None
    assert set(kn.layers.__all__) - {"LAYERS", "Weight", "activation"} <= set(kn.__all__)
    assert set(kn.training.__all__ if hasattr(kn, "training") else []) <= set(kn.__all__)
    assert "Dense" in dir(kn)


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(kn, "Densee")
