"""A corpus: lines dealt out to parts, and each part as pieces of text that go on from batch to batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import klarnet as kn
from klarnet.data import Corpus, TextStream


def stream(text: str = "abcdefghijklmnopqrstuvwxyz", **options: int) -> TextStream:
    encoding = Corpus((text,)).fit()
    return TextStream(encoding.encode(text), encoding, **options)


def test_each_symbol_is_foretold_from_the_one_before_and_rows_go_on() -> None:
    data = stream(steps=4)
    rows: list[str] = [""] * 3
    follow: list[str] = [""] * 3
    for X, t in data.batches(3):
        for i in range(3):
            rows[i] += data.encoding.decode(X[i])
            follow[i] += data.encoding.decode(t[i])
    assert follow == ["abcdefgh", "ijklmnop", "qrstuvwx"]  # up to n - 1 symbols are left out
    assert rows == ["\nabcdefg", "hijklmno", "pqrstuvw"]
    assert data.take([5, 7])[0].shape == (2, 4)
    assert data.iterations(3) == 2 and len(data) == 26 and data.examples is None


def test_the_order_stays_and_an_epoch_can_be_taken_up_again() -> None:
    data = stream(steps=3)
    whole = list(data.batches(2, seed=1, epoch=3, shuffle=True))
    assert [X.shape for X, _ in whole] == [(2, 3)] * 4 + [(2, 1)]
    for a, b in zip(data.batches(2, start=2), whole[2:], strict=True):
        assert np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1])
    assert data.keeps_order and data.iterations(2) == len(whole)


def test_lines_are_dealt_out_whole(tmp_path: Path) -> None:
    lines = [f"{chr(97 + i)}{chr(97 + i)}" for i in range(20)]
    (tmp_path / "a.txt").write_text("\n\n".join(lines))
    corpus = kn.data.corpus(tmp_path / "a.txt", steps=5)
    assert len(corpus) == 20 and corpus.lines == tuple(lines)
    train, test = corpus.split(0.75, 0.25, seed=1)
    assert len(train) == 45 and len(test) == 15 and train.steps == test.steps == 5
    assert train.rows is None and test.rows == 8
    assert train.encoding is test.encoding and len(train.encoding) == 1 + 15 + 1
    text = train.encoding.decode(train.symbols)
    assert set(text.split("\n")[:-1]) < set(lines)
    assert (test.symbols == 0).sum() == 10  # letters that the training part does not have


def test_names_of_the_symbols_can_be_seen() -> None:
    data = Corpus(("a b",)).encode()
    assert data.class_names == ("unknown", "\N{RETURN SYMBOL}", "\N{OPEN BOX}", "a", "b")
    assert repr(data) == "<TextStream 'corpus': 4 symbols, TextEncoding(4 characters)>"
    assert repr(Corpus(("a b", "c"))) == "<Corpus 'corpus': 2 lines, 4 characters>"


def test_what_is_no_use_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="steps is 0, expected 1 or more"):
        stream(steps=0)
    with pytest.raises(ValueError, match="batch_size must be at least 1"):
        stream().iterations(0)
    with pytest.raises(FileNotFoundError, match="no such"):
        kn.data.corpus(tmp_path / "none.txt")
