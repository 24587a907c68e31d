"""Which engine runs, on how many threads, and what is said where the library cannot."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from klarnet.engine import engine, native, set_threads, threads, use

SOURCE = Path(__file__).resolve().parents[2] / "src"


def test_use_nests_and_ends() -> None:
    before = engine()
    with use("formulas"):
        assert engine() == "formulas"
        if native.library() is not None:
            with use("native"):
                assert engine() == "native"
            assert engine() == "formulas"
    assert engine() == before
    with pytest.raises(KeyError), use("formulas"):
        raise KeyError
    assert engine() == before


def test_use_is_a_matter_of_one_thread() -> None:
    found: list[str] = []
    outside = engine()
    with use("formulas"):
        thread = threading.Thread(target=lambda: found.append(engine()))
        thread.start()
        thread.join()
    assert found == [outside]


def test_an_engine_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="engine 'cuda', expected one of native, formulas"), use("cuda"):
        pass


def test_threads() -> None:
    before = threads()
    with pytest.raises(ValueError, match=r"set_threads\(0\): expected 1 or more"):
        set_threads(0)
    set_threads(1)
    assert threads() == 1
    set_threads(before)
    assert threads() == before


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    full = os.environ | {"PYTHONPATH": str(SOURCE)} | environment
    return subprocess.run([sys.executable, "-c", code], env=full, capture_output=True, text=True)


def test_the_environment_chooses() -> None:
    show = "from klarnet.engine import engine; print(engine())"
    assert run(show, KLARNET_ENGINE="formulas").stdout == "formulas\n"
    wrong = run(show, KLARNET_ENGINE="fast")
    assert "KLARNET_ENGINE='fast', expected one of native, formulas" in wrong.stderr


def test_without_a_library_the_formulas_run_and_say_why(tmp_path: Path) -> None:
    code = """
import numpy as np
from klarnet.engine import engine, functions as E, native, threads, use
print(engine(), threads(), E.relu(np.array([-1, 2], np.float32)))
print(native.why_not())
try:
    with use("native"): pass
except RuntimeError as error: print(error)
"""
    done = run(code, KLARNET_LIBRARY=str(tmp_path))
    assert done.returncode == 0, done.stderr
    first, why, refused = done.stdout.splitlines()
    assert first == "formulas 1 [0. 2.]"
    assert "no compiled library" in why and refused == f"the native engine cannot be used: {why}"


def test_a_file_that_is_no_library(tmp_path: Path) -> None:
    (tmp_path / "libklarnet.so").write_text("not a library")
    done = run(
        "from klarnet.engine import engine, native; print(engine(), native.why_not())",
        KLARNET_LIBRARY=str(tmp_path),
    )
    assert done.stdout.startswith("formulas libklarnet.so: ") and done.stdout.count("\n") == 1


def test_a_library_of_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ABI number differs: the library is not used, and the message tells the mend."""
    if native.library() is None:
        pytest.skip(f"no native engine: {native.why_not()}")
    native.library.cache_clear()
    monkeypatch.setattr(native, "abi", lambda: 12345)
    monkeypatch.setattr(native, "_WHY", [])
    try:
        assert native.library() is None
        assert "was built for another version of klarnet" in native.why_not() and "12345" in native.why_not()
    finally:
        native.library.cache_clear()
