"""Prediction and evaluation: plans without the backward pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from klarnet.data import Source, TextEncoding
from klarnet.engine import Refused, State, engine
from klarnet.layers.checks import positive
from klarnet.losses import Loss
from klarnet.metrics import ConfusionMatrix, Mean, confusion_matrix, resolve
from klarnet.network import BaseNetwork
from klarnet.network.execution import Execution, Head, Plans, Wanted, heads

from .data_checks import check_data
from .diagnosis import explain
from .feed import Feed, examples_in
from .targets import known_labels, leaves_out, left_out, prepare_targets
from .trainer import losses_by_output


def plans_of(net: BaseNetwork) -> Plans:
    """The plans of this thread: each thread predicts in an arena of its own."""
    local = net._local
    if not hasattr(local, "plans"):
        local.plans = Plans(net)
    return local.plans


def run_forward(
    net: BaseNetwork,
    acting: Sequence[Head],
    X: Any,
    targets: dict[str, np.ndarray],
    lengths: Any,
) -> tuple[dict[str, np.ndarray], float]:
    """Outputs and, with heads, the loss of one batch, outside training."""
    arrays = net.arrays(X)
    spans = net._lengths(lengths, arrays)
    shapes = tuple(a.shape for a in arrays)
    kinds = {name: (a.shape, a.dtype) for name, a in targets.items()}
    key = (
        shapes,
        tuple(kinds.items()),
        tuple((h.name, id(h.loss), h.factor) for h in acting),
        engine(),
        bool(spans),
    )
    state = State(0.0, 0, net.seed)
    execution = plans_of(net).get(
        key,
        lambda: Execution(
            net, acting, Wanted(shapes, kinds, lengths=bool(spans), outputs=True), State(0.0, 0, net.seed)
        ),
    )
    try:
        outputs = execution.run(arrays, targets, spans)
    except Refused as error:
        raise explain(error, net, acting, arrays, targets, spans, state) from None
    return outputs, float(execution.value[0])


def predict(net: BaseNetwork, X: Any, *, batch_size: int | None = None, lengths: Any = None) -> Any:
    """Outputs for any number of examples, computed in batches; a dict where the network has several outputs."""
    if batch_size is not None:
        batch_size = positive("predict", "batch_size", batch_size)
    if isinstance(X, Source):
        if lengths is not None:
            raise TypeError(f"predict: lengths are given twice, by themselves and inside {X!r}")
        return _of_source(net, Feed(X, name="predict"), batch_size)
    if isinstance(X, str) or (isinstance(X, (list, tuple)) and X and isinstance(X[0], str)):
        X, lengths = TextEncoding.of(net).batch(X)
    batch_size = batch_size or 256
    given = [
        np.from_dlpack(a) if hasattr(a, "__dlpack__") and not isinstance(a, np.ndarray) else np.asarray(a)
        for a in net.paired(X)
    ]
    for v, a in zip(net.inputs, given, strict=True):
        if a.dtype.kind == "f" and not np.isfinite(a).all():
            where = tuple(int(i) for i in np.argwhere(~np.isfinite(a))[0])
            raise ValueError(f"predict: {v.name} holds {a[where]} at {where}, expected finite numbers")
        if a.dtype.kind in "fiub":
            net.check_input(v, a.shape, a.dtype)
    count = len(given[0]) if given[0].ndim else 0
    found: dict[str, list[np.ndarray]] = {}
    with net.states.aside():
        for first in range(0, max(count, 1), batch_size):
            rows = slice(first, first + batch_size)
            batch = [a[rows] for a in given]
            X = batch[0] if len(batch) == 1 else batch
            outputs, _ = run_forward(net, (), X, {}, None if lengths is None else np.asarray(lengths)[rows])
            for name, Y in outputs.items():
                found.setdefault(name, []).append(Y)
    whole = {name: ys[0] if len(ys) == 1 else np.concatenate(ys) for name, ys in found.items()}
    return whole["output"] if net.single_output else whole


def _of_source(net: BaseNetwork, feed: Feed, batch_size: int | None) -> Any:
    """Outputs for the examples of a source, in their order: an array, or, where an output has steps of which each
    example has its own number, a list of arrays."""
    found: dict[str, list[np.ndarray]] = {}
    with net.states.aside():
        for X, _, lengths in feed.batches(feed.usual(batch_size)):
            outputs, _ = run_forward(net, (), X, {}, lengths)
            for name, Y in outputs.items():
                steps = None if lengths is None else net.output_lengths(lengths, name)
                if steps is None:
                    found.setdefault(name, []).append(Y)
                else:
                    found.setdefault(name, []).extend(y[..., :n, :] for y, n in zip(Y, steps, strict=True))
    if not found:
        raise ValueError(f"{feed.name}: no examples")
    ragged = {name: feed.ragged and net.outputs[name].lengths for name in found}
    whole = {name: ys if ragged[name] else np.concatenate(ys) for name, ys in found.items()}
    return whole["output"] if net.single_output else whole


class Result(Mapping[str, Any]):
    """What an evaluation found: `result.loss`, `result["accuracy"]`, `result.confusion_matrix`."""

    def __init__(self, values: dict[str, Any], matrix: ConfusionMatrix | None = None) -> None:
        self._values, self.confusion_matrix = values, matrix

    def __getitem__(self, name: str) -> Any:
        if name not in self._values:
            raise KeyError(f"the evaluation has no {name!r}, it has {', '.join(self._values)}")
        return self._values[name]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values:
            raise AttributeError(f"the evaluation has no {name!r}")
        return self._values[name]

    def __iter__(self) -> Any:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return (
            "Result("
            + ", ".join(
                f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in self._values.items()
            )
            + ")"
        )


def _tells_classes(loss: Loss, feed: Feed) -> bool:
    """Is the target a class? Binary cross entropy also judges shares and the grey values of a picture."""
    if loss.classifies:
        return True
    outline = feed.outline()
    if "binary" not in loss.name or outline is None or outline[1] is None:
        return False
    t = np.asarray(next(iter(outline[1].values())) if isinstance(outline[1], Mapping) else outline[1])
    return t.shape[1:] in ((), (1,)) and bool(((t == 0) | (t == 1)).all())


def chosen_metrics(
    feed: Feed,
    given: Sequence[Any] | None,
    losses: dict[str, Loss],
    class_names: Sequence[str] | None = None,
) -> list[Any]:
    """Metrics from names or objects; by default accuracy, where a single output is a classification.

    One that wants class names is told those of the network or, where it has none, of the data.
    """
    name = feed.name
    if given is None:
        given = ["accuracy"] if len(losses) == 1 and _tells_classes(next(iter(losses.values())), feed) else []
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise TypeError(f"{name}: metrics {given!r}, expected a list, metrics=[…]")
    if given and len(losses) > 1:
        raise ValueError(f"{name}: metrics need a network with one output, this one has {', '.join(losses)}")
    found: list[Any] = [resolve(m) for m in given]
    for m in found:
        if getattr(m, "class_names", ()) is None:
            m.class_names = class_names or (feed.source.class_names if feed.source else None)
    return found


def evaluate(
    net: BaseNetwork,
    feed: Feed,
    *,
    loss: Any,
    metrics: Sequence[Any] | None = None,
    batch_size: int | None = None,
) -> Result:
    """Loss, metrics and, for a classification, the confusion matrix over all batches, weighted by examples.

    Examples with lengths come in an order of their own, similar ones together: less is computed.
    """
    losses = losses_by_output(net, loss)
    acting = heads(net, losses, {})
    found = chosen_metrics(feed, metrics, losses, net.class_names)
    check_data(net, losses, feed)
    for m in found:
        m.reset()
    mean, matrix, unused = Mean(), None, 0
    name = next(iter(losses))
    with net.states.aside():
        for X, t, lengths in feed.batches(feed.usual(batch_size), shuffle=feed.ragged):
            if t is None:
                raise ValueError(f"{feed.name}: a batch without targets, expected pairs (X, t)")
            arrays = net.arrays(X)
            targets = prepare_targets(net, losses, known_labels(t), tuple(a.shape for a in arrays))
            outputs, value = run_forward(net, acting, X, targets, lengths)
            without, _ = left_out(net, losses, targets, arrays, net._lengths(lengths, arrays))
            unused += without
            mean.update(value, examples_in(X) - without)
            for m in found:
                m.update(outputs[name], t if feed.unknown else targets[name])
            if losses[name].classifies and len(losses) == 1 and outputs[name].shape[-1] > 1:
                part = confusion_matrix(
                    targets[name],
                    outputs[name],
                    net.class_names or outputs[name].shape[-1],
                    ignored=getattr(losses[name], "ignored", None),
                )
                matrix = part if matrix is None else matrix + part
    values = {"loss": mean.result(), **{_metric_name(m): m.result() for m in found}}
    if leaves_out(losses):
        values["left_out"] = unused
    return Result(values, matrix)


def _metric_name(metric: Any) -> str:
    return str(getattr(metric, "name", type(metric).__name__.lower()))
