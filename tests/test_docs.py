"""The Python of the pages in docs/ runs as it stands there, and what a page shows as printed is what is printed."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[1] / "docs"


def test_the_page_of_transfer_learning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = (DOCS / "transfer.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 2
    names: dict[str, Any] = {}
    printed = io.StringIO()
    exec(compile(blocks[0], "transfer.md, first block", "exec"), names)
    assert names["new"].weights.frozen == ()  # all joined in the end
    with contextlib.redirect_stdout(printed):
        exec(compile(blocks[1], "transfer.md, second block", "exec"), names)
    (shown,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert printed.getvalue() == shown
