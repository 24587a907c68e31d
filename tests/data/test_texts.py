"""Texts: how they are read, what becomes of their characters and words, and the batches they give."""

from __future__ import annotations

import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import klarnet as kn
from klarnet.data import EncodedTexts, TextEncoding, Texts


@pytest.fixture
def names(tmp_path: Path) -> Path:
    """Two classes; a name twice, blank lines, ends of lines from elsewhere, an umlaut in two pieces."""
    (tmp_path / "German.txt").write_bytes(b"\xef\xbb\xbfSchmidt\r\n  Mu\xcc\x88ller \n\nSchmidt\n")
    (tmp_path / "Irish.txt").write_text("O'Neill\nSchmidt", encoding="utf-8")
    return tmp_path


def test_a_file_a_class_and_a_text_a_line(names: Path) -> None:
    texts = kn.data.texts(names)
    assert texts.texts == ("Schmidt", "M\N{LATIN SMALL LETTER U WITH DIAERESIS}ller", "O'Neill", "Schmidt")
    assert texts.class_names == ("German", "Irish") and texts.t.tolist() == [0, 0, 1, 1]
    assert len(kn.data.texts(names, keep_duplicates=True)) == 5
    assert kn.data.texts(names, class_names=["Irish", "German"]).t.tolist() == [0, 0, 1, 1]
    with zipfile.ZipFile(names / "all.zip", "w") as file:
        for one in names.glob("*.txt"):
            file.write(one, one.name)
    assert kn.data.texts(names / "all.zip").texts == texts.texts


def test_classes_are_told_by_the_ending_where_the_names_are_one(tmp_path: Path) -> None:
    for ending in ("pos", "neg"):
        (tmp_path / f"reviews.{ending}").write_text(f"{ending} film\n")
    assert kn.data.texts(tmp_path).class_names == ("neg", "pos")


def test_a_csv_file_with_a_column_of_texts(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('id,words,kind\n1,good film,up\n2,bad,down\n3,"fine, well",up\n')
    texts = kn.data.texts(tmp_path / "a.csv", text="words", target="kind")
    assert texts.class_names == ("down", "up")
    assert dict(zip(texts.texts, texts.t, strict=True)) == {"bad": 0, "good film": 1, "fine, well": 1}


def test_characters_and_words_get_numbers_by_how_often_they_stand() -> None:
    letters = TextEncoding.fit(["abba", "bc"])
    assert letters.symbols == ("b", "a", "c") and len(letters) == 4
    assert letters.encode("cabx").tolist() == [3, 2, 1, 0] and letters.encode("").shape == (0,)
    assert letters.decode([3, 2, 0]) == "ca\N{REPLACEMENT CHARACTER}" and letters.unknown_in("xay") == [
        "x",
        "y",
    ]
    assert TextEncoding.fit(["abba", "bc"], least=2).symbols == ("b", "a")
    words = TextEncoding.fit(["It's too-tepid.", "it is"], unit="words", lower=True)
    assert set(words.symbols) == {"it", "'s", "too", "-", "tepid", ".", "is"} and words.symbols[0] == "it"
    assert (
        words.decode(words.encode("Is it new?"))
        == "is it \N{REPLACEMENT CHARACTER} \N{REPLACEMENT CHARACTER}"
    )


def test_a_letter_in_two_pieces_is_the_letter_in_one() -> None:
    """T35: one entry in the alphabet, whoever typed it; other signs above a letter stay what they are."""
    whole, pieces = "\u00e4", unicodedata.normalize("NFD", "\u00e4")
    encoding = TextEncoding.fit([whole, pieces])
    assert encoding.symbols == (whole,) and encoding.encode(pieces).tolist() == [1]
    assert len(TextEncoding.fit(["u\u0366", "u\u030a"])) > 3


def test_texts_of_a_batch_are_filled_up_and_have_lengths() -> None:
    X, lengths = TextEncoding.fit(["abc"]).batch([" ab ", "", "c"])
    assert X.tolist() == [[1, 2], [0, 0], [3, 0]] and lengths.tolist() == [2, 0, 1] and X.dtype == np.int32


def many(count: int = 60) -> Texts:
    """Words of as many letters as their number says, in two classes."""
    texts = tuple("abcdefghijklm"[: 1 + i % 13] + "xyz"[i % 3] for i in range(count))
    return Texts(texts, np.arange(count) % 2, ("even", "odd"), least=1, name="many")


def test_the_training_part_alone_decides_which_symbols_there_are() -> None:
    texts = Texts(("aa", "ab", "bb", "ba", "cc"), np.zeros(5, np.int64), ("x", "y"))
    train, test = texts.split(0.8, 0.2, seed=3)
    assert train.encoding is test.encoding
    assert set(train.encoding.symbols) == set("".join(train.texts))
    assert set(texts.encode().encoding.symbols) == set("abc")


def test_batches_hold_every_text_once_with_its_length_and_class() -> None:
    data = many().encode()
    for shuffle in (False, True):
        seen = []
        for X, t, lengths in data.batches(16, seed=1, epoch=2, shuffle=shuffle):
            assert X.shape[1] % 8 == 0 and X.dtype == np.int32
            for x, c, n in zip(X, t, lengths, strict=True):
                assert not x[n:].any()
                seen.append((data.encoding.decode(x[:n]), int(c)))
        assert sorted(seen) == sorted(zip(data.texts, data.t.tolist(), strict=True))
        assert (seen == list(zip(data.texts, data.t.tolist(), strict=True))) == (not shuffle)
    rest = list(data.batches(16, seed=1, epoch=2, shuffle=True, start=2))
    whole = list(data.batches(16, seed=1, epoch=2, shuffle=True))
    assert len(whole) == data.iterations(16) == 4
    assert all(
        np.array_equal(a, b) for x, y in zip(rest, whole[2:], strict=True) for a, b in zip(x, y, strict=True)
    )


def test_some_texts_and_single_ones() -> None:
    data = many().encode()
    assert data[3].texts == (data.texts[3],) and data[:5].t.tolist() == [0, 1, 0, 1, 0]
    assert data[data.t == 1].texts == data.texts[1::2]
    X, t, _ = data.take([4, 0])
    assert data.encoding.decode(X[0][: data.lengths[4]]) == data.texts[4] and t.tolist() == [0, 0]


def test_a_network_reads_texts_and_its_file_knows_how(tmp_path: Path) -> None:
    train, test = many(120).split(0.8, 0.2, seed=1, stratified=True)
    net = kn.recurrent(len(train.encoding), 2, units=8, embedding=4, seed=1)
    net.fit(train, validation=test, epochs=2, progress=False)
    assert set(net.evaluate(test)) == {"loss", "accuracy"}
    net.save(tmp_path / "net.klarnet")
    again = kn.load(tmp_path / "net.klarnet")
    assert TextEncoding.of(again) == train.encoding and again.class_names == ("even", "odd")
    p = again.predict(["abcx", "q"])
    assert p.shape == (2, 2) and np.array_equal(p[:1], net.predict(["abcx"]))
    together = net.predict(test)
    assert together == pytest.approx(np.concatenate([net.predict([text]) for text in test.texts]), abs=1e-6)
    with pytest.raises(ValueError, match=r"expected a list of texts, got a single one; write \['abcx'\]"):
        net.predict("abcx")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: kn.data.texts(p / "none"), "none: no such folder or zip"),
        (lambda p: kn.data.texts(p, class_names=["German"]), "class 'Irish' is not known"),
        (lambda p: kn.data.texts(p, unit="letters"), "unit 'letters' is not known"),
        (lambda p: kn.data.texts(p / "German.txt"), "only one class, German"),
        (lambda p: (p / "sub").mkdir() or kn.data.texts(p), "sub: expected text files side by side"),
        (lambda p: (p / "Empty.txt").write_text("\n") and kn.data.texts(p), "Empty.txt: no text in it"),
        (
            lambda p: (p / "A.txt").write_bytes(b"a\nb\xff") and kn.data.texts(p),
            "A.txt:2: byte 3 is no UTF-8",
        ),
        (lambda p: TextEncoding.fit(["ab"], least=2), "no characters that stand at least 2 times"),
        (lambda p: TextEncoding("characters", ("a", "a")), "symbols must be different"),
        (lambda p: TextEncoding.fit(["a"]).batch("a"), "expected a list of texts, got a single one"),
        (lambda p: TextEncoding.fit(["a"]).batch([]), "expected a list of texts, got none"),
        (lambda p: Texts(("a",), np.array([0, 1]), ("x", "y")), "1 texts and 2 classes"),
        (lambda p: TextEncoding.of(kn.mlp((2,), 2)), "was not trained on texts"),
        (lambda p: kn.mlp((2,), 2).predict(["a"]), "was not trained on texts"),
    ],
)
def test_what_is_no_use_is_refused(make: Callable[[Path], object], words: str, names: Path) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=words):
        make(names)


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError, match="expected a text, got int"):
        TextEncoding.fit([1])  # type: ignore[list-item]


def test_a_network_that_learned_from_texts_knows_no_columns() -> None:
    net = kn.recurrent(3, 2, units=2, embedding=2)
    net.encoding = TextEncoding.fit(["ab"]).settings()
    with pytest.raises(ValueError, match="was not trained on a table"):
        kn.data.Encoding.of(net)


def test_repr() -> None:
    data = many().encode()
    assert repr(many()) == "<Texts 'many': 60 texts, 2 classes>"
    assert isinstance(data, EncodedTexts) and repr(data).startswith(
        "<EncodedTexts 'many': 60 texts, TextEncoding("
    )
