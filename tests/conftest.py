"""Set-up that every test shares: one thread a worker, drawn examples that are the same on every run, real data sets."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The workers share the processors: one thread each, said before NumPy is loaded.
if "PYTEST_XDIST_WORKER" in os.environ:
    for variable in ("KLARNET_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")

# A shell lets what it runs in the background ignore Ctrl-C, and tests of Ctrl-C are to hear it there too.
if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    and threading.current_thread() is threading.main_thread()
):
    signal.signal(signal.SIGINT, signal.default_int_handler)

# `HYPOTHESIS_PROFILE=thorough make test` draws many more examples, and others each time.
_common = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("quick", max_examples=25, derandomize=True, **_common)
settings.register_profile("thorough", max_examples=500, **_common)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets (mnist, ...), which are too large for the repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip("no real data sets: the folder ../shared/data beside the repository is absent")
    return SHARED_DATA


@pytest.fixture(params=["formulas", "native"])
def on_each_engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """The test runs on the formulas and on the native engine: `pytestmark = pytest.mark.usefixtures(…)`."""
    from klarnet.engine import native, use

    if request.param == "native" and native.library() is None:
        pytest.skip(f"no native engine: {native.why_not()}")
    with use(request.param):
        yield request.param


def pytest_report_header() -> str:
    """Says which engine the tests can run, so that a run without the native one does not pass unseen."""
    from klarnet.engine import native

    library = native.library()
    if library is None:
        return f"klarnet: formulas only ({native.why_not()})"
    return f"klarnet: native engine, {native.threads()} thread(s), from {library._name}"
