"""The ratios of a run as a picture: how many times as fast as each peer klarnet is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from tables import NAMES  # noqa: E402

COLOURS = {"torch": "#c44e52", "jax": "#4c72b0", "keras": "#dd8452", "ort": "#55a868"}  # fixed for each peer


def ratios(row: dict[str, Any], peer: str) -> float | None:
    """Time of the peer's best variant over klarnet's."""
    found = [ms for name, ms in row["ms"].items() if name.startswith(f"{peer} ")]
    own = row["ms"].get("klarnet native")
    return min(found) / own if found and own else None


def plot(result: dict[str, Any], path: Path) -> None:
    rows = {w: row for w, row in result["workloads"].items() if "ratio" in row}
    if not rows:
        return
    figure, axes = plt.subplots(figsize=(8, 0.55 * len(rows) + 1.8), layout="constrained")
    for peer, colour in COLOURS.items():
        points = [(ratios(row, peer), y) for y, row in enumerate(rows.values())]
        points = [(x, y) for x, y in points if x is not None]
        if points:
            axes.scatter(*zip(*points, strict=True), s=60, color=colour, label=NAMES[peer], zorder=3)
    axes.axvline(1, color="black", linewidth=1.5)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}×")
    axes.xaxis.set_minor_formatter(lambda x, _: f"{x:g}×" if f"{x:e}"[0] in "25" else "")
    axes.set_yticks(range(len(rows)), list(rows))
    axes.invert_yaxis()
    axes.grid(axis="x", which="both", alpha=0.3)
    axes.set_xlabel("times as fast as the peer's best variant (right of the line klarnet is faster)")
    axes.set_title(f"{result['about']['machine']}, {result['about']['threads']} threads", fontsize=9)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=len(COLOURS), frameon=False)
    figure.savefig(path, dpi=130)
