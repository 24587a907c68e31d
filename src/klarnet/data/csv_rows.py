"""The rows of a CSV file with their line numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

CANDIDATES = ",;\t|"
_SAMPLE = 1 << 16

Row = tuple[int, list[str]]  # the line it begins in, counted from 1, and its cells


@dataclass(frozen=True)
class Form:
    """How a file is written; the names are those of `csv`'s arguments. Raises ValueError for signs that cannot be."""

    file: str
    header: bool
    delimiter: str | None
    decimal: str
    charset: str
    marks: frozenset[str]

    def __post_init__(self) -> None:
        if self.decimal not in (".", ","):
            raise ValueError(f"csv: decimal must be '.' or ',', got {self.decimal!r}")
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in ('"', self.decimal)):
            raise ValueError(f"csv: delimiter must be one sign, not the decimal one, got {self.delimiter!r}")

    @property
    def encoding(self) -> str:
        """The charset; a byte order mark of UTF-8 is passed over."""
        return "utf-8-sig" if self.charset.lower() in ("utf-8", "utf8") else self.charset


def csv_rows(form: Form) -> Iterator[Row]:
    """Every row that is not blank.

    Raises FileNotFoundError, or ValueError naming file and line for bytes that are no text of this charset and for
    quotation marks that do not close.
    """
    import csv

    path, line = form.file, 0
    try:
        with open(path, newline="", encoding=form.encoding) as file:
            sign = form.delimiter or _delimiter(file, form.decimal)
            reader = csv.reader(file, delimiter=sign, skipinitialspace=True, strict=True)
            for cells in reader:
                line, begin = reader.line_num, line + 1
                if cells and not (len(cells) == 1 and not cells[0].strip()):
                    yield begin, cells
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file") from None
    except LookupError:
        raise ValueError(
            f"csv: charset {form.charset!r} is not known, expected 'utf-8', 'latin-1', …"
        ) from None
    except UnicodeError as error:
        reason = getattr(error, "reason", error)
        raise ValueError(
            f"{path}:{_undecodable(path, form.charset)}: no {form.charset} text ({reason}); charset='latin-1' or"
            " 'utf-16' reads other files"
        ) from None
    except csv.Error as error:
        raise ValueError(f"{path}:{line + 1}: {error}") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror or error}") from None


def _delimiter(file: TextIO, decimal: str) -> str:
    """The sign that cuts the first lines into the most cells, the same number in each.

    Where none does, as with a broken row among them, the one that cuts the first line into the most; the row is then
    named by whoever reads it.
    """
    import csv

    sample = file.read(_SAMPLE)
    whole = sample if len(sample) < _SAMPLE else sample[: sample.rfind("\n") + 1]
    file.seek(0)
    best, most = "", 1
    header: dict[str, int] = {}
    for sign in CANDIDATES:
        if sign == decimal:
            continue
        try:
            rows = [row for row in csv.reader(whole.splitlines(keepends=True)[:20], delimiter=sign) if row]
        except csv.Error:
            continue
        header[sign] = len(rows[0]) if rows else 0
        counts = {len(row) for row in rows}
        if len(counts) == 1 and (count := counts.pop()) > most:
            best, most = sign, count
    return best or max(header, key=header.__getitem__, default=",")


def _undecodable(path: str, charset: str) -> int:
    """The first line whose bytes are no text."""
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode(charset)
            except UnicodeError:
                return number
    return 1
