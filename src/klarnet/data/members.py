"""A folder or a zip that holds a sub-folder for each class: what lies where, and the bytes of each file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from klarnet.data.natural import natural
from klarnet.data.picture import read_bytes
from klarnet.names import unknown

if TYPE_CHECKING:
    from klarnet.data.zips import Zip

_HIDDEN = {"thumbs.db", "desktop.ini", "__macosx"}  # beside names that begin with a dot


class Members:
    """The files under a folder, or under a folder inside a zip; their names are relative to it, with "/".

    Raises FileNotFoundError or ValueError, naming the path, where it is neither or has no such part.
    """

    def __init__(self, path: str | os.PathLike[str], part: str | None) -> None:
        self.path, self.part = Path(path), _checked_part(part)
        if self.path.is_dir():
            self._zip: Zip | None = None
        elif self.path.is_file():
            from klarnet.data.zips import Zip  # where it is needed: zipfile brings much with it

            self._zip = Zip(self.path)
        else:
            raise FileNotFoundError(f"{path}: no such folder or zip")
        if self.part:
            self._require_part()

    def __str__(self) -> str:
        return self.shown("").rstrip("/")

    def shown(self, member: str) -> str:
        """A file's name for people: folder/part/member or file.zip!part/member."""
        inside = f"{self.part}/{member}" if self.part else member
        if self._zip is None:
            return os.path.join(self.path, inside)
        return f"{self.path}!{inside}" if inside else str(self.path)

    def read(self, member: str) -> bytes:
        """The bytes of a file; may be called by several threads. Raises ValueError naming a file that is damaged."""
        if self._zip is None:
            return read_bytes(self.shown(member))
        return self._zip.read(f"{self.part}/{member}" if self.part else member, self.shown(member))

    def entries(self) -> Iterator[tuple[str, bool]]:
        """What lies here and one folder deeper, without hidden things: name, and whether it is a folder."""
        if self._zip is not None:
            yield from self._in_zip(self._zip, self.part)
            return
        root = os.path.join(self.path, self.part)
        for entry in _listed(root):
            yield entry.name, entry.is_dir()
            if entry.is_dir():
                yield from ((f"{entry.name}/{e.name}", e.is_dir()) for e in _listed(entry.path))

    @staticmethod
    def _in_zip(file: Zip, part: str) -> Iterator[tuple[str, bool]]:
        start = f"{part}/" if part else ""
        for name, folder in file.names():
            inside = name.removeprefix(start)
            if name.startswith(start) and inside.count("/") < 2 and not any(map(_hidden, inside.split("/"))):
                yield inside, folder

    def _require_part(self) -> None:
        if self._zip is None:
            here = os.path.join(self.path, os.path.dirname(self.part))
            there = [e.name for e in _listed(here) if e.is_dir()] if os.path.isdir(here) else []
        else:
            inside = self._in_zip(self._zip, os.path.dirname(self.part))
            there = [name for name, folder in inside if folder and "/" not in name]
        if os.path.basename(self.part) not in there:
            if not there:
                raise ValueError(f"{self.path}: no part {self.part!r}, there are no sub-folders")
            raise ValueError(f"{self.path}: {unknown('part', self.part, natural(there))}")


def _listed(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted((e for e in entries if not _hidden(e.name)), key=lambda e: e.name)


def _hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _HIDDEN


def _checked_part(part: str | None) -> str:
    if part is None:
        return ""
    if not isinstance(part, str):
        raise TypeError(f"pictures: part must be the name of a sub-folder, got {part!r}")
    pieces = part.strip("/").split("/")
    if not all(pieces) or ".." in pieces or os.path.isabs(part):
        raise ValueError(f"pictures: part must be the name of a sub-folder such as 'train', got {part!r}")
    return "/".join(pieces)
