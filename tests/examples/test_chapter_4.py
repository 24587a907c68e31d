"""The examples of the chapter on sequences: what is done by hand is the library, and it learns."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[2] / "examples"


def main_of(name: str) -> Any:
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"]


def test_a_recurrent_network_by_its_pages_learns_to_add() -> None:
    difference, right = main_of("11_recurrent_by_hand")(steps=400)
    assert difference < 1e-14 and right > 0.99


def test_ctc_by_hand_is_the_library_and_the_beam_reads_better() -> None:
    found = main_of("12_ctc_by_hand")()
    assert found["lattice"] < 1e-14 and found["gradient"] < 1e-13
    assert found["beam search"] > found["best path"]
