"""Sequences in memory: words as numbers, measurements over time, pictures of lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np

from klarnet.data.arrays import as_array, refuse_not_finite
from klarnet.data.dataset import checked_names
from klarnet.data.ragged import Ragged, checked_multiple, padded_labels, targets_of, up_to
from klarnet.data.scaling import Scaling


class Sequences(Ragged):
    """n sequences of different lengths in memory, for a network with `kn.Input(…, lengths=True)`.

        names = kn.data.Sequences([[3, 1, 4], [1, 5]], [0, 1], class_names=("Dutch", "Irish"))
        net.fit(names, epochs=20)
        net.predict(kn.data.Sequences([[2, 7, 1, 8]]))

    X            a list of n arrays: (t_i, m) numbers; (t_i,) whole numbers, symbols for an Embedding; or pictures
                 (h, w_i, d), which have their width for a length
    t            (n,) classes or numbers, (n, k) one-hot or several numbers; or a list of n lists of whole numbers, the
                 labels of each sequence, as CTC learns them; None where there are no targets
    per_step     the lists of t hold a class for each step; a loss passes over the padding with ignored=-1
    class_names  the names of classes 0, 1, …; None where unknown
    scaling      network input = X · factor + offset; None: X as it is
    multiple     batches are padded to a multiple of so many steps: few shapes, few plans
    name         begins the error texts

    Batches are (X, t, lengths): X (n, steps, m) with zeros past each end, labels (n, s) int32 with −1 past theirs.
    Shuffled ones hold sequences of similar length, in an order that (seed, epoch) decide. A sequence may be empty.

    Raises ValueError for no sequences, for NaN or infinity, for unequal widths m, and for targets that do not fit;
    TypeError for what is no array of numbers.
    """

    def __init__(
        self,
        X: Sequence[Any],
        t: Any = None,
        *,
        per_step: bool = False,
        class_names: Sequence[str] | None = None,
        scaling: Scaling | None = None,
        multiple: int = 8,
        name: str = "data",
    ) -> None:
        self.name, self.scaling = name, scaling
        self.multiple = checked_multiple(multiple, name)
        self.X, self.dtype = _checked_inputs(X, name)
        self.lengths = np.array([_steps(x) for x in self.X], np.int32)
        self.t = None
        if t is not None:
            self.targets = _kind(t, per_step)
            self.t = self._checked_targets(t)
        self.class_names = None
        if class_names is not None:
            whole = self.targets == "whole"
            self.class_names = checked_names(class_names, self.t if whole else None, name)

    def __repr__(self) -> str:
        steps = f"{self.lengths.min()} to {self.lengths.max()} steps"
        t = "no targets" if self.t is None else f"t {self.targets}"
        return f"<Sequences {self.name!r}: {len(self)} of {steps}, {self.dtype}, {t}>"

    def outline(self) -> tuple[np.ndarray, np.ndarray | None]:
        steps = up_to(self.multiple, int(self.lengths.max()))
        return np.broadcast_to(np.zeros((), self.dtype), (len(self), *self._padded(steps))), self.t

    def _padded(self, steps: int) -> tuple[int, ...]:
        """The shape of one padded example."""
        first = self.X[0].shape
        return (steps,) if len(first) == 1 else (*first[:-2], steps, first[-1])

    def _some(self, numbers: np.ndarray) -> Self:
        other = object.__new__(type(self))
        t = None if self.t is None else self.t[numbers]
        X = tuple(self.X[i] for i in numbers)
        other.__dict__.update(self.__dict__, X=X, lengths=self.lengths[numbers], t=t)
        return other

    def _inputs(self, rows: np.ndarray, steps: int, seed: int | None, epoch: int) -> np.ndarray:
        X = np.zeros((len(rows), *self._padded(steps)), self.dtype)
        for padded, row in zip(X, rows, strict=True):
            x = self.X[row]
            if x.ndim == 1:
                padded[: len(x)] = x
            else:
                padded[..., : x.shape[-2], :] = x
        return X

    def _checked_targets(self, t: Any) -> np.ndarray:
        if self.targets == "whole":
            return targets_of(t, len(self), f"{self.name}: t")
        if len(t) != len(self):
            raise ValueError(f"{self.name}: {len(self)} sequences, but {len(t)} lists of labels in t")
        if self.targets == "labels":
            return padded_labels(t, None, f"{self.name}: t")
        for i, (one, length) in enumerate(zip(t, self.lengths, strict=True)):
            if len(one) != length:
                raise ValueError(
                    f"{self.name}: t[{i}] has {len(one)} classes for {length} steps, expected one a step;"
                    " per_step=False takes them for labels of the whole sequence"
                )
        return padded_labels(t, up_to(self.multiple, int(self.lengths.max())), f"{self.name}: t")


def _steps(x: np.ndarray) -> int:
    return x.shape[-2] if x.ndim > 1 else len(x)


def _kind(t: Any, per_step: bool) -> Literal["whole", "labels", "steps"]:
    several = isinstance(t, (list, tuple)) and len(t) > 0 and np.ndim(t[0]) == 1
    if per_step and not several:
        raise TypeError("Sequences: per_step=True needs a list of lists of classes in t, one for each step")
    return "steps" if per_step else "labels" if several else "whole"


def _checked_inputs(X: Any, name: str) -> tuple[tuple[np.ndarray, ...], np.dtype]:
    """The sequences as arrays of one form, and the type that holds them all."""
    if isinstance(X, (str, bytes)) or not hasattr(X, "__len__") or not hasattr(X, "__getitem__"):
        raise TypeError(f"{name}: expected a list of sequences, got {type(X).__name__}")
    if len(X) == 0:
        raise ValueError(f"{name}: no sequences, expected one at least")
    found = [as_array(x, name=f"{name}: X[{i}]") for i, x in enumerate(X)]
    for i, x in enumerate(found):
        if x.ndim == 1 and x.dtype.kind != "f" or x.size == 0 and x.ndim == 1:
            found[i] = x if x.size else x.astype(np.int32)
        elif x.ndim not in (2, 3):
            hint = "; one number a step is X[i][:, None]" if x.ndim == 1 else ""
            raise ValueError(
                f"{name}: X[{i}] has shape {x.shape} and dtype {x.dtype}, expected (t, m) numbers, (t,) whole numbers"
                f" or a picture (h, w, d){hint}"
            )
        refuse_not_finite(x, name=f"{name}: X[{i}]")
        if _sides(found[i]) != _sides(found[0]):
            raise ValueError(
                f"{name}: X[{i}] has shape {x.shape} and X[0] {found[0].shape}, expected them to differ in steps alone"
            )
    return tuple(found), np.result_type(*{x.dtype for x in found})


def _sides(x: np.ndarray) -> tuple[int, ...]:
    """The shape without the steps."""
    return () if x.ndim == 1 else (*x.shape[:-2], x.shape[-1])
