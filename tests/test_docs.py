"""The Python of the pages in docs/ runs as it stands there, and what a page shows as printed is what is printed."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import klarnet as kn

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
COURSE = sorted((DOCS / "course").glob("*.md"))
LONG = {"gallery"}  # pages whose code takes longer than a test may


def code_of_pages() -> Any:
    """The module that finds and runs the blocks of a page, also when the pages are built."""
    spec = importlib.util.spec_from_file_location("blocks", DOCS / "extensions" / "blocks.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pages() -> list[Any]:
    slow = [pytest.mark.slow]
    return [
        pytest.param(p, id=str(p.relative_to(DOCS)), marks=slow if p.stem in LONG else [])
        for p in [DOCS / "index.md", *COURSE]
    ]


@pytest.mark.parametrize("page", pages())
def test_the_code_of_a_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib", reason="the pictures of the pages need matplotlib")
    monkeypatch.chdir(tmp_path)
    module, names = code_of_pages(), {}
    for number, (code, draws) in enumerate(module.blocks(page.read_text(encoding="utf-8")), 1):
        assert max(map(len, code.splitlines())) <= 88, "a line of code is wider than the page"
        printed, picture = module.execute(code, names, f"{page.name}, block {number}")
        assert (picture is not None) == draws, f"block {number}: a figure and its caption belong together"
        assert picture or printed or "assert" in code or code.count("\n") > 1, f"block {number} shows nothing"


def test_a_block_that_fails_or_warns_is_an_error() -> None:
    pytest.importorskip("matplotlib")
    execute = code_of_pages().execute
    with pytest.raises(NameError):
        execute("print(unknown)\n", {}, "page")
    with pytest.raises(UserWarning, match="careful"):
        execute("import warnings\nwarnings.warn('careful')\n", {}, "page")
    with pytest.raises(ValueError, match="page: expected one figure a block, got 2"):
        execute("import matplotlib.pyplot as plt\nplt.figure()\nplt.figure()\n", {}, "page")
    assert execute("print(1)\n", {}, "page") == ("1\n", None)  # and nothing is left over


def test_a_drawing_of_the_library_takes_the_colours_of_the_page() -> None:
    pytest.importorskip("matplotlib")
    code = "from klarnet.report import ctc_drawing, ctc_table\ndrawing = ctc_drawing.as_svg(ctc_table.course())\n"
    names: dict[str, Any] = {}
    printed, picture = code_of_pages().execute(code, names, "page")
    assert not printed and picture is not None and "drawing" not in names
    assert (
        picture.startswith('<svg class="drawing"')
        and "<style>" not in picture
        and "aria-label" not in picture
    )


def test_every_page_of_the_course_has_code_and_a_picture() -> None:
    lists = {"index", "chapter-1", "chapter-2", "chapter-3", "chapter-4"}
    for page in COURSE:
        text = page.read_text(encoding="utf-8")
        if page.stem not in lists:
            drawn = [draws for _, draws in code_of_pages().blocks(text)]
            assert any(drawn) and not all(drawn), page.name
            assert text.count("```{run}") == len(drawn), f"{page.name}: a block that is not closed"


def test_the_german_word_stands_once_beside_its_term() -> None:
    words = Counter(
        word
        for page in [*COURSE, DOCS / "transfer.md"]
        for word in re.findall(r"\(\*([^*]+)\*[),]", page.read_text(encoding="utf-8"))
    )
    assert len(words) > 40
    assert not [word for word, times in words.items() if times > 1]


def test_the_api_pages_have_every_public_name_and_formula() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in (DOCS / "api").glob("*.md"))
    listed = set(re.findall(r"^\.\. auto\w+:: klarnet\.(\S+)", text, re.M))
    formulas = {p.stem for p in (ROOT / "src/klarnet/formulas").glob("[a-z]*.py")}
    assert set(kn.__all__) - set(kn._ROOMS) - listed == set(), "docs/api lacks these"
    assert {f"data.{name}" for name in kn.data.__all__} - listed == {"data.augment", "data.layout"}
    assert {f"formulas.{name}" for name in formulas} - listed == set(), "docs/api/formulas.md lacks these"


@pytest.mark.slow
def test_the_pages_are_built_without_a_warning(tmp_path: Path) -> None:
    for needed in ("sphinx", "myst_parser", "furo", "latex2mathml"):
        pytest.importorskip(needed, reason="`make docs` installs what the pages are built with")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "--quiet",
        "--fail-on-warning",
        "-d",
        tmp_path / "trees",
        DOCS,
        tmp_path,
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "course" / "dense.html").read_text(encoding="utf-8")
    assert "<math" in page and "<svg" in page and "[[0. 1. 1. 0.]]" in page
    for made in tmp_path.rglob("*.html"):  # the pages work without a network
        loaded = re.findall(
            r'<(?:script|link|img|iframe)\b[^>]*?(?:src|href)="(https?:[^"]*)"', made.read_text("utf-8")
        )
        assert not loaded, f"{made.name} loads {loaded}"


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
