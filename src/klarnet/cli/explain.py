"""`klarnet explain`: a formula of the course at work on numbers."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

EXPLAIN_EXAMPLES = """\
Probabilities of another word stand in a CSV file: its characters in the first
line, - for the blank among them, then a line of probabilities a step.

Examples:
  klarnet explain ctc affe
  klarnet explain ctc affe --out affe.svg
  klarnet explain ctc no --probabilities line.csv"""


def explain(
    topic: Annotated[str, Parameter(name="TOPIC", help="What to explain: ctc.")],
    word: Annotated[str, Parameter(name="WORD", help="The target; affe is the course's.")],
    /,
    *,
    out: Annotated[str | None, Parameter(help="Also draw the lattice, as an SVG file.")] = None,
    probabilities: Annotated[
        str | None, Parameter(help="CSV file with the probabilities of each step.")
    ] = None,
) -> int:
    """Show a formula of the course at work.

    ctc: how probable a word is on a line, summed over all its paths: alpha,
    beta and occupancy of every state at every step, and the best path.
    """
    from pathlib import Path

    from klarnet.names import unknown
    from klarnet.network.files import write_atomically
    from klarnet.report import ctc_drawing, ctc_table

    if topic != "ctc":
        raise unknown("explain: topic", topic, ["ctc"])
    if out is not None and Path(out).suffix.lower() != ".svg":
        raise ValueError(f"explain: --out {out}, expected a file that ends in .svg")
    if probabilities is not None:
        worked = ctc_table.read(word, probabilities)
    elif word == ctc_table.WORD:
        worked = ctc_table.course()
    else:
        raise ValueError(
            f"explain: no probabilities for {word!r}, only for the course's {ctc_table.WORD}; give a line of them, "
            "--probabilities FILE.csv"
        )
    text = ctc_table.as_text(worked)
    if out is not None:
        write_atomically(Path(out), ctc_drawing.as_svg(worked).encode())
    print(text)
    if out is not None:
        print(f"drawing: {out}")
    return 0
