"""`klarnet sample`: what a language model writes."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter

from .options import Run, Seed

SAMPLE_EXAMPLES = """\
Examples:
  klarnet sample runs/characters-1
  klarnet sample runs/characters-1 --temperature 0.6 --length 200 --start "The "
  klarnet sample runs/characters-1 --temperature 0     # always the likeliest"""


def sample(
    run: Run,
    /,
    *,
    length: Annotated[int, Parameter(help="How many characters.")] = 400,
    temperature: Annotated[float, Parameter(help="Below 1: likelier ones; above 1: bolder ones.")] = 1.0,
    start: Annotated[str, Parameter(help="Text that it goes on with.")] = "",
    seed: Seed = 1,
) -> int:
    """Let a character model write, one character after the other."""
    from klarnet.tasks import trained
    from klarnet.tasks.sampling import sample as drawn

    net = trained.trained_network(run)
    written = drawn(
        net, length=length, temperature=temperature, start=start, seed=1 if seed is None else seed
    )
    sys.stdout.write(start)
    for character in written:
        sys.stdout.write(character)
        sys.stdout.flush()
    sys.stdout.write("\n")
    return 0
