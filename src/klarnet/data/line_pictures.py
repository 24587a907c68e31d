"""Pictures of text lines on disk as a source: scaled to one height, decoded batch by batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from klarnet.data.alphabet import Alphabet
from klarnet.data.augment.draws import Draws
from klarnet.data.augment.pipeline import Pipeline
from klarnet.data.augment.step import AUGMENTATIONS, Augmentation, Scene
from klarnet.data.lazy import processors
from klarnet.data.members import Members
from klarnet.data.picture import decode_line
from klarnet.data.ragged import LABELS, NO_LABEL, Ragged, up_to
from klarnet.data.scaling import Scaling
from klarnet.names import resolve


class LinePictures(Ragged):
    """n pictures of text lines on disk; each batch is decoded, by threads, before it is needed.

    files      (n,) the name of each, relative to its folder or zip
    texts      (n,) what stands on each, in canonical composition; None where that is not known
    groups     (n,) what each belongs to, its book say: for `split(groups=lines.groups)`
    alphabet   the characters and their labels; `class_names` are its own
    height     of every picture in pixels; `lengths` are the widths
    workers    threads that decode

    `kn.data.lines(…)` makes it. A batch is (X, t, lengths): X (n, height, width, 1) uint8, ink bright on 0, padded with
    0 to a multiple of 32; t (n, s) int32 labels, padded with −1, where −2 is a character that the alphabet lacks.
    """

    targets = "labels"
    multiple = 32

    def __init__(
        self,
        members: Members,
        files: Sequence[str],
        widths: Sequence[int],
        texts: Sequence[str] | None,
        groups: Sequence[str],
        *,
        alphabet: Alphabet | None,
        height: int,
        invert: bool,
        name: str,
        workers: int | None = None,
    ) -> None:
        self._members, self._invert = members, invert
        self.files, self.groups = tuple(files), tuple(groups)
        self.texts = None if texts is None else tuple(texts)
        self.lengths = np.array(widths, np.int32)
        self.height, self.name, self.scaling = height, name, Scaling(1 / 255)
        self.alphabet = alphabet
        self.class_names = None if alphabet is None else alphabet.class_names
        self.workers = processors() if workers is None else workers
        self.t = None
        if texts is not None and alphabet is not None:
            self.t = _padded([alphabet.encode(text) for text in texts])
        self._steps: tuple[Augmentation, ...] = ()
        self._seed: int | None = None

    def __repr__(self) -> str:
        characters = "" if self.alphabet is None else f", {len(self.alphabet)} characters"
        widths = f"widths {self.lengths.min()} to {self.lengths.max()}"
        return f"<LinePictures {self.name!r}: {len(self)} lines, height {self.height}, {widths}{characters}>"

    @property
    def unknown(self) -> dict[str, int]:
        """The characters of the texts that the alphabet lacks, and how often each occurs."""
        if self.alphabet is None or self.texts is None:
            return {}
        counted = Counter("".join(self.texts))
        return {c: counted[c] for c in sorted(counted) if c not in self.alphabet}

    def outline(self) -> tuple[np.ndarray, np.ndarray | None]:
        width = up_to(self.multiple, int(self.lengths.max()))
        return np.broadcast_to(np.uint8(0), (len(self), self.height, width, 1)), self.t

    def picture(self, row: int) -> np.ndarray:
        """Line `row` alone, (height, width, 1) uint8. Raises ValueError for a file that is no whole picture."""
        file = self.files[row]
        shown = self._members.shown(file)
        x = decode_line(self._members.read(file), shown, self.height, invert=self._invert)
        if x.shape[1] != self.lengths[row]:
            raise ValueError(f"{shown}: width {x.shape[1]}, but {self.lengths[row]} by its header")
        return x

    def augmented(
        self, steps: Sequence[Any], *, seed: int | None = None, workers: int | None = None
    ) -> LinePictures:
        """These lines a little different in every epoch, for `fit`: `train.augmented([Rotate(1), Shift(2)])`.

        steps   augmentations that keep the size, or their names; each line is changed by itself, before it is padded
        seed    of the random numbers; None: the seed of the training

        What happens to a line is a function of (seed, epoch, its place in the data set, step) alone. Raises TypeError
        or ValueError for steps that change the size or mix examples.
        """
        if isinstance(steps, (str, Augmentation)) or not isinstance(steps, Sequence):
            raise TypeError(f"{self.name}: the augmentations are {steps!r}, expected a list of them")
        other = self._some(np.arange(len(self)))
        other._steps = tuple(resolve("augmentation", s, Augmentation, AUGMENTATIONS) for s in steps)
        other._seed = seed
        other.workers = self.workers if workers is None else workers
        other._pipeline(np.zeros((self.height, int(self.lengths.min()), 1), np.uint8))
        return other

    def split(
        self, *fractions: float, seed: int, stratified: bool = False, groups: Any = None
    ) -> tuple[Self, ...]:
        """As `Dataset.split`. Of augmented lines the first part is augmented, the others are left as they are."""
        first, *others = super().split(*fractions, seed=seed, stratified=stratified, groups=groups)
        for other in others:
            other._steps = ()
        return first, *others

    def _some(self, numbers: np.ndarray) -> Self:
        other = object.__new__(type(self))
        other.__dict__.update(
            self.__dict__,
            files=tuple(self.files[i] for i in numbers),
            groups=tuple(self.groups[i] for i in numbers),
            texts=None if self.texts is None else tuple(self.texts[i] for i in numbers),
            lengths=self.lengths[numbers],
            t=None if self.t is None else self.t[numbers],
        )
        return other

    def _inputs(self, rows: np.ndarray, steps: int, seed: int | None, epoch: int) -> np.ndarray:
        X = np.zeros((len(rows), self.height, steps, 1), np.uint8)
        draws = self._draws(rows, seed, epoch) if self._steps else None
        for i, row in enumerate(rows):
            x = self.picture(row)
            if draws is not None:
                x = self._pipeline(x).pictures(x[None], draws[i])[0]
            X[i, :, : x.shape[1]] = x
        return X

    def _draws(self, rows: np.ndarray, seed: int | None, epoch: int) -> list[Draws]:
        seed = seed if self._seed is None else self._seed
        if seed is None:
            raise ValueError(
                f"{self.name}: augmentation needs a seed, so that it can be done again; got None"
            )
        return [Draws(rows[i : i + 1], seed, epoch, len(self._steps)) for i in range(len(rows))]

    def _pipeline(self, x: np.ndarray) -> Pipeline:
        """The steps for a picture of this width."""
        found = Pipeline(self._steps, Scene(x[None], self.name))
        if found.mixup is not None or found.size != x.shape[:2]:
            kept = "mixup blends examples" if found.mixup else "a step changes the size"
            raise ValueError(f"{self.name}: {kept}, expected steps that leave lines of text what they are")
        return found


def _padded(labels: Sequence[np.ndarray]) -> np.ndarray:
    """Labels as (n, s) int32 with −1 past the end of each."""
    T = np.full((len(labels), up_to(LABELS, max(map(len, labels), default=0))), NO_LABEL, np.int32)
    for row, one in zip(T, labels, strict=True):
        row[: len(one)] = one
    return T
