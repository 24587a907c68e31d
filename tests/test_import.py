"""Importing klarnet is cheap, and every public name is there."""

from __future__ import annotations

import subprocess
import sys

import klarnet as kn

NEVER = {"matplotlib", "rich", "cyclopts", "PIL", "safetensors", "msgspec", "torch"}
SELDOM = {"tempfile", "csv", "json", "shutil", "lzma", "numpy.random"}  # for files and reports only


def run(code: str) -> str:
    """What a line of Python prints in a process of its own."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def seconds(code: str) -> float:
    """The time a line of Python takes where NumPy is loaded; the least of several, since other programs run too."""
    timed = f"import time, numpy; start = time.perf_counter(); {code}; print(time.perf_counter() - start)"
    return min(float(run(timed)) for _ in range(5))


def loaded_beyond_numpy(code: str) -> set[str]:
    """The modules a line of Python loads that NumPy alone does not."""
    return set(
        run(
            f"import numpy, sys; before = set(sys.modules); {code}; print(*set(sys.modules) - before)"
        ).split()
    )


def test_import_costs_less_than_50_ms_beyond_numpy() -> None:
    assert seconds("import klarnet") < 0.05


def test_import_loads_next_to_nothing() -> None:
    loaded = loaded_beyond_numpy("import klarnet")
    assert {name for name in loaded if not name.startswith("klarnet")} <= {"__future__"}
    assert {name for name in loaded if name.startswith("klarnet")} == {"klarnet"}


def test_a_network_is_trained_without_command_line_pictures_and_files() -> None:
    loaded = loaded_beyond_numpy(
        "import klarnet as kn, numpy as np; net = kn.Network([kn.Dense(2), kn.Softmax()], input_shape=(3,)); "
        "net.fit(np.zeros((4, 3), np.float32), np.zeros(4, int), epochs=1, progress=False); "
        "net.predict(np.ones((1, 3)))"
    )
    assert "klarnet.model" in loaded
    assert not loaded & (NEVER | SELDOM)


def test_every_public_name_is_there_and_nothing_else_is_promised() -> None:
    for name in kn.__all__:
        assert getattr(kn, name) is not None
    assert set(kn.layers.__all__) - {"LAYERS", "Weight", "activation"} <= set(kn.__all__)
    assert set(kn.training.__all__ if hasattr(kn, "training") else []) <= set(kn.__all__)
    assert "Dense" in dir(kn)


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(kn, "Densee")
