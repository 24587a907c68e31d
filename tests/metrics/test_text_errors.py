"""Error rates of texts: canonical composition, empty truths, what was taken for what."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klarnet.metrics import (
    CharacterErrorRate,
    WordErrorRate,
    align,
    character_error_rate,
    edit_distance,
    resolve,
    text_errors,
    word_error_rate,
)
from klarnet.metrics.edits import characters

NAMES = ("blank", "a", "b", " ")


def by_the_formula(a: list, b: list) -> int:
    d = np.zeros((len(a) + 1, len(b) + 1), int)
    d[:, 0], d[0] = range(len(a) + 1), range(len(b) + 1)
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            d[i, j] = min(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + (a[i - 1] != b[j - 1]))
    return int(d[-1, -1])


@given(st.text("abä\u0364", max_size=8), st.text("abä\u0364", max_size=8))
def test_distances_and_alignments_are_those_of_the_formula(truth, output):
    expected = by_the_formula(characters(truth), characters(output))
    found = align(truth, output)
    assert edit_distance(truth, output) == found.edits == expected
    assert [a for a, _ in found.pairs if a] == characters(truth)
    assert [b for _, b in found.pairs if b] == characters(output)


def test_composed_and_taken_apart_are_equal_other_marks_are_not():
    """T35: ä in two forms; u with a small o above against u with a ring: together 1 error in 2 characters."""
    assert character_error_rate(["a\u0308"], ["\u00e4"]) == 0
    found = text_errors(["a\u0308", "u\u0366"], ["\u00e4", "u\u030a"])
    assert (found.edits, found.length) == (1, 2)
    assert found.confusions == {("u\u0366", "\u016f"): 1}


def test_an_empty_truth_adds_errors_and_no_length():
    """T36."""
    truths, outputs = ["hello world", ""], ["hello world", "hello"]
    assert character_error_rate(truths, outputs) == pytest.approx(0.454545455)
    assert word_error_rate(truths, outputs) == 0.5
    assert character_error_rate([""], [""]) == word_error_rate([""], [""]) == 0
    assert character_error_rate([""], ["hello"]) == 5 and np.isnan(character_error_rate([], []))


def test_long_lines_weigh_more():
    assert character_error_rate(["abcdefgh", "x"], ["abcdefgh", "y"]) == pytest.approx(1 / 9)
    assert word_error_rate(["one two  three", "x"], ["one too three", "x"]) == 0.25


def test_confusions_tell_what_was_taken_for_what():
    found = text_errors(["ſo", "ſas", "a b"], ["fo", "fass", "ab"])
    assert found.confusions == {("ſ", "f"): 2, ("", "s"): 1, (" ", ""): 1}
    assert found.lines == 3 and found.perfect == 0
    assert found.table().splitlines()[1].split() == ["ſ", "f", "2", "100.0", "%"]
    assert "(left out)" in found.table() and "(put in)" in found.table() and "U+0020" in found.table()
    assert len(found.table(most=1).splitlines()) == 2
    assert "character error rate 50.00 % (4 of 8)" in str(found)
    assert found.to_dict()["confusions"][0] == ["ſ", "f", 2]


def test_an_alignment_shows_itself():
    assert str(align("abc", "axcd")) == "truth   abc␣\noutput  axcd\n         ^ ^"


def scores(*paths: list[int], k: int = 4, steps: int = 8) -> np.ndarray:
    """(n, steps, k), where each path is the best; zeros behind its end."""
    Y = np.zeros((len(paths), steps, k), np.float32)
    for y, path in zip(Y, paths, strict=True):
        y[np.arange(len(path)), path] = 1.0
    return Y


def test_the_best_path_is_read_without_blanks_and_what_lasts():
    """T17 in a batch: A A blank A A reads AA."""
    metric = CharacterErrorRate()
    metric.update(scores([1, 1, 0, 1, 1], [2, 0, 2, 2, 3]), np.array([[1, 1, -1], [2, 2, 3]], np.int32))
    assert metric.result() == 0
    metric.update(scores([1]), np.array([[2, 1, -1]], np.int32))
    assert metric.result() == pytest.approx(1 / 7)
    metric.reset()
    metric.update(scores([0, 0]), np.array([[-1, -1]], np.int32))
    assert metric.result() == 0


def test_steps_behind_the_end_of_a_line_read_nothing_whichever_class_is_the_blank():
    metric = CharacterErrorRate(blank=3)
    metric.update(scores([0, 3, 0]), np.array([[0, 0]], np.int32))
    assert metric.result() == 0


def test_an_unknown_character_is_an_error_whatever_is_read():
    """T37."""
    for names in (None, NAMES):
        metric = CharacterErrorRate(class_names=names)
        metric.update(scores([1, 2]), np.array([[1, 2, -2, -1]], np.int32))
        assert metric.result() == pytest.approx(1 / 3)
    assert metric.errors.confusions == {("\ufffd", ""): 1}


def test_words_need_names():
    metric = WordErrorRate(class_names=NAMES)
    metric.update(scores([1, 3, 2], [1]), np.array([[1, 3, 1], [1, -1, -1]], np.int32))
    assert metric.result() == pytest.approx(1 / 3) and metric.errors.character_error_rate == 0.25
    metric = resolve("word_error_rate")
    metric.update(scores([1]), np.array([[1]]))
    with pytest.raises(ValueError, match="needs class_names"):
        metric.result()
    assert isinstance(resolve("character_error_rate"), CharacterErrorRate) and metric.better == "lower"


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="2 truths, but 1 outputs"):
        text_errors(["a", "b"], ["a"])
    with pytest.raises(TypeError, match="truths is one text"):
        text_errors("ab", "ab")
    with pytest.raises(TypeError, match=r"outputs\[0\] is 3"):
        text_errors(["a"], [3])
    with pytest.raises(ValueError, match="expected \\(n, s\\) labels"):
        CharacterErrorRate().update(scores([1]), np.array([1]))
    with pytest.raises(ValueError, match="expected scores of classes"):
        CharacterErrorRate().update(np.zeros((1, 3)), np.array([[1]]))


def test_without_rapidfuzz_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "rapidfuzz.distance", None)
    with pytest.raises(ImportError, match=r"pip install 'klarnet\[seq\]'"):
        edit_distance("a", "b")
