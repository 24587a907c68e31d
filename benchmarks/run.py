"""klarnet beside its peers, interleaved in one run: results/results.json, results.md and results.png.

python benchmarks/run.py --rounds 3 --seconds 2 --threads 2 [--workloads lenet,unet] [--peers torch,jax,keras,ort]

A round runs klarnet and every variant of every peer once on each workload, each in a process and an environment of its
own (`make bench` sets these up; VENVS names another folder). A figure is the median over the rounds of the medians of
the steps. A peer that is not installed is left out and named. What each workload is: peers/workloads.md.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from pathlib import Path

import contestants
from contestants import HERE, PEERS, WORKLOADS
from tables import machine, summary, write

FIRST_STEPS = ("mlp_small", "lenet")
MEMORY = ("lenet", "vgg_small", "unet", "ocr")
MEMORY_VARIANT = "eager+cl+fused"  # of torch, which keeps the least


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each run")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--every-variant", action="store_true", help="all variants the peers' scripts know")
    parser.add_argument("--only-steps", action="store_true", help="no kernels, memory and first steps")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    a = parser.parse_args()
    a.workloads, a.peers = a.workloads.split(","), [p for p in a.peers.split(",") if p]
    for kind, given, known in (("workload", a.workloads, WORKLOADS), ("peer", a.peers, list(PEERS))):
        for name in given:
            if name not in known:
                parser.error(f"unknown {kind} {name!r}, expected {', '.join(known)}")
    if a.rounds < 1 or a.seconds <= 0 or a.threads < 1:
        parser.error("--rounds and --threads are 1 or more, --seconds above 0")
    return a


def entries(workload: str, peers: list[str], folder: Path, every: bool) -> list[tuple[str, str]]:
    """(who, variant) of one workload, klarnet first."""
    found = [("klarnet", "native")]
    for name in peers:
        known = contestants.variants(name, workload)
        if every:
            listing = subprocess.run(
                contestants.command(name, folder, ["--list"]), capture_output=True, text=True
            )
            lines = [line.split() for line in listing.stdout.splitlines()]
            known = [variant for w, variant in lines if w == workload]
        found += [(name, variant) for variant in known]
    return found


class Run:
    """One run of everything: what was measured, line by line."""

    def __init__(self, a: argparse.Namespace) -> None:
        self.a, self.folder = a, contestants.environments()
        self.versions = {name: contestants.installed(name, self.folder) for name in a.peers}
        self.peers = [name for name, version in self.versions.items() if version]
        self.lines: list[dict[str, object]] = []
        self.failed: set[tuple[str, ...]] = set()

    def one(self, kind: str, who: str, variant: str, workload: str, argv: list[str], **env: str) -> None:
        key = (kind, who, variant, workload)
        if key in self.failed:
            return
        found = contestants.run(argv, 300 + 4 * self.a.seconds, **env)
        if "error" in found:
            self.failed.add(key)
            print(f"  {who} {variant} {workload}: {found['error']}", flush=True)
        self.lines.append({"kind": kind, "who": who, "variant": variant, "workload": workload, **found})

    def steps(self, round_: int) -> None:
        for workload in self.a.workloads:
            print(f"round {round_ + 1} of {self.a.rounds}: {workload}", flush=True)
            who = entries(workload, self.peers, self.folder, self.a.every_variant)
            shift = round_ % len(who)  # nobody is always first
            for name, variant in who[shift:] + who[:shift]:
                options = ["--workload", workload, "--seconds", str(self.a.seconds)]
                options += ["--threads", str(self.a.threads)]
                options += [] if name == "klarnet" else ["--variant", variant]
                argv = contestants.command(name, self.folder, options)
                self.one("step", name, variant, workload, argv)

    def extras(self) -> None:
        threads = ["--threads", str(self.a.threads)]
        kernels = [sys.executable, str(HERE / "kernels.py"), *threads, "--seconds", str(self.a.seconds)]
        self.one("kernels", "klarnet", "native", "kernels", kernels)
        if self.a.only_steps:
            return
        for workload in (w for w in FIRST_STEPS if w in self.a.workloads):
            for name in ["klarnet", *(p for p in self.peers if p != "ort")]:
                options = ["--workload", workload, *threads, "--first-step"]
                variant = "native" if name == "klarnet" else contestants.variants(name, workload)[0]
                options += [] if name == "klarnet" else ["--variant", variant]
                argv = contestants.command(name, self.folder, options)
                self.one("first step", name, variant, workload, argv, BENCH_T0=repr(time.time()))
        for workload in (w for w in MEMORY if w in self.a.workloads):
            for name in ["klarnet", *(["torch"] if "torch" in self.peers else [])]:
                variant = "native" if name == "klarnet" else MEMORY_VARIANT
                options = ["--workload", workload, *threads]
                options += [] if name == "klarnet" else ["--variant", variant]
                argv = contestants.command(name, self.folder, options, HERE / "step_memory.py")
                self.one("memory", name, variant, workload, argv)


def main() -> None:
    a = arguments()
    run = Run(a)
    missing = [name for name in a.peers if name not in run.peers]
    for name in missing:
        print(f"{name} is not installed in {run.folder}: left out (make bench installs it)", flush=True)
    for round_ in range(a.rounds):
        run.extras()
        run.steps(round_)
    about = {
        "machine": machine(),
        "python": platform.python_version(),
        "versions": {name: version for name, version in run.versions.items() if version},
        "missing": missing,
        "rounds": a.rounds,
        "seconds": a.seconds,
        "threads": a.threads,
    }
    result = {"about": about, **summary(run.lines), "lines": run.lines}
    a.out.mkdir(parents=True, exist_ok=True)
    (a.out / "results.json").write_text(json.dumps(result, indent=1) + "\n")
    write(result, a.out / "results.md")
    print((a.out / "results.md").read_text())
    try:
        from plot import plot
    except ImportError as error:
        print(f"no plot: {error} (pip install matplotlib)")
    else:
        plot(result, a.out / "results.png")


if __name__ == "__main__":
    main()
