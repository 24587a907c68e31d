"""Reading lines: the greedy decoder, the beam search and the alignment, against all labellings of small lines."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from klarnet import ctc
from klarnet import formulas as f


def drawn_line(seed: int, steps: int, classes: int, scale: float = 2.0) -> np.ndarray:
    return scale * np.random.default_rng(seed).standard_normal((steps, classes))


def decided(path: list[int], classes: int = 3, sure: float = 0.9) -> np.ndarray:
    """Logits of a line whose best classes are these."""
    Y = np.full((len(path), classes), (1 - sure) / (classes - 1))
    Y[np.arange(len(path)), path] = sure
    return np.log(Y)


def test_doubled_letters_come_out() -> None:
    X = decided([1, 1, 0, 1, 1])
    assert ctc.best_path(X).labels == (1, 1)
    assert ctc.beam_search(X)[0].labels == (1, 1)
    assert (
        ctc.best_path(decided([1, 1, 1, 1])).labels
        == ctc.beam_search(decided([1, 1, 1, 1]))[0].labels
        == (1,)
    )


@given(st.integers(0, 10**6), st.integers(0, 4), st.integers(1, 4), st.data())
def test_a_beam_that_holds_everything_is_exact(
    seed: int, steps: int, classes: int, data: st.DataObject
) -> None:
    blank = data.draw(st.integers(0, classes - 1))
    X = drawn_line(seed, steps, classes)
    exact: dict[tuple[int, ...], float] = {}
    for path in product(range(classes), repeat=steps):
        p = float(np.prod(f.softmax(X)[np.arange(steps), list(path)]))
        labels = ctc.collapse(path, blank=blank)
        exact[labels] = exact.get(labels, 0.0) + p
    found = ctc.beam_search(X, width=10_000, blank=blank)
    assert {one.labels for one in found} == set(exact)
    for one in found:
        assert_allclose(np.exp(one.log_probability), exact[one.labels], rtol=1e-10)
        assert_allclose(ctc.lattice(X, one.labels, blank=blank).probability, exact[one.labels], rtol=1e-10)
    assert_allclose(sum(np.exp(one.log_probability) for one in found), 1, rtol=1e-10)
    assert_allclose(np.exp(found[0].log_probability), max(exact.values()), rtol=1e-10)


def test_the_beam_finds_what_the_best_path_misses() -> None:
    """The blank is best at each step, (0.6)² = 0.36; the three paths of "a" have 0.64 together."""
    X = np.log([[0.6, 0.4], [0.6, 0.4]])
    assert ctc.best_path(X).labels == ()
    first, second = ctc.beam_search(X, width=3)[:2]
    assert first.labels == (1,) and second.labels == ()
    assert_allclose(np.exp([first.log_probability, second.log_probability]), [0.64, 0.36])


@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(1, 5))
def test_a_narrow_beam_never_claims_too_much(seed: int, steps: int, width: int) -> None:
    X = drawn_line(seed, steps, 5)
    found = ctc.beam_search(X, width=width)
    assert 1 <= len(found) <= width and len({one.labels for one in found}) == len(found)
    for one in found:
        assert one.log_probability <= ctc.lattice(X, one.labels).log_probability + 1e-9


def test_where_the_labels_stand() -> None:
    read = ctc.best_path(decided([0, 1, 1, 2, 0, 2], sure=0.8))
    assert read.labels == (1, 2, 2)
    assert_array_equal(read.spans, [[1, 3], [3, 4], [5, 6]])
    assert_allclose(read.confidences, 0.8)
    assert_allclose(read.log_probability, 6 * np.log(0.8))
    assert_array_equal(read.path, [0, 1, 1, 2, 0, 2])


@given(st.integers(0, 10**6), st.integers(0, 7), st.lists(st.integers(1, 3), max_size=4))
def test_the_alignment_is_the_best_path_of_these_labels(seed: int, steps: int, labels: list[int]) -> None:
    X = drawn_line(seed, steps, 4)
    if ctc.needed_steps(labels) > steps:
        with pytest.raises(ValueError, match=f"no path of {steps} steps"):
            ctc.align(X, labels)
        return
    found = ctc.align(X, labels)
    assert found.labels == tuple(labels) == ctc.collapse(found.path)
    along = f.log_softmax(X)[np.arange(steps), found.path]
    assert_allclose(found.log_probability, along.sum(), atol=1e-12)
    for (a, b), label, confidence in zip(found.spans, labels, found.confidences, strict=True):
        assert (found.path[a:b] == label).all()
        assert_allclose(confidence, f.softmax(X)[a:b, label].max())
    greedy = ctc.best_path(X)
    if greedy.labels == found.labels:
        assert_array_equal(greedy.path, found.path)


def test_the_blank_may_be_any_class() -> None:
    X = decided([2, 0, 2, 0])
    assert ctc.best_path(X, blank=2).labels == ctc.beam_search(X, blank=2)[0].labels == (0, 0)
    assert ctc.align(X, [0, 0], blank=2).labels == (0, 0)


def test_the_same_line_reads_the_same() -> None:
    X = np.zeros((6, 5))
    assert ctc.beam_search(X, width=7) == ctc.beam_search(X, width=7)
    assert ctc.best_path(X).labels == ()  # among equals the first class, here the blank


@pytest.mark.parametrize("read", [ctc.best_path, ctc.beam_search])
def test_a_line_of_no_steps_reads_as_nothing(read) -> None:
    found = read(np.zeros((0, 3)))
    assert (found[0] if isinstance(found, list) else found).labels == ()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ctc.best_path(np.zeros((2, 3, 4))), r"best_path: expected the logits of one line"),
        (lambda: ctc.best_path(np.zeros((3, 4)), blank=4), "blank 4, expected a class from 0 to 3"),
        (lambda: ctc.beam_search(np.zeros((3, 4)), width=0), "width 0, expected a whole number, 1 or more"),
        (lambda: ctc.align(np.zeros((3, 4)), [4]), "label 4 at position 0, expected 0 … 3"),
        (lambda: ctc.align(np.zeros((3, 4)), [1, 1, 1]), "no path of 3 steps gives these 3 labels"),
    ],
)
def test_what_does_not_fit_is_refused(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
