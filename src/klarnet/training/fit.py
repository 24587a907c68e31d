"""The training loop: epochs, iterations, validation, callbacks."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from klarnet.layers.checks import positive
from klarnet.metrics import Mean
from klarnet.network import BaseNetwork
from klarnet.optimizers import Place, Schedule
from klarnet.optimizers import schedule as find_schedule

from .callbacks import Callback, Monitor
from .data_checks import check_data
from .evaluation import _metric_name, chosen_metrics, evaluate
from .feed import Feed, examples_in
from .history import History
from .trainer import Trainer


class Fit:
    """A training under way; callbacks receive it.

    net, trainer, history       what is trained, and what happened so far
    epoch, epochs               the running epoch from 1, and how many there will be
    batch, batches              the running batch from 1, and how many an epoch has (None while unknown)
    examples                    examples of one epoch (None while unknown)
    loss, metrics               running means of this epoch
    validation                  the validation data, or None
    current                     the batch that is trained on: X, t, lengths
    """

    def __init__(
        self,
        trainer: Trainer,
        train: Feed,
        validation: Feed | None,
        *,
        metrics: Sequence[Any] | None,
        batch_size: int,
        epochs: int,
        seed: int,
        callbacks: Sequence[Callback],
        schedule: Schedule | None = None,
    ) -> None:
        self.trainer, self.net, self.train, self.validation = trainer, trainer.net, train, validation
        self.batch_size, self.epochs, self.seed = batch_size, epochs, seed
        self.callbacks = list(callbacks)
        self.metrics = {_metric_name(m): m for m in chosen_metrics(train, metrics, trainer.losses)}
        self.history = History()
        self.mean = Mean()
        self.epoch = self.batch = 0
        self.batches = train.iterations(batch_size)
        self.examples = train.examples
        self.interrupted = False
        self.current: tuple[Any, Any, Any] | None = None
        self.schedule, self.base_rate = schedule, trainer.learning_rate
        self.plateau: dict[str, Any] = {}  # the memory of a schedule that waits for a plateau
        if schedule is not None:
            schedule.factor(self.place())  # what it cannot know is refused before the first step
        self._stop: str | None = None

    @property
    def loss(self) -> float:
        return self.mean.result()

    def stop(self, reason: str) -> None:
        """End the training behind this epoch (or, from `on_batch_end`, behind this batch)."""
        self._stop = reason

    def direction(self, name: str) -> str:
        """Which way is better for a value of the history. Raises ValueError where that is not known."""
        plain = name.removeprefix("validation_")
        if plain == "loss":
            return "lower"
        if plain in self.metrics:
            return self.metrics[plain].better
        raise ValueError(f"which way {name!r} is better is not known: say better='lower' or better='higher'")

    def place(self) -> Place:
        """Where the training stands, for its schedule."""
        return Place(
            iteration=self.trainer.iterations,
            epoch=max(0, self.epoch - 1),
            iterations=None if self.batches is None else self.batches * self.epochs,
            per_epoch=self.batches,
            reductions=self.plateau.get("reductions", 0),
        )

    def _watch_plateau(self, row: dict[str, Any]) -> None:
        """Tell a schedule that waits for a plateau how the epoch ended."""
        plateau = None if self.schedule is None else self.schedule.plateau
        if plateau is not None:
            watch = Monitor("ReduceOnPlateau", plateau.monitor, plateau.better)
            value = watch.value(row, self)
            self.plateau = plateau.observe(self.plateau, value, watch.better)

    def run(self) -> History:
        """Train. Ctrl-C ends it and keeps the work; any error passes through after `on_fit_end`."""
        self._tell("on_fit_start", self)
        self.trainer.keep_outputs = bool(self.metrics)
        try:
            for epoch in range(1, self.epochs + 1):
                self.epoch = epoch
                self._tell("on_epoch_start", self)
                row = self._epoch()
                if row is not None:
                    self.history.append(row)
                    self._tell("on_epoch_end", self, row)
                    self._watch_plateau(row)
                if self._stop is not None:
                    self.history.stopped = self._stop
                    break
        except KeyboardInterrupt:
            self.interrupted = True
            self.history.stopped = f"interrupted in epoch {self.epoch}"
            print(
                f"\ninterrupted in epoch {self.epoch}: the network keeps what it has learned so far",
                file=sys.stderr,
            )
        finally:
            self.trainer.keep_outputs = False
            self._tell("on_fit_end", self)
        return self.history

    def _epoch(self) -> dict[str, Any] | None:
        start = time.perf_counter()
        self.mean = Mean()
        for metric in self.metrics.values():
            metric.reset()
        name = next(iter(self.trainer.losses))
        seen = 0
        self.batch = 0
        for X, t, lengths in self.train.batches(
            self.batch_size, seed=self.seed, epoch=self.epoch - 1, shuffle=True
        ):
            if t is None:
                raise ValueError(f"{self.train.name}: a batch without targets, expected pairs (X, t)")
            if self.schedule is not None:
                self.trainer.learning_rate = self.base_rate * self.schedule.factor(self.place())
            self.current = X, t, lengths
            self._tell("on_batch_start", self)
            value = self.trainer.step(X, t, lengths=lengths)
            self.batch += 1
            n = examples_in(X)
            seen += n
            self.mean.update(value, n)
            for metric in self.metrics.values():
                metric.update(self.trainer.outputs[name], t[name] if isinstance(t, Mapping) else t)
            self._tell("on_batch_end", self, value)
            if self._stop is not None:
                return None
        if not seen:
            raise ValueError(f"{self.train.name}: epoch {self.epoch} had no batches")
        self.batches, self.examples = self.batch, seen
        trained = time.perf_counter() - start
        row: dict[str, Any] = {"epoch": self.epoch, "loss": self.mean.result()}
        row |= {name: metric.result() for name, metric in self.metrics.items()}
        if self.validation is not None:
            result = evaluate(
                self.net,
                self.validation,
                loss=self.trainer.losses,
                metrics=list(self.metrics.values()),
                batch_size=max(self.batch_size, 64),
            )
            row |= {f"validation_{key}": value for key, value in result.items()}
        row |= {
            "learning_rate": self.trainer.learning_rate,
            "seconds": round(time.perf_counter() - start, 3),
            "examples_per_second": round(seen / max(trained, 1e-9), 1),
        }
        return row

    def _tell(self, what: str, *arguments: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, what)(*arguments)


def fit(
    net: BaseNetwork,
    train: Feed,
    validation: Feed | None,
    *,
    loss: Any,
    optimizer: Any,
    metrics: Sequence[Any] | None,
    batch_size: int,
    epochs: int,
    seed: int | None,
    callbacks: Sequence[Callback],
    loss_weights: Any = None,
    rates: Mapping[str, float] | None = None,
    shown: Sequence[Callback] = (),
    schedule: Any = None,
    **regularisation: Any,
) -> History:
    """Train a network from arguments as `Network.fit` takes them; `regularisation` goes to the Trainer."""
    # What does not fit is refused here, before the first step.
    batch_size, epochs = positive("fit", "batch_size", batch_size), positive("fit", "epochs", epochs)
    if not isinstance(callbacks, (list, tuple)):
        raise TypeError(f"fit: callbacks {callbacks!r}, expected a list, callbacks=[…]")
    for callback in callbacks:
        if not isinstance(callback, Callback):
            raise TypeError(
                f"fit: {callback!r} is no callback; expected objects of kn.Callback, such as "
                "kn.EarlyStopping()"
            )
    trainer = Trainer(
        net, loss=loss, optimizer=optimizer, loss_weights=loss_weights, rates=rates, **regularisation
    )
    for feed in (train, validation):
        if feed is not None:
            check_data(net, trainer.losses, feed)
    return Fit(
        trainer,
        train,
        validation,
        metrics=metrics,
        batch_size=batch_size,
        epochs=epochs,
        seed=net.seed if seed is None else seed,
        callbacks=[*callbacks, *shown],
        schedule=None if schedule is None else find_schedule(schedule),
    ).run()
