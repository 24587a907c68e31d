"""Pictures in class folders, in memory or decoded batch by batch."""

from __future__ import annotations

import operator
import os
from collections.abc import Sequence
from typing import Literal, overload

from klarnet.data.class_folders import by_class
from klarnet.data.dataset import Dataset
from klarnet.data.lazy import LazyPictures
from klarnet.data.members import Members

Path = str | os.PathLike[str]


@overload
def pictures(
    path: Path,
    *,
    part: str | None = None,
    size: tuple[int, int] | None = None,
    channels: int = 3,
    class_names: Sequence[str] | None = None,
    name: str | None = None,
    workers: int | None = None,
    in_memory: Literal[True] = True,
) -> Dataset: ...
@overload
def pictures(
    path: Path,
    *,
    part: str | None = None,
    size: tuple[int, int] | None = None,
    channels: int = 3,
    class_names: Sequence[str] | None = None,
    name: str | None = None,
    workers: int | None = None,
    in_memory: bool,
) -> Dataset | LazyPictures: ...
def pictures(
    path: Path,
    *,
    part: str | None = None,
    size: tuple[int, int] | None = None,
    channels: int = 3,
    class_names: Sequence[str] | None = None,
    name: str | None = None,
    workers: int | None = None,
    in_memory: bool = True,
) -> Dataset | LazyPictures:
    """Pictures from a folder or a zip with one sub-folder a class: path/CLASS/*.jpg, or path/PART/CLASS/*.jpg.

        train = kn.data.pictures("cifar10.zip", part="train")
        test = kn.data.pictures("cifar10.zip", part="test", class_names=train.class_names)

    part         a sub-folder that holds the class folders, as "train"
    size         (height, width) that all are brought to, proportions kept, the rest black; None: the size of the
                 first picture, which all others must have
    channels     1 for grey, 3 for colour
    class_names  names in the order of their numbers, as those of the training part: a folder of another name is
                 refused, one that is missing is fine. None: the folders' names as people count, "1", "2", "10"
    name         begins the error texts; by default the path's own name and the part
    workers      threads that decode; None: one a processor, at most 4. Order and numbers do not depend on it
    in_memory    False: decode each batch when it is needed, for sets larger than memory (a `LazyPictures`)

    X (n, height, width, channels) uint8, scaling 1/255; t (n,) int64; one class after the other, each in the order of
    its file names. Pictures are turned upright by their EXIF tag; palettes become colours; 16-bit grey is scaled to
    8 bits; what is transparent becomes black. Hidden files are passed over.

    Raises FileNotFoundError for a missing path; ValueError, which names the first files and how many there are, for
    files that are no whole pictures or of another size; and for an unknown class folder, fewer than two classes, and
    no pictures.
    """
    members = Members(path, part)
    names, files, classes = by_class(members, class_names)
    found = LazyPictures(
        members,
        files,
        classes,
        class_names=names,
        size=None if size is None else _size(size),
        channels=channels,
        name=name or (f"{members.path.name} ({part})" if part else members.path.name),
        workers=workers,
    )
    if in_memory:
        return found.load()
    found.check()
    return found


def _size(size: tuple[int, int]) -> tuple[int, int]:
    try:
        height, width = (operator.index(n) for n in size)
    except (TypeError, ValueError):
        raise TypeError(f"pictures: size must be (height, width), got {size!r}") from None
    if height < 1 or width < 1:
        raise ValueError(f"pictures: size must be (height, width), at least (1, 1), got {size!r}")
    return height, width
