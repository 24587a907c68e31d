"""Reading lines on both engines: the beam search against every labelling there is, with a language model and a lexicon,
and the same ranks on both; best path, alignment and lattice likewise."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import klarnet as kn
from klarnet.engine import functions as E
from klarnet.engine import native
from klarnet.engine.table import FUNCTIONS

ENGINES = [
    "formulas",
    pytest.param("native", marks=pytest.mark.skipif(native.library() is None, reason="no native library")),
]
MODEL = kn.lm.train(["ab", "abb a", "ba", "aab b", "b ab"], order=3)
WORDS = ["ab", "a", "bba"]


@pytest.fixture(params=ENGINES, autouse=True)
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    with kn.engine.use(request.param):
        yield request.param


def line(seed: int, steps: int, classes: int, scale: float = 2.0) -> np.ndarray:
    X = scale * np.random.default_rng(seed).standard_normal((steps, classes))
    return X.astype(np.float32)


def every_labelling(X: np.ndarray, blank: int) -> dict[tuple[int, ...], float]:
    """P(l|x) of each labelling, by the sum over its paths."""
    Y, found = kn.formulas.softmax(X.astype(np.float64)), {}
    for path in product(range(X.shape[1]), repeat=len(X)):
        labels = kn.ctc.collapse(path, blank=blank)
        found[labels] = found.get(labels, 0.0) + float(np.prod(Y[np.arange(len(X)), list(path)]))
    return found


@given(
    st.integers(0, 10**6),
    st.integers(0, 4),
    st.sampled_from([0, 2, 3]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0.0, 0.4, 1.5]),
    st.sampled_from([0.0, 1.0, -0.5]),
)
def test_a_beam_that_holds_everything_ranks_all_labellings(
    seed: int, steps: int, blank: int, modelled: bool, worded: bool, weight: float, bonus: float
) -> None:
    X, alphabet = line(seed, steps, 4), "ab "
    found = kn.ctc.beam_search(
        X,
        width=1000,
        blank=blank,
        alphabet=alphabet,
        language_model=MODEL if modelled else None,
        weight=weight,
        bonus=bonus,
        lexicon=WORDS if worded else None,
    )
    scores = {}
    for labels, p in every_labelling(X, blank).items():
        text = "".join(alphabet[c - (c > blank)] for c in labels)
        if not worded or all(word in ["", *WORDS] for word in text.split(" ")):
            model = weight * MODEL.log_probability(text) if modelled else 0.0
            scores[labels] = np.log(p) + model + bonus * len(labels)
    assert {one.labels for one in found} == set(scores)
    for one in found:
        assert_allclose(
            one.score, scores[one.labels], rtol=1e-6, atol=1e-6
        )  # the model's logarithms are float32
    assert_allclose([one.score for one in found], sorted(scores.values(), reverse=True), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("width", [1, 3, 16])
def test_both_engines_rank_alike(width: int, engine: str) -> None:
    if engine == "formulas":
        return  # judges below
    alphabet = "ab cd"
    for seed in range(20):
        X = line(seed, 30, 6, scale=1.0)
        for options in (
            {},
            {"language_model": MODEL, "weight": 0.6, "bonus": 0.3},
            {"lexicon": [*WORDS, "cd", "dab"]},
            {"language_model": MODEL, "lexicon": [*WORDS, "cd", "dab"], "weight": 0.3},
        ):
            found = kn.ctc.beam_search(X, width=width, alphabet=alphabet, **options)
            with kn.engine.use("formulas"):
                wanted = kn.ctc.beam_search(X, width=width, alphabet=alphabet, **options)
            assert [one.labels for one in found] == [one.labels for one in wanted]
            assert_allclose([one[1:] for one in found], [one[1:] for one in wanted], rtol=1e-11)


def test_the_rule_among_equals() -> None:
    """All classes alike: of two steps "" and each label have 1/9 and 3/9, each pair of different ones 1/9; in their
    order, prefixes that stayed before those that grew, lower classes first."""
    found = [one.labels for one in kn.ctc.beam_search(np.zeros((2, 3), np.float32), width=9)]
    assert found == [(1,), (2,), (), (1, 2), (2, 1)]
    found = [one.labels for one in kn.ctc.beam_search(np.zeros((1, 5), np.float32), width=3)]
    assert found == [(), (1,), (2,)]


@pytest.mark.parametrize("steps", [0, 1, 7])
@pytest.mark.parametrize("width", [1, 4, 50])
def test_equals_on_both_engines(steps: int, width: int) -> None:
    X = np.zeros((steps, 4), np.float32)
    with kn.engine.use("formulas"):
        wanted = kn.ctc.beam_search(X, width=width)
    assert [one.labels for one in kn.ctc.beam_search(X, width=width)] == [one.labels for one in wanted]


def test_a_thousand_steps_without_a_decision_are_ranked() -> None:
    X = np.zeros((1000, 4), np.float32)
    found = kn.ctc.beam_search(X, width=8)
    scores = [one.log_probability for one in found]
    assert len({one.labels for one in found}) == 8
    assert np.all(np.isfinite(scores)) and scores == sorted(scores, reverse=True)
    one = kn.ctc.lattice(X, [2])
    assert_allclose(one.log_probability, -1373.170998, atol=1e-6)
    assert_allclose(one.occupancy.sum(axis=1), 1, rtol=1e-9)
    assert kn.ctc.align(X, [2, 2]).labels == (2, 2)


def test_doubled_letters_come_out() -> None:
    X = np.full((5, 3), -4, np.float32)
    X[np.arange(5), [1, 1, 0, 1, 1]] = 0
    assert kn.ctc.best_path(X).labels == kn.ctc.beam_search(X)[0].labels == (1, 1)


def test_a_class_that_is_impossible() -> None:
    X = line(3, 5, 4)
    X[:, 2] = -np.inf
    X[3, 0] = -np.inf
    found = kn.ctc.beam_search(X, width=500)
    assert found and all(2 not in one.labels for one in found)
    exact = {labels: p for labels, p in every_labelling(X, 0).items() if p}
    assert {one.labels for one in found} == set(exact)
    assert kn.ctc.lattice(X, [2]).probability == 0
    with pytest.raises(ValueError, match="no path of 5 steps gives these 1 labels"):
        kn.ctc.align(X, [2])


@given(st.integers(0, 10**6), st.integers(0, 9), st.lists(st.integers(1, 3), max_size=4))
def test_paths_and_lattices_are_those_of_the_formulas(seed: int, steps: int, labels: list[int]) -> None:
    X = line(seed, steps, 4)
    found, greedy = kn.ctc.lattice(X, labels), kn.ctc.best_path(X)
    with kn.engine.use("formulas"):
        wanted, right = kn.ctc.lattice(X, labels), kn.ctc.best_path(X)
    for one, other in zip(found[1:], wanted[1:], strict=True):
        assert_allclose(one, other, rtol=1e-12)
    assert_allclose(found.occupancy, wanted.occupancy, rtol=1e-10, atol=1e-300)
    assert greedy.labels == right.labels
    for one, other in zip(greedy[1:], right[1:], strict=True):
        assert_allclose(one, other, rtol=1e-12)
    if kn.ctc.needed_steps(labels) <= steps:
        assert_array_equal(found.best_path, wanted.best_path)
        aligned = kn.ctc.align(X, labels)
        assert aligned.labels == tuple(labels) == kn.ctc.collapse(aligned.path)
        for (a, b), label, confidence in zip(aligned.spans, labels, aligned.confidences, strict=True):
            assert (aligned.path[a:b] == label).all()
            assert_allclose(
                confidence, kn.formulas.softmax(X.astype(np.float64))[a:b, label].max(), rtol=1e-12
            )


def sure(text: str, alphabet: str, p: float = 0.9) -> np.ndarray:
    """A line that spells `text`, a blank behind each character."""
    k = len(alphabet) + 1
    Y = np.full((2 * len(text), k), (1 - p) / (k - 1))
    Y[np.arange(0, len(Y), 2), [1 + alphabet.index(c) for c in text]] = p
    Y[1::2, 0] = p
    return np.log(Y / Y.sum(axis=1, keepdims=True)).astype(np.float32)


def text_of(hypothesis: kn.ctc.Hypothesis, alphabet: str) -> str:
    return "".join(alphabet[c - 1] for c in hypothesis.labels)


def test_a_model_and_a_lexicon_mend_what_was_misread() -> None:
    alphabet = "aefk -"
    X = sure("aefe kaffee", alphabet)  # one "f" was taken for an "e"
    assert text_of(kn.ctc.beam_search(X)[0], alphabet) == "aefe kaffee"
    model = kn.lm.train(["affe kaffee", "kaffee", "affe", "fee"] * 5, order=4)
    mended = kn.ctc.beam_search(X, width=32, alphabet=alphabet, language_model=model)
    assert text_of(mended[0], alphabet) == "affe kaffee"
    words = kn.ctc.Lexicon(["affe", "kaffee", "fee"], alphabet)
    for lexicon in (words, ["affe", "kaffee", "fee"]):
        mended = kn.ctc.beam_search(X, width=32, alphabet=alphabet, lexicon=lexicon)
        assert text_of(mended[0], alphabet) == "affe kaffee"
        assert all(set(text_of(one, alphabet).split(" ")) <= {"affe", "kaffee", "fee", ""} for one in mended)
    hyphens = kn.ctc.Lexicon(["affe", "kaffee"], alphabet, separators=" -")
    assert text_of(kn.ctc.beam_search(sure("-affe- kaffee ", alphabet), lexicon=hyphens)[0], alphabet) == (
        "-affe- kaffee "
    )


def test_a_line_without_a_possible_word() -> None:
    """What ends within a word falls away: a narrow beam is left with nothing, a wide one with the empty line."""
    alphabet = "abc "
    X = sure("ab", alphabet, 0.99)
    assert kn.ctc.beam_search(X, width=1, alphabet=alphabet, lexicon=["abc"]) == []
    found = kn.ctc.beam_search(X, width=100, alphabet=alphabet, lexicon=["abc"])
    assert text_of(found[0], alphabet) == "abc" and () in [one.labels for one in found]
    wordless = kn.ctc.beam_search(X, width=9, alphabet="abc ", lexicon=[])
    assert wordless and all(set(text_of(one, alphabet)) <= {" "} for one in wordless)
    X[:, 0] = -np.inf  # no blank, so no empty line, and "abc" is too long for one step
    assert kn.ctc.beam_search(X[:1, :4], width=9, lexicon=kn.ctc.Lexicon(["abc"], "abc", separators="")) == []


def test_characters_that_the_model_does_not_know() -> None:
    found = kn.ctc.beam_search(line(1, 8, 4), alphabet="abz", language_model=MODEL, width=50)
    with_z = [one for one in found if 3 in one.labels]
    assert with_z and all(np.isfinite(one.score) for one in with_z)
    text = text_of(with_z[0], "abz")
    assert_allclose(with_z[0].score - with_z[0].log_probability, MODEL.log_probability(text), rtol=1e-6)


def test_other_types_go_by_the_formulas() -> None:
    X = line(5, 6, 4)
    wanted = kn.ctc.beam_search(X, width=5)
    for other in (X.astype(np.float64), X.tolist()):
        found = kn.ctc.beam_search(other, width=5)
        assert [one.labels for one in found] == [one.labels for one in wanted]
        assert_allclose([one.score for one in found], [one.score for one in wanted], rtol=1e-12)
    assert kn.ctc.best_path(X.tolist()).labels == kn.ctc.best_path(X).labels


def test_no_decoder_is_left_to_its_formula(engine: str) -> None:
    rows = [name for name in FUNCTIONS if name.startswith("ctc_") and name != "ctc_backward"]
    assert len(rows) == 5
    if engine == "native":
        assert all(native.has(name) for name in rows)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"language_model": MODEL}, "need alphabet="),
        ({"lexicon": ["a"]}, "need alphabet="),
        ({"language_model": MODEL, "alphabet": "ab"}, "an alphabet of 2 characters, expected 3"),
        ({"language_model": MODEL, "alphabet": "aba"}, "'a' in the alphabet, expected single characters"),
        ({"language_model": MODEL, "alphabet": ["a", "bc", "d"]}, "'bc' in the alphabet"),
        ({"weight": -1.0}, "weight -1.0, bonus 0.0, expected finite numbers"),
        ({"bonus": np.nan}, "bonus nan"),
        ({"width": 0}, "width 0, expected a whole number, 1 or more"),
        ({"width": 2.5}, "width 2.5, expected a whole number"),
        (
            {"language_model": "a.lm", "alphabet": "ab "},
            "language_model 'a.lm', expected a model, as .*kn.lm.load",
        ),
        ({"lexicon": "ab", "alphabet": "ab "}, "words 'ab' are one text, expected a list of words"),
        ({"lexicon": ["a", ""], "alphabet": "ab "}, "word '': it is empty"),
        ({"lexicon": ["a b"], "alphabet": "ab "}, "word 'a b': ' ' is a separator"),
        ({"lexicon": ["ax"], "alphabet": "ab "}, "word 'ax': 'x' is a separator or not of the alphabet"),
        ({"lexicon": ["ab"], "alphabet": "abc"}, "separator ' ' does not stand in the alphabet"),
        ({"lexicon": kn.ctc.Lexicon(["a"], "a ")}, "a lexicon for 3 classes, but the line has 4"),
        ({"lexicon": kn.ctc.Lexicon(["a"], "ab ", blank=3)}, "the lexicon was made for blank 3"),
        ({"lexicon": kn.ctc.Lexicon(["a"], "ab "), "alphabet": "ba "}, "characters 'ab '; make it with"),
    ],
)
def test_what_does_not_fit_is_refused(options: dict, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        kn.ctc.beam_search(np.zeros((3, 4), np.float32), **options)


@pytest.mark.parametrize("call", [kn.ctc.lattice, kn.ctc.align])
@pytest.mark.parametrize("labels", ["ab", [1.5], [[1, 2]], 1])
def test_labels_that_are_no_row_of_whole_numbers(call, labels) -> None:
    with pytest.raises(TypeError, match="labels .*, expected whole numbers in a row; Alphabet.encode"):
        call(np.zeros((3, 4), np.float32), labels)


NUMBERS = {"blank": 0, "weight": 1.0, "bonus": 0.0, "begin": 0, "end": 4}


def model(symbol: int = 1) -> tuple[np.ndarray, ...]:
    a = MODEL.automaton
    assert a.symbols == 5
    return np.array([0, symbol, 2, 3], np.int32), a.states, a.arcs, *MODEL.logarithms(np.dtype(np.float32))


@pytest.mark.parametrize(
    "call",
    [
        lambda X: E.ctc_lattice(X, np.array([1, 4], np.int32), blank=0),
        lambda X: E.ctc_best_states(X, np.array([1, 0], np.int32), blank=0),
        lambda X: E.ctc_read(X, np.array([1, -1, 2], np.int32), blank=0),
        lambda X: E.ctc_beam_search(X, *model(symbol=5), w=3, **NUMBERS),
        lambda X: E.ctc_beam_search(X, *model(), w=3, **(NUMBERS | {"end": 9})),
        lambda X: E.ctc_beam_search(X, w=3, **(NUMBERS | {"blank": 4})),
        lambda X: E.ctc_beam_search(X, w=0, **NUMBERS),
    ],
)
def test_the_rows_refuse_what_lies_outside(call) -> None:
    """Whoever calls them past `kn.ctc` gets an error too, and nothing outside an array is read."""
    with pytest.raises(ValueError, match="ctc_|lattice"):
        call(np.zeros((3, 4), np.float32))
