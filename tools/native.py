"""Builds the native engine from native/ and puts the library beside the Python code that loads it.

    .venv/bin/python tools/native.py
    .venv/bin/python tools/native.py --sanitize "address;undefined" --into build/sanitized

CMake is taken from the machine, or from the package index where it is missing or too old. Without a C++ compiler, or
with KLARNET_NATIVE=0, nothing is built and klarnet computes with its formulas.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OLDEST_CMAKE = (3, 18)


def version(cmake: str) -> tuple[int, ...]:
    try:
        text = subprocess.run([cmake, "--version"], capture_output=True, text=True).stdout
    except OSError:
        return (0,)
    found = re.search(r"version (\d+)\.(\d+)", text)
    return tuple(int(n) for n in found.groups()) if found else (0,)


def find_cmake() -> str:
    """A CMake that is new enough; fetched into this environment if there is none."""
    own = str(Path(sys.executable).parent / "cmake")
    for cmake in (shutil.which("cmake"), own):
        if cmake and version(cmake) >= OLDEST_CMAKE:
            return cmake
    print("Fetching CMake, which this machine lacks", flush=True)
    constraints = ROOT / "constraints.txt"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "-c", constraints, "cmake"], check=True
    )
    return own


def find_compiler() -> str | None:
    named = os.environ.get("CXX", "").split()
    return next(filter(None, map(shutil.which, named[:1] or ["c++", "g++", "clang++"])), None)


def step(command: list[str | Path], quiet: bool = False) -> None:
    """Runs a command that did not start from this make: its flags are not for the make that CMake starts."""
    environment = {k: v for k, v in os.environ.items() if k not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}
    out = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} if quiet else {}
    done = subprocess.run(command, env=environment, text=True, **out)
    if done.returncode:
        print(done.stdout or "", end="", flush=True)
        done.check_returncode()


def build(folder: Path, into: Path, sanitize: str) -> None:
    """Configures, compiles with two jobs and copies the library to `into`/klarnet/engine."""
    cmake = find_cmake()
    configure = [cmake, "-S", ROOT, "-B", folder, "-G", "Unix Makefiles", "--log-level=WARNING"]
    configure += ["-DCMAKE_BUILD_TYPE=Release", f"-DPython3_EXECUTABLE={sys.executable}"]
    configure += [f"-DKLARNET_SANITIZE={sanitize}"]
    step(configure, quiet=True)
    step([cmake, "--build", folder, "--parallel", "2"])
    step([cmake, "--install", folder, "--prefix", into], quiet=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sanitize", default="", help="sanitizers, separated by semicolons")
    parser.add_argument(
        "--into", type=Path, default=ROOT / "src", help="the library goes to INTO/klarnet/engine"
    )
    given = parser.parse_args()
    if os.environ.get("KLARNET_NATIVE", "").lower() in {"0", "no", "off", "false"}:
        print("KLARNET_NATIVE=0: the native engine is not built; klarnet computes with its formulas.")
        return
    if find_compiler() is None:
        print(
            "No C++ compiler found: klarnet computes with its formulas, which is slow. For the native engine:"
        )
        print("    sudo apt install g++      (Debian, Ubuntu; then run the same command again)")
        return
    folder = ROOT / "build" / ("sanitized-objects" if given.sanitize else "native")
    try:
        build(folder, given.into.resolve(), given.sanitize)
    except subprocess.CalledProcessError as error:
        failed = f"{Path(error.cmd[0]).name} ended with {error.returncode}; the lines above say why"
        sys.exit(f"klarnet: the native engine was not built: {failed}. KLARNET_NATIVE=0 does without it.")


if __name__ == "__main__":
    main()
