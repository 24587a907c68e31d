"""A sub-folder for each class: which class has which number, and which pictures belong to it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from klarnet.data.members import Members
from klarnet.data.natural import natural
from klarnet.names import unknown


def by_class(
    members: Members, class_names: Sequence[str] | None
) -> tuple[tuple[str, ...], list[str], list[int]]:
    """Class names, the pictures of one class after the other in natural order, and the class of each.

    With `class_names` their numbering holds: an unknown folder is refused, a missing one is fine. Raises ValueError
    naming the file or folder that is where none should be, for fewer than two classes, and for no pictures.
    """
    folders: dict[str, tuple[str, list[str]]] = {}  # class -> the folder's own name, its files
    for name, folder in members.entries():
        first, _, file = name.partition("/")
        if not file and not folder:
            raise ValueError(
                f"{members.shown(name)}: a file beside the class folders; expected one sub-folder a class"
            )
        found = folders.setdefault(unicodedata.normalize("NFC", first), (first, []))[1]
        if file and folder:
            raise ValueError(
                f"{members.shown(name)}: a folder inside a class folder, expected pictures; are the classes one folder"
                f" deeper, part={f'{members.part}/{first}' if members.part else first!r}?"
            )
        if file:
            found.append(file)
    if not folders:
        raise ValueError(f"{members}: no class folders, expected one sub-folder a class with its pictures")
    names = tuple(natural(folders)) if class_names is None else tuple(class_names)
    for name, (folder_name, files) in folders.items():
        if name not in names:
            raise ValueError(f"{members.shown(folder_name)}: {unknown('class', name, names)}")
        if class_names is None and not files:
            raise ValueError(f"{members.shown(folder_name)}: no pictures in this class folder")
    if len(names) < 2:
        raise ValueError(f"{members}: only one class, {names[0]}; expected two class folders or more")
    pictures, classes = [], []
    for number, name in enumerate(names):
        folder_name, files = folders.get(name, (name, []))
        pictures += [f"{folder_name}/{file}" for file in natural(files)]
        classes += [number] * len(files)
    if not pictures:
        raise ValueError(f"{members}: no pictures in any class folder")
    return names, pictures, classes
