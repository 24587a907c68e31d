"""Characters and their labels: composed on both sides, the blank first, unknown ones never lost."""

from __future__ import annotations

import numpy as np
import pytest

import klarnet as kn
from klarnet.data import Alphabet


def test_the_blank_comes_first_and_texts_come_back():
    alphabet = Alphabet.of(["affe", "kamel"])
    assert (
        list(alphabet) == list("aefklm") and len(alphabet) == 6 and alphabet.class_names[:2] == ("blank", "a")
    )
    assert alphabet.encode("affe").tolist() == [1, 3, 3, 2] and alphabet.encode("").dtype == np.int32
    assert alphabet.decode([0, 1, 3, 0, 3, 2, -1, -1]) == "affe"
    assert Alphabet.of_classes(alphabet.class_names) == alphabet and alphabet[1:3] == "ef" and "k" in alphabet


def test_composed_and_taken_apart_is_one_character():
    """T35: a + U+0308 is the ä that is one code point."""
    alphabet = Alphabet.of(["a\u0308", "\u00e4"])
    assert alphabet.characters == "\u00e4"
    assert alphabet.encode("a\u0308").tolist() == alphabet.encode("\u00e4").tolist() == [1]
    assert alphabet.decode([1]) == "\u00e4" and Alphabet(["a\u0308"]) == alphabet
    marks = Alphabet.of(["u\u0366"])
    assert list(marks) == ["u", "\u0366"] and marks.decode(marks.encode("u\u0366")) == "u\u0366"


def test_an_unknown_character_keeps_its_place():
    """T37: the alphabet {a, b} and the text abc."""
    alphabet = Alphabet("ab")
    assert alphabet.encode("abc").tolist() == [1, 2, -2]
    assert alphabet.decode([1, 2, -2]) == "ab\ufffd"


def test_growing_leaves_the_labels_that_were_there():
    alphabet = Alphabet("ba").grown(["cab", "d"])
    assert list(alphabet) == list("bacd") and alphabet.encode("ab").tolist() == [2, 1]


def test_what_is_no_alphabet_is_refused():
    with pytest.raises(ValueError, match="'ab', expected single characters"):
        Alphabet(["ab"])
    with pytest.raises(ValueError, match="'ä' stands twice"):
        Alphabet(["ä", "a\u0308"])
    with pytest.raises(ValueError, match="label 3, expected 0 … 2"):
        Alphabet("ab").decode([3])
    with pytest.raises(ValueError, match="expected 'blank' and characters"):
        Alphabet.of_classes(("cat", "dog"))


def test_it_travels_with_a_network(tmp_path):
    alphabet = Alphabet.of(["Weiß", "nicht"])
    net = kn.Network([kn.Dense(10)], input_shape=(3,), class_names=alphabet.class_names)
    net.save(tmp_path / "net.klarnet")
    assert Alphabet.of_classes(kn.load(tmp_path / "net.klarnet").class_names) == alphabet
