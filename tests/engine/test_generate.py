"""What is written from the table: the C header, the ABI number, the stubs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from klarnet.engine import FUNCTIONS, functions
from klarnet.engine import generate as written
from klarnet.engine.records import encode
from klarnet.engine.row import Function

STUBS = Path(functions.__file__).with_suffix(".pyi")


def words(f: Function) -> int:
    """Length of a record without entries, its first word left out."""
    scalars: dict[str, Any] = {s.name: (0,) * s.count if s.listed else 0 for s in f.scalars}
    arrays = [[() if p.many else None for p in side] for side in (f.inputs, f.outputs)]
    return len(encode(f, *arrays, scalars, dict.fromkeys(f.letters, 1), lambda x: 0)) - 1


def test_the_header_compiles_and_its_structures_are_as_long_as_the_records(tmp_path: Path) -> None:
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler")
    checks = [f"static_assert(sizeof(kn::args::{f.name}) == {8 * words(f)});" for f in FUNCTIONS.values()]
    (tmp_path / "waist.h").write_text(written.header())
    source = tmp_path / "check.cpp"
    source.write_text('#include "waist.h"\n' + "\n".join(checks) + "\n")
    subprocess.run([compiler, "-std=c++20", "-Wall", "-fsyntax-only", str(source)], check=True, cwd=tmp_path)


def test_a_structure_has_addresses_then_sizes_then_scalars() -> None:
    text = written.structure(FUNCTIONS["adam"]).split("\n", 1)[1]
    names = re.findall(r"(\w+)(?:\[\d*\])?[,;]", text)
    assert names == [
        "W",
        "g",
        "m",
        "s",
        "p",
        "beta1",
        "beta2",
        "epsilon",
        "decoupled",
        "born",
        "rate",
        "decay",
    ]
    assert "float* W; " in text.replace("\n    ", " ") and "const float* g;" in text
    assert "Entry entries[]" in written.structure(FUNCTIONS["dense"])
    assert "int64_t add;" in written.structure(FUNCTIONS["dense_gradients"])


def test_the_abi_number_changes_with_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    before = written.abi()
    assert before == written.abi()
    monkeypatch.setitem(FUNCTIONS, "new", Function(99, "new", "X[n] -> Y[n]"))
    assert written.abi() != before


def test_the_stubs_are_up_to_date() -> None:
    fresh = "run: python src/klarnet/engine/generate.py --stubs src/klarnet/engine/functions.pyi"
    assert STUBS.read_text() == written.stubs(), fresh


def test_the_stubs_name_every_function() -> None:
    text = STUBS.read_text()
    compile(text, str(STUBS), "exec")
    defined = re.findall(r"^def (\w+)\(", text, re.MULTILINE)
    assert defined == functions.__all__ == list(FUNCTIONS)
    assert "node: int" in text


def test_main_writes_both(tmp_path: Path) -> None:
    written.main(["--header", str(tmp_path / "h"), "--stubs", str(tmp_path / "s")])
    assert (tmp_path / "h").read_text() == written.header() and (
        tmp_path / "s"
    ).read_text() == written.stubs()
