"""A data set whose examples look a little different in every epoch."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from klarnet.data.batches import made_ahead
from klarnet.data.prefetch import prefetch
from klarnet.data.source import Source
from klarnet.names import resolve

from .draws import Draws
from .pipeline import Pipeline
from .step import AUGMENTATIONS, Augmentation, Scene

if TYPE_CHECKING:  # they make an `Augmented` themselves, with their method `augmented`
    from klarnet.data.dataset import Dataset
    from klarnet.data.lazy import LazyPictures


class Augmented(Source):
    """The batches of a data set, augmented; `fit` takes it where it takes a `Dataset`.

        train = train.augmented([Mirror(), Crop(4), Brightness(0.2)])
        net.fit(train, validation=validation)

    data     a `Dataset` of pictures, X (n, h, w, d) of any type, or pictures on disk; what comes out has the same type
    steps    augmentations, or their names: all geometric ones are done at once and first, then colours and filters in
             their order, mixup last
    seed     of the random numbers; None: the seed of the training
    workers  threads that prepare batches while the network trains; 0: none
    ahead    how many batches they prepare at most
    outside  the class of pixels that come in from outside, where t are masks and the steps fill with a number

    What happens to an example is a function of (seed, epoch, its place in the data set, step) alone: the same for any
    number of workers, any batch size and order, and for a training that broke off and goes on. Targets t (n, h, w) of
    whole numbers are masks and move along with their pictures, unblended.

    Raises TypeError or ValueError for data that are no pictures, and for steps that do not fit them.
    """

    def __init__(
        self,
        data: Dataset | LazyPictures,
        steps: Sequence[Augmentation | str],
        *,
        seed: int | None = None,
        workers: int = 1,
        ahead: int = 4,
        outside: int | None = None,
    ) -> None:
        outline = data.outline() if isinstance(data, Source) else None
        if outline is None or isinstance(data, Augmented):
            raise TypeError(
                f"Augmented: expected a kn.data.Dataset, got {type(data).__name__}; kn.data.Dataset(X, t) makes one"
            )
        if isinstance(steps, (str, Augmentation)) or not isinstance(steps, Sequence):
            raise TypeError(f"{data.name}: the augmentations are {steps!r}, expected a list of them")
        self.data, self.seed = data, seed
        self.name, self.class_names, self.scaling = data.name, data.class_names, data.scaling
        self.steps = tuple(resolve("augmentation", s, Augmentation, AUGMENTATIONS) for s in steps)
        self.workers, self.ahead, self.outside = workers, ahead, outside
        prefetch(operator.index, 0, workers=workers, ahead=ahead)  # refuses what is no such number
        X, self.t = outline
        self.pipeline = Pipeline(self.steps, Scene(X, data.name))
        self._masks = self.t is not None and self.t.shape == X.shape[:3] and self.t.dtype.kind in "iu"
        self._check_targets()

    def __len__(self) -> int:
        return self.examples

    def __repr__(self) -> str:
        return f"<Augmented {self.data!r}: {', '.join(s.name for s in self.steps) or 'no steps'}>"

    @property
    def examples(self) -> int:
        return self.data.examples

    def outline(self) -> tuple[np.ndarray, np.ndarray | None]:
        """What comes out, in shape and type; the targets are those of the data set."""
        scene = self.pipeline.scene
        shape = (len(self), *self.pipeline.size, scene.channels)
        return np.broadcast_to(np.zeros((), scene.dtype), shape), self.t

    def split(self, *fractions: float, **how: Any) -> tuple[Source, ...]:
        """Parts as those of `Dataset.split`. The first is augmented, to train on; the others are left as they are."""
        first, *others = self.data.split(*fractions, **how)
        settings: dict[str, Any] = {"workers": self.workers, "ahead": self.ahead, "outside": self.outside}
        return Augmented(first, self.steps, seed=self.seed, **settings), *others

    def iterations(self, batch_size: int, *, drop_last: bool = False) -> int:
        """How many batches an epoch has."""
        return self.data.iterations(batch_size, drop_last=drop_last)

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
        """One epoch as batches (X, t); arguments, order and errors as those of `Dataset.batches`.

        `seed` decides the order, and the augmentation where this object has no seed of its own.
        """
        take = partial(self.take, seed=seed, epoch=epoch)
        order: dict[str, Any] = {"seed": seed, "epoch": epoch, "shuffle": shuffle, "start": start}
        made: dict[str, Any] = {"workers": self.workers, "ahead": self.ahead, "name": self.name}
        batches = made_ahead(len(self), take, batch_size, drop_last=drop_last, **order, **made)
        self._own_seed(seed)  # refused now, not at the first batch
        return batches

    def take(
        self, rows: Any, *, seed: int | None = None, epoch: int = 0
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """The examples `rows` as they are in this epoch: X (n, h, w, d), and t as the training gets it.

        Raises IndexError for an example that is not there.
        """
        rows = np.atleast_1d(np.asarray(rows, np.intp))
        if rows.size and not (0 <= rows.min() and rows.max() < len(self)):
            raise IndexError(f"{self.name}: there are examples 0 to {len(self) - 1}, got {rows.tolist()}")
        draws = Draws(rows, self._own_seed(seed), epoch, len(self.steps))
        X, t = self.data.take(rows)
        X = self.pipeline.pictures(X, draws)
        if t is not None and self._masks:
            t = self.pipeline.masks(t, draws, self.outside)
        if self.pipeline.mixup is not None:
            i, mixup = self.pipeline.mixup
            X, t = mixup.blend(X, t, draws.uniform[i], self._classes)
        return X, t

    def _own_seed(self, seed: int | None) -> int:
        seed = self.seed if self.seed is not None else seed
        if seed is None:
            raise ValueError(
                f"{self.name}: augmentation needs a seed, so that it can be done again; got None"
            )
        return seed

    def _check_targets(self) -> None:
        """What masks and mixup ask of the targets; notes how many classes there are to blend."""
        self._classes: int | None = None
        if self._masks and not isinstance(self.pipeline.fill, str) and self.outside is None:
            raise ValueError(
                f"{self.name}: the pictures are filled with {self.pipeline.fill:g} from outside, and t are masks:"
                " outside=… must say which class is there, or fill be 'edge' or 'reflect'"
            )
        t = self.t
        if self.pipeline.mixup is None or t is None:
            return
        if self._masks:
            raise ValueError(f"{self.name}: mixup blends classes and numbers; t {t.shape} are masks")
        if t.ndim == 1 and t.dtype.kind in "iu":
            most, names = int(t.max()) + 1, len(self.class_names or ())
            self._classes = self.pipeline.mixup[1].classes or names or most
            if t.min() < 0 or most > self._classes:
                at = int(np.argmax((t < 0) | (t >= self._classes)))
                raise ValueError(
                    f"{self.name}: mixup: t[{at}] is {t[at]}, expected a class 0 to {self._classes - 1}"
                )
