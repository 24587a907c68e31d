"""Texts as sequences of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from klarnet.data.sequences import Sequences
from klarnet.data.text_encoding import TextEncoding


class EncodedTexts(Sequences):
    """n texts as `Sequences` of symbols, with what they were: `kn.data.texts(...).split(...)` gives them.

    texts     as they were read
    encoding  how they became numbers, a `TextEncoding`
    t         (n,) classes
    """

    encoding: TextEncoding

    def __init__(
        self,
        texts: Sequence[str],
        encoding: TextEncoding,
        t: np.ndarray,
        *,
        class_names: Sequence[str] | None = None,
        name: str = "texts",
    ) -> None:
        super().__init__([encoding.encode(text) for text in texts], t, class_names=class_names, name=name)
        self.texts, self.encoding = tuple(texts), encoding

    def __repr__(self) -> str:
        return f"<EncodedTexts {self.name!r}: {len(self):,} texts, {self.encoding!r}>"

    def _some(self, numbers: np.ndarray) -> Self:
        other = super()._some(numbers)
        other.texts = tuple(self.texts[int(i)] for i in numbers)
        return other
