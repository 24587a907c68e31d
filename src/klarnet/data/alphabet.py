"""The characters that a network reads: each has a number, the blank of CTC has 0."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np

BLANK_NAME = "blank"  # longer than a character, so that none can be mistaken for it
UNKNOWN = -2  # the label of a character that the alphabet lacks


def composed(text: str) -> str:
    """The text in canonical composition (NFC): ä is one character, however it was typed."""
    return unicodedata.normalize("NFC", text)


class Alphabet(Sequence[str]):
    """Characters in the order of their labels: the first has label 1, the blank label 0.

        alphabet = kn.data.Alphabet.of(["affe", "kamel"])
        alphabet.encode("kaffee")                       # int32 labels
        alphabet.decode(kn.ctc.best_path(X).labels)
        kn.data.Alphabet.of_classes(net.class_names)    # of a trained network

    characters   single characters (code points), each once; a text, or a list of them

    Texts are brought into canonical composition (NFC) in both directions. As a sequence it holds the characters without
    the blank, as `kn.ctc.beam_search(alphabet=…)` wants them; `class_names` begin with the blank and travel with a
    network. Raises ValueError for what is no single character, and for one that stands twice.
    """

    def __init__(self, characters: Iterable[str]) -> None:
        self.characters = "".join(self._checked(characters))
        self._labels = {c: i for i, c in enumerate(self.characters, 1)}

    @staticmethod
    def _checked(characters: Iterable[str]) -> Iterator[str]:
        seen: set[str] = set()
        for given in characters:
            c = composed(given) if isinstance(given, str) else ""
            if len(c) != 1:
                raise ValueError(f"Alphabet: {given!r}, expected single characters")
            if c in seen:
                raise ValueError(f"Alphabet: {c!r} stands twice, expected each character once")
            seen.add(c)
            yield c

    @classmethod
    def of(cls, texts: Iterable[str]) -> Alphabet:
        """The characters that occur in the texts, in the order of their code points."""
        return cls(sorted(set().union(*map(composed, texts))))

    @classmethod
    def of_classes(cls, class_names: Sequence[str] | None) -> Alphabet:
        """The alphabet whose class names these are. Raises ValueError where they are none's."""
        if not class_names or class_names[0] != BLANK_NAME:
            raise ValueError(
                f"Alphabet: class names {class_names!r}, expected {BLANK_NAME!r} and characters, as of a network that "
                "learned from kn.data.lines"
            )
        return cls(class_names[1:])

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of a network's classes: the blank, then the characters."""
        return (BLANK_NAME, *self.characters)

    def encode(self, text: str) -> np.ndarray:
        """The labels of a text, (s,) int32; −2 for each character that is not in the alphabet."""
        return np.array([self._labels.get(c, UNKNOWN) for c in composed(text)], np.int32)

    def decode(self, labels: Iterable[int]) -> str:
        """The text of labels, in canonical composition; blanks (0) and padding (−1) say nothing, −2 becomes U+FFFD.

        Raises ValueError for a label beyond the alphabet.
        """
        found = []
        for label in map(int, labels):
            if not UNKNOWN <= label <= len(self):
                raise ValueError(f"Alphabet: label {label}, expected 0 … {len(self)}")
            if label == UNKNOWN:
                found.append("\N{REPLACEMENT CHARACTER}")
            elif label > 0:
                found.append(self.characters[label - 1])
        return composed("".join(found))

    def grown(self, texts: Iterable[str]) -> Alphabet:
        """This alphabet with the further characters of the texts behind its own, whose labels stay."""
        new = set().union(*map(composed, texts)) - set(self.characters)
        return Alphabet(self.characters + "".join(sorted(new)))

    def __len__(self) -> int:
        return len(self.characters)

    @overload
    def __getitem__(self, which: int) -> str: ...
    @overload
    def __getitem__(self, which: slice) -> Sequence[str]: ...
    def __getitem__(self, which: int | slice) -> str | Sequence[str]:
        return self.characters[which]

    def __contains__(self, character: Any) -> bool:
        return character in self._labels

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Alphabet) and self.characters == other.characters

    def __hash__(self) -> int:
        return hash(self.characters)

    def __repr__(self) -> str:
        return f"Alphabet({self.characters!r})"
