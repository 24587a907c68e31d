"""Where each setting of a TOML text stands: its line by its path, which tomllib does not tell."""

from __future__ import annotations

Path = tuple[str | int, ...]  # ("network", "layers", 2, "filters")

_BLANK, _ENDS = " \t\r\n", ",]}#\n"


def lines_of(text: str) -> dict[Path, int]:
    """The line, from 1, of every table, key and array element of a text that tomllib has read without complaint."""
    reader = _Reader(text)
    reader.document()
    return reader.found


class _Reader:
    """Walks over a TOML document; values are passed over, only their places are noted."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.found: dict[Path, int] = {}
        self.elements: dict[Path, int] = {}  # how many [[tables]] of this path there were

    def document(self) -> None:
        base: Path = ()
        while self._next():
            if self.text.startswith("[[", self.at):
                self.at += 2
                path = self._inside(self._key())
                self._note(path)
                self.elements[path] = self.elements.get(path, 0) + 1
                base = (*path, self.elements[path] - 1)
                self._note(base)
                self.at += 2
            elif self.text[self.at] == "[":
                self.at += 1
                base = self._inside(self._key())
                self._note(base)
                self.at += 1
            else:
                self._pair(base)

    def _inside(self, key: Path) -> Path:
        """The path of a table's head: what stands in an array of tables belongs to its last element."""
        path: Path = ()
        for i, part in enumerate(key):
            path = (*path, part)
            if path in self.elements and i < len(key) - 1:
                path = (*path, self.elements[path] - 1)
        return path

    def _pair(self, base: Path) -> None:
        start = self.at
        key = self._key()
        for i in range(1, len(key) + 1):
            self._note((*base, *key[:i]), start)
        self._next()
        self.at += 1  # =
        self._value((*base, *key))

    def _key(self) -> Path:
        parts: list[str] = []
        while self._next():
            if self.text[self.at] in "\"'":
                start = self.at + 1
                self._string()
                parts.append(self.text[start : self.at - 1])
            else:
                start = self.at
                while self.text[self.at].isalnum() or self.text[self.at] in "-_":
                    self.at += 1
                parts.append(self.text[start : self.at])
            self._next()
            if self.text[self.at] != ".":
                break
            self.at += 1
        return tuple(parts)

    def _value(self, path: Path) -> None:
        self._next()
        first = self.text[self.at]
        if first in "\"'":
            self._string()
        elif first == "[":
            self._several(path, "]")
        elif first == "{":
            self._several(path, "}")
        else:
            while self.at < len(self.text) and self.text[self.at] not in _ENDS:
                self.at += 1

    def _several(self, path: Path, end: str) -> None:
        """An array or a table in braces."""
        self.at += 1
        index = 0
        while self._next() and self.text[self.at] != end:
            if self.text[self.at] == ",":
                self.at += 1
            elif end == "]":
                self._note((*path, index))
                self._value((*path, index))
                index += 1
            else:
                self._pair(path)
        self.at += 1

    def _string(self) -> None:
        quote = self.text[self.at]
        mark = quote * 3 if self.text.startswith(quote * 3, self.at) else quote
        self.at += len(mark)
        while not self.text.startswith(mark, self.at):
            self.at += 2 if quote == '"' and self.text[self.at] == "\\" else 1
        self.at += len(mark)
        while len(mark) == 3 and self.text.startswith(quote, self.at):
            self.at += 1  # quotes that still belong to the text

    def _next(self) -> bool:
        """Go to what comes next; False at the end of the text."""
        while self.at < len(self.text) and (self.text[self.at] in _BLANK or self.text[self.at] == "#"):
            if self.text[self.at] == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                self.at += 1
        return self.at < len(self.text)

    def _note(self, path: Path, at: int | None = None) -> None:
        where = self.at if at is None else at
        self.found.setdefault(path, self.text.count("\n", 0, where) + 1)
