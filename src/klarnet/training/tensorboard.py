"""A training for TensorBoard to show: losses, metrics, learning rate, and the weights as histograms."""

from __future__ import annotations

import os
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from klarnet.layers.checks import positive

from .callbacks import Callback

if TYPE_CHECKING:
    from .fit import Fit

BINS = 30


class TensorBoard(Callback):
    """Writes an event file into a folder: `tensorboard --logdir runs` shows it.

        net.fit(train, validation=validation, callbacks=[kn.TensorBoard("runs/digits")])

    every        iterations from one point of the batches' loss, learning rate and gradient norm to the next
    histograms   write the histogram of every trained weight behind each epoch

    Tags are loss/train, loss/validation, accuracy/train and so on behind each epoch, batch/loss, batch/learning_rate
    and batch/gradient_norm (with clip_norm) in between; steps are iterations. A resumed run replaces what the broken
    one had written of the iterations that are made again. Raises ImportError without the package tensorboard.
    """

    def __init__(
        self, directory: str | os.PathLike[str], *, every: int = 50, histograms: bool = False
    ) -> None:
        self.directory, self.histograms = Path(directory), histograms
        self.every = positive("TensorBoard", "every", every)
        if self.directory.exists() and not self.directory.is_dir():
            raise ValueError(f"TensorBoard: {self.directory} is a file, expected a folder")
        try:
            self._files = import_module("tensorboard.summary.writer.event_file_writer")
            self._events = import_module("tensorboard.compat.proto.event_pb2")
            self._summaries = import_module("tensorboard.compat.proto.summary_pb2")
        except ImportError as error:
            raise ImportError(
                f"TensorBoard: the package tensorboard is missing ({error}): pip install 'klarnet[tensorboard]'"
            ) from None
        self._writer: Any = None

    def on_fit_start(self, fit: Fit) -> None:
        self._writer = None

    def on_epoch_start(self, fit: Fit) -> None:
        if self._writer is None:
            self._writer = self._files.EventFileWriter(str(self.directory))
            start = self._events.SessionLog(status=self._events.SessionLog.START)
            self._add(
                fit.trainer.iterations + 1, session_log=start
            )  # what an earlier run wrote from here on is void

    def on_batch_end(self, fit: Fit, loss: float) -> None:
        step = fit.trainer.iterations
        if step % self.every:
            return
        values = {"batch/loss": loss, "batch/learning_rate": fit.trainer.learning_rate}
        if fit.trainer.gradient_norm is not None:
            values["batch/gradient_norm"] = fit.trainer.gradient_norm
        self._scalars(step, values)

    def on_epoch_end(self, fit: Fit, row: dict[str, Any]) -> None:
        step = fit.trainer.iterations
        self._scalars(step, {_tag(name): v for name, v in row.items() if isinstance(v, float)})
        if self.histograms:
            weights = fit.net.weights
            values = [
                self._summaries.Summary.Value(tag=name, histo=self._histogram(weights[name]))
                for name, slot in weights.slots.items()
                if slot.trained
            ]
            self._add(step, summary=self._summaries.Summary(value=values))
        self._writer.flush()

    def on_fit_end(self, fit: Fit) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _scalars(self, step: int, values: dict[str, float]) -> None:
        one = self._summaries.Summary.Value
        found = [one(tag=tag, simple_value=value) for tag, value in values.items()]
        self._add(step, summary=self._summaries.Summary(value=found))

    def _add(self, step: int, **what: Any) -> None:
        self._writer.add_event(self._events.Event(wall_time=time.time(), step=step, **what))

    def _histogram(self, W: np.ndarray) -> Any:
        values = W[np.isfinite(W)].astype(np.float64)
        counts, edges = np.histogram(values, bins=BINS)
        return self._summaries.HistogramProto(
            min=float(values.min(initial=np.inf)) if values.size else 0.0,
            max=float(values.max(initial=-np.inf)) if values.size else 0.0,
            num=float(values.size),
            sum=float(values.sum()),
            sum_squares=float((values**2).sum()),
            bucket_limit=edges[1:].tolist(),
            bucket=counts.astype(float).tolist(),
        )


def _tag(name: str) -> str:
    """loss/train and loss/validation stand in one picture; what has no such pair stands in "epoch"."""
    if name.startswith("validation_"):
        return f"{name.removeprefix('validation_')}/validation"
    return f"epoch/{name}" if name in ("learning_rate", "seconds", "examples_per_second") else f"{name}/train"
