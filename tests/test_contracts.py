"""The plan of the house as tests: who imports whom, where array arithmetic stands, how long a piece may be."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"

# The house: each room and the rooms it may import. "klarnet" is the package itself, its public names.
_LOW = {"random", "formulas"}
_NETWORK = _LOW | {"engine", "layers", "losses", "optimizers"}
_TRAINING = _NETWORK | {"network", "data", "metrics"}
_MODEL = _TRAINING | {"training"}
HOUSE = {
    "names": set(),
    "lazy": set(),
    "random": set(),
    "formulas": {"random"},
    "ctc": {"engine", "formulas", "lm"},
    "lm": _LOW | {"network"},  # files are written in one way
    "engine": _LOW,
    "layers": {"engine", "random"},
    "losses": {"engine"},
    "optimizers": {"engine"},
    "data": _LOW,
    "metrics": _LOW,
    "network": _NETWORK,
    "interchange": {"network", "layers"},
    "training": _TRAINING,
    "model": _MODEL,
    "tasks": _MODEL | {"lm", "model"},
    "report": (_MODEL - {"engine"})
    | {"model", "tasks", "klarnet"},  # it shows what a task found, and the version
    "klarnet": _MODEL | {"ctc", "lm", "model", "tasks", "report", "interchange"},
    "cli": (_MODEL - {"engine"}) | {"lm", "model", "tasks", "report", "interchange", "klarnet"},
}
# Files that more rooms may import than the house says.
OPEN = {
    "klarnet.formulas.padding": {"layers"},  # rules of shapes, on which page and layer must agree
    "klarnet.engine.about": {"cli", "report"},  # what runs here, for people to read
}
# Packages from outside, where the choice is narrower than what the project depends on.
OUTSIDE = {
    "formulas": {"numpy", "array_api_compat"},
    "random": {"numpy"},
    "engine": {"numpy"},
    "layers": {"numpy"},
    "losses": {"numpy"},
    "optimizers": {"numpy"},
    "data": {"numpy", "PIL", "soundfile"},
    "metrics": {"numpy", "PIL", "soundfile", "rapidfuzz"},
}
# Layers, losses and optimizers call the engine; of NumPy they may use types and constants.
NO_ARITHMETIC = {"layers", "losses", "optimizers"}
NUMPY_TYPES = {"ndarray", "generic", "dtype", "float32", "float64", "int32", "int64", "uint16"}
LONGEST_FILE, LONGEST_FUNCTION = 450, 70


class Module:
    """One file of the package: its dotted name, its room and what it imports."""

    def __init__(self, path: Path, source: Path) -> None:
        parts = list(path.relative_to(source).with_suffix("").parts)
        self.is_package = parts[-1] == "__init__"
        self.name = ".".join(parts[:-1] if self.is_package else parts)
        self.room = self.name.split(".")[1] if "." in self.name else self.name
        self.path, self.text = path.relative_to(source), path.read_text(encoding="utf-8")
        self.tree = ast.parse(self.text)

    def imports(self, names: set[str]) -> Iterator[tuple[int, str]]:
        """Line and dotted name of every import, also inside functions, but not for type checkers alone."""
        for node in _running(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self._base(node)
                for alias in node.names:
                    whole = f"{base}.{alias.name}"
                    yield node.lineno, whole if whole in names else base

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.name.split(".") if self.is_package else self.name.split(".")[:-1]
        package = package[: len(package) - node.level + 1]
        return ".".join(package + ([node.module] if node.module else []))


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below, without the branches `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            for other in child.orelse:
                yield other
                yield from _running(other)
            continue
        yield child
        yield from _running(child)


def house(source: Path) -> list[Module]:
    return [Module(path, source) for path in sorted(source.glob("klarnet/**/*.py"))]


def room_of(name: str) -> str:
    return name.split(".")[1] if "." in name else name


def check_order(modules: list[Module]) -> Iterator[str]:
    """Imports that go up, or sideways, or to a room that this one is not to know."""
    names = {m.name for m in modules}
    for m in modules:
        for line, target in m.imports(names):
            if target.split(".")[0] != "klarnet" or room_of(target) in {m.room, "names", "lazy"}:
                continue  # which name was meant is a question of every room
            if m.room in OPEN.get(target, ()):
                continue
            if m.room not in HOUSE:
                yield f"{m.path}: the room {m.room} does not stand in HOUSE"
            elif room_of(target) not in HOUSE[m.room]:
                yield f"{m.path}:{line}: {m.room} must not import {room_of(target)}"


def check_outside(modules: list[Module]) -> Iterator[str]:
    """Packages from outside that a room is not to know; the table and its generator know none."""
    names = {m.name for m in modules}
    for m in modules:
        allowed = OUTSIDE.get(m.room)
        if m.name.removeprefix("klarnet.engine.") in {"row", "sizes", "table", "generate"}:
            allowed = {"row", "sizes", "table", "generate"}
        for line, target in m.imports(names):
            package = target.split(".")[0]
            if allowed is not None and package not in {"klarnet", *allowed} | sys.stdlib_module_names:
                yield f"{m.path}:{line}: {m.room} must not import {package}"


def check_circles(modules: list[Module]) -> Iterator[str]:
    """Circles among modules: walks the imports in depth and reports every way back to a module still open."""
    names = {m.name for m in modules}
    graph = {m.name: sorted({t for _, t in m.imports(names) if t in names and t != m.name}) for m in modules}
    done: set[str] = set()

    def walk(name: str, way: list[str]) -> Iterator[str]:
        if name in way:
            yield " -> ".join([*way[way.index(name) :], name])
        elif name not in done:
            for target in graph[name]:
                yield from walk(target, [*way, name])
            done.add(name)

    for name in graph:
        yield from walk(name, [])


def check_arithmetic(modules: list[Module]) -> Iterator[str]:
    """NumPy functions and matrix products in rooms that are to call the engine for every number."""
    for m in modules:
        if m.room not in NO_ARITHMETIC:
            continue
        numpy = {
            alias.asname or alias.name
            for node in ast.walk(m.tree)
            if isinstance(node, ast.Import)
            for alias in node.names
            if alias.name == "numpy"
        }
        for node in ast.walk(m.tree):
            used: list[str] = []
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "numpy":
                used = [alias.name for alias in node.names] if node.module == "numpy" else [f"{node.module}"]
            elif isinstance(node, ast.Attribute) and ast.unparse(node.value) in numpy:
                used = [node.attr]
            elif isinstance(node, ast.MatMult):
                yield f"{m.path}: a matrix product (@) belongs to the engine"
            for name in set(used) - NUMPY_TYPES:
                yield f"{m.path}:{node.lineno}: {m.room} must not use numpy.{name}"


def check_length(modules: list[Module]) -> Iterator[str]:
    for m in modules:
        lines = m.text.count("\n")
        if lines > LONGEST_FILE:
            yield f"{m.path}: {lines} lines, at most {LONGEST_FILE}"
        for node in ast.walk(m.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    place = f"{m.path}:{node.lineno}: {node.name}"
                    yield f"{place} has {length} lines, at most {LONGEST_FUNCTION}"


CHECKS = [check_order, check_outside, check_circles, check_arithmetic, check_length]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_package_keeps_the_contract(check) -> None:
    modules = house(SOURCE)
    assert len(modules) > 10
    assert list(check(modules)) == []


FAULTS = [
    (check_order, "layers/dense.py", "from klarnet.network import graph"),
    (check_order, "layers/dense.py", "from ..losses import ctc"),
    (check_order, "layers/dense.py", "from klarnet.formulas import dense"),
    (check_order, "layers/dense.py", "def f():\n    import klarnet.training.trainer"),
    (check_order, "training/trainer.py", "import klarnet as kn"),
    (check_order, "data/idx.py", "from klarnet.engine import use"),
    (check_order, "cli/main.py", "from klarnet import engine"),
    (check_order, "random.py", "from klarnet.formulas import a"),
    (check_order, "cellar/wine.py", "import klarnet.random"),
    (check_outside, "formulas/dense.py", "import scipy.special"),
    (check_outside, "engine/table.py", "import numpy as np"),
    (check_circles, "formulas/a.py", "from .b import f"),
    (check_arithmetic, "layers/dense.py", "import numpy as np\nY = np.dot(1, 2)"),
    (check_arithmetic, "layers/dense.py", "from numpy import exp"),
    (check_arithmetic, "losses/dense.py", "def f(X, W):\n    return X @ W"),
    (check_length, "formulas/long.py", "x = 1\n" * 451),
    (check_length, "formulas/long.py", "def f():\n" + "    x = 1\n" * 70),
]


@pytest.mark.parametrize(("check", "place", "text"), FAULTS)
def test_a_breach_is_found(check, place: str, text: str, tmp_path: Path) -> None:
    files = {
        "__init__.py": "",
        "engine/__init__.py": "",
        "network/graph.py": "",
        "formulas/b.py": "from klarnet.formulas import a\n",
        "random.py": "if TYPE_CHECKING:\n    from klarnet.model import Network\n",
        place: text,
    }
    for name, content in files.items():
        path = tmp_path / "klarnet" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    breaches = list(check(house(tmp_path)))
    assert len(breaches) == 1
    assert place in breaches[0] or "klarnet.formulas.a" in breaches[0]
