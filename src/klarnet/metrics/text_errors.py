"""Error rates of read texts: characters, words, and which character was taken for which."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

from klarnet.metrics.edits import align, characters, edit_distance

WIDTH = 80


class TextErrors:
    """The errors of a corpus, added up line by line.

        errors = kn.metrics.text_errors(truths, outputs)
        errors.character_error_rate, errors.word_error_rate
        print(errors)                                   # rates, and the characters that were mixed up

    character_error_rate, word_error_rate   Σ edits / Σ length of the truths: long lines weigh more than short ones. A
               corpus without a character of truth has the rate Σ edits: 0 if nothing was read, and never a division
               by 0. NaN before the first line. Words are what spaces part.
    confusions {(truth, output): how often}; output "" where a character was left out, truth "" where one was put in
    lines      how many there were, and how many of them without an error: `perfect`

    Characters are counted as `klarnet.metrics.edits` says. Needs rapidfuzz, of the extra `seq`.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self.lines = self.perfect = 0
        self.edits = self.length = self.word_edits = self.words = 0
        self.confusions: Counter[tuple[str, str]] = Counter()
        self.truths: Counter[str] = Counter()

    def add(self, truth: str, output: str) -> int:
        """Adds a line; returns its edits."""
        found, words = align(truth, output), truth.split()
        self.lines += 1
        self.perfect += not found.edits
        self.edits += found.edits
        self.length += len(characters(truth))
        self.word_edits += edit_distance(words, output.split())
        self.words += len(words)
        self.truths.update(a for a, _ in found.pairs if a)
        self.confusions.update((a, b) for a, b in found.pairs if a != b)
        return found.edits

    @property
    def character_error_rate(self) -> float:
        return rate(self.edits, self.length, self.lines)

    @property
    def word_error_rate(self) -> float:
        return rate(self.word_edits, self.words, self.lines)

    def table(self, most: int = 20) -> str:
        """The most frequent confusions as a text: truth, output, how often, share of the truth's characters."""
        rows = [("truth", "output", "times", "share of truth")]
        for (a, b), n in sorted(self.confusions.items(), key=lambda item: (-item[1], item[0]))[:most]:
            share = f"{100 * n / self.truths[a]:.1f} %" if a else ""
            rows.append((_shown(a) if a else "(put in)", _shown(b) if b else "(left out)", str(n), share))
        wide = [max(len(row[i]) for row in rows) for i in range(4)]
        return "\n".join(
            f"{a.ljust(wide[0])}  {b.ljust(wide[1])}  {n.rjust(wide[2])}  {s.rjust(wide[3])}".rstrip()
            for a, b, n, s in rows
        )

    def __str__(self) -> str:
        head = (
            f"{self.lines:,} lines, {self.perfect:,} without an error\n"
            f"character error rate {100 * self.character_error_rate:.2f} % ({self.edits:,} of {self.length:,})\n"
            f"word error rate {100 * self.word_error_rate:.2f} % ({self.word_edits:,} of {self.words:,})"
        )
        return f"{head}\n{self.table()}" if self.confusions else head

    def to_dict(self) -> dict[str, Any]:
        """Lists, texts and numbers only, ready for JSON."""
        return {
            "lines": self.lines,
            "perfect": self.perfect,
            "character_error_rate": self.character_error_rate,
            "word_error_rate": self.word_error_rate,
            "confusions": [[a, b, n] for (a, b), n in self.confusions.most_common()],
        }


def rate(edits: int, length: int, lines: int) -> float:
    """edits / length; edits alone where the truths are empty, NaN where there are none."""
    return edits / max(1, length) if lines else math.nan


def text_errors(truths: Iterable[str], outputs: Iterable[str]) -> TextErrors:
    """The errors of texts that were read. Raises ValueError for unequally many, ImportError without rapidfuzz."""
    found = TextErrors()
    truths, outputs = _texts("truths", truths), _texts("outputs", outputs)
    if len(truths) != len(outputs):
        raise ValueError(f"text_errors: {len(truths)} truths, but {len(outputs)} outputs; expected as many")
    for truth, output in zip(truths, outputs, strict=True):
        found.add(truth, output)
    return found


def character_error_rate(truths: Iterable[str], outputs: Iterable[str]) -> float:
    """Σ edits / Σ characters of the truths, as `TextErrors.character_error_rate`."""
    return text_errors(truths, outputs).character_error_rate


def word_error_rate(truths: Iterable[str], outputs: Iterable[str]) -> float:
    """Σ edits of words / Σ words of the truths, as `TextErrors.word_error_rate`."""
    return text_errors(truths, outputs).word_error_rate


def _texts(name: str, given: Iterable[str]) -> list[str]:
    if isinstance(given, str):
        raise TypeError(f"text_errors: {name} is one text, expected a list of them")
    found = list(given)
    for i, text in enumerate(found):
        if not isinstance(text, str):
            raise TypeError(f"text_errors: {name}[{i}] is {text!r}, expected a text")
    return found


def _shown(character: str) -> str:
    """A character with its code points where it shows little: spaces and marks."""
    names = " ".join(f"U+{ord(c):04X}" for c in character)
    return f"{character} {names}" if character.isspace() or len(character) > 1 else character
