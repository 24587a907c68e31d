"""Runs one command: errors become one line and an exit code, a traceback only with --debug."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from typing import Any

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

_THEIRS = (  # of errors: what the user can mend
    ValueError,
    TypeError,
    FileNotFoundError,
    FileExistsError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
)


def run(arguments: list[str] | None = None) -> int:
    """The exit code of a command line (without the program's name; by default that of this process)."""
    given, debug = _without_debug(list(sys.argv[1:] if arguments is None else arguments))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that lacks a sign of ours is no reason to stop
    with warnings.catch_warnings():
        if not debug:
            warnings.showwarning = _show_warning
        try:
            code = _command(given)
            sys.stdout.flush()
            return code
        except BrokenPipeError:  # the reader has gone, as with `| head`: nobody is left to tell
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return FAILED
        except KeyboardInterrupt:
            print("klarnet: interrupted", file=sys.stderr)
            return INTERRUPTED
        except Exception as error:
            if debug:
                traceback.print_exc()
            else:
                print(f"klarnet: {_text(error)}", file=sys.stderr)
            return _code(error)


def _without_debug(given: list[str]) -> tuple[list[str], bool]:
    """The arguments without --debug, wherever it stands before a `--`; and was it there?"""
    end = given.index("--") if "--" in given else len(given)
    kept = [a for a in given[:end] if a != "--debug"]
    return kept + given[end:], len(kept) < end


def _command(given: list[str]) -> int:
    from .app import app

    code = app(given, exit_on_error=False, print_error=False, result_action="return_value")
    return code if isinstance(code, int) else DONE


def _code(error: Exception) -> int:
    from cyclopts import CycloptsError

    return BAD_INPUT if isinstance(error, (CycloptsError, *_THEIRS)) else FAILED


def _text(error: Exception) -> str:
    """What went wrong, in one line."""
    from cyclopts import CycloptsError

    text = " ".join(str(error).split())
    if isinstance(error, CycloptsError):
        command = " ".join(["klarnet", *(error.command_chain or ())])
        return f"{text} (see {command} --help)"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, (*_THEIRS, OSError, ArithmeticError, RuntimeError)) and text:
        return text
    if isinstance(error, MemoryError):
        return text or "not enough memory; a smaller --batch-size needs less"
    return f"{text} (an unexpected {type(error).__name__}; --debug shows where)"


def _show_warning(message: Any, *_: Any, **__: Any) -> None:
    text = " ".join(str(message).split()).removeprefix("klarnet: ")
    print(f"klarnet: {text}", file=sys.stderr)
