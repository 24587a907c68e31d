"""`klarnet summary` and `klarnet info`: what a network costs, and what runs here."""

from __future__ import annotations

import json as json_module
import platform
from typing import Annotated, Any

from cyclopts import Parameter

from .options import Data, Json, flag

SUMMARY_EXAMPLES = """\
Examples:
  klarnet summary digits
  klarnet summary runs/digits-1 --batch-size 64 --training"""

INFO_EXAMPLES = """\
Examples:
  klarnet info
  klarnet info --json
  KLARNET_THREADS=1 klarnet info --bench"""


def summary(
    what: Annotated[str, Parameter(help="A recipe, a run folder or a .klarnet file.")],
    /,
    *,
    batch_size: Annotated[
        int | None, Parameter(help="Add what a step of so many examples costs; 64 with --training.")
    ] = None,
    data: Data = None,
    training: Annotated[bool, flag("Of a training step, not of a forward pass.")] = False,
) -> int:
    """Show layers, shapes and parameters of a network.

    With --batch-size also multiply-adds, the bytes of the plan and the
    functions that it joins, known before anything has run.
    """
    from klarnet.tasks import trained

    if batch_size is not None and batch_size < 1:
        raise ValueError(f"summary: --batch-size {batch_size}, expected 1 or more")
    net = trained.network_named(what, data)
    size = batch_size if batch_size is not None or not training else 64
    print(net.summary(batch_size=size, training=training))
    return 0


def info(
    *,
    bench: Annotated[bool, flag("Also measure the machine's peak and the share reached.")] = False,
    json: Json = False,
) -> int:
    """Say what runs here: versions, engine, instruction set, threads and why."""
    from klarnet.engine.about import measured

    found = _info()
    if bench:
        found["bench"] = measured()
    if json:
        print(json_module.dumps(found))
        return 0
    flat = {k: v for k, v in found.items() if k != "bench"} | found.get("bench", {})
    for name, value in flat.items():
        shown = " ".join(map(str, value)) if isinstance(value, list) else value
        print(f"{name.replace('_', ' '):22} {shown}")
    return 0


def _info() -> dict[str, Any]:
    import numpy as np

    import klarnet
    from klarnet.engine.about import about

    return {
        "klarnet": klarnet.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": platform.machine(),
        **about(),
    }
