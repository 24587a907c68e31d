"""`klarnet compare`: runs side by side."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from .options import Json

COMPARE_EXAMPLES = """\
Validation figures are those of each run's best epoch. A run that is broken or
unfinished is named, and compared by what there is of it.

Examples:
  klarnet compare runs/digits-1 runs/digits-2
  klarnet compare runs/* --out compare.html"""


def compare(
    *runs: Annotated[str, Parameter(name="RUN", help="Run folders, two or more.")],
    out: Annotated[
        str | None, Parameter(help="Also write a page with their curves over one another.")
    ] = None,
    json: Json = False,
) -> int:
    """Show what was set differently in several runs, and what came of it."""
    from klarnet.report import compare as side_by_side
    from klarnet.report import read_run, write_comparison

    if len(runs) < 2:
        raise ValueError(f"compare: {len(runs)} run{'s' * (not runs)} given, expected two or more folders")
    found = [read_run(run) for run in runs]
    troubled = [run for run in found if run.troubles]
    for run in troubled:
        print(f"klarnet: {run.name}: {'; '.join(run.troubles)}", file=sys.stderr)
    comparison = side_by_side(found)
    if json:
        print(json_module.dumps(comparison.to_json()))
    else:
        print(comparison)
    if out is not None:
        write_comparison(Path(out), comparison, troubled)
        if not json:
            print(f"page: {out}")
    return 0
