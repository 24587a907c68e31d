"""The files in a zip, read by many threads and in forked processes at once."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

STORED, DEFLATED, ENCRYPTED = 0, 8, 1  # ways of packing, and the flag of a file with a password


class Zip:
    """A zip on disk. Its directory is read once; files are then fetched by their place.

    `zipfile.ZipFile` moves one place in the file to and fro, behind a lock, which threads wait for and a forked child
    shares with its parent; `pread` has no place to share.

    Raises ValueError naming the path where it is no whole zip.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with ZipFile(path) as file:
                self.files = {info.filename: info for info in file.infolist()}
        except (BadZipFile, OSError) as error:
            raise ValueError(
                f"{path}: no whole zip file ({error}), expected a folder or a zip of pictures"
            ) from None
        self.folders: set[str] = set()  # also those that only their files tell of
        for name in list(self.files):
            parts = name.split("/")
            self.folders.update("/".join(parts[:i]) for i in range(1, len(parts)))
            if name.endswith("/"):
                del self.files[name]
        self._file = os.open(path, os.O_RDONLY)

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            os.close(self._file)

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["path"])  # type: ignore[misc]

    def names(self) -> Iterator[tuple[str, bool]]:
        """Every file and folder: its name, and whether it is a folder."""
        yield from ((name, True) for name in sorted(self.folders))
        yield from ((name, False) for name in self.files)

    def read(self, name: str, shown: str) -> bytes:
        """The bytes of a file. Raises ValueError, beginning with `shown`, where they are not whole."""
        info = self.files[name]
        if info.flag_bits & ENCRYPTED:
            raise ValueError(f"{shown}: has a password in the zip; pack it without")
        if info.compress_type not in (STORED, DEFLATED):
            raise ValueError(
                f"{shown}: packed in an uncommon way ({info.compress_type}); expected deflate or none"
            )
        head = os.pread(self._file, 30, info.header_offset)
        if len(head) < 30 or head[:4] != b"PK\3\4":
            raise ValueError(f"{shown}: the zip is damaged: there is no file where its directory says")
        skip = sum(struct.unpack("<HH", head[26:]))  # a name and more, as long as it says
        data = os.pread(self._file, info.compress_size, info.header_offset + 30 + skip)
        try:
            data = zlib.decompress(data, -15) if info.compress_type == DEFLATED else data
        except zlib.error as error:
            raise ValueError(f"{shown}: cannot be unpacked from the zip: {error}") from None
        if len(data) != info.file_size or zlib.crc32(data) != info.CRC:
            raise ValueError(f"{shown}: damaged in the zip: its checksum is another one")
        return data
