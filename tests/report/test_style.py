"""Contrast of the colours, after the Web Content Accessibility Guidelines 2.1: 4.5 for text, 3 for drawings."""

from __future__ import annotations

import re

import pytest

from klarnet.report import style


def colours(theme: str) -> dict[str, str]:
    return dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", theme))


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [style._LIGHT, style._DARK], ids=["light", "dark"])
def test_contrast(theme):
    c = colours(theme)
    for ground in ("page", "box"):
        for words in ("ink", "soft", "c0"):
            assert contrast(c[words], c[ground]) >= 4.5, (words, ground)
        for drawn in (f"c{i}" for i in range(8)):
            assert contrast(c[drawn], c[ground]) >= 3, (drawn, ground)
    for cell in ("right", "wrong"):
        assert contrast(c["on"], c[cell]) >= 4.5, cell
    assert colours(style._LIGHT).keys() == colours(style._DARK).keys()


@pytest.mark.parametrize("theme", [style._LIGHT, style._DARK], ids=["light", "dark"])
@pytest.mark.parametrize("depth", [i / 20 for i in range(2, 21)])
def test_numbers_in_cells_of_any_depth(theme, depth):
    from klarnet.report.classes import CLEARLY

    c = colours(theme)
    for cell in ("right", "wrong"):
        mixed = "#" + "".join(
            f"{round(int(c['box'][i : i + 2], 16) * (1 - depth) + int(c[cell][i : i + 2], 16) * depth):02x}"
            for i in (1, 3, 5)
        )
        words = "on" if depth > CLEARLY else "ink"
        assert contrast(c[words], mixed) >= 3.5, (cell, depth)
