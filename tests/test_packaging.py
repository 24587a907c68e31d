"""The package as it is shipped: what a wheel holds, and that the package installs where nothing can be compiled."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = "klarnet/engine/libklarnet.so"

pytestmark = pytest.mark.slow


def build(folder: Path, **environment: str) -> zipfile.ZipFile:
    """The wheel of this repository, built as pip builds it for a user."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    return zipfile.ZipFile(wheel)


def metadata(wheel: zipfile.ZipFile):
    (name,) = (n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
    return Parser().parsestr(wheel.read(name).decode())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return build(tmp_path_factory.mktemp("wheel"), KLARNET_NATIVE="1")


def test_a_wheel_holds_engine_and_licences_for_every_python(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    assert Path(str(wheel.filename)).name.split("-")[2:4] == ["py3", "none"]
    assert LIBRARY in names
    assert wheel.getinfo(LIBRARY).file_size < 5_000_000
    recipe = "klarnet/tasks/recipes/built_in/digits.toml"
    assert {"klarnet/py.typed", "klarnet/data/digits/digits-idx4-ubyte.gz", recipe} <= set(names)
    assert not [n for n in names if n.startswith("tests/") or n.endswith((".cpp", ".h"))]

    about = metadata(wheel)
    assert about["License-Expression"] == "Apache-2.0 AND CC-BY-SA-3.0"
    files = {"LICENSE", "NOTICE", "LICENSES/Apache-2.0.txt", "LICENSES/CC-BY-SA-3.0.txt"}
    assert set(about.get_all("License-File")) == files
    assert {n.split(".dist-info/licenses/")[1] for n in names if "/licenses/" in n} == files


def size(*places: Path) -> int:
    return sum(f.stat().st_size for place in places for f in place.rglob("*") if f.is_file())


def test_a_user_installs_it_into_a_new_environment(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "KLARNET"))}
    python = tmp_path / "user" / "bin" / "python"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "-c",
        ROOT / "constraints.txt",
    ]
    code = (
        "import klarnet, numpy as np\n"
        "from klarnet.engine import functions as E, native\n"
        "assert native.library() is not None, native.why_not()\n"
        "assert E.relu(np.array([-1, 2], np.float32)).tolist() == [0, 2]\n"
        "print(klarnet.__version__)"
    )
    output = ""
    for command in (
        [sys.executable, "-m", "venv", "--without-pip", tmp_path / "user"],
        [*pip, str(wheel.filename)],
        [python, "-c", code],
    ):
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        output = done.stdout
    assert output.strip() == metadata(wheel)["Version"]
    (site,) = tmp_path.glob("user/lib/python3*/site-packages")
    assert size(site / "klarnet") < 10_000_000
    assert size(site) < 120_000_000


@pytest.mark.parametrize("environment", [{"KLARNET_NATIVE": "0"}, {"CXX": "no-such-compiler"}])
def test_without_an_engine_the_package_still_installs(environment: dict[str, str], tmp_path: Path) -> None:
    wheel = build(tmp_path, **environment)
    assert Path(str(wheel.filename)).name.endswith("-py3-none-any.whl")
    assert LIBRARY not in wheel.namelist()


def test_a_failed_engine_is_an_error_where_it_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no-such-compiler"):
        build(tmp_path, KLARNET_NATIVE="1", CXX="no-such-compiler")
