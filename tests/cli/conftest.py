"""A small network in place of the recipe's, so that whole trainings take a second; and a process of its own."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from klarnet.cli.run import run
from klarnet.model import Network
from klarnet.tasks import builders

SOURCE = Path(__file__).resolve().parents[2] / "src"


@pytest.fixture(scope="session", autouse=True)
def small_networks() -> Iterator[None]:
    """`small_vgg` with few filters: the same layers, a fraction of the time."""
    whole = builders.small_vgg

    def few(*arguments: Any, filters: Sequence[int] = (16, 32), **options: Any) -> Network:
        return whole(*arguments, filters=[count // 8 for count in filters], **options)

    few.__signature__ = inspect.signature(whole)  # type: ignore[attr-defined]
    builders.BUILDERS["small_vgg"] = few
    yield
    builders.BUILDERS["small_vgg"] = whole


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, small_networks: None) -> Path:
    """A run folder of two epochs."""
    folder = tmp_path_factory.mktemp("runs") / "digits"
    assert run(["train", "digits", "--out", str(folder), "--epochs", "2"]) == 0
    return folder


@pytest.fixture
def failing(capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """failing(arguments, *words, code=2): leaves with `code` and says why in one line on the error stream."""

    def check(arguments: list[str], *words: str, code: int = 2) -> None:
        assert run(arguments) == code
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1 and lines[0].startswith("klarnet: "), lines
        for word in words:
            assert word in lines[0], lines[0]

    return check


@pytest.fixture
def environment() -> dict[str, str]:
    """Of a process that finds this source, 80 columns wide, with no settings of the tester's own."""
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "KLARNET_ENGINE")}
    return {**kept, "PYTHONPATH": str(SOURCE), "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}


@pytest.fixture
def program(environment: dict[str, str], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """program(*arguments, **of_subprocess): the command in a process of its own, its output in pipes."""

    def call(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "klarnet.cli", *arguments]
        given = {"env": environment, "cwd": tmp_path, "timeout": 300, **options}
        return subprocess.run(command, capture_output=True, text=True, **given)  # type: ignore[call-overload]

    return call
