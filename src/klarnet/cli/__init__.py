"""The command line: `klarnet train digits`, `evaluate`, `predict`, `summary`, `info`."""

from __future__ import annotations


def main(arguments: list[str] | None = None) -> None:
    """Run a command and leave with its exit code: 0 done, 1 the program failed, 2 bad input or usage."""
    from .run import run

    raise SystemExit(run(arguments))


__all__ = ["main"]
