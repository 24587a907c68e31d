"""What a training shows while it runs: a bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

from .callbacks import Callback

if TYPE_CHECKING:
    from .fit import Fit


def _number(value: float) -> str:
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e4 or value == 0 else f"{value:.2e}"


def epoch_line(row: dict[str, Any], epochs: int) -> str:
    """One epoch in one line: loss and metrics, validation behind a bar, time."""
    values = {
        k: v
        for k, v in row.items()
        if isinstance(v, float) and k not in ("seconds", "learning_rate", "examples_per_second")
    }
    own = [f"{k} {_number(v)}" for k, v in values.items() if not k.startswith("validation_")]
    checked = [
        f"{k.removeprefix('validation_')} {_number(v)}"
        for k, v in values.items()
        if k.startswith("validation_")
    ]
    width = len(str(epochs))
    text = f"epoch {row['epoch']:>{width}}/{epochs}  {'  '.join(own)}"
    if checked:
        text += f" | validation {'  '.join(checked)}"
    return f"{text}  {row['seconds']:.1f} s"


class Progress(Callback):
    """Shows loss, metrics, examples per second and the time left of each epoch.

    In a terminal a bar that is redrawn; elsewhere (a file, a pipe) one plain line an epoch.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream
        self._bar: Any = None

    def on_fit_start(self, fit: Fit) -> None:
        self._out = self.stream if self.stream is not None else sys.stdout
        self._bar = self._task = None
        if self._out.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(bar_width=None),
                MofNCompleteColumn(),
                TextColumn("{task.fields[shown]}"),
                console=Console(file=self._out),
                transient=True,
                auto_refresh=False,
            )

    def on_epoch_start(self, fit: Fit) -> None:
        self._began = self._drawn = time.perf_counter()
        self._first = fit.batch  # batches of this epoch that were made before the run was resumed
        if fit.resumed is not None and fit.trainer.iterations == fit.began:
            where = f"epoch {fit.epoch}" + (f", batch {fit.batch + 1}" if fit.batch else "")
            print(f"goes on from {fit.resumed} with {where}", file=self._out, flush=True)
        if self._bar is not None:
            self._bar.start()
            self._task = self._bar.add_task(f"epoch {fit.epoch}/{fit.epochs}", total=fit.batches, shown="")

    def on_batch_end(self, fit: Fit, loss: float) -> None:
        if self._bar is None:
            return
        now = time.perf_counter()
        if now - self._drawn < 0.1 and fit.batch != fit.batches:
            return
        self._drawn = now
        seconds = max(now - self._began, 1e-9)
        made = fit.batch - self._first
        rate = made * fit.batch_size / seconds
        parts = [f"loss {_number(fit.loss)}"]
        parts += [f"{name} {_number(m.result())}" for name, m in fit.metrics.items()]
        parts.append(f"{rate:,.0f}/s")
        if fit.batches:
            parts.append(f"{max(0, fit.batches - fit.batch) * seconds / made:.0f} s left")
        self._bar.update(
            self._task, completed=fit.batch, total=fit.batches, shown="  ".join(parts), refresh=True
        )

    def on_epoch_end(self, fit: Fit, row: dict[str, Any]) -> None:
        if self._bar is not None:
            self._bar.remove_task(self._task)
            self._bar.stop()
        print(epoch_line(row, fit.epochs), file=self._out, flush=True)

    def on_fit_end(self, fit: Fit) -> None:
        if self._bar is not None:
            self._bar.stop()
        if fit.history.stopped is not None and not fit.interrupted:
            print(f"stopped: {fit.history.stopped}", file=self._out, flush=True)
