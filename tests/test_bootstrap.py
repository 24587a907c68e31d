"""The script that makes the environment on a bare machine: where it looks for pip, and what it refuses."""

from __future__ import annotations

import http.server
import importlib.util
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def bootstrap() -> ModuleType:
    path = Path(__file__).resolve().parents[1] / "tools" / "bootstrap.py"
    spec = importlib.util.spec_from_file_location("bootstrap", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package index on this machine; returns the folder that it serves."""
    folder = tmp_path / "index"
    (folder / "simple" / "pip").mkdir(parents=True)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/simple")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        yield folder
        server.shutdown()


def offer(bootstrap: ModuleType, index: Path, name: str | None = None) -> None:
    name = name or bootstrap.WHEEL
    (index / name).write_bytes(b"not what was expected")
    (index / "simple" / "pip" / "index.html").write_text(f'<a href="../../{name}#sha256=0">{name}</a>')


def test_a_wheel_with_another_hash_is_thrown_away(bootstrap: ModuleType, index: Path, tmp_path: Path) -> None:
    offer(bootstrap, index)
    with pytest.raises(bootstrap.Failed, match=f"{bootstrap.WHEEL}.*hash is not the expected one"):
        bootstrap.by_wheel(tmp_path / "no-python-is-run")


def test_the_right_hash_is_installed(
    bootstrap: ModuleType, index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(bootstrap, index)
    run: list[tuple[object, ...]] = []
    monkeypatch.setattr(bootstrap, "SHA256", bootstrap.hashlib.sha256(b"not what was expected").hexdigest())
    monkeypatch.setattr(bootstrap, "run", lambda *command: run.append(command))
    bootstrap.by_wheel(tmp_path / "python")
    ((python, inside, *rest),) = run
    assert python == tmp_path / "python"
    assert str(inside).endswith(f"{bootstrap.WHEEL}/pip")
    assert rest[0] == "install"


def test_another_version_is_not_taken(bootstrap: ModuleType, index: Path, tmp_path: Path) -> None:
    offer(bootstrap, index, "pip-1.0-py3-none-any.whl")
    with pytest.raises(bootstrap.Failed, match=f"does not offer {bootstrap.WHEEL}"):
        bootstrap.by_wheel(tmp_path / "no-python-is-run")


def test_the_index_of_pips_own_settings_is_asked(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "pip.conf"
    settings.write_text("[global]\nindex-url = https://mirror.example/simple/\n")
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    assert bootstrap.setting("index-url") == "https://mirror.example/simple/"
    monkeypatch.setenv("PIP_INDEX_URL", "https://other.example/simple")
    assert bootstrap.setting("index-url") == "https://other.example/simple"


def test_where_nothing_works_one_command_is_named(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PATH", str(tmp_path))
    no_pip = tmp_path / "python"
    no_pip.write_text("#!/bin/sh\necho No module named ensurepip\nexit 1\n")
    no_pip.chmod(0o755)
    with pytest.raises(SystemExit, match="sudo apt install python3-venv"):
        bootstrap.bring_pip(no_pip)
    told = capsys.readouterr().err
    assert "ensurepip: No module named ensurepip" in told
    assert "uv: not installed" in told
    assert "wheel: http://127.0.0.1:9/simple/pip/" in told
