"""Sets the peers up, each in an environment of its own, where it is not there yet: `make bench` runs this.

python benchmarks/setup_peers.py [torch jax keras ort]

An install that fails is reported and skipped: the benchmark then leaves that peer out.
"""

from __future__ import annotations

import subprocess
import sys
import venv

import contestants
from contestants import PEERS


def set_up(name: str) -> bool:
    """True if the peer is there, or was installed."""
    folder = contestants.environments()
    peer = PEERS[name]
    if contestants.installed(name, folder):
        return True
    print(f"{name}: installing {' '.join(peer.packages)} into {folder / peer.environment}", flush=True)
    if not peer.python(folder).exists():
        venv.create(folder / peer.environment, with_pip=True)
    pip = [peer.python(folder), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    done = subprocess.run([*pip, *peer.packages], capture_output=True, text=True)
    if done.returncode:
        why = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip failed"]
        print(f"{name}: not installed, left out of the benchmark. {why[-1]}", flush=True)
    return done.returncode == 0


def main() -> None:
    for name in sys.argv[1:] or PEERS:
        if name not in PEERS:
            raise SystemExit(f"unknown peer {name!r}, expected {', '.join(PEERS)}")
        set_up(name)


if __name__ == "__main__":
    main()
