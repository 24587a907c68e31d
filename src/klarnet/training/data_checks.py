"""Data held against the network before the first step: what does not fit is found at once, not in the middle of an
epoch, and with the place it has in the user's own arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from klarnet.losses import CTC, Loss
from klarnet.network import BaseNetwork

from .feed import Feed
from .labellings import fault
from .targets import Shapes, fitting_targets, known_labels, steps_of, wrong_label


def check_data(net: BaseNetwork, losses: dict[str, Loss], feed: Feed) -> None:
    """Raises ValueError or TypeError, beginning with the data's name, for what does not fit: shapes and types of
    inputs and targets, labels that are no class, class names that are not as many as the classes, lines too short for
    their labels.

    Arrays are looked at, not copied. A stream cannot be seen beforehand: each of its batches is checked when it comes.
    """
    outline = feed.outline()
    if outline is None:
        return
    X, t = outline
    if t is None:
        raise ValueError(f"{feed.name}: no targets in the data, expected X and t")
    if feed.ragged and not any(v.lengths for v in net.inputs):
        raise ValueError(
            f"{feed.name}: the examples have lengths of their own, but no input of the network takes them; "
            "kn.Input(…, lengths=True) does"
        )
    if feed.ragged and feed.source is not None:
        _check_names(net, feed.source.class_names, feed.name)
    try:
        _check(net, losses, X, known_labels(t), feed.lengths)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{feed.name}: {error}") from None


def _check_names(net: BaseNetwork, names: Sequence[str] | None, where: str) -> None:
    """Raises ValueError where the data number their classes otherwise than the network does."""
    if names is None or net.class_names is None or tuple(names) == net.class_names:
        return
    new, gone = (
        [n for n in a if n not in b] for a, b in ((names, net.class_names), (net.class_names, names))
    )
    differ = "; ".join(
        f"{what} has also {', '.join(map(repr, some[:10]))}"
        for what, some in (("the data", new), ("the network", gone))
        if some
    )
    raise ValueError(
        f"{where}: the data's classes are not numbered as the network's ({differ or 'another order'}); read them with "
        "the network's class_names (kn.data.Alphabet.of_classes for characters), or give the network more classes, "
        "net.with_classes(names)"
    )


def _check(net: BaseNetwork, losses: dict[str, Loss], X: Any, t: Any, lengths: Any) -> None:
    arrays = [np.asarray(a) for a in net.paired(X)]
    for v, a in zip(net.inputs, arrays, strict=True):
        net.check_input(v, a.shape, a.dtype)
    shapes: Shapes = tuple(a.shape for a in arrays)
    spans = {} if lengths is None else net._lengths(lengths, arrays)
    for name, (array, kind) in fitting_targets(net, losses, t, shapes).items():
        loss, classes = losses[name], net.outputs[name].shape[-1]
        if isinstance(loss, CTC):
            wrong = fault(loss, array, classes, steps_of(net, name, spans, arrays), name)
            if wrong is not None:
                raise ValueError(wrong)
        if not loss.classifies:
            continue
        if net.class_names is not None and net.single_output and len(net.class_names) != classes:
            raise ValueError(
                f"{len(net.class_names)} class names, but {net.outputs[name].name} tells {classes} classes apart"
            )
        wrong = wrong_label(loss, array, classes, name) if kind == "int" else None
        if wrong is not None:
            raise ValueError(wrong)
