"""The course's table of CTC for "affe": its numbers, its width, its drawing."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from klarnet.report.ctc_drawing import as_svg
from klarnet.report.ctc_table import as_text, course, read

# The right values of the course's example, to the digits it prints.
ALPHA = """\
.9 .36 .036 .0288 .0086 .0017 .0016 .0005 0
.09 .495 .684 .108 .0137 .0022 0 0 0
0 .036 .0531 .5897 .2093 .0446 .0421 .0126 .0001
0 .0009 0 0 .4186 .2566 .0303 .0435 0
0 0 .0001 .0001 0 .0837 .3063 .101 .0014
0 0 0 0 0 0 .0084 .1888 0
0 0 0 0 0 0 0 .0025 .0019
0 0 0 0 0 0 0 0 .1894
0 0 0 0 0 0 0 0 0"""
SVG = "{http://www.w3.org/2000/svg}"


def test_the_table_of_the_course() -> None:
    found = course().lattice
    wanted = np.array([[float(x) for x in line.split()] for line in ALPHA.splitlines()])
    assert_allclose(found.alpha.T, wanted, atol=0.5001e-4)
    assert_allclose(found.probability, 0.189429460272, atol=5e-13)
    at_each = np.nansum(
        found.alpha * found.beta / np.where(found.log_y == -np.inf, 1, np.exp(found.log_y)), axis=1
    )
    assert_allclose(at_each, 0.189429460272, atol=5e-13)
    beta = {(4, 6): 0.535, (5, 6): 0.089, (5, 7): 0.594, (6, 6): 0.267, (6, 7): 0.297, (7, 8): 0.990}
    beta |= {(8, 6): 0.003, (8, 7): 0.003, (8, 8): 0.010}
    for (u, t), value in beta.items():
        assert found.beta[t, u] == pytest.approx(value, abs=0.5001e-3)
    assert_allclose(course().Y.sum(axis=1), 1)


def test_the_table_fits_a_terminal() -> None:
    text = as_text(course())
    assert max(map(len, text.splitlines())) <= 80
    assert "0.189429460272" in text and "-aa-ff-fe" in text and ".4186*" in text and ".8368" not in text
    assert not any(line != line.rstrip() for line in text.splitlines())


def test_a_long_line_is_cut_into_blocks(tmp_path: Path) -> None:
    file = tmp_path / "line.csv"
    file.write_text("-,a\n" + "0.75,0.25\n" * 30)
    text = as_text(read("aa", file))
    assert max(map(len, text.splitlines())) <= 80
    assert sum(line.split()[:1] == ["0"] for line in text.splitlines()) == 4  # four tables
    assert sum(line.split()[-1:] == ["29"] for line in text.splitlines()) == 4


def test_the_drawing() -> None:
    root = ET.fromstring(as_svg(course()))
    circles = [c for c in root.iter(f"{SVG}circle") if "ring" in c.get("class", "")]
    assert len(circles) == 9 * 9
    assert sum("best" in c.get("class", "") for c in circles) == 9
    moves = list(root.iter(f"{SVG}line"))
    assert sum(m.get("class") == "best" for m in moves) == 8
    share = course().lattice.occupancy
    assert sum(c.get("class") == "ink" for c in root.iter(f"{SVG}circle")) == np.count_nonzero(share)
    for move in moves:
        assert 0 <= int(move.get("y2")) - int(move.get("y1")) <= 2 * 46  # to the same state or further down


def test_a_word_that_does_not_fit(tmp_path: Path) -> None:
    file = tmp_path / "line.csv"
    file.write_text("-,a\n0.5,0.5\n0.5,0.5\n")
    worked = read("aa", file)
    assert "needs 3 steps" in as_text(worked) and "P = 0" in as_text(worked)
    root = ET.fromstring(as_svg(worked))
    assert not list(root.iter(f"{SVG}line"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-,a\n", "expected a line of characters, then"),
        ("a,b\n0.5,0.5\n", "line 1: expected different characters and '-'"),
        ("-,b\n0.5,0.5\n", "line 1: no 'a' of 'a' among its characters - b"),
        ("-,a\n0.5,0.5\n0.5,x\n", "line 3: expected numbers, got '0.5,x'"),
        ("-,a\n0.5\n", "line 2: 1 numbers for 2 characters"),
        ("-,a\n0.5,0.6\n", "line 2: expected probabilities that add up to 1, got 1.1"),
        ("-,a\n-0.5,1.5\n", "line 2: expected probabilities"),
        ("-,a\nnan,0.5\n", "line 2: expected probabilities"),
    ],
)
def test_a_file_that_is_not_like_that(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "line.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
        read("a", file)
