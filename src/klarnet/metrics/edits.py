"""Edit distance: how many characters one must put in, take out or change to turn one text into another.

    d(i, j) = min(d(i−1, j) + 1,  d(i, j−1) + 1,  d(i−1, j−1) + [a_i ≠ b_j])       (Levenshtein 1966)

A character is what people count as one: letters are brought into canonical composition (NFC), and marks that have no
composed form, as the small e above in uͤ, belong to the letter below. Counted by rapidfuzz, of the extra `seq`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

MISSING = "edit distances need rapidfuzz: pip install 'klarnet[seq]'"


def characters(text: str) -> list[str]:
    """The characters of a text, in canonical composition, each with its marks."""
    found: list[str] = []
    for c in unicodedata.normalize("NFC", text):
        if found and unicodedata.category(c) in ("Mn", "Me"):
            found[-1] += c
        else:
            found.append(c)
    return found


def units(given: str | Sequence[Hashable]) -> list[Hashable]:
    """The characters of a text, or the things in a list as they are."""
    return list(characters(given)) if isinstance(given, str) else list(given)


def edit_distance(truth: str | Sequence[Hashable], output: str | Sequence[Hashable]) -> int:
    """The edit distance of two texts, by characters, or of two lists. Raises ImportError without rapidfuzz."""
    return int(levenshtein().distance(units(truth), units(output)))


@dataclass(frozen=True)
class Alignment:
    """Truth and output side by side, by as few edits as there can be.

    pairs   (truth, output); "" in the first place: put in, in the second: left out
    edits   how many pairs are not equal
    """

    pairs: tuple[tuple[str, str], ...]

    @property
    def edits(self) -> int:
        return sum(a != b for a, b in self.pairs)

    def __str__(self) -> str:
        """Three lines: truth, output, and ^ below each error; ␣ fills the gaps."""
        above, below = ("".join(pair[i] or "␣" for pair in self.pairs) for i in (0, 1))
        marks = "".join(" " if a == b else "^" for a, b in self.pairs)
        return f"truth   {above}\noutput  {below}\n        {marks}".rstrip()


def align(truth: str, output: str) -> Alignment:
    """Truth and output, character by character. Raises ImportError without rapidfuzz."""
    a, b = characters(truth), characters(output)
    pairs: list[tuple[str, str]] = []
    for kind, a0, a1, b0, b1 in levenshtein().opcodes(a, b).as_list():
        if kind == "insert":
            pairs += [("", c) for c in b[b0:b1]]
        elif kind == "delete":
            pairs += [(c, "") for c in a[a0:a1]]
        else:
            pairs += zip(a[a0:a1], b[b0:b1], strict=True)
    return Alignment(tuple(pairs))


def levenshtein() -> Any:
    """rapidfuzz's functions of this distance. Raises ImportError that says how to get it."""
    try:
        from rapidfuzz.distance import Levenshtein
    except ImportError:
        raise ImportError(MISSING) from None
    return Levenshtein
