"""The callback that writes checkpoints, and finds the one to go on from."""

from __future__ import annotations

import os
import re
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klarnet.network.files import PART, read, save_network, write_atomically

from .callbacks import Callback, Monitor
from .checkpoint import write_checkpoint
from .resume import snapshot

if TYPE_CHECKING:
    from .fit import Fit

LAST, BEST, EARLIER = "last.klarnet", "best.klarnet", "step-{:08d}.klarnet"
_SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0}


class Checkpoint(Callback):
    """Writes a run into a folder: fit(…, resume=True) takes it up again, to the bit, wherever it was broken off.

    last.klarnet            the whole run as it stands: weights, optimizer, place in the epoch, history, memories
    step-00001200.klarnet   the ones before it, where more than one is kept
    best.klarnet            the network of the epoch with the best watched value

    every         "epoch", "5 epochs", "200 iterations" or the number alone, "90 seconds", "10 minutes", "1 hour"; the
                  end of the run is written too
    keep          how many checkpoints of the run are kept, the last one among them
    monitor       "validation_loss" where there is validation data, else "loss"; or a metric's name
    better        "lower" or "higher"; known for losses and built-in metrics
    about         a dict that goes into each file: a recipe, a note
    resume_with   what is said of how to go on when the run is interrupted

    Each file is written whole or not at all: a crash or a full disk leaves the former one untouched. A run that begins
    anew in the same folder replaces what an earlier one left there with its first checkpoint.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        every: str | int = "epoch",
        keep: int = 1,
        monitor: str | None = None,
        better: str | None = None,
        about: Mapping[str, Any] | None = None,
        resume_with: str = "fit(…, resume=True)",
    ) -> None:
        self.directory, self.every = Path(directory), every
        self._unit, self._period = _period(every)
        if not isinstance(keep, int) or isinstance(keep, bool) or keep < 1:
            raise ValueError(f"Checkpoint: keep {keep!r}, expected a whole number above 0")
        if self.directory.exists() and not self.directory.is_dir():
            raise ValueError(f"Checkpoint: {self.directory} is a file, expected a folder")
        self.keep, self.about, self.resume_with = keep, dict(about or {}), resume_with
        self._arguments = ("Checkpoint", monitor, better)
        self.watch = Monitor(*self._arguments)

    @property
    def last(self) -> Path:
        return self.directory / LAST

    def latest(self) -> Path | None:
        """The newest checkpoint of the folder that is whole; None where there is none at all.

        A broken one is named in a warning. Raises ValueError where none is whole.
        """
        candidates = [self.last, *sorted(self.directory.glob("step-*.klarnet"), reverse=True)]
        found = [path for path in candidates if path.is_file()]
        for number, path in enumerate(found):
            try:
                read(path)
            except ValueError as error:
                if number == len(found) - 1:
                    raise
                warnings.warn(f"{error}; going on from the checkpoint before it", stacklevel=4)
            else:
                return path
        return None

    def on_fit_start(self, fit: Fit) -> None:
        self.watch = Monitor(*self._arguments)
        self._earlier: list[str] = []  # checkpoints of this run before the last one, by name
        self._step: int | None = None  # of the last one
        self._written = time.monotonic()
        for name in (LAST, BEST):  # what a killed process left half-written
            for part in self.directory.glob(f".{name}.*{PART}"):
                part.unlink(missing_ok=True)

    def on_epoch_end(self, fit: Fit, row: dict[str, Any]) -> None:
        if self.watch.improves(self.watch.value(row, fit)):
            save_network(fit.net, self.directory / BEST)

    def on_settled(self, fit: Fit) -> None:
        ends = fit.interrupted or fit.stopping is not None or fit.done == fit.epochs
        if ends or self._due(fit):
            self.save(fit)
        if fit.interrupted:
            fit.saved = f"saved in {self.last}; go on with {self.resume_with}"

    def save(self, fit: Fit) -> None:
        """Write the run as it stands. Raises OSError with the file's name; the former checkpoint is then untouched."""
        step, before = fit.trainer.iterations, self._step
        if before is None and fit.resumed == self.last:
            before = fit.began
        if before not in (None, step) and self.keep > 1 and self.last.is_file():
            self._put_aside(EARLIER.format(before))
        about, arrays = snapshot(fit)
        write_checkpoint(fit.trainer, self.last, {"about": self.about, **about}, arrays)
        stale = set() if before is not None else {p.name for p in self.directory.glob("step-*.klarnet")}
        over = len(self._earlier) - (self.keep - 1)
        for name in [*(stale - set(self._earlier)), *self._earlier[: max(over, 0)]]:
            (self.directory / name).unlink(missing_ok=True)
        del self._earlier[: max(over, 0)]
        self._step, self._written = step, time.monotonic()

    def memory(self) -> dict[str, Any]:
        return {"best": self.watch.best, "earlier": self._earlier}

    def restore(self, memory: Mapping[str, Any]) -> None:
        self.watch.best, self._earlier = memory["best"], list(memory["earlier"])

    def _put_aside(self, name: str) -> None:
        """Let the last checkpoint have this second name, under which it stays when a new one takes its place."""
        target = self.directory / name
        target.unlink(missing_ok=True)
        try:
            os.link(self.last, target)
        except OSError:  # a file system without links
            write_atomically(target, self.last.read_bytes())
        self._earlier.append(name)

    def _due(self, fit: Fit) -> bool:
        if self._unit == "iteration":
            return fit.trainer.iterations % self._period == 0
        if self._unit == "epoch":
            return fit.epoch == fit.done and fit.epoch % self._period == 0
        return time.monotonic() - self._written >= self._period


def _period(every: Any) -> tuple[str, float]:
    """The unit, "epoch", "iteration" or "second", and how many of it."""
    number = isinstance(every, int) and not isinstance(every, bool)
    text = f"{every} iterations" if number else str(every).strip()
    found = re.fullmatch(r"(?:(\d+(?:\.\d+)?)\s*)?(epoch|iteration|second|minute|hour)s?", text)
    count = float(found[1] or 1) if found else 0.0
    if found is None or count <= 0 or (found[2] not in _SECONDS and count % 1):
        raise ValueError(
            f"Checkpoint: every {every!r}, expected 'epoch', '5 epochs', '200 iterations', '90 seconds', '10 minutes'"
        )
    return ("second", count * _SECONDS[found[2]]) if found[2] in _SECONDS else (found[2], count)
