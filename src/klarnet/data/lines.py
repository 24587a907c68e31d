"""Pictures of text lines with their texts beside them."""

from __future__ import annotations

import operator
import os
import re
import warnings
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any, Literal

from klarnet.data.alphabet import Alphabet
from klarnet.data.line_pictures import LinePictures
from klarnet.data.members import Members
from klarnet.data.natural import natural
from klarnet.data.picture import line_width, picture_size, quiet
from klarnet.data.truth import read_truth

TRUTH = ".gt.txt"
PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
KINDS = (".bin", ".nrm", ".dew", ".raw")  # of one line, made by the steps of a preparation


def lines(
    path: str | os.PathLike[str],
    *,
    select: str = "*",
    part: str | None = None,
    height: int = 48,
    ink: Literal["dark", "bright"] = "dark",
    alphabet: Alphabet | None = None,
    truth: bool = True,
    empty: Literal["keep", "drop"] = "keep",
    group: str | None = None,
    name: str | None = None,
    workers: int | None = None,
) -> LinePictures:
    """Pictures of text lines in a folder or a zip, each with its text beside it: LINE.png and LINE.gt.txt.

        train = kn.data.lines("fraktur-lines.zip", select="180?/*", group=r"(.+)_")
        test = kn.data.lines("uw3-lines.zip", part="test", alphabet=train.alphabet)

    select     of which files, as a pattern of their names: "180?/*" for a decade of years, "*.bin.png" for one kind
    part       a sub-folder that holds the lines or their folders, as "train"
    height     in pixels, which all are scaled to with their proportions kept
    ink        of the files: "dark" on bright paper, or "bright" on dark. X always has it bright on 0
    alphabet   labels of characters, as those of the training lines; None: the characters that occur. What a given one
               lacks is warned of, counts as an error in the error rates of an evaluation, whose loss is that of the
               other characters, and is refused by `fit`
    truth      False: pictures alone, to read them with a trained network
    empty      "keep": lines without text are trained on as such; "drop": they are left out, with a warning
    group      a regular expression; what it finds first in a name (its first bracket) is the line's group, else its
               folder is: `split(…, groups=lines.groups)` keeps the lines of a book together
    name       begins the error texts; by default the path's own name and the part
    workers    threads that decode; None: one a processor, at most 4. Order and numbers do not depend on it

    LINE.bin.png and LINE.nrm.png belong to LINE.gt.txt too. Texts are UTF-8 of one line, without the spaces outside and
    in canonical composition (NFC). Batches hold lines of similar width.

    Raises FileNotFoundError for a missing path; ValueError, naming the file, for a picture without a text or two of one
    text, a text that is no line, and no lines; pictures that are damaged are named when their batch comes.
    """
    members = Members(path, part)
    where = name or (f"{members.path.name} ({part})" if part else members.path.name)
    _check(height, ink, empty)
    files = _files(members, select, truth)
    texts: list[str] | None = None
    if truth:
        texts = [read_truth(members.read(t), members.shown(t)) for t in files.values()]
        kept = [i for i, text in enumerate(texts) if text or empty == "keep"]
        if len(kept) < len(texts):
            warnings.warn(
                f"{where}: {len(texts) - len(kept)} of {len(texts)} lines have no text and are left out",
                stacklevel=2,
            )
            names = list(files)
            files, texts = {names[i]: "" for i in kept}, [texts[i] for i in kept]
        if not texts:
            raise ValueError(f"{members}: no line has a text")
    found = LinePictures(
        members,
        list(files),
        _widths(members, files, height),
        texts,
        _groups(files, group),
        alphabet=Alphabet.of(texts) if alphabet is None and texts is not None else alphabet,
        height=height,
        invert=ink == "dark",
        name=where,
        workers=workers,
    )
    _warn_of_unknown(found)
    return found


def _warn_of_unknown(found: LinePictures) -> None:
    if unknown := found.unknown:
        shown = ", ".join(f"{c!r} {n}" for c, n in list(unknown.items())[:10])
        warnings.warn(
            f"{found.name}: characters that the alphabet lacks, each an error for whoever reads it: {shown}"
            f"{', …' if len(unknown) > 10 else ''}",
            stacklevel=3,
        )


def _check(height: Any, ink: str, empty: str) -> None:
    try:
        good = operator.index(height) > 0
    except TypeError:
        good = False
    if not good:
        raise ValueError(f"lines: height must be a whole number above 0, got {height!r}")
    if ink not in ("dark", "bright"):
        raise ValueError(f"lines: ink must be 'dark' or 'bright', got {ink!r}")
    if empty not in ("keep", "drop"):
        raise ValueError(f"lines: empty must be 'keep' or 'drop', got {empty!r}")


def _files(members: Members, select: str, truth: bool) -> dict[str, str]:
    """The pictures in natural order, and the text file of each."""
    there = {name for name, folder in members.entries() if not folder}
    chosen = [n for n in there if n.lower().endswith(PICTURES) and fnmatchcase(n, select)]
    if not chosen:
        raise ValueError(
            f"{members}: no pictures of lines that fit {select!r}, expected LINE.png and LINE{TRUTH}"
        )
    found: dict[str, str] = {}
    owner: dict[str, str] = {}
    for file in natural(chosen):
        stem = file.rpartition(".")[0]
        names = [stem, *(stem.removesuffix(kind) for kind in KINDS if stem.endswith(kind))]
        text = next((f"{n}{TRUTH}" for n in names if f"{n}{TRUTH}" in there), "")
        if truth and not text:
            raise ValueError(
                f"{members.shown(file)}: no {names[-1]}{TRUTH} beside it; truth=False reads pictures without texts"
            )
        if text and text in owner:
            raise ValueError(
                f"{members.shown(file)}: a second picture for {text}, beside {owner[text]}; select='*.bin.png', say, "
                "takes one kind"
            )
        found[file] = text
        owner[text] = file
    return found


def _widths(members: Members, files: Iterable[str], height: int) -> list[int]:
    with quiet():
        return [line_width(picture_size(members.read(f), members.shown(f)), height) for f in files]


def _groups(files: Iterable[str], group: str | None) -> list[str]:
    if group is None:
        return [file.rpartition("/")[0] for file in files]
    pattern = re.compile(group)
    found = []
    for file in files:
        match = pattern.search(file)
        if match is None:
            raise ValueError(f"{file}: group={group!r} finds nothing in this name")
        found.append(match[1] if pattern.groups else match[0])
    return found
