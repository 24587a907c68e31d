"""The course's lattice in a real browser: the script steps through it, and its sums are those of the library."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from klarnet.report import ctc_drawing, ctc_table

pytestmark = pytest.mark.browser
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("blocks", DOCS / "extensions" / "blocks.py")
    assert spec is not None and spec.loader is not None
    blocks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(blocks)
    drawing = blocks.inline(ctc_drawing.as_svg(ctc_table.course()))
    script = (DOCS / "static" / "lattice.js").as_uri()
    html = f'<!doctype html><meta charset="utf-8"><figure>{drawing}</figure><script src="{script}"></script>'
    (tmp_path / "page.html").write_text(html, encoding="utf-8")
    opened = browser.new_page()
    opened.said = []
    opened.on("pageerror", lambda error: opened.said.append(str(error)))
    opened.goto((tmp_path / "page.html").as_uri())
    yield opened
    assert opened.said == []
    opened.close()


@pytest.mark.parametrize("view", ["alpha", "beta", "occupancy"])
def test_each_step_shows_the_sums_that_make_it(page: Any, view: str) -> None:
    worked = ctc_table.course()
    values = getattr(worked.lattice, view)
    page.locator("input[type=radio]").nth(["alpha", "beta", "occupancy"].index(view)).check()
    for t in range(9):
        page.locator("input[type=range]").fill(str(t))
        rows = [row.split("\t") for row in page.locator(".sums tr").all_inner_texts()]
        column = [(worked.names[u], values[t, u]) for u in range(9) if values[t, u]]
        assert [name for name, _ in rows] == [name for name, _ in column]
        for (_, line), (_, value) in zip(rows, column, strict=True):
            assert float(line.rsplit("=", 1)[1]) == pytest.approx(value, abs=6e-5)
            y, terms = re.match(r"(\S+) · \((.*)\)", line).groups() if " · (" in line else ("", "")
            if view != "occupancy" and terms and value > 0.01:
                total = sum(float(term) for term in terms.split(" + "))
                assert float(y) * total == pytest.approx(value, abs=3e-4)


def test_what_is_not_known_yet_is_pale(page: Any) -> None:
    def pale(view: int, t: int) -> list[bool]:
        page.locator("input[type=radio]").nth(view).check()
        page.locator("input[type=range]").fill(str(t))
        later = page.evaluate("[...document.querySelectorAll('g')].map(g => g.classList.contains('later'))")
        return np.array(later).reshape(9, 9)[:, 0].tolist()

    assert pale(0, 3) == [False] * 4 + [True] * 5
    assert pale(1, 6) == [True] * 6 + [False] * 3
    assert pale(2, 6) == [False] * 9
