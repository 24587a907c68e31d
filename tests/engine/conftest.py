"""Lets the files of this folder import each other; the engines that the tests run on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(params=["formulas", "native"])
def engine_name(request: Any) -> str:
    """Each engine in turn; "native" only where there is a library."""
    from klarnet.engine import native

    if request.param == "native" and native.library() is None:
        why = native.why_not()
        absent = why.startswith("no compiled library")
        (pytest.skip if absent else pytest.fail)(f"no native engine: {why}")
    return str(request.param)
