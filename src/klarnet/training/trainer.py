"""The Trainer: one iteration after another, each a replay of a plan."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np

from klarnet.engine import Refused, State, engine
from klarnet.losses import Loss
from klarnet.losses import loss as find_loss
from klarnet.network import BaseNetwork
from klarnet.network.execution import INT32, Execution, Head, Plans, Wanted, heads
from klarnet.network.regularisation import Regularisation
from klarnet.network.update import OptimizerState
from klarnet.optimizers import optimizer as find_optimizer

from .diagnosis import NotFiniteError, explain
from .fitting_loss import warn_of_misfits
from .targets import left_out, prepare_targets


def _beyond(array: np.ndarray) -> bool:
    """Does an array of whole numbers hold one that the engine's 32 bits do not?"""
    return bool(array.size) and not -(2**31) <= array.min() <= array.max() < 2**31


def losses_by_output(net: BaseNetwork, given: Any) -> dict[str, Loss]:
    """One loss for each output that has one: a single loss for a single output, a dict by name for several."""
    names = list(net.graph.outputs)
    if isinstance(given, Mapping):
        for name in given:
            if name not in names:
                raise ValueError(f"loss: no output is called {name!r}, expected {', '.join(names)}")
        found = {name: find_loss(one) for name, one in given.items()}
        if not found:
            raise ValueError("loss is an empty dict, expected a loss for one output at least")
        return found
    if len(names) != 1:
        raise ValueError(
            f"the network has the outputs {', '.join(names)}: give a dict, loss={{{names[0]!r}: …}}"
        )
    return {names[0]: find_loss(given)}


def _factors(given: Any, losses: Mapping[str, Loss]) -> dict[str, float]:
    """The factor of each loss, checked."""
    if given is not None and not isinstance(given, Mapping):
        raise TypeError(f"loss_weights {given!r}, expected a dict of numbers by output")
    for name, factor in (given or {}).items():
        if name not in losses:
            raise ValueError(f"loss_weights for {name!r}, expected {', '.join(losses)}")
        if not isinstance(factor, Real) or not isfinite(factor):
            raise ValueError(f"loss_weights of {name}: {factor!r}, expected a finite number")
    return {name: float(factor) for name, factor in (given or {}).items()}


class Trainer:
    """Trains a network step by step.

        trainer = kn.Trainer(net, loss="cross_entropy", optimizer=kn.Adam(1e-3))
        value = trainer.step(X, t)

    loss          a loss or its name; a dict by output where the network has several
    loss_weights  a factor for each output's loss
    optimizer     an optimizer or its name
    rates         factors of the learning rate by pattern, {"conv2d_*": 0.1}; where several fit, the last one counts
    clip_norm, clip_value, max_norm, weight_noise   see `klarnet.network.regularisation`; None or 0: without

    The first step with a new shape of batch makes a plan; every step, the first included, replays it.
    """

    def __init__(
        self,
        net: BaseNetwork,
        *,
        loss: Any = "cross_entropy",
        optimizer: Any = "adam",
        loss_weights: Mapping[str, float] | None = None,
        rates: Mapping[str, float] | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        max_norm: float | None = None,
        weight_noise: float | None = None,
    ) -> None:
        self.net = net
        if not isinstance(net, BaseNetwork):
            raise TypeError(f"Trainer: net is {net!r}, expected a kn.Network")
        self.losses = losses_by_output(net, loss)
        self._ignored = {name: getattr(one, "ignored", None) for name, one in self.losses.items()}
        self.heads: list[Head] = heads(net, self.losses, _factors(loss_weights, self.losses))
        warn_of_misfits(net, self.losses)
        self.optimizer = find_optimizer(optimizer)
        self.moments = OptimizerState(net.weights, self.optimizer, rates)
        self._settled: int | None = None  # the network's version that the moments follow
        self.regularisation = Regularisation(
            clip_norm=clip_norm, clip_value=clip_value, max_norm=max_norm, weight_noise=weight_noise
        )
        self.state = State(self.optimizer.learning_rate, 0, net.seed)
        self.outputs: dict[str, np.ndarray] = {}  # of the last step with keep_outputs
        self.left_out = 0  # examples that a loss could not use, in all steps so far
        self.keep_outputs = False
        self._plans = Plans(net)
        self._quick: dict[Any, Any] = {}
        self._quick_for: Any = None
        self._dropped = 0

    @property
    def learning_rate(self) -> float:
        return float(self.state.learning_rate)

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        if not 0 <= value < float("inf"):
            raise ValueError(f"learning_rate {value!r}, expected a finite number, 0 or more")
        self.state.learning_rate = value

    @property
    def iterations(self) -> int:
        """How many steps have been made."""
        return int(self.state.step)

    @property
    def gradient_norm(self) -> float | None:
        """The norm of all gradients in the last step, before clip_norm acted on it; None without clip_norm."""
        if self.regularisation.clip_norm is None:
            return None
        return self.regularisation.gradient_norm(self.net.dtype)

    def step(self, X: Any, t: Any, *, lengths: Any = None) -> float:
        """One iteration: forward, loss, backward, weight gradients, update. Returns the loss before the update.

        X (n, …) and t as the loss wants them (dicts for several inputs or outputs); lengths (n,) where the network
        takes them. Raises ValueError for shapes or labels that do not fit, NotFiniteError with the layer's name when
        the loss is no finite number; the weights are then as before the step.
        """
        try:
            x_in, t_in, value, run, job, state, large, wide = self._quick[X.shape, t.shape, X.dtype, t.dtype]
        except (KeyError, AttributeError, TypeError):
            return self._step(X, t, lengths)
        if (
            self._quick_for != (self.net.version, self.moments.version, engine())
            or lengths is not None
            or self.keep_outputs
        ):
            self._quick.clear()
            return self._step(X, t, lengths)
        if wide and any(_beyond((X, t)[i]) for i in wide):
            return self._step(X, t, lengths)  # the long way names the number and its place
        if large is None:
            x_in[...] = X
            t_in[...] = t
        else:
            x_in.feed(X, large)
            t_in.feed(t, large)
        state.step += 1
        if run(job) != -1:
            state.status = 0
            state.step -= 1
            return self._step(X, t, lengths)  # once more in the open, for the error
        return value[0]

    def _settle(self) -> None:
        """Let the moments follow what was frozen, unfrozen or loaded since the last step."""
        if self._settled != self.net.version:
            self.moments.settle(self.iterations)
            self._settled = self.net.version

    def _now(self) -> tuple[int, int, str]:
        """What a plan was made for, beside the shapes of the batch."""
        return self.net.version, self.moments.version, engine()

    def _step(self, X: Any, t: Any, lengths: Any) -> float:
        net = self.net
        self._settle()
        arrays = net.arrays(X)
        if not len(arrays[0]):
            raise ValueError(f"{net.inputs[0].name}: a batch of no examples, shape {arrays[0].shape}")
        targets = self._targets(t, arrays)
        spans = net._lengths(lengths, arrays)
        unused = self._left_out(targets, arrays, spans)
        kinds = {name: (a.shape, a.dtype) for name, a in targets.items()}
        shapes = tuple(a.shape for a in arrays)
        key = (shapes, tuple(kinds.items()), self._now(), self.keep_outputs)
        wanted = Wanted(
            shapes, kinds, True, bool(spans), self.keep_outputs, self.moments, self.regularisation
        )
        execution = self._plans.get(key, lambda: Execution(net, self.heads, wanted, self.state))
        if self._dropped != self._plans.dropped:  # a short way may lead into a plan that is gone
            self._quick.clear()
            self._dropped = self._plans.dropped
        self.state.step += 1
        running, carried = net.weights.untrained.copy(), execution.states.now()
        try:
            self.outputs = execution.run(arrays, targets, spans)
        except Refused as error:
            self.state.step -= 1
            net.weights.untrained[...] = running
            execution.states.put_back(carried)
            raise explain(error, net, self.heads, arrays, targets, spans, self.state) from None
        self.left_out += unused
        self._remember(X, t, execution, spans)
        value = float(execution.value[0])
        if not np.isfinite(value):
            raise NotFiniteError(f"the loss is {value}")
        return value

    def _remember(self, X: Any, t: Any, execution: Execution, spans: Any) -> None:
        """Note the short way for the next batch of this shape: one input, one target, one run of native functions.

        Small arrays are copied into the plan's own; for large ones its buffers are pointed at the batch.
        """
        if spans or self.keep_outputs or len(execution.inputs) != 1 or len(execution.targets) != 1:
            return
        if (
            execution.states
            or self.net.weights.untrained.size
            or any(i is not None for i in self._ignored.values())
            or any(one.takes_lengths for one in self.losses.values())
        ):
            return  # the long way: values and states are put back after a refusal, what does not count is counted
        if not isinstance(X, np.ndarray) or not isinstance(t, np.ndarray):
            return
        x_fed, t_fed = execution.inputs[0], next(iter(execution.targets.values()))
        whole = X.dtype.kind == "f" or execution.inputs[0].description.dtype == INT32
        if not whole or self.net.scaling is not None or execution.bound.single is None:
            return
        if t.shape != t_fed.description.shape or (t.dtype.kind == "f") != (
            t_fed.description.dtype.kind == "f"
        ):
            return
        if self._quick_for != (now := self._now()):
            self._quick.clear()
            self._quick_for = now
        self._quick[X.shape, t.shape, X.dtype, t.dtype] = (
            x_fed if x_fed.own is None or t_fed.own is None else x_fed.own,
            t_fed if x_fed.own is None or t_fed.own is None else t_fed.own,
            memoryview(execution.value),
            execution.bound.native_run,
            execution.bound.single,
            self.state,
            execution.memory if x_fed.own is None or t_fed.own is None else None,
            tuple(
                i for i, a in enumerate((X, t)) if a.dtype.kind in "iu" and not np.can_cast(a.dtype, INT32)
            ),
        )

    def _targets(self, t: Any, arrays: list[np.ndarray]) -> dict[str, np.ndarray]:
        found = prepare_targets(self.net, self.losses, t, tuple(a.shape for a in arrays))
        for name, ignored in self._ignored.items():
            labels = found[name]
            if ignored is not None and labels.dtype == INT32 and labels.size and (labels == ignored).all():
                warnings.warn(
                    f"{self.losses[name].name}: every label of this batch is the ignored one, {ignored}: its loss is 0 "
                    "and it teaches nothing",
                    stacklevel=4,
                )
        return found

    def _left_out(self, targets: dict[str, np.ndarray], arrays: list[np.ndarray], spans: Any) -> int:
        """How many examples of a batch the losses leave out; the first one is named in a warning."""
        count, why = left_out(self.net, self.losses, targets, arrays, spans)
        if count and not self.left_out:
            warnings.warn(
                f"{count} of the {len(arrays[0])} lines of a batch are left out. {why}", stacklevel=4
            )
        return count

    def plan(self, X: Any, t: Any, *, lengths: Any = None, optimise: bool = True) -> Execution:
        """The execution for a batch of this shape, not run: for looking at (`.plan.calls`, `.plan.arena_bytes`)."""
        self._settle()
        arrays = self.net.arrays(X)
        targets = self._targets(t, arrays)
        spans = self.net._lengths(lengths, arrays)
        wanted = Wanted(
            tuple(a.shape for a in arrays),
            {k: (a.shape, a.dtype) for k, a in targets.items()},
            True,
            bool(spans),
            self.keep_outputs,
            self.moments,
            self.regularisation,
        )
        return Execution(self.net, self.heads, wanted, self.state, optimise=optimise)
