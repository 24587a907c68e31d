"""Who runs: klarnet and the peers, where their environments lie, and which of their variants are worth a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
TRAINED = [
    "mlp_small",
    "mlp_wide",
    "xor",
    "lenet",
    "vgg_small",
    "unet",
    "ocr",
    "gru_text",
    "lstm_small",
    "highway100",
]
INFERRED = ["infer_mlp_b1", "infer_lenet_b1", "infer_unet_b1", "infer_ocr_b1"]
WORKLOADS = [*TRAINED, "ctc_only", *INFERRED]
IMAGES = ("lenet", "vgg_small", "unet")


@dataclass(frozen=True)
class Peer:
    """A library beside klarnet: its script, its environment, and the packages that `make bench` puts into it."""

    name: str
    environment: str
    packages: tuple[str, ...]
    distribution: str  # whose version is reported

    @property
    def script(self) -> Path:
        return HERE / "peers" / f"{self.name}_peer.py"

    def python(self, folder: Path) -> Path:
        return folder / self.environment / "bin" / "python"


PEERS = {
    p.name: p
    for p in (
        Peer("torch", "torch", ("torch==2.13.0", "numpy"), "torch"),
        Peer("jax", "jax", ("jax", "optax"), "jax"),
        Peer("keras", "tf", ("keras", "tensorflow-cpu"), "keras"),
        Peer("ort", "ort", ("onnxruntime", "onnx"), "onnxruntime"),
    )
}


def variants(peer: str, workload: str) -> list[str]:
    """The variants of a peer that came out best somewhere, so that its best is among them; `--every-variant` of
    run.py tries all that the peer's script knows. The first one listed is the one whose start is timed."""
    inference, images = workload in INFERRED, workload.removeprefix("infer_").split("_b1")[0] in IMAGES
    if workload == "ctc_only":
        return {"torch": ["eager"], "jax": ["jit"], "keras": ["tf.function"], "ort": []}[peer]
    if peer == "torch":
        if workload == "infer_ocr_b1":
            return ["compile+cl+freeze", "jit+freeze"]
        if workload == "ocr":
            return ["eager+fused+mem", "eager+cl+fused+mem"]
        if inference:
            return ["eager", "jit+freeze", *(["eager+cl"] if images else [])]
        if images:
            return ["eager+cl+fused", "eager+cl+fused+mem", "eager+fused+mem"]
        return [
            "eager+fused",
            *(["eager+foreach"] if workload not in ("lstm_small", "gru_text") else []),
            *(["compile+copt"] if workload == "highway100" else []),
        ]
    if peer == "jax":
        if workload in ("ocr", "gru_text"):
            return ["jit+rpool+unroll5"] if workload == "ocr" else ["jit+unroll5"]
        return ["jit+rpool"] if images else ["jit"]
    if peer == "keras":
        if inference:
            return ["call+tf.function", "call+xla"]
        return (
            ["tf.function", "train_on_batch"]
            if images or workload in ("mlp_wide", "ocr", "gru_text")
            else ["tf.function", "xla"]
        )
    if peer == "ort":
        return ["default", "nospin"] if inference else []
    raise ValueError(f"peer {peer!r}, expected one of {', '.join(PEERS)}")


def environments() -> Path:
    """The folder of the peers' environments: VENVS, or .bench beside the project's own files."""
    return Path(os.environ.get("VENVS", HERE.parent / ".bench"))


def installed(name: str, folder: Path) -> str | None:
    """The version of a peer, or None where its environment is missing or incomplete."""
    peer = PEERS[name]
    python = peer.python(folder)
    if not python.exists():
        return None
    code = f"import importlib.metadata as m; print(m.version({peer.distribution!r}))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def command(name: str, folder: Path, arguments: list[str], through: Path | None = None) -> list[str]:
    """The command line of one run; `through` is a script that runs the peer's script with something changed."""
    own = name == "klarnet"
    python = sys.executable if own else str(PEERS[name].python(folder))
    script = HERE / "klarnet_peer.py" if own else PEERS[name].script
    return [python, *([str(through)] if through else []), str(script), *arguments]


def run(argv: list[str], seconds: float, **environment: str) -> dict[str, object]:
    """Run one process and read its JSON line; what went wrong comes back under "error"."""
    variables = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment}
    variables.pop(
        "PYTHONDONTWRITEBYTECODE", None
    )  # installed packages come compiled; klarnet may lie here as sources
    if argv[0] != sys.executable:
        variables.pop("PYTHONPATH", None)  # klarnet's own
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds, env=variables)
    except subprocess.TimeoutExpired:
        return {"error": f"no result within {seconds:.0f} s"}
    for line in reversed(done.stdout.splitlines()):
        if line.startswith("{"):
            return dict(json.loads(line))
    last = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
    return {"error": last[0]}
