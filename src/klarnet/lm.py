"""A language model of characters: n-grams with interpolated, modified Kneser-Ney discounts.

    model = kn.lm.train(lines, order=5)             # a text each: they begin and end somewhere
    model.log_probability("affe")                   # natural logarithm, its end included
    model.bits_per_character(others)                # over texts that it was not trained on
    model.conditional("aff")                        # p of each letter, of an unknown one and of the end
    model.sample(seed=1, temperature=0.8)
    model.save("corpus.lm")
    kn.ctc.beam_search(X, language_model=kn.lm.load("corpus.lm"), alphabet="aef")

Texts are taken as they are, character by character (Unicode code points): whoever wants canonical composition, case or
spaces changed does so before. The mathematics is the page `kn.formulas.language_model`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cached_property

import numpy as np

from klarnet.formulas import language_model as page
from klarnet.random import SAMPLE, uniform

__all__ = ["LanguageModel", "load", "train"]

MAGIC, VERSION = b"klarnet-lm", 1
MOST = 32  # the largest order: n-grams of one length more are hardly ever seen twice


def train(texts: str | Iterable[str], *, order: int = 5, discount: float | None = None) -> LanguageModel:
    """Count the n-grams of the texts and smooth them.

    texts      texts, each with a beginning and an end of its own; a single string is one text
    order      n: a character depends on the n − 1 before it; 1 … 32
    discount   None: modified Kneser-Ney, discounts from the counts of counts; a number from above 0 to 1: plain
               Kneser-Ney with this one

    Raises ValueError for no text at all, an order or a discount out of range; TypeError for a text that is no string.
    """
    texts = [texts] if isinstance(texts, str) else list(texts)
    if not texts:
        raise ValueError("lm.train: no texts, expected one or more")
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"lm.train: text {i} is {type(text).__name__}, expected a string")
    if not 1 <= order <= MOST:
        raise ValueError(f"lm.train: order {order}, expected 1 to {MOST}")
    if discount is not None and not 0 < discount <= 1:
        raise ValueError(f"lm.train: discount {discount}, expected a number from above 0 to 1, or None")
    letters = "".join(sorted(set().union(*texts)))
    grams, counts = page.count([_codes(text, letters) for text in texts], order, len(letters) + 2)
    return LanguageModel(letters, grams, counts, discount)


def load(path: str | os.PathLike[str]) -> LanguageModel:
    """Read a model that `save` wrote. Raises ValueError naming the file where it is none, or damaged."""
    with open(path, "rb") as file:
        return LanguageModel.from_bytes(file.read(), str(path))


def _codes(text: str, letters: str) -> np.ndarray:
    """The place of each character among the sorted letters; len(letters), ⟨unknown⟩, for one that is not there."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    known = np.frombuffer(letters.encode("utf-32-le", "surrogatepass"), np.uint32)
    if not len(known):
        return np.zeros(len(points), np.int64)
    at = np.minimum(np.searchsorted(known, points), len(known) - 1)
    return np.where(known[at] == points, at, len(known))


class LanguageModel:
    """p(x | the n − 1 characters before x), as `train` and `load` give it.

    letters    the characters of the training texts, sorted. Every other character is one symbol more, ⟨unknown⟩: it
               has a probability, a small one, and is a break in the history of what follows
    order      n
    automaton  the probabilities as arrays, see `kn.formulas.language_model`
    """

    def __init__(
        self, letters: str, grams: np.ndarray, counts: np.ndarray, discount: float | None = None
    ) -> None:
        self.letters, self.discount = letters, discount
        self._grams, self._counts = grams, counts
        self.order = grams.shape[1]
        self._logarithms: dict[np.dtype, tuple[np.ndarray, np.ndarray]] = {}

    def __repr__(self) -> str:
        return f"LanguageModel(order={self.order}, {len(self.letters)} letters, {len(self._grams):,} n-grams)"

    @cached_property
    def automaton(self) -> page.Automaton:
        return page.automaton(self._grams, self._counts, len(self.letters) + 2, self.discount)

    def logarithms(self, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
        """log p and log γ of the automaton in a floating type, made once."""
        if dtype not in self._logarithms:
            a = self.automaton
            self._logarithms[dtype] = (a.log_p.astype(dtype), a.log_back.astype(dtype))
        return self._logarithms[dtype]

    def symbols_of(self, characters: Iterable[str]) -> np.ndarray:
        """The symbol of each character, as the automaton knows it. → (s,)."""
        return _codes("".join(characters), self.letters)

    def log_probability(self, text: str, *, begins: bool = True, ends: bool = True) -> float:
        """log P(text), natural; −log 2 a bit.

        begins   the text's beginning is the beginning of a text
        ends     its end is the end of one, and is predicted too
        """
        symbols = self.symbols_of(text)
        if ends:
            symbols = np.append(symbols, len(self.letters) + 1)
        return float(page.score(self.automaton, symbols, self.order, begins=begins).sum())

    def bits_per_character(
        self, texts: str | Iterable[str], *, begins: bool = True, ends: bool = True
    ) -> float:
        """−log₂ P for each predicted symbol, over all texts; with `ends` the end of each text is one.

        2 to this power is the perplexity. Raises ValueError where there is nothing to predict.
        """
        texts = [texts] if isinstance(texts, str) else list(texts)
        count = sum(len(text) + ends for text in texts)
        if not count:
            raise ValueError("bits_per_character: expected a character at least, got none")
        whole = sum(self.log_probability(text, begins=begins, ends=ends) for text in texts)
        return -whole / count / float(np.log(2))

    def conditional(self, history: str, *, begins: bool = True) -> np.ndarray:
        """p of what comes behind `history`. → (letters + 2,): each of `letters`, ⟨unknown⟩, ⟨end⟩; the sum is 1."""
        return np.exp(page.conditional(self.automaton, self._state(history, begins))[0])

    def _state(self, history: str, begins: bool = True) -> int:
        state = np.array([self.automaton.begin if begins else 0])
        for symbol in self.symbols_of(history):
            state = page.step(self.automaton, state, np.array([symbol]))[1]
        return int(state[0])

    def sample(self, start: str = "", *, length: int = 200, seed: int = 0, temperature: float = 1.0) -> str:
        """Draw a text that goes on from `start`, until its end or `length` characters more; never ⟨unknown⟩.

        temperature   p^(1/temperature), scaled to a sum of 1: below 1 likelier text, above 1 wilder

        Raises ValueError for a temperature that is not above 0.
        """
        if not temperature > 0:
            raise ValueError(f"sample: temperature {temperature}, expected a number above 0")
        state, drawn = self._state(start), []
        end = len(self.letters) + 1
        for i in range(length):
            log_p, to = page.conditional(self.automaton, state)
            log_p[end - 1] = -np.inf
            p = np.cumsum(np.exp((log_p - log_p.max()) / temperature))
            u = float(uniform(1, seed, step=i, purpose=SAMPLE)[0])
            x = int(np.searchsorted(p, u * p[-1], side="right"))
            if x == end:
                break
            drawn.append(self.letters[x])
            state = int(to[x])
        return start + "".join(drawn)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a file, whole or not at all."""
        from klarnet.network.files import write_atomically

        write_atomically(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """The file: its name and version in a line, a SHA-256 in the next, then, packed by zlib, a line of JSON and the
        counted n-grams: how many characters each has in common with the one before, its others, its count."""
        import json
        import zlib
        from hashlib import sha256

        grams = self._grams + 1  # NOTHING is 0
        same = np.cumprod(grams[1:] == grams[:-1], axis=1).sum(axis=1)
        shared = np.concatenate([[0], same]).astype(np.uint8)
        rest = grams[np.arange(self.order) >= shared[:, None]]
        about = {
            "order": self.order,
            "letters": self.letters,
            "discount": self.discount,
            "grams": len(grams),
            "rest": len(rest),
        }
        parts = [shared, _planes(rest, 4), _planes(self._counts, 8)]
        body = json.dumps(about).encode() + b"\n" + b"".join(p.tobytes() for p in parts)
        packed = zlib.compress(body, 9)
        return b"%s %d\n%s\n%s" % (MAGIC, VERSION, sha256(packed).hexdigest().encode(), packed)

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> LanguageModel:
        """What `to_bytes` gave; `name` is the file's in errors. Raises ValueError."""
        import json
        import zlib
        from hashlib import sha256

        head, _, rest = data.partition(b"\n")
        if not head.startswith(MAGIC + b" "):
            raise ValueError(f"{name}: no language model of klarnet; `klarnet lm train` writes one")
        if head != b"%s %d" % (MAGIC, VERSION):
            raise ValueError(
                f"{name}: a language model of version {head[len(MAGIC) + 1 :][:20].decode(errors='replace')}, "
                f"expected {VERSION}; train it anew"
            )
        checksum, _, packed = rest.partition(b"\n")
        if sha256(packed).hexdigest().encode() != checksum:
            raise ValueError(f"{name}: damaged or cut off ({len(data)} bytes): its checksum does not fit")
        line, _, body = zlib.decompress(packed).partition(b"\n")
        about = json.loads(line)
        order, count, others = about["order"], about["grams"], about["rest"]
        shared = np.frombuffer(body, np.uint8, count)
        columns = _whole(body[count : count + 4 * others], 4)
        counts = _whole(body[count + 4 * others :], 8)
        mask = np.arange(order) >= shared[:, None]
        last = np.where(mask, np.cumsum(mask.ravel()).reshape(mask.shape) - 1, 0)
        grams = columns[np.maximum.accumulate(last, axis=0)] - 1
        return cls(about["letters"], grams.astype(np.int32), counts, about["discount"])


def _planes(numbers: np.ndarray, width: int) -> np.ndarray:
    """Whole numbers as bytes, the lowest of all first: most others are 0 and pack to nothing. → (width, …)."""
    return np.ascontiguousarray(numbers.astype(f"<i{width}")).view(np.uint8).reshape(-1, width).T


def _whole(data: bytes, width: int) -> np.ndarray:
    """The numbers that `_planes` took apart."""
    planes = np.frombuffer(data, np.uint8).reshape(width, -1)
    return np.ascontiguousarray(planes.T).view(f"<i{width}").reshape(-1).astype(np.int64)
