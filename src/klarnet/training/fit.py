"""The training loop: epochs, iterations, validation, callbacks."""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from klarnet.layers.checks import positive
from klarnet.metrics import Mean
from klarnet.network import BaseNetwork
from klarnet.optimizers import Place, Schedule
from klarnet.optimizers import schedule as find_schedule

from .callbacks import Callback, Monitor
from .checkpointing import Checkpoint
from .data_checks import check_data
from .evaluation import _metric_name, chosen_metrics, evaluate
from .feed import Feed, examples_in
from .history import History
from .interruption import Interrupted, Signals
from .label_noise import LabelNoise
from .progress import Progress
from .resume import restore
from .targets import leaves_out
from .trainer import Trainer


class Fit:
    """A training under way; callbacks receive it.

    net, trainer, history       what is trained, and what happened so far
    epoch, epochs               the running epoch from 1, and how many there will be
    done                        epochs that are over, with all that belongs to them
    batch, batches              the running batch from 1, and how many an epoch has (None while unknown)
    seen, examples              examples seen of the running epoch, and of a whole one (None while unknown)
    left_out                    of those seen, how many the loss could not use
    loss, metrics               running means of this epoch
    validation                  the validation data, or None
    current                     the batch that is trained on: X, t, lengths
    stopping                    why the training is to end, or None
    interrupted                 a signal came: the run is saved and ends
    resumed, began              the checkpoint the run went on from (None: none), and the iterations made before
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
        label_noise: float = 0.0,
    ) -> None:
        self.trainer, self.net, self.train, self.validation = trainer, trainer.net, train, validation
        self.batch_size, self.epochs, self.seed = batch_size, epochs, seed
        self.callbacks = list(callbacks)
        self.metrics = {
            _metric_name(m): m for m in chosen_metrics(train, metrics, trainer.losses, self.net.class_names)
        }
        self.history = History()
        self.mean = Mean()
        self.epoch = self.done = self.batch = self.seen = self.left_out = self.began = 0
        self.seconds = 0.0  # spent on the running epoch
        self.batches = train.iterations(batch_size)
        self.examples = train.examples
        self.stopping: str | None = None
        self.interrupted = False
        self.resumed: Path | None = None
        self.saved: str | None = None  # what is said of an interrupted run that was saved
        self.label_noise = label_noise
        self.noise = LabelNoise(label_noise, self.net, trainer.losses, seed) if label_noise else None
        self.current: tuple[Any, Any, Any] | None = None
        self.schedule, self.base_rate = schedule, trainer.learning_rate
        self.plateau: dict[str, Any] = {}  # the memory of a schedule that waits for a plateau
        if schedule is not None:
            schedule.factor(self.place())  # what it cannot know is refused before the first step
        self._signals = Signals()

    @property
    def loss(self) -> float:
        return self.mean.result()

    def stop(self, reason: str) -> None:
        """End the training behind this epoch (or, from `on_batch_end`, behind this batch)."""
        self.stopping = reason

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

    def run(self, resume: Path | None = None) -> History:
        """Train, from where a checkpoint was written if there is one.

        Ctrl-C and SIGTERM are heard behind a step: the run can then be saved, and ends, SIGTERM's with SystemExit. Any
        error passes through after `on_fit_end`.
        """
        self.resumed = resume
        self._tell("on_fit_start", self)
        self.trainer.keep_outputs = bool(self.metrics)
        try:
            with Signals() as self._signals:
                if resume is not None:
                    restore(self, resume)
                self.began = self.trainer.iterations
                self._epochs()
        except KeyboardInterrupt:
            if self._signals.came is not None:
                raise  # the second Ctrl-C: at once
            self.interrupted = True
        finally:
            self.trainer.keep_outputs = False
            self.history.stopped = f"interrupted in epoch {self.epoch}" if self.interrupted else self.stopping
            self._tell("on_fit_end", self)
        if self.interrupted:
            what = self.saved or "the network keeps what it has learned so far"
            print(f"interrupted in epoch {self.epoch}: {what}", file=sys.stderr)
        if self._signals.code is not None:
            raise SystemExit(self._signals.code)
        return self.history

    def _epochs(self) -> None:
        while self.done < self.epochs and self.stopping is None and not self.interrupted:
            self.epoch = self.done + 1
            self._tell("on_epoch_start", self)
            row = self._epoch()
            if row is not None:
                self.history.append(row)
                self._tell("on_epoch_end", self, row)
                self._watch_plateau(row)
                self.done = self.epoch
                self.batch = self.seen = self.left_out = 0
                self._settle()

    def _settle(self) -> None:
        """Behind a batch or an epoch, when everybody has been told of it: what can be saved here is whole."""
        self.interrupted = self._signals.came is not None
        self._tell("on_settled", self)

    def _epoch(self) -> dict[str, Any] | None:
        """The rest of the running epoch, most often all of it; None where it was broken off."""
        start = time.perf_counter() - self.seconds
        if not self.batch:
            start = time.perf_counter()
            self.mean.reset()
            self.net.reset_states()
            for metric in self.metrics.values():
                metric.reset()
        for X, t, lengths in self.train.batches(
            self.batch_size, seed=self.seed, epoch=self.epoch - 1, shuffle=True, start=self.batch
        ):
            if t is None:
                raise ValueError(f"{self.train.name}: a batch without targets, expected pairs (X, t)")
            self._step(X, t, lengths)
            self.seconds = time.perf_counter() - start
            self._settle()
            if self.stopping is not None or self.interrupted:
                return None
        if not self.seen:
            raise ValueError(f"{self.train.name}: epoch {self.epoch} had no batches")
        self.batches, self.examples = self.batch, self.seen
        row: dict[str, Any] = {"epoch": self.epoch, "loss": self.mean.result()}
        row |= {name: metric.result() for name, metric in self.metrics.items()}
        row |= {"left_out": self.left_out} if leaves_out(self.trainer.losses) else {}
        trained = time.perf_counter() - start
        try:
            row |= self._validated()
        except Interrupted:
            self._settle()
            return None
        row |= {
            "learning_rate": self.trainer.learning_rate,
            "seconds": round(time.perf_counter() - start, 3),
            "examples_per_second": round(self.seen / max(trained, 1e-9), 1),
        }
        return row

    def _step(self, X: Any, t: Any, lengths: Any) -> None:
        """One batch: schedule, step, running means."""
        if self.schedule is not None:
            self.trainer.learning_rate = self.base_rate * self.schedule.factor(self.place())
        taught = t if self.noise is None else self.noise(t, epoch=self.epoch - 1, first=self.seen)
        self.current = X, taught, lengths
        self._tell("on_batch_start", self)
        before = self.trainer.left_out
        value = self.trainer.step(X, taught, lengths=lengths)
        unused = self.trainer.left_out - before
        self.left_out += unused
        self.batch += 1
        n = examples_in(X)
        self.seen += n
        self.mean.update(value, n - unused)
        name = next(iter(self.trainer.losses))
        for metric in self.metrics.values():
            metric.update(self.trainer.outputs[name], t[name] if isinstance(t, Mapping) else t)
        self._tell("on_batch_end", self, value)

    def _validated(self) -> dict[str, Any]:
        """The values of the validation data. A signal breaks it off, and it is done again when the run goes on."""
        if self.validation is None:
            return {}
        with self._signals.at_once():
            result = evaluate(
                self.net,
                self.validation,
                loss=self.trainer.losses,
                metrics=[copy.deepcopy(metric) for metric in self.metrics.values()],
                batch_size=self.batch_size if self.validation.ragged else max(self.batch_size, 64),
            )
        return {f"validation_{key}": value for key, value in result.items()}

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
    progress: bool = False,
    schedule: Any = None,
    label_noise: float = 0.0,
    resume: bool = False,
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
    if train.unknown:
        raise ValueError(
            f"{train.name}: no class for the characters {', '.join(map(repr, list(train.unknown)[:10]))} of the texts; "
            "leave alphabet out, or grow it (alphabet.grown(texts)) and the network (net.with_classes(names))"
        )
    for feed in (train, validation):
        if feed is not None:
            check_data(net, trainer.losses, feed)
    if net.states and not train.keeps_order:
        raise ValueError(
            f"{train.name}: {next(iter(net.states.shapes))} carries its state from batch to batch, but these examples "
            "are shuffled; expected batches in their order: a list of pairs (X, t), row i of each going on row i of "
            "the one before"
        )
    running = Fit(
        trainer,
        train,
        validation,
        metrics=metrics,
        batch_size=batch_size,
        epochs=epochs,
        seed=net.seed if seed is None else seed,
        callbacks=[*callbacks, Progress()] if progress else callbacks,
        schedule=None if schedule is None else find_schedule(schedule),
        label_noise=label_noise,
    )
    return running.run(_latest(callbacks) if resume else None)


def _latest(callbacks: Sequence[Callback]) -> Path | None:
    """The checkpoint to go on from; None where the run has not left one yet."""
    for callback in callbacks:
        if isinstance(callback, Checkpoint):
            return callback.latest()
    raise ValueError(
        "fit: resume=True goes on from a checkpoint, expected kn.Checkpoint(folder) among the callbacks"
    )
