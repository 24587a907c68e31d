"""From the lines of a run to figures: medians over rounds, ratios, share of the peak; and the table to read."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from statistics import median
from typing import Any

NAMES = {"torch": "PyTorch", "jax": "JAX", "keras": "Keras", "ort": "ONNX Runtime", "klarnet": "klarnet"}


def machine() -> str:
    """The processor as the system names it, and how many of its cores this process may use."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line
        ]
        model = names[0] if names else model
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{model}, {cores} cores, {platform.system()}"


def _values(lines: list[dict[str, Any]], kind: str, key: str) -> dict[str, dict[tuple[str, str], float]]:
    """For each workload, for each (who, variant): the median over the rounds of what `key` says."""
    rounds: dict[str, dict[tuple[str, str], list[float]]] = {}
    for line in lines:
        if line["kind"] == kind and key in line:
            who = rounds.setdefault(line["workload"], {})
            who.setdefault((line["who"], line["variant"]), []).append(float(line[key]))
    return {w: {who: median(values) for who, values in found.items()} for w, found in rounds.items()}


def _best(found: dict[tuple[str, str], float]) -> tuple[str, str] | None:
    """The fastest peer with its variant, klarnet left out."""
    peers = [who for who in found if who[0] != "klarnet"]
    return min(peers, key=lambda who: found[who]) if peers else None


def summary(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Everything the table shows, from the lines of all rounds."""
    times, fastest = _values(lines, "step", "ms_per_step"), _values(lines, "step", "min")
    rates = _values(lines, "step", "gflops")
    kernels = [line for line in lines if line["kind"] == "kernels" and "kernels" in line]
    peak = max((line["peak_gflops"] for line in kernels), default=0.0)
    own, workloads = ("klarnet", "native"), {}
    for workload, found in times.items():
        row: dict[str, Any] = {"ms": {f"{who} {variant}": ms for (who, variant), ms in found.items()}}
        best = _best(found)
        if best is not None and own in found:
            row |= {"best_peer": " ".join(best), "ratio": found[best] / found[own]}
            row["ratio_of_fastest"] = (
                min(ms for who, ms in fastest[workload].items() if who[0] != "klarnet")
                / fastest[workload][own]
            )
        if own in rates.get(workload, {}) and peak:
            row["percent_of_peak"] = 100 * rates[workload][own] / peak
        workloads[workload] = row
    found_kernels = {}
    for name in kernels[0]["kernels"] if kernels else ():
        of_name = [line["kernels"][name] for line in kernels]
        ms, least = median(k["ms"] for k in of_name), min(k["min"] for k in of_name)
        rate = of_name[0]["gflop"] / ms * 1e3
        found_kernels[name] = {"ms": ms, "gflops": rate, "percent_of_peak": 100 * rate / peak}
        found_kernels[name]["percent_of_peak_fastest"] = 100 * of_name[0]["gflop"] / least * 1e3 / peak
    return {
        "peak_gflops": peak,
        "workloads": workloads,
        "kernels": found_kernels,
        "memory_mb": _named(_values(lines, "memory", "step_mb")),
        "first_step_s": _named(_values(lines, "first step", "first_step_s")),
    }


def _named(values: dict[str, dict[tuple[str, str], float]]) -> dict[str, dict[str, float]]:
    return {w: {who: value for (who, _), value in found.items()} for w, found in values.items()}


def _show(ms: float) -> str:
    return f"{ms:.4f}" if ms < 0.1 else f"{ms:.3f}" if ms < 10 else f"{ms:.1f}"


def write(result: dict[str, Any], path: Path) -> None:
    """The table in Markdown."""
    about = result["about"]
    versions = ", ".join(f"{NAMES[name]} {version}" for name, version in about["versions"].items())
    left_out = ", ".join(NAMES[name] for name in about["missing"])
    text = ["# klarnet beside its peers", ""]
    text += [
        f"Machine: {about['machine']}; {about['threads']} threads; FMA peak {result['peak_gflops']:.0f} GFLOP/s."
    ]
    text += [f"Peers: {versions or 'none'}." + (f" Not installed, left out: {left_out}." if left_out else "")]
    text += [
        f"Medians over {about['rounds']} interleaved rounds of the median of the steps in {about['seconds']:g} s;",
        "ratio: best variant of the best peer (its time is bold) over klarnet, above 1 klarnet is faster;",
        "fastest: the same of the shortest step seen, which other programs on the machine disturb less.",
        "",
    ]
    peers = [name for name in NAMES if name in about["versions"]]
    head = ["workload, ms", "klarnet", *(NAMES[p] for p in peers), "ratio", "fastest", "% of peak"]
    text += [_line(head), _line(["---"] * len(head))]
    for workload, row in result["workloads"].items():
        text.append(_line([workload, *_cells(row, peers)]))
    if result["kernels"]:
        text += [
            "",
            _line(["kernel", "ms", "GFLOP/s", "% of peak", "fastest: % of peak"]),
            _line(["---"] * 5),
        ]
    for name, k in result["kernels"].items():
        shares = [f"{k['percent_of_peak']:.0f}", f"{k['percent_of_peak_fastest']:.0f}"]
        text.append(_line([name, f"{k['ms']:.2f}", f"{k['gflops']:.1f}", *shares]))
    for title, key in (
        ("memory of a training step, MB above the size after import", "memory_mb"),
        ("process start to the end of the first step, s", "first_step_s"),
    ):
        who = [name for name in ("klarnet", *peers) if any(name in row for row in result[key].values())]
        if who:
            text += ["", _line([title, *(NAMES[w] for w in who)]), _line(["---"] * (1 + len(who)))]
        for workload, row in result[key].items():
            text.append(_line([workload, *(f"{row[w]:.3g}" if w in row else "" for w in who)]))
    path.write_text("\n".join(text) + "\n")


def _cells(row: dict[str, Any], peers: list[str]) -> list[str]:
    """The cells of one workload: each side's best variant, ratios, share of the peak."""
    cells = [_show(row["ms"]["klarnet native"]) if "klarnet native" in row["ms"] else "failed"]
    for peer in peers:
        found = {name: ms for name, ms in row["ms"].items() if name.startswith(f"{peer} ")}
        if not found:
            cells.append("")
            continue
        name = min(found, key=found.__getitem__)
        variant = name.split(" ", 1)[1]
        bold = "**" if name == row.get("best_peer") else ""
        cells.append(f"{bold}{_show(found[name])}{bold} ({variant})")
    cells.append(f"{row['ratio']:.2f}" if "ratio" in row else "")
    cells.append(f"{row['ratio_of_fastest']:.2f}" if "ratio_of_fastest" in row else "")
    cells.append(f"{row['percent_of_peak']:.0f}" if "percent_of_peak" in row else "")
    return cells


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
