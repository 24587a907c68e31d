"""The text of a line as people wrote it down: a .gt.txt file, or a TextLine of a PAGE-XML file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from math import inf
from xml.etree import ElementTree

from klarnet.data.alphabet import composed
from klarnet.data.picture import read_bytes


def read_truth(data: bytes, name: str) -> str:
    """The text in the bytes of a .gt.txt file: UTF-8, with or without a byte-order mark and a line end.

    Spaces outside are removed, those inside stay; canonical composition (NFC). An empty file is an empty text. Raises
    ValueError naming the file where it is no UTF-8 or holds more than one line.
    """
    try:
        text = data.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{name}: no UTF-8 at byte {error.start}, expected the text of a line in UTF-8"
        ) from None
    if len(text.splitlines()) > 1:
        raise ValueError(f"{name}: {len(text.splitlines())} lines, expected the text of one line")
    return composed(text)


def page_texts(file: str | os.PathLike[str]) -> dict[str, str]:
    """The text of each TextLine of a PAGE-XML file, by its id, in the order of the file.

    Of several TextEquiv that of the lowest index counts, one without an index after those with one. A line whose text
    stands in its words alone has them joined by spaces. Spaces outside are removed; canonical composition (NFC). Raises
    FileNotFoundError, or ValueError naming the file where it is no PAGE-XML, and the line where it has no id, another
    line's, no text or more than one line.
    """
    data, name = read_bytes(file), str(file)
    try:
        root = ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise ValueError(f"{name}: no XML: {error}") from None
    if _plain(root.tag) != "PcGts":
        raise ValueError(f"{name}: the root is {_plain(root.tag)}, expected PcGts (PAGE-XML)")
    found: dict[str, str] = {}
    for line in root.iter():
        if _plain(line.tag) != "TextLine":
            continue
        key = line.get("id")
        if not key or key in found:
            raise ValueError(
                f"{name}: a TextLine with {f'the id {key!r} again' if key else 'no id'}, expected its own"
            )
        text = _text(line)
        if text is None:
            words = [_text(word) for word in _children(line, "Word")]
            if not words or None in words:
                raise ValueError(f"{name}: line {key} has no TextEquiv, neither itself nor in its words")
            text = " ".join(word for word in words if word)
        found[key] = read_truth(text.encode(), f"{name}: line {key}")
    return found


def _text(element: ElementTree.Element) -> str | None:
    """The text of an element's own TextEquiv; None where it has none."""
    several = list(_children(element, "TextEquiv"))
    if not several:
        return None
    chosen = min(several, key=_index)
    texts = [e.text or "" for e in _children(chosen, "Unicode")]
    return texts[0].strip() if texts else None


def _index(equivalent: ElementTree.Element) -> float:
    """Its index, whole numbers from 0; without one it comes last."""
    index = equivalent.get("index", "")
    return int(index) if index.isdecimal() else inf


def _children(element: ElementTree.Element, tag: str) -> Iterator[ElementTree.Element]:
    return (e for e in element if _plain(e.tag) == tag)


def _plain(tag: str) -> str:
    """A tag without its namespace, which differs between versions of the format."""
    return tag.rpartition("}")[2]
