"""The confusion matrix: which class was taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from klarnet.metrics.classes import classes_of
from klarnet.names import unknown

if TYPE_CHECKING:
    from PIL.Image import Image

Axis = Literal["truth", "prediction", "all"]
Figure = Literal["precision", "recall", "f1"]
Average = Literal["macro", "weighted"]


class Confusion(NamedTuple):
    """One pair of classes that were mixed up: of class `truth`, `examples` of it were taken for `prediction`."""

    truth: int
    prediction: int
    examples: int
    share: float


def confusion_matrix(
    t: Any, predicted: Any, classes: int | Sequence[str], *, ignored: int | None = None
) -> ConfusionMatrix:
    """Counts, for every true class (row) and predicted class (column), the examples (or positions).

    `t` are class indices or one-hot targets; `predicted` are class indices or the outputs of a network (shapes as
    in `accuracy`); `classes` the number of classes or their names. Matrices of batches can be added with +.

    Raises ValueError for a label outside the classes, with its position, and for shapes that do not fit.
    """
    if isinstance(classes, str):
        raise TypeError(f"confusion_matrix: classes must be a number or a list of names, got {classes!r}")
    names = range(classes) if hasattr(classes, "__index__") else classes
    k = len(names)
    guess, truth = classes_of(predicted, t, ignored=ignored, classes=k, name="confusion_matrix")
    counts = np.bincount(truth * k + guess, minlength=k * k).reshape(k, k)
    return ConfusionMatrix(counts, tuple(str(name) for name in names))


@dataclass(frozen=True, eq=False, repr=False)
class ConfusionMatrix:
    """counts (k, k) int64: row = true class, column = predicted class; class_names: k names.

    Raises ValueError for counts that are not square, negative, or do not fit the names.
    """

    counts: np.ndarray
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        counts = np.array(self.counts)
        k = len(self.class_names)
        if counts.dtype.kind not in "iu" or counts.shape != (k, k) or k == 0 or counts.min() < 0:
            raise ValueError(
                f"ConfusionMatrix: expected counts of shape ({k}, {k}) for {k} class names,"
                f" got {counts.dtype} {counts.shape}"
            )
        object.__setattr__(self, "counts", counts.astype(np.int64))
        object.__setattr__(self, "class_names", tuple(str(name) for name in self.class_names))

    def __add__(self, other: ConfusionMatrix) -> ConfusionMatrix:
        if not isinstance(other, ConfusionMatrix):
            return NotImplemented
        if self.class_names != other.class_names:
            raise ValueError("ConfusionMatrix: matrices of different classes cannot be added")
        return ConfusionMatrix(self.counts + other.counts, self.class_names)

    @property
    def accuracy(self) -> float:
        """The diagonal's share of all: Σ counts[i, i] / Σ counts; NaN for an empty matrix."""
        return float(_share(np.trace(self.counts), self.counts.sum()))

    @property
    def recall(self) -> np.ndarray:
        """(k,): of the examples of a class, the share that was recognised; NaN for a class without examples."""
        return _share(np.diag(self.counts), self.counts.sum(axis=1))

    @property
    def precision(self) -> np.ndarray:
        """(k,): of the answers of a class, the share that was right; NaN for a class never answered."""
        return _share(np.diag(self.counts), self.counts.sum(axis=0))

    @property
    def f1(self) -> np.ndarray:
        """(k,): 2 · precision · recall / (precision + recall) = 2 TP / (2 TP + FP + FN), with TP right answers, FP
        wrong answers of the class and FN examples of it that were missed; NaN for a class neither there nor answered.

        van Rijsbergen 1979.
        """
        return _share(2 * np.diag(self.counts), self.counts.sum(axis=0) + self.counts.sum(axis=1))

    @property
    def examples(self) -> np.ndarray:
        """(k,) int64: the examples of each class."""
        return self.counts.sum(axis=1)

    def averaged(self, figure: Figure, average: Average = "macro") -> float:
        """One number for all classes: the mean of "precision", "recall" or "f1".

        macro      Σ v_i / m over the m classes that are there or were answered: a rare class counts like a frequent one
        weighted   Σ n_i v_i / Σ n_i with n_i the examples of class i; the weighted recall is the accuracy

        0/0 counts as 0 here: a class that is there and never answered has no precision to be proud of. NaN for an
        empty matrix; ValueError for another figure or average. Sokolova and Lapalme 2009.
        """
        if figure not in ("precision", "recall", "f1"):
            raise unknown("figure", figure, ("precision", "recall", "f1"))
        if average not in ("macro", "weighted"):
            raise unknown("average", average, ("macro", "weighted"))
        there = self.counts.sum(axis=0) + self.counts.sum(axis=1) > 0
        weights = there if average == "macro" else self.examples
        values = np.nan_to_num(getattr(self, figure))
        return float(_share((weights * values).sum(), weights.sum()))

    def most_confused(self, most: int = 10) -> list[Confusion]:
        """The pairs that were mixed up most often, at most so many: (truth, prediction, examples, share).

        Truth and prediction are class numbers; equal pairs keep the order of the classes.
        """
        wrong = self.counts - np.diag(np.diag(self.counts))
        k = len(wrong)
        order = [int(at) for at in np.argsort(-wrong, axis=None, kind="stable")[:most] if wrong.flat[at]]
        of = self.examples
        return [
            Confusion(at // k, at % k, int(wrong.flat[at]), float(wrong.flat[at] / of[at // k]))
            for at in order
        ]

    def normalised(self, axis: Axis = "truth") -> np.ndarray:
        """The counts as shares (k, k), float64: each row ("truth") or column ("prediction") sums to 1, or all of
        them ("all"). 0/0, as in the row of a class without examples, is NaN and shown as "n/a"."""
        axes = {"truth": 1, "prediction": 0, "all": None}
        if axis not in axes:
            raise ValueError(f'normalised: axis must be "truth", "prediction" or "all", got {axis!r}')
        return _share(self.counts, self.counts.sum(axis=axes[axis], keepdims=True))

    def table(self, axis: Axis | None = None) -> str:
        """A text of at most 80 columns: the counts, or with `axis` the normalised shares in percent."""
        from klarnet.metrics.confusion_table import table

        return table(self, axis)

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        return f"<ConfusionMatrix: {len(self.class_names)} classes, {self.counts.sum()} examples>"

    def to_picture(self, axis: Axis = "truth") -> Image:
        """A heat map: the counts as numbers, the normalised shares as colours. Needs Pillow."""
        from klarnet.metrics.confusion_picture import picture

        return picture(self, axis)

    def to_dict(self) -> dict[str, Any]:
        """Lists, texts and numbers only, ready for JSON; NaN becomes None."""
        plain = {key: [_plain(x) for x in getattr(self, key)] for key in ("recall", "precision", "f1")}
        return {
            "class_names": list(self.class_names),
            "counts": self.counts.tolist(),
            "accuracy": _plain(self.accuracy),
            **plain,
        }


def _share(part: Any, whole: Any) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.true_divide(part, whole)


def _plain(x: float) -> float | None:
    return None if np.isnan(x) else float(x)
