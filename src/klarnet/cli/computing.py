"""Which engine computes, on how many threads, while a command runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def computing(engine: str | None, threads: int | None) -> Iterator[None]:
    """Inside, this engine computes on so many threads."""
    import klarnet

    before = klarnet.engine.threads()
    if threads is not None:
        if threads < 1:
            raise ValueError(f"--threads {threads}, expected 1 or more")
        klarnet.engine.set_threads(threads)
    try:
        with klarnet.engine.use(engine or klarnet.engine.engine()):
            _say_if_slow(engine)
            yield
    finally:
        klarnet.engine.set_threads(before)


def announce(name: str, folder: str, doing: str = "training", where: str = "into") -> None:
    """The first line of a command that computes for long: what, where to, with what."""
    from klarnet.engine.about import about

    found = about()
    native = found["engine"] == "native"
    how = f", {found['instruction_set']}, {found['threads']} threads" if native else ""
    print(f"{doing} {name} {where} {folder} ({found['engine']} engine{how})", flush=True)


def said(line: str) -> None:
    """A line that whoever waits sees at once."""
    print(line, flush=True)


def _say_if_slow(asked: str | None) -> None:
    """One line where the formulas compute though nobody asked for them."""
    from klarnet.engine.about import about

    found = about()
    if asked is None and not found["native"]:
        text = f"klarnet: no native engine ({found['why']}): the formulas compute, far more slowly"
        print(text, file=sys.stderr)
