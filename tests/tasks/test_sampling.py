"""Text drawn from a character model: by its probabilities, at a temperature, and the same again by its seed."""

from __future__ import annotations

import numpy as np
import pytest

import klarnet as kn
from klarnet.data import Corpus
from klarnet.tasks.sampling import _choice, sample


@pytest.mark.parametrize(
    ("temperature", "ends"), [(1.0, (0.5, 0.8, 1.0)), (0.5, (25 / 38, 34 / 38, 1.0)), (0, (1.0,))]
)
def test_a_symbol_is_drawn_as_often_as_it_is_probable(temperature: float, ends: tuple[float, ...]) -> None:
    """Squares of the probabilities at temperature 1/2; symbol 0 stands for unknown ones and is never drawn."""
    p = np.array([0.9, 0.05, 0.03, 0.02], np.float32)
    for i, end in enumerate(ends, 1):
        assert _choice(p, temperature, end - 1e-3) == i
        if end < 1:
            assert _choice(p, temperature, end + 1e-3) == i + 1
    assert _choice(p, 1.0, np.nextafter(1.0, 0.0)) == 3 and _choice(np.array([0, 0, 1.0]), 2.0, 0.0) == 2


def model() -> kn.Network:
    encoding = Corpus(("abc", "cab")).fit()
    net = kn.character_model(len(encoding), len(encoding), units=6, embedding=4, layer="lstm", seed=2)
    net.encoding = encoding.settings()
    return net


def test_the_state_is_carried_from_character_to_character() -> None:
    """What is drawn one by one is what the network says of the whole text."""
    net = model()
    text = "".join(sample(net, length=12, temperature=0, start="ca"))
    encoding = kn.data.TextEncoding.of(net)
    p = net.predict(encoding.encode("\nca" + text)[None])[0]
    assert [1 + int(q[1:].argmax()) for q in p[2:-1]] == encoding.encode(text).tolist()


def test_the_same_seed_draws_the_same_text() -> None:
    net = model()
    drawn = ["".join(sample(net, length=40, seed=seed)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2] and set(drawn[0]) <= set("abc\n")


def test_a_network_that_forgets_is_refused() -> None:
    net = kn.character_model(3, 3, units=2, embedding=2, carry_state=False)
    net.encoding = Corpus(("a",)).fit().settings()
    with pytest.raises(ValueError, match="no character model that carries its state"):
        sample(net)
