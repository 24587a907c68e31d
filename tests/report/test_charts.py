"""Charts: round numbers at the axes, gaps where nothing is known, the same from dark pixels as from values."""

from __future__ import annotations

import math
import re

import pytest

from klarnet.report.chart import MOST_DOTS, Axis, Series, lines

NAN = math.nan


@pytest.mark.parametrize(
    "low, high, ticks",
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.08, 1.25, [0.2, 0.4, 0.6, 0.8, 1, 1.2]),
        (0.08, 1.4, [0.25, 0.5, 0.75, 1, 1.25]),
        (-3, 3, [-3, -2, -1, 0, 1, 2, 3]),
        (1e6, 2e6, [1e6, 1.2e6, 1.4e6, 1.6e6, 1.8e6, 2e6]),
    ],
)
def test_ticks_are_round(low, high, ticks):
    assert Axis(low, high, 0, 100).ticks() == pytest.approx(ticks)


def test_ticks_of_epochs_are_whole_and_of_a_logarithm_powers_of_ten():
    assert Axis(1, 4, 0, 100).ticks(6, whole=True) == [1, 2, 3, 4]
    assert Axis(1, 1, 0, 100).ticks(6, whole=True) == [1]
    assert Axis(1e-6, 1, 0, 100, log=True).ticks() == pytest.approx([1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1])
    assert Axis(0.3, 0.4, 0, 100, log=True).ticks() == [0.3, 0.4]


def test_values_find_their_pixels():
    axis = Axis(10, 20, 100, 0)
    assert [axis(v) for v in (10, 15, 20)] == [100, 50, 0]
    logarithm = Axis(0.01, 1, 0, 100, log=True)
    assert logarithm(0.1) == pytest.approx(50)
    constant = Axis(5, 5, 0, 100)
    assert constant(5) == 50 and Axis(0, 0, 0, 10)(0) == 5


def points(text: str) -> list[str]:
    return re.findall(r'<polyline class="line[^"]*" points="([^"]*)"', text)


def test_a_gap_where_a_value_is_missing():
    text = lines("loss", [Series("training", [1, 2, 3, 4, 5], [3.0, 2.0, NAN, 1.0, 0.5])])
    assert [len(p.split()) for p in points(text)] == [2, 2] and text.count("<circle") == 4
    one = lines("loss", [Series("training", [1], [0.5])])
    assert not points(one) and one.count("<circle") == 1  # a single epoch is a dot
    assert "No finite value" in lines("loss", [Series("training", [1, 2], [NAN, math.inf])])


def test_many_values_are_drawn_without_dots():
    n = MOST_DOTS + 1
    text = lines("loss", [Series("training", range(n), [1.0 / (i + 1) for i in range(n)])])
    assert "<circle" not in text and len(points(text)[0].split()) == n


def test_what_is_read_out_and_hostile_names():
    text = lines("a<b", [Series("x & y", [1, 2], [1.0, 0.25])], mark=(2, "kept: <2>"))
    assert 'aria-label="a&lt;b by epoch: x &amp; y from 1 to 0.25"' in text
    assert "kept: &lt;2&gt;" in text and "<b" not in text.replace("<br", "")


def test_logarithmic_only_where_all_values_are_above_zero():
    fine = lines("rate", [Series("rate", [1, 2], [1e-5, 1.0])], log=True)
    zero = lines("rate", [Series("rate", [1, 2], [0.0, 1.0])], log=True)
    assert "rate, logarithmic" in fine and "logarithmic" not in zero
