"""The program as a process: pipes, a terminal, signals, --debug."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from klarnet.cli.app import COMMANDS, word
from klarnet.cli.run import run

Program = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize("command", ["", *(word(c) for c, _, _ in COMMANDS)])
def test_help_fits_80_columns_and_gives_an_example(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run([*command.split(), "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"Usage: klarnet {command}") and "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 80
    assert f"klarnet {command or 'train'}" in out.split("\n", 1)[1]
    assert "Traceback" not in out


def test_pipes_get_plain_text(program: Program) -> None:
    done = program("train", "digits", "--epochs", "1", "--out", "run")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr and "\r" not in done.stdout
    lines = done.stdout.splitlines()
    assert lines[-2].startswith("test accuracy ") and lines[-1] == f"report: {Path('run/report.html')}"
    assert program("--version").stdout == "klarnet 0.1.0\n"
    assert json.loads(program("info", "--json").stdout)["klarnet"] == "0.1.0"


def test_threads_as_the_environment_says(program: Program, environment: dict[str, str]) -> None:
    found = json.loads(program("info", "--json", env={**environment, "KLARNET_THREADS": "3"}).stdout)
    assert found["threads"] == 3 or not found["native"]
    done = program("info", env={**environment, "KLARNET_THREADS": "two"})
    assert done.returncode == 2 and "KLARNET_THREADS is 'two'" in done.stderr or not found["native"]


def test_errors_have_no_traceback_unless_asked_for(program: Program) -> None:
    done = program("evaluate", "nowhere")
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1
    for arguments in (["--debug", "evaluate", "nowhere"], ["evaluate", "nowhere", "--debug"]):
        done = program(*arguments)
        assert done.returncode == 2 and "Traceback" in done.stderr and "nowhere" in done.stderr


def test_a_fault_of_the_program_is_one_line_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from klarnet.tasks import trained

    def broken(what: str, data: str | None) -> None:
        raise KeyError("weights")

    monkeypatch.setattr(trained, "network_named", broken)
    assert run(["summary", "digits"]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "unexpected KeyError" in err and "--debug" in err


def test_a_reader_that_has_gone_is_no_error(environment: dict[str, str], tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "klarnet.cli", "summary", "digits"]
    done = subprocess.run(
        command, stdout=write, stderr=subprocess.PIPE, text=True, env=environment, cwd=tmp_path
    )
    os.close(write)
    assert done.returncode == 1 and done.stderr == ""


def test_a_terminal_that_knows_only_ascii(program: Program, environment: dict[str, str]) -> None:
    done = program("--help", env={**environment, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0 and "train" in done.stdout and done.stderr == ""


def _hears_ctrl_c() -> None:
    """A shell starts what runs in the background with Ctrl-C ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_from_the_keyboard(environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "klarnet.cli", "train", "digits", "--out", "run"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=tmp_path,
        preexec_fn=_hears_ctrl_c,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("epoch"):
                process.send_signal(signal.SIGINT)
                break
        out, err = process.communicate(timeout=300)
    assert process.returncode == 130 and "Traceback" not in err
    assert out.splitlines()[-1] == f"report: {Path('run/report.html')}"
    assert (tmp_path / "run" / "report.html").is_file()


def test_in_a_terminal_without_colours(environment: dict[str, str], tmp_path: Path) -> None:
    """NO_COLOR: the bar may move the cursor, but nothing has a colour, and no line is over 80 columns."""
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "klarnet.cli", "train", "digits", "--epochs", "1", "--out", "run"]
    settings = {**environment, "NO_COLOR": "1", "TERM": "xterm-256color"}
    with subprocess.Popen(command, stdout=child, stderr=child, env=settings, cwd=tmp_path) as process:
        os.close(child)
        shown, end = b"", time.monotonic() + 300
        while time.monotonic() < end:
            try:
                got = os.read(parent, 65536)
            except OSError:  # the other side is closed
                break
            if not got:
                break
            shown += got
    os.close(parent)
    assert process.returncode == 0
    assert b"\x1b[3" not in shown and b"\x1b[9" not in shown
    assert shown.decode().splitlines()[-1] == f"report: {Path('run/report.html')}"
