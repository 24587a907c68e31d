"""Callbacks: what may look at a training, or end it, without being part of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .fit import Fit


class Callback:
    """Base class. Each method receives the running `Fit`: net, trainer, history, epoch, batch, `stop(reason)`, …"""

    def on_fit_start(self, fit: Fit) -> None: ...

    def on_epoch_start(self, fit: Fit) -> None: ...

    def on_batch_start(self, fit: Fit) -> None: ...

    def on_batch_end(self, fit: Fit, loss: float) -> None: ...

    def on_epoch_end(self, fit: Fit, row: dict[str, Any]) -> None: ...

    def on_settled(self, fit: Fit) -> None:
        """Called behind each batch and each epoch, once every callback has heard of it."""

    def on_fit_end(self, fit: Fit) -> None:
        """Called in every case: at the end, after a stop, Ctrl-C or an error."""

    def memory(self) -> dict[str, Any]:
        """What a checkpoint keeps of this callback: numbers, texts, lists, and arrays. `restore` gets it back."""
        return {}

    def restore(self, memory: Mapping[str, Any]) -> None:
        """Go on with what `memory` gave, behind `on_fit_start`, when a run is resumed."""


class Monitor:
    """One watched value: is it better than the best so far? A NaN never is."""

    def __init__(
        self, owner: str, monitor: str | None, better: str | None, minimum_improvement: float = 0.0
    ) -> None:
        if monitor is not None and not isinstance(monitor, str):
            raise TypeError(f"{owner}: monitor {monitor!r}, expected a name such as 'validation_loss'")
        if better not in (None, "lower", "higher"):
            raise ValueError(f"{owner}: better {better!r}, expected 'lower' or 'higher'")
        if not minimum_improvement >= 0:
            raise ValueError(f"{owner}: minimum_improvement {minimum_improvement!r}, expected 0 or more")
        self.owner = owner
        self.name, self.better, self.minimum = monitor, better, float(minimum_improvement)
        self.best = math.nan

    def value(self, row: dict[str, Any], fit: Fit) -> float:
        """The watched value of this epoch. Raises ValueError, in the first epoch, for a name that does not exist."""
        if self.name is None:
            self.name = "validation_loss" if "validation_loss" in row else "loss"
        if self.name not in row:
            raise ValueError(
                f"{self.owner}: nothing called {self.name!r} to watch; this training gives {', '.join(row)}"
                + ("" if fit.validation is not None else " (validation=… would add validation_loss)")
            )
        if self.better is None:
            self.better = fit.direction(self.name)
        return float(row[self.name])

    def improves(self, value: float) -> bool:
        if math.isnan(value):
            return False
        if math.isnan(self.best):
            better = True
        elif self.better == "lower":
            better = value < self.best - self.minimum
        else:
            better = value > self.best + self.minimum
        if better:
            self.best = value
        return better


class EarlyStopping(Callback):
    """Ends a training when the watched value has not improved for `patience` epochs.

    monitor        "validation_loss" where there is validation data, else "loss"; or a metric's name
    better         "lower" or "higher"; known for losses and built-in metrics
    best_weights   put the weights of the best epoch back at the end, however the training ends
    minimum_improvement   what counts as better

    Course: early stopping; Prechelt 1998.
    """

    def __init__(
        self,
        patience: int = 3,
        *,
        monitor: str | None = None,
        better: str | None = None,
        minimum_improvement: float = 0.0,
        best_weights: bool = True,
    ) -> None:
        if not isinstance(patience, int) or patience < 1:
            raise ValueError(f"EarlyStopping: patience {patience!r}, expected a whole number above 0")
        self.patience, self.best_weights = patience, best_weights
        self._arguments = ("EarlyStopping", monitor, better, minimum_improvement)
        self.on_fit_start(None)  # type: ignore[arg-type]

    def on_fit_start(self, fit: Fit) -> None:
        self.watch = Monitor(*self._arguments)
        self._kept: tuple[np.ndarray, np.ndarray] | None = None
        self.best_epoch: int | None = None
        self.waited = 0
        self.stopped: str | None = None  # what it ended the training with

    def on_epoch_end(self, fit: Fit, row: dict[str, Any]) -> None:
        value = self.watch.value(row, fit)
        if self.watch.improves(value):
            self.best_epoch, self.waited = fit.epoch, 0
            if self.best_weights:
                w = fit.net.weights
                self._kept = (w.values.copy(), w.untrained.copy())
            return
        self.waited += 1
        if self.waited >= self.patience:
            self.stopped = (
                f"{self.watch.name} has not improved for {self.waited} epochs (best {self.watch.best:.4g} in epoch "
                f"{self.best_epoch})"
            )
            fit.stop(self.stopped)

    def memory(self) -> dict[str, Any]:
        kept = dict(zip(("values", "untrained"), self._kept or (), strict=False))
        names = ("best_epoch", "waited", "stopped")
        return {"best": self.watch.best, **{name: getattr(self, name) for name in names}, **kept}

    def restore(self, memory: Mapping[str, Any]) -> None:
        self.watch.best, self.best_epoch, self.waited = (memory[n] for n in ("best", "best_epoch", "waited"))
        self.stopped = (
            memory["stopped"] if self.waited >= self.patience else None
        )  # more patience lets it go on
        self._kept = (memory["values"], memory["untrained"]) if "values" in memory else None

    def on_fit_end(self, fit: Fit) -> None:
        if self._kept is not None:
            fit.net.weights.values[...], fit.net.weights.untrained[...] = self._kept
            fit.history.best_epoch = self.best_epoch
