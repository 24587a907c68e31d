"""Texts with classes: read and split first, and only then turned into numbers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from klarnet.data.csv_file import csv
from klarnet.data.encoded_texts import EncodedTexts
from klarnet.data.split import split
from klarnet.data.text_encoding import UNITS, TextEncoding, normalised
from klarnet.data.text_files import TABLES, lines_by_file
from klarnet.names import unknown


@dataclass(frozen=True, eq=False, repr=False)
class Texts:
    """What `kn.data.texts` reads.

        names = kn.data.texts("names.zip")
        train, validation, test = names.split(0.8, 0.1, 0.1, seed=1, stratified=True)

    `split` gives data sets for `fit`: which characters or words have a number is decided by the first part, the
    training part, so nothing of the others leaks into it.

    texts        n texts
    t            (n,) int64 classes
    class_names  the names of classes 0, 1, …
    unit, lower, least   how texts become numbers, see `TextEncoding.fit`
    """

    texts: tuple[str, ...]
    t: np.ndarray
    class_names: tuple[str, ...]
    _: KW_ONLY
    unit: str = "characters"
    lower: bool = False
    least: int = 1
    name: str = "texts"

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise unknown(f"{self.name}: unit", self.unit, UNITS)
        if len(self.texts) != len(self.t) or not len(self.texts):
            raise ValueError(
                f"{self.name}: {len(self.texts)} texts and {len(self.t)} classes, expected as many"
            )

    def __len__(self) -> int:
        return len(self.texts)

    def __repr__(self) -> str:
        return f"<Texts {self.name!r}: {len(self):,} texts, {len(self.class_names)} classes>"

    def labels(self) -> np.ndarray:
        """The class of every text, (n,) int64."""
        return self.t

    def split(
        self, *fractions: float, seed: int, stratified: bool = False, groups: Any = None
    ) -> tuple[EncodedTexts, ...]:
        """Cut into parts as `Dataset.split` does, and turn all of them into numbers by the symbols of the first part.

        Raises what `Dataset.split` and `TextEncoding.fit` raise.
        """
        parts = [self.chosen(part) for part in split(self, fractions, seed, stratified, groups)]
        encoding = parts[0].fit()
        return tuple(part.encode(encoding) for part in parts)

    def fit(self) -> TextEncoding:
        """The encoding that has these texts as its training part."""
        return TextEncoding.fit(self.texts, unit=self.unit, lower=self.lower, least=self.least)

    def encode(self, encoding: TextEncoding | None = None) -> EncodedTexts:
        """All texts as a data set; by the encoding of the training part, or, without one, as a training part."""
        return EncodedTexts(
            self.texts, encoding or self.fit(), self.t, class_names=self.class_names, name=self.name
        )

    def chosen(self, which: Any) -> Texts:
        """Some of the texts, by their numbers."""
        return replace(self, texts=tuple(self.texts[int(i)] for i in which), t=self.t[which])


def texts(
    path: str | os.PathLike[str],
    *,
    unit: str = "characters",
    lower: bool = False,
    least: int = 1,
    keep_duplicates: bool = False,
    text: str | int = 0,
    target: str | int = -1,
    class_names: Sequence[str] | None = None,
    name: str | None = None,
) -> Texts:
    """Short texts, each of a class: names and their languages, sentences and what they think of a film.

        names = kn.data.texts("names.zip")                              # German.txt, Irish.txt, …
        reviews = kn.data.texts("reviews", unit="words", least=2)       # reviews.pos, reviews.neg

    path             a folder or zip with one text file (UTF-8) a class, a text a line; or a CSV file
    unit             what gets a number: "characters" or "words"
    lower            capital letters count as small ones
    least            symbols that are rarer in the training part count as unknown
    keep_duplicates  the same text of the same class stands once, unless this is said
    text, target     of a CSV file: the columns of the texts and of their classes, by name or place
    class_names      names in the order of their numbers; None: all there are, in the order of people

    A class is called as its file, without what all the names have in common in front of the last dot or behind it.
    Blank lines are passed over, spaces at both ends removed, characters composed (NFC). Raises FileNotFoundError, or
    ValueError naming the file, for bytes that are no UTF-8, for a file or class of no use, and for no texts.
    """
    kind = Path(path).suffix.lower()
    by_class = _of_table(path, text, target, class_names) if kind in TABLES else _of_files(path)
    names = tuple(by_class) if class_names is None else tuple(class_names)
    if odd := [c for c in by_class if c not in names]:
        raise ValueError(f"{path}: {unknown('class', odd[0], names)}")
    if len(names) < 2:
        raise ValueError(f"{path}: only one class, {names[0]}; expected two classes or more")
    found: list[tuple[str, int]] = []
    for number, c in enumerate(names):
        found += [(line, number) for line in by_class.get(c, ())]
    kept = found if keep_duplicates else list(dict.fromkeys(found))
    return Texts(
        tuple(line for line, _ in kept),
        np.array([number for _, number in kept], np.int64),
        names,
        unit=unit,
        lower=lower,
        least=least,
        name=name or Path(path).name,
    )


def _of_files(path: str | os.PathLike[str]) -> dict[str, list[str]]:
    """The lines of each class, a file each."""
    files = lines_by_file(path)
    stems, endings = zip(*(os.path.splitext(f) for f in files), strict=True)
    together = len(files) > 1 and len(set(stems)) == 1
    names = (
        [end.lstrip(".") for end in endings] if together else list(stems if len(set(endings)) == 1 else files)
    )
    return dict(zip(names, files.values(), strict=True))


def _of_table(
    path: str | os.PathLike[str], text: str | int, target: str | int, class_names: Sequence[str] | None
) -> dict[str, list[str]]:
    """The texts of each class, from two columns."""
    table = csv(path, target=target, columns=[text], one_hot=[text], task="classes", class_names=class_names)
    column = next(iter(table.columns.values()))
    assert table.class_names is not None and table.t is not None
    found: dict[str, list[str]] = {c: [] for c in table.class_names}
    for line, number in zip(column, table.t, strict=True):
        found[table.class_names[number]].append(normalised(line))
    return found
