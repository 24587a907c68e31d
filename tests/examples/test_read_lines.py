"""The example that reads lines: it runs on a handful of pictures, and reaches what it is for on real print (slow)."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
from test_chapter_1 import example


def test_it_runs_on_a_handful_of_lines(tmp_path, capsys) -> None:
    random = np.random.default_rng(1)
    for i, text in enumerate(("ab", "ba", "aab", "b")):
        pixels = random.integers(0, 256, (30, 60 + 20 * i), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
        (tmp_path / f"{i}.gt.txt").write_text(text + "\n", encoding="utf-8")
    rate = example("13_read_lines").main([str(tmp_path), "--epochs", "1", "--unseen", "0.25"])
    said = capsys.readouterr().out
    assert "character error rate, 3 training lines" in said and "1 unseen lines" in said and rate >= 0


@pytest.mark.slow
def test_it_learns_fifty_lines_by_heart(shared_data: Path, capsys) -> None:
    main = example("13_read_lines").main
    main(
        [str(shared_data / "uw3-lines/uw3-lines.zip"), "--part", "train", "--unseen", "0", "--epochs", "100"]
    )
    assert "character error rate, 50 training lines: 0.00 %" in capsys.readouterr().out


@pytest.mark.slow
def test_it_reads_unseen_lines_of_old_print(shared_data: Path) -> None:
    main = example("13_read_lines").main
    assert (
        main([str(shared_data / "fraktur-lines/fraktur-lines.zip"), "--select", "186?/*", "--epochs", "40"])
        < 0.05
    )
