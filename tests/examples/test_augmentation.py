"""The example of augmentation shows what it says."""

from __future__ import annotations

import runpy
from pathlib import Path

from klarnet.engine import native

EXAMPLE = Path(__file__).parents[2] / "examples" / "09_augmentation.py"


def test_augmented_digits_teach_more_than_the_digits_alone() -> None:
    found = runpy.run_path(str(EXAMPLE))["main"](epochs=60 if native.library() else 30)
    assert found["augmented"] > found["as they are"] + 0.01 > 0.92
