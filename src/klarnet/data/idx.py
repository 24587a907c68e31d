"""IDX files, the format in which MNIST is published: a header of sizes, then the numbers, nothing else.

    bytes 0-1   0
    byte  2     the kind of number: 08 uint8, 09 int8, 0B int16, 0C int32, 0D float32, 0E float64
    byte  3     d, the number of axes
    then        d sizes, 32 bits each
    then        the numbers, last index fastest (row-major)

Everything is big-endian. Files packed by gzip are recognised by their first bytes, whatever their name.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from klarnet.data.arrays import as_array

_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: "i2", 0x0C: "i4", 0x0D: "f4", 0x0E: "f8"}


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """The array in an IDX file, packed by gzip or not, in native byte order.

    Raises FileNotFoundError, and ValueError (naming the file, what was expected and what came) for a file
    that is no IDX file, is cut off, or is longer than its header says.
    """
    raw = _unpacked(Path(path))
    if len(raw) < 4:
        raise ValueError(f"{path}: cut off: an IDX file begins with 4 bytes, got {len(raw)}")
    if raw[0] != 0 or raw[1] != 0 or raw[2] not in _DTYPES or raw[3] == 0:
        raise ValueError(
            f"{path}: no IDX file: expected it to begin with 00 00, a number type 08 to 0E and the number of"
            f" axes, got {bytes(raw[:4]).hex(' ').upper()}"
        )
    dtype, axes = np.dtype(">" + _DTYPES[raw[2]]), raw[3]
    begin = 4 + 4 * axes
    if len(raw) < begin:
        raise ValueError(f"{path}: cut off: {axes} axes need a header of {begin} bytes, got {len(raw)}")
    shape = tuple(int.from_bytes(raw[i : i + 4], "big") for i in range(4, begin, 4))
    expected = dtype.itemsize
    for side in shape:
        expected *= side
    if len(raw) - begin != expected:
        what = "cut off" if len(raw) - begin < expected else "too long"
        raise ValueError(
            f"{path}: {what}: {shape} numbers of {dtype.itemsize} bytes need {expected} bytes after the"
            f" header, got {len(raw) - begin}"
        )
    return np.frombuffer(raw, dtype, offset=begin).astype(dtype.newbyteorder("=")).reshape(shape)


def write_idx(path: str | os.PathLike[str], array: Any) -> None:
    """Writes an array as an IDX file, packed by gzip if the name ends in ".gz".

    The file appears whole or not at all; the same array gives the same bytes. Raises TypeError for a kind
    of number that IDX does not have (int64, say) and ValueError for a single number or a size of 2³² and
    more.
    """
    a = as_array(array, name="write_idx")
    codes = {np.dtype(form): code for code, form in _DTYPES.items()}
    if a.dtype not in codes:
        known = ", ".join(str(dtype) for dtype in codes)
        raise TypeError(f"{path}: IDX holds {known}, got {a.dtype}; convert with .astype first")
    if not 1 <= a.ndim <= 255 or max(a.shape) >= 2**32:
        raise ValueError(f"{path}: IDX holds 1 to 255 axes of less than 2**32, got shape {a.shape}")
    header = bytes([0, 0, codes[a.dtype], a.ndim]) + np.array(a.shape, ">u4").tobytes()
    content = header + a.astype(a.dtype.newbyteorder(">")).tobytes()
    target = Path(path)
    if target.name.endswith(".gz"):
        import gzip

        content = gzip.compress(content, 9, mtime=0)
    aside = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        aside.write_bytes(content)
        os.replace(aside, target)
    finally:
        aside.unlink(missing_ok=True)


def _unpacked(path: Path) -> bytes:
    raw = path.read_bytes()
    if raw[:2] != b"\x1f\x8b":
        return raw
    import gzip
    import zlib

    try:
        return gzip.decompress(raw)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path}: cut off or damaged: {len(raw)} bytes of gzip data, {error}") from error
