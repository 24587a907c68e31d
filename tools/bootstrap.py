"""Makes a virtual environment with pip in it on a machine that may have neither pip nor ensurepip.

    python3 tools/bootstrap.py .venv

The environment is made without pip, which works everywhere; then the first of these ways that works brings pip in:
Python's own ensurepip (Debian keeps it in a package of its own), uv where it is installed, and one wheel of pip
fetched from the package index that pip itself would ask, checked against the hash below. Standard library only.
"""

from __future__ import annotations

import configparser
import hashlib
import html
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

PIP = "26.3"
WHEEL = f"pip-{PIP}-py3-none-any.whl"
SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"
INDEX = "https://pypi.org/simple"


class Failed(Exception):
    """One way did not work; the message says why, in one line."""


def run(*command: str | Path) -> str:
    """The output of a command. Raises Failed with its last line."""
    done = subprocess.run(
        [str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        lines = done.stdout.strip().splitlines() or [f"exit status {done.returncode}"]
        raise Failed(lines[-1])
    return done.stdout.strip()


def works(python: Path, module: str) -> bool:
    """Whether the environment's Python runs and can import the module."""
    try:
        run(python, "-c", f"import {module}")
    except (Failed, OSError):
        return False
    return True


def setting(name: str) -> str | None:
    """A setting of pip, read as pip does: PIP_NAME first, then the user's file, then the machine's."""
    given = os.environ.get("PIP_" + name.upper().replace("-", "_"))
    if given:
        return given
    home, config = Path.home(), os.environ.get("XDG_CONFIG_HOME")
    files = [Path(d) / "pip/pip.conf" for d in os.environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":") if d]
    files += [Path("/etc/pip.conf"), home / ".pip/pip.conf"]
    files += [(Path(config) if config else home / ".config") / "pip/pip.conf"]
    files += [Path(f) for f in [os.environ.get("PIP_CONFIG_FILE")] if f]
    parser = configparser.RawConfigParser()
    parser.read([f for f in files if f.is_file()], encoding="utf-8")
    for section in ("install", "global"):
        if parser.has_option(section, name):
            return parser.get(section, name).strip()
    return None


def fetch(url: str) -> bytes:
    certificates = ssl.create_default_context(cafile=setting("cert"))
    request = urllib.request.Request(url, headers={"Accept": "text/html"})
    with urllib.request.urlopen(request, timeout=60, context=certificates) as answer:
        content: bytes = answer.read()
    return content


def by_ensurepip(python: Path) -> None:
    run(python, "-m", "ensurepip", "--default-pip")


def by_uv(python: Path) -> None:
    uv = shutil.which("uv")
    if uv is None:
        raise Failed("not installed")
    run(uv, "pip", "install", "--quiet", "--python", python, f"pip=={PIP}")


def by_wheel(python: Path) -> None:
    """pip installs itself out of its own wheel, which is a zip file that Python can run."""
    page = (setting("index-url") or INDEX).rstrip("/") + "/pip/"
    try:
        links = (html.unescape(link) for link in re.findall(r'href="([^"]+)"', fetch(page).decode()))
        url = next((u for u in (urllib.parse.urljoin(page, link) for link in links) if WHEEL in u), None)
        if url is None:
            raise Failed(f"{page} does not offer {WHEEL}")
        content = fetch(url)
    except (OSError, ValueError) as error:
        raise Failed(f"{page}: {error}") from error
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise Failed(f"{url}: the hash is not the expected one; the file was thrown away")
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(folder) / WHEEL
        wheel.write_bytes(content)
        run(python, wheel / "pip", "install", "--quiet", "--no-index", "--no-deps", wheel)


def bring_pip(python: Path) -> None:
    """Brings pip in by the first way that works, then brings it to the version above."""
    refusals = []
    for way in (by_ensurepip, by_uv, by_wheel):
        try:
            way(python)
            break
        except Failed as error:
            refusals.append(f"  {way.__name__.removeprefix('by_')}: {error}")
    else:
        print("klarnet: no way to get pip into the environment worked:", *refusals, sep="\n", file=sys.stderr)
        sys.exit("On Debian or Ubuntu this mends it:  sudo apt install python3-venv")


def main(folder: str) -> None:
    environment = Path(folder)
    python = environment / "bin" / "python"
    try:
        if not works(python, "sys"):
            print(f"Making {environment} with Python {sys.version.split()[0]}", flush=True)
            run(sys.executable, "-m", "venv", "--clear", "--without-pip", environment)
        if not works(python, "pip"):
            bring_pip(python)
        if run(python, "-c", "import pip; print(pip.__version__)") != PIP:
            run(python, "-m", "pip", "install", "--quiet", f"pip=={PIP}")
    except Failed as error:
        sys.exit(f"klarnet: {environment} could not be made: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
