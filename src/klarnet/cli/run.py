"""Runs one command: errors become one line and an exit code, a traceback only with --debug."""

from __future__ import annotations

import sys

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def run(arguments: list[str] | None = None) -> int:
    """The exit code of a command line (without the program's name; by default that of this process)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [a for a in given if a != "--debug"]
    from cyclopts import CycloptsError

    from klarnet.training import NotFiniteError

    from .app import app

    try:
        code = app(given, exit_on_error=False, print_error=False, result_action="return_value")
        return code if isinstance(code, int) else DONE
    except CycloptsError as error:
        return _say(error, BAD_INPUT, debug, "klarnet --help lists the commands")
    except KeyboardInterrupt:
        print("klarnet: interrupted", file=sys.stderr)
        return INTERRUPTED
    except (ValueError, TypeError, FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        return _say(error, BAD_INPUT, debug)
    except (NotFiniteError, OSError, MemoryError, RuntimeError) as error:
        return _say(error, FAILED, debug)
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else FAILED
    except Exception as error:  # a fault of ours: still one line, and the way to see more
        return _say(error, FAILED, debug, f"an unexpected {type(error).__name__}; --debug shows where")


def _say(error: Exception, code: int, debug: bool, hint: str = "") -> int:
    if debug:
        raise error
    text = " ".join(str(error).split()) or type(error).__name__
    print(f"klarnet: {text}" + (f" ({hint})" if hint else ""), file=sys.stderr)
    return code
