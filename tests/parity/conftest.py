"""Lets the files of this folder import each other, and tells why nothing runs where there is no native library."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def library() -> Any:
    """The native library."""
    from klarnet.engine import native

    found = native.library()
    if found is None:
        why = native.why_not()
        absent = why.startswith("no compiled library")
        (pytest.skip if absent else pytest.fail)(f"no native engine to compare with: {why}")
    return found


@pytest.fixture
def as_found(library: Any) -> Iterator[Any]:
    """The native library, put back to its instruction set and number of threads afterwards."""
    isa, threads = library.kn_isa(), library.kn_threads()
    yield library
    library.kn_set_isa(isa)
    library.kn_set_threads(threads)
