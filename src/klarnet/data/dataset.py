"""A set of examples with what belongs to it: targets, class names, scaling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from klarnet.data.arrays import as_array, refuse_not_finite, straighten
from klarnet.data.augment.augmented import Augmented
from klarnet.data.batches import batch_count, epoch_order, pieces
from klarnet.data.choice import chosen
from klarnet.data.labels import labels_of
from klarnet.data.scaling import Scaling
from klarnet.data.source import Source
from klarnet.data.split import split

if TYPE_CHECKING:
    from klarnet.data.encoding import Encoding


@dataclass(frozen=True, eq=False, repr=False)
class Dataset(Source):
    """n examples: inputs X, targets t.

    X            (n, …), any kind of number; pictures (n, h, w, d), sequences (n, steps, m)
    t            (n,) class indices or numbers, (n, k) one-hot or several numbers, (n, h, w) classes of pixels;
                 None where there are no targets
    class_names  the names of classes 0, 1, …; None where unknown
    scaling      `Scaling(factor, offset)`: network input = X · factor + offset; None: X as it is
    encoding     how the rows of a table became X, an `Encoding`; None where there was no table
    name         begins the error texts

    X and t may be anything that `as_array` takes, in any memory order; they are stored in C order. Raises
    ValueError for an empty set, for X and t of different lengths, for NaN or infinity (with the position),
    for class names that do not fit t; TypeError for what is no array of numbers.
    """

    X: np.ndarray
    t: np.ndarray | None = None
    _: KW_ONLY
    class_names: tuple[str, ...] | None = None
    scaling: Scaling | None = None
    encoding: Encoding | None = None
    name: str = "data"

    def __post_init__(self) -> None:
        X = as_array(self.X, name=f"{self.name}: X")
        if X.ndim == 0:
            raise ValueError(f"{self.name}: X must have shape (n, …), a row for each example, got one number")
        if X.size == 0:
            raise ValueError(f"{self.name}: X is empty, shape {X.shape}; expected at least one example")
        refuse_not_finite(X, name=f"{self.name}: X")
        object.__setattr__(self, "X", X)
        if self.t is not None:
            t = as_array(self.t, name=f"{self.name}: t")
            if t.ndim == 0 or len(t) != len(X):
                raise ValueError(
                    f"{self.name}: X and t must have the same length, got X {X.shape} and t {t.shape}"
                )
            refuse_not_finite(t, name=f"{self.name}: t")
            object.__setattr__(self, "t", t)
        if self.class_names is not None:
            object.__setattr__(self, "class_names", checked_names(self.class_names, self.t, self.name))

    def __len__(self) -> int:
        return len(self.X)

    @property
    def examples(self) -> int:
        return len(self.X)

    def outline(self) -> tuple[np.ndarray, np.ndarray | None]:
        return self.X, self.t

    def __getitem__(self, which: Any) -> Dataset:
        """Some examples, as a data set: `data[3]`, `data[:100]`, `data[[0, 5, 2]]`, `data[data.t == 7]`.

        Raises IndexError for an example that is not there, ValueError if none is left.
        """
        which = chosen(which, len(self), self.name)
        return self._with(straighten(self.X[which]), None if self.t is None else straighten(self.t[which]))

    def take(self, rows: Any) -> tuple[np.ndarray, np.ndarray | None]:
        """X and t of the examples `rows`, a list of numbers, as new arrays. Raises IndexError as `[]` does."""
        return np.take(self.X, rows, axis=0), None if self.t is None else np.take(self.t, rows, axis=0)

    def __repr__(self) -> str:
        t = "no targets" if self.t is None else f"t {self.t.shape} {self.t.dtype}"
        classes = "" if self.class_names is None else f", {len(self.class_names)} classes"
        return f"<Dataset {self.name!r}: X {self.X.shape} {self.X.dtype}, {t}{classes}>"

    def labels(self) -> np.ndarray | None:
        """The class of every example, (n,) int64, where t is indices or exact one-hot rows; else None."""
        return labels_of(self.t)

    def split(
        self, *fractions: float, seed: int, stratified: bool = False, groups: Any = None
    ) -> tuple[Dataset, ...]:
        """Cut into parts after shuffling by `seed`: `split(0.6, 0.2, 0.2, seed=1)` is the course's cut into
        training, validation and test set.

        The parts hold each example once; the same seed gives the same parts. `stratified=True` gives every
        part the classes in the proportion of the whole. `groups` (n,), whole numbers or names, keeps together
        what belongs together: no group comes into two parts, and sizes (and classes, with `stratified`) are as
        near to what was asked as whole groups allow. A class that ends up wholly in one part is warned of.

        Raises ValueError if the fractions do not sum to 1, a part would be empty, `stratified` finds no
        classes, or there are fewer groups than parts.
        """
        return tuple(self[part] for part in split(self, fractions, seed, stratified, groups))

    def augmented(self, steps: Sequence[Any], *, seed: int | None = None, workers: int = 1) -> Augmented:
        """These examples a little different in every epoch, for `fit`: `train.augmented([Mirror(), Crop(4)])`.

        The steps, their names, seed and workers are explained at `klarnet.data.augment.Augmented`, which has more
        settings.
        """
        return Augmented(self, steps, seed=seed, workers=workers)

    def iterations(self, batch_size: int, *, drop_last: bool = False) -> int:
        """How many batches an epoch has. Errors as in `batches`."""
        return batch_count(len(self), batch_size, drop_last, self.name)

    def batches(
        self,
        batch_size: int,
        *,
        seed: int | None = None,
        epoch: int = 0,
        shuffle: bool = False,
        drop_last: bool = False,
        start: int = 0,
    ) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        """One epoch as batches (X, t) of `batch_size` examples; the last one holds what is left, unless
        `drop_last`.

        With `shuffle`, the order is a function of (seed, epoch) and of nothing else: a run that broke off
        takes up the epoch again at batch `start`. X and t are not scaled; without `shuffle` they are views.

        Raises ValueError for a batch size below 1, if no batch would be left, for `shuffle` without a seed,
        and for a start beyond the end.
        """
        count = batch_count(len(self), batch_size, drop_last, self.name)
        order = epoch_order(len(self), seed, epoch, self.name) if shuffle else None
        return pieces(self.X, self.t, batch_size, count, order, start, self.name)

    def _with(self, X: np.ndarray, t: np.ndarray | None) -> Dataset:
        """The same data set with other examples, which were checked before."""
        other = object.__new__(Dataset)
        other.__dict__.update(self.__dict__, X=X, t=t)
        return other


def checked_names(class_names: Sequence[str], t: np.ndarray | None, name: str) -> tuple[str, ...]:
    """The names as a tuple; refused where they cannot be those of t's classes."""
    if isinstance(class_names, str):
        raise TypeError(f"{name}: class_names must be a list of names, got the single text {class_names!r}")
    names = tuple(str(each) for each in class_names)
    repeated = sorted({each for each in names if names.count(each) > 1})
    if not names or repeated:
        raise ValueError(f"{name}: class_names must be different names, got {repeated or 'none'}")
    if t is None:
        return names
    if t.ndim == 2 and t.shape[1] > 1 and t.shape[1] != len(names):
        raise ValueError(
            f"{name}: t {t.shape} has {t.shape[1]} classes, but there are {len(names)} class names"
        )
    if t.ndim == 1 and t.dtype.kind in "iu" and t.max() >= len(names):
        at = int(np.argmax(t >= len(names)))
        raise ValueError(f"{name}: t[{at}] is {t[at]}, but there are only {len(names)} class names")
    return names
