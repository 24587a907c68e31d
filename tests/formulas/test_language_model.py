"""The language model of n-grams: against the definition counted out by hand and by dictionaries, and its file."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import klarnet as kn
from klarnet.formulas import language_model as page

texts = st.lists(st.text("abc", max_size=8), min_size=1, max_size=8)
orders = st.integers(1, 5)
DISCOUNT = st.sampled_from([None, 0.75])


class Counted:
    """The definition in dictionaries: n-grams as strings, < and > the marks of beginning and end, ? the unknown."""

    def __init__(self, texts: list[str], order: int, discount: float | None) -> None:
        self.symbols = [*sorted(set("".join(texts))), "?", ">"]
        lines = [f"<{text}>" for text in texts]
        counts = [
            Counter(line[i : i + m] for line in lines for i in range(len(line) - m + 1))
            for m in range(order + 1)
        ]
        self.a: list[dict[str, int]] = [{} for _ in range(order + 1)]
        self.a[order] = {g: c for g, c in counts[order].items() if g != "<"}
        for m in range(1, order):
            left = Counter(g[1:] for g in counts[m + 1])
            self.a[m] = {g: c if g[0] == "<" else left[g] for g, c in counts[m].items() if g != "<"}
        self.D = [
            page.discounts(np.array([*a.values()], int)) if discount is None else [0, *[discount] * 3]
            for a in self.a
        ]
        self.order = order

    def p(self, history: str, symbol: str) -> float:
        history = history[len(history) - min(len(history), self.order - 1) :]
        m = len(history) + 1
        shorter = self.p(history[1:], symbol) if history else 1 / len(self.symbols)
        behind = {x: self.a[m].get(history + x, 0) for x in self.symbols}
        whole = sum(behind.values())
        if not whole:
            return shorter
        D = {x: float(self.D[m][min(c, 3)]) for x, c in behind.items()}
        return (behind[symbol] - D[symbol]) / whole + sum(D.values()) / whole * shorter


@given(texts, orders, DISCOUNT, st.text("abcx", max_size=7))
def test_the_model_is_the_definition(
    texts: list[str], order: int, discount: float | None, history: str
) -> None:
    model = kn.lm.train(texts, order=order, discount=discount)
    counted = Counted(texts, order, discount)
    known = "".join(c if c in model.letters else "?" for c in history)
    for begins in (True, False):
        behind = ("<" if begins else "") + known
        wanted = [counted.p(behind, x) for x in counted.symbols]
        assert_allclose(model.conditional(history, begins=begins), wanted, rtol=1e-12)
        along = [counted.p(behind[: len(behind) - len(known) + i], x) for i, x in enumerate(known)]
        found = model.log_probability(history, begins=begins, ends=False)
        assert_allclose(found, np.log(along).sum() if along else 0, rtol=1e-12)
    ended = model.log_probability(history) - model.log_probability(history, ends=False)
    assert_allclose(ended, np.log(counted.p("<" + known, ">")), rtol=1e-9)


@given(texts, orders, DISCOUNT, st.text("abcx", max_size=7))
def test_the_probabilities_of_every_history_add_up_to_1(
    texts: list[str], order: int, discount: float | None, history: str
) -> None:
    model = kn.lm.train(texts, order=order, discount=discount)
    p = model.conditional(history)
    assert p.shape == (len(model.letters) + 2,) and np.all(p > 0)
    assert_allclose(p.sum(), 1, rtol=1e-12)
    a = model.automaton
    for state in range(len(a.states)):
        log_p, to = page.conditional(a, state)
        assert_allclose(np.exp(log_p).sum(), 1, rtol=1e-12)
        one_by_one, behind = page.step(a, np.full(a.symbols, state), np.arange(a.symbols))
        assert_array_equal(to, behind)
        assert_allclose(log_p, one_by_one, rtol=1e-12)


def test_two_words_by_hand() -> None:
    """ "aab" and "ab", bigrams, D = 0.75. Behind nothing a = 2, b = 1, end = 1 (kinds of left neighbours), 4 in all;
    behind "a" a = 1, b = 2, 3 in all."""
    model = kn.lm.train(["aab", "ab"], order=2, discount=0.75)
    rest = 0.75 * 3 / 4 / 4  # of each of a, b, unknown and end
    alone = np.array([1.25 / 4 + rest, 0.25 / 4 + rest, rest, 0.25 / 4 + rest])
    assert_allclose(model.conditional("", begins=False), alone)
    behind_a = np.array([0.25, 1.25, 0, 0]) / 3 + 0.75 * 2 / 3 * alone
    assert_allclose(model.conditional("a"), behind_a)
    assert_allclose(model.conditional("a")[1], 0.5182291667)
    begun = np.array([1.25, 0, 0, 0]) / 2 + 0.75 / 2 * alone
    behind_b = np.array([0, 0, 0, 1.25]) / 2 + 0.75 / 2 * alone
    assert_allclose(model.log_probability("ab"), np.log(begun[0] * behind_a[1] * behind_b[3]))


def test_the_discounts_by_hand() -> None:
    """n = 3, 2, 1, 1 and Y = 3/7."""
    assert_allclose(page.discounts(np.array([1, 1, 1, 2, 2, 3, 4, 9])), [0, 3 / 7, 19 / 14, 9 / 7])
    assert_allclose(page.discounts(np.array([1, 1, 2, 9])), [0, 0.5, 0.5, 0.5])  # no 3: Y = 2/4
    assert_allclose(
        page.discounts(np.array([1, 1, 1, 2, 3, 3, 3])), [0, 0.6, 0.6, 0.6]
    )  # D(2) would be negative
    assert_allclose(page.discounts(np.array([7, 8])), [0, 0.5, 0.5, 0.5])


def test_letters_that_it_never_saw() -> None:
    """A model of "a" and "b": "c" is unknown, has a probability, and what follows it starts anew."""
    model = kn.lm.train(["ab"] * 20 + ["ba", "aab"], order=3)
    assert model.letters == "ab"
    assert_array_equal(model.symbols_of("abc"), [0, 1, 2])
    assert np.isfinite(model.log_probability("abc")) and model.log_probability("abc") < model.log_probability(
        "aba"
    )
    assert model.log_probability("aäb") == model.log_probability("a\U0001f600b")
    assert_array_equal(model.conditional("abc"), model.conditional("", begins=False))
    assert "\ufffd" not in model.sample(length=500, seed=3)


def test_a_text_alone_and_texts_together() -> None:
    model = kn.lm.train(["kaffee", "affe", "affen"], order=4)
    others = ["affe", "", "tee"]
    symbols = sum(len(text) + 1 for text in others)
    bits = -sum(model.log_probability(text) for text in others) / np.log(2)
    assert_allclose(model.bits_per_character(others), bits / symbols)
    assert model.bits_per_character("affe") == model.bits_per_character(["affe"])
    assert_allclose(
        model.bits_per_character("affe", ends=False),
        -model.log_probability("affe", ends=False) / 4 / np.log(2),
    )


def test_it_foresees_what_it_was_trained_on() -> None:
    rows = ["the cat sat on the mat", "the dog sat on the log", "a cat and a dog"]
    bits = [kn.lm.train(rows, order=order).bits_per_character(rows) for order in (1, 2, 3, 4)]
    assert bits == sorted(bits, reverse=True) and bits[0] > 3 > 1.5 > bits[3]


def test_samples() -> None:
    model = kn.lm.train(["affe", "kaffee", "affen"] * 5, order=6)
    drawn = [model.sample(seed=seed) for seed in range(200)]
    assert drawn == [model.sample(seed=seed) for seed in range(200)]
    shares = Counter(drawn)
    for word in ("affe", "kaffee", "affen"):  # 200 draws: within four standard deviations
        p = np.exp(model.log_probability(word))
        assert abs(shares[word] - 200 * p) < 4 * np.sqrt(200 * p * (1 - p))
    cold = Counter(model.sample(seed=seed, temperature=0.3) for seed in range(200))
    assert sum(cold[word] for word in ("affe", "kaffee", "affen")) > 195
    assert model.sample("kaf", length=2, temperature=0.1) == "kaffe"
    with pytest.raises(ValueError, match="temperature 0, expected a number above 0"):
        model.sample(temperature=0)


@given(st.lists(st.text(max_size=9), min_size=1, max_size=6), orders, DISCOUNT)
def test_the_file_holds_the_model_to_the_bit(texts: list[str], order: int, discount: float | None) -> None:
    model = kn.lm.train(texts, order=order, discount=discount)
    again = kn.lm.LanguageModel.from_bytes(model.to_bytes(), "again")
    assert (again.letters, again.order, again.discount) == (model.letters, model.order, model.discount)
    for one, other in zip(model.automaton, again.automaton, strict=True):
        assert_array_equal(one, other)
    assert again.to_bytes() == model.to_bytes()


def test_counts_above_255_and_many_letters(tmp_path: Path) -> None:
    rows = ["ab" * 400, *(chr(0x4E00 + i) for i in range(700))]
    model = kn.lm.train(rows, order=8)  # 703⁸ n-grams have no number of 64 bits
    model.save(tmp_path / "large.lm")
    again = kn.lm.load(tmp_path / "large.lm")
    assert again.log_probability("abab\u4e05") == model.log_probability("abab\u4e05")
    counted = defaultdict(int)
    for gram, count in zip(*page.count([model.symbols_of(rows[0])], 8, 702), strict=True):
        counted[tuple(gram)] += int(count)
    assert counted[tuple([0, 1] * 4)] == 397


def test_a_damaged_file_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "words.lm"
    kn.lm.train(["affe", "kaffee"], order=3).save(file)
    good = file.read_bytes()
    turned = bytearray(good)
    turned[-1] ^= 1
    for data, words in (
        (good[:-1], "damaged or cut off"),
        (good[:20], "damaged or cut off"),
        (bytes(turned), "damaged or cut off"),
        (b"", "no language model of klarnet"),
        (b"PK\x03\x04", "no language model of klarnet"),
        (good.replace(b"klarnet-lm 1", b"klarnet-lm 2", 1), "version 2, expected 1"),
    ):
        file.write_bytes(data)
        with pytest.raises(ValueError, match=f"words.lm: .*{words}"):
            kn.lm.load(file)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: kn.lm.train([]), ValueError, "lm.train: no texts"),
        (lambda: kn.lm.train(["a", 3]), TypeError, "text 1 is int, expected a string"),
        (lambda: kn.lm.train("a", order=0), ValueError, "order 0, expected 1 to 32"),
        (
            lambda: kn.lm.train("a", discount=1.5),
            ValueError,
            "discount 1.5, expected a number from above 0 to 1",
        ),
        (lambda: kn.lm.train("a").bits_per_character([]), ValueError, "expected a character at least"),
    ],
)
def test_what_does_not_fit_is_refused(call, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
