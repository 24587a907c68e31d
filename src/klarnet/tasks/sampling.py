"""Text written by a language model, one character after the other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from klarnet import random
from klarnet.data import TextEncoding
from klarnet.data.corpus import NEWLINE
from klarnet.formulas import softmax
from klarnet.model import Network


def sample(
    net: Network, *, length: int = 400, temperature: float = 1.0, start: str = "", seed: int = 1
) -> Iterator[str]:
    """The characters that a trained character model writes, as they are drawn.

        print("".join(sample(net, temperature=0.8, start="The ")))

    length       how many
    temperature  T: drawn from p^(1/T) / Σ p^(1/T); 1: as the network says; towards 0: the likeliest; above 1: bolder
    start        text that is read before; the first character of a line follows on an empty one
    seed         same seed, same text

    A symbol that the network has no number for is never drawn. Raises ValueError for a temperature below 0, a length
    below 1, and a network that is no character model whose layers carry their state.
    """
    encoding = TextEncoding.of(net)
    if not temperature >= 0 or temperature == float("inf"):
        raise ValueError(f"sample: temperature {temperature}, expected a finite number, 0 or more")
    if length < 1:
        raise ValueError(f"sample: length {length}, expected 1 or more")
    if not net.states or list(net.outputs.values())[0].shape[-1:] != (len(encoding),):
        raise ValueError(
            "sample: the network is no character model that carries its state, as `character_model` makes them"
        )
    return _drawn(net, encoding, length, temperature, start, seed)


def _drawn(
    net: Network, encoding: TextEncoding, length: int, temperature: float, start: str, seed: int
) -> Iterator[str]:
    read = net.freeze_for_inference()
    read.reset_states()
    given = encoding.encode(NEWLINE + start)
    for i in range(length):
        p = read(given[None])[0, -1]
        chosen = _choice(p, temperature, random.uniform(1, seed, step=i, purpose=random.SAMPLE)[0])
        yield encoding.symbols[chosen - 1]
        given = np.array([chosen], np.int32)


def _choice(p: np.ndarray, temperature: float, u: float) -> int:
    """The number of the symbol whose share of [0, 1) holds u; number 0, unknown symbols, has none."""
    if temperature == 0:
        return 1 + int(p[1:].argmax())
    with np.errstate(divide="ignore"):
        shares = softmax(np.log(p[1:], dtype=np.float64) / temperature)
    return 1 + min(int(np.searchsorted(shares.cumsum(), u, side="right")), len(shares) - 1)
