"""Text files, one or many of them in a folder or a zip, line by line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from klarnet.data.members import Members
from klarnet.data.natural import natural
from klarnet.data.picture import read_bytes
from klarnet.data.text_encoding import normalised

TABLES = (".csv", ".tsv")


def lines_by_file(path: str | os.PathLike[str]) -> dict[str, list[str]]:
    """The lines of each file in a folder or zip, or of the one file; files in the order of people.

    Lines are composed (NFC), without the spaces at both ends; blank ones are passed over. Raises FileNotFoundError;
    ValueError naming the file for a folder inside, for bytes that are no UTF-8 (with the line), and for no line at all.
    """
    if Path(path).is_file() and Path(path).suffix.lower() != ".zip":
        return {Path(path).name: _lines(read_bytes(str(path)), str(path))}
    members = Members(path, None)
    files = []
    for name, folder in members.entries():
        if folder or "/" in name:
            raise ValueError(f"{members.shown(name)}: expected text files side by side, without folders")
        files.append(name)
    if not files:
        raise ValueError(f"{path}: empty, expected text files")
    return {name: _lines(members.read(name), members.shown(name)) for name in natural(files)}


def text_lines(file: str | os.PathLike[str] | BinaryIO) -> list[str]:
    """The lines of one file, or of what is open for reading bytes, as `lines_by_file` reads them."""
    if isinstance(file, (str, os.PathLike)):
        return _lines(read_bytes(file), str(file))
    return _lines(file.read(), str(getattr(file, "name", "standard input")))


def _lines(data: bytes, shown: str) -> list[str]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{shown}:{line}: byte {error.start} is no UTF-8; save the file as UTF-8") from None
    found = [line for line in map(normalised, text.split("\n")) if line]
    if not found:
        raise ValueError(f"{shown}: no text in it")
    return found
