"""CTC: the loss against all paths listed one by one, its gradient against central differences, and faults of others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import klarnet as kn
from klarnet import formulas as f
from klarnet.formulas.ctc_lattice import lattice
from klarnet.formulas.labelling import collapse, needed_steps, paths, with_blanks

FLOATS = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture(autouse=True)
def every_warning_an_error():
    with np.errstate(all="raise"):
        yield


@st.composite
def lines(draw: st.DrawFn) -> tuple[np.ndarray, list[int], int]:
    """Logits (t, k) of a small line, labels that may not fit it, and the blank."""
    classes = draw(st.integers(2, 4))
    steps = draw(st.integers(0, 5))
    blank = draw(st.integers(0, classes - 1))
    labels = draw(st.lists(st.sampled_from([c for c in range(classes) if c != blank]), max_size=4))
    scale = draw(st.sampled_from([0.1, 1.0, 10.0]))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    return scale * random.standard_normal((steps, classes)), labels, blank


def listed(X: np.ndarray, labels: list[int], blank: int) -> float:
    """P(l|x) as the sum over B⁻¹."""
    Y = f.softmax(X)
    found = paths(labels, len(X), X.shape[1], blank=blank)
    return sum(float(np.prod(Y[np.arange(len(X)), list(path)])) for path in found)


def loss_of(X: np.ndarray, labels: list[int], **options: int) -> tuple[float, np.ndarray]:
    """Loss and gradient of one line alone."""
    value, losses, G, total = f.ctc(X[None], np.array([labels], np.int32).reshape(1, -1), **options)
    assert_array_equal(value, losses)
    return float(value[0]), f.ctc_backward(G, total)[0]


@given(lines())
def test_the_loss_is_the_sum_over_all_paths(drawn: tuple[np.ndarray, list[int], int]) -> None:
    X, labels, blank = drawn
    wanted = listed(X, labels, blank)
    value, _ = loss_of(X, labels, blank=blank)
    assert (wanted == 0.0) == (value == np.inf) == (needed_steps(labels) > len(X))
    if wanted:
        assert_allclose(value, -np.log(wanted), rtol=1e-12, atol=1e-12)


@given(lines())
def test_the_gradient_is_what_a_small_step_changes(drawn: tuple[np.ndarray, list[int], int]) -> None:
    X, labels, blank = drawn
    value, dX = loss_of(X, labels, blank=blank)
    if value == np.inf:
        assert_array_equal(dX, 0)
        return
    wanted = np.zeros_like(X)
    for place in np.ndindex(*X.shape):
        step = np.zeros_like(X)
        step[place] = 1e-5
        up, down = (loss_of(X + s, labels, blank=blank)[0] for s in (step, -step))
        wanted[place] = (up - down) / 2e-5
    assert_allclose(dX, wanted, rtol=1e-6, atol=1e-6 * max(1.0, float(np.abs(wanted).max(initial=0))))


@given(lines())
def test_every_step_of_the_lattice_holds_the_whole_probability(
    drawn: tuple[np.ndarray, list[int], int],
) -> None:
    X, labels, blank = drawn
    found = lattice(X, labels, blank=blank)
    assert_array_equal(found.states, with_blanks(labels, blank=blank))
    if not found.probability:
        assert_array_equal(found.occupancy, 0)
        with pytest.raises(ValueError, match=f"no path of {len(X)} steps gives these {len(labels)} labels"):
            _ = found.best_path
        return
    at_each = np.sum(found.alpha * found.beta / np.exp(found.log_y), axis=1)
    assert_allclose(at_each, found.probability, rtol=1e-10)
    assert_allclose(found.occupancy.sum(axis=1), 1, rtol=1e-10)
    best = max(
        paths(labels, len(X), X.shape[1], blank=blank),
        key=lambda path: f.log_softmax(X)[np.arange(len(X)), list(path)].sum(),
    )
    assert tuple(found.states[found.best_path]) == best


@given(lines())
def test_the_labellings_share_out_all_paths(drawn: tuple[np.ndarray, list[int], int]) -> None:
    X, labels, blank = drawn
    for path in paths(labels, len(X), X.shape[1], blank=blank):
        assert collapse(path, blank=blank) == tuple(labels)
        assert len(path) >= needed_steps(labels)
    assert_allclose(listed(X, labels, blank), lattice(X, labels, blank=blank).probability, rtol=1e-12)


def test_the_labelling_map() -> None:
    assert collapse([1, 1, 0, 1, 2, 2, 0]) == (1, 1, 2)
    assert collapse([]) == collapse([3, 3], blank=3) == ()
    assert sorted(paths([1], 3, 2)) == [(0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 0, 0), (1, 1, 0), (1, 1, 1)]
    assert [needed_steps(word) for word in ("", "a", "aa", "affe", "aaa")] == [0, 1, 3, 5, 5]


@FLOATS
def test_an_empty_target_is_the_path_of_blanks(dtype: type) -> None:
    X = np.log(np.array([[0.6, 0.4], [0.5, 0.5], [0.4, 0.6]], dtype))
    value, dX = loss_of(X, [])
    assert value == pytest.approx(2.120263536, rel=1e-6)
    assert_allclose(dX, [[-0.4, 0.4], [-0.5, 0.5], [-0.6, 0.6]], rtol=1e-6)
    value, losses, *_ = f.ctc(np.stack([X, X]), np.array([[-1, -1], [1, -1]]))
    assert_allclose(value, losses.mean(), rtol=1e-6)  # over lines, not divided by the length of a target


@FLOATS
def test_a_doubled_label_needs_a_blank_between(dtype: type) -> None:
    X = np.log(np.array([[0.5, 0.5], [0.7, 0.3], [0.4, 0.6]], dtype))
    assert loss_of(X, [1, 1])[0] == pytest.approx(1.560647748, rel=1e-6)
    value, dX = loss_of(X[:2], [1, 1])
    assert value == np.inf
    assert_array_equal(dX, 0)


@FLOATS
@pytest.mark.parametrize("skip", [0, 1])
def test_an_infeasible_line_leaves_its_neighbours_alone(dtype: type, skip: int) -> None:
    X = np.random.default_rng(1).standard_normal((3, 4, 3)).astype(dtype)
    labels, lengths = np.array([[1, 2], [1, 1], [2, -1]]), np.array([4, 2, 3])
    value, losses, G, total = f.ctc(X, labels, lengths, skip=skip)
    alone = [f.ctc(X[i : i + 1], labels[i : i + 1], lengths[i : i + 1]) for i in range(3)]
    assert_array_equal(losses, [float(one[1][0]) for one in alone])
    assert_array_equal(G, np.concatenate([one[2] for one in alone]))
    assert losses[1] == np.inf and np.all(np.isfinite(losses[::2]))
    assert_array_equal(G[1], 0)
    assert np.all(G[0].any(axis=1))
    assert_array_equal(total, [2 if skip else 3])
    assert_allclose(value, [losses[::2].mean() if skip else np.inf], rtol=1e-6)
    assert_allclose(f.ctc_backward(G, total, factor=0.5), 0.5 / total * G)


def test_a_batch_of_infeasible_lines_that_are_skipped_loses_nothing() -> None:
    value, losses, G, total = f.ctc(np.zeros((2, 1, 3)), np.array([[1, 2], [2, 2]]), skip=1)
    assert_array_equal(value, [0.0])
    assert_array_equal(total, [1.0])
    assert_array_equal(losses, [np.inf, np.inf])
    assert_array_equal(G, 0)


@FLOATS
def test_a_label_made_impossible_by_minus_infinity(dtype: type) -> None:
    X = np.zeros((2, 3, 3), dtype)
    X[0, :, 2] = -np.inf
    value, losses, G, _ = f.ctc(X, np.array([[2], [2]]), skip=1)
    assert losses[0] == np.inf and np.isfinite(value).all()
    assert_array_equal(G[0], 0)
    assert np.all(np.isfinite(G[1]))
    assert np.isfinite(f.ctc(X, np.array([[1], [2]]))[2]).all()  # and another one is still possible


@FLOATS
def test_a_line_of_a_thousand_steps(dtype: type) -> None:
    X, labels = np.zeros((1000, 4), dtype), [2]
    value, dX = loss_of(X, labels)
    assert value == pytest.approx(1373.170998, abs=1e-6 if dtype is np.float64 else 1e-3)
    assert np.all(np.isfinite(dX))
    found = lattice(X, labels)
    assert found.log_probability == pytest.approx(np.log(500500) - 1000 * np.log(4), abs=1e-9)
    assert_allclose(found.occupancy.sum(axis=1), 1, rtol=1e-9)
    ranked = kn.ctc.beam_search(X, width=4)
    assert len({one.labels for one in ranked}) == 4
    assert all(np.isfinite(one.log_probability) for one in ranked)
    assert [one.log_probability for one in ranked] == sorted(
        (o.log_probability for o in ranked), reverse=True
    )


def test_float32_keeps_its_digits_on_a_long_line() -> None:
    random = np.random.default_rng(2)
    X, labels = 3 * random.standard_normal((1000, 6)), list(random.integers(1, 6, 300))
    exact, dX = loss_of(X, labels)
    value, single = loss_of(X.astype(np.float32), labels)
    assert value == pytest.approx(exact, rel=1e-6)
    assert_allclose(single, dX, atol=1e-5)


def test_lengths_say_what_counts() -> None:
    random = np.random.default_rng(3)
    X, labels = random.standard_normal((2, 6, 4)), np.array([[1, 1, 2], [3, 0, 0]])
    lengths, counts = np.array([6, 4]), np.array([3, 1])
    value, losses, G, total = f.ctc(X, labels, lengths, counts)
    for i in range(2):
        alone, dX = loss_of(X[i, : lengths[i]], list(labels[i, : counts[i]]))
        assert losses[i] == alone
        assert_array_equal(G[i, : lengths[i]], dX)
        assert_array_equal(G[i, lengths[i] :], 0)
    padded = np.array([[1, 1, 2], [3, -1, 1]])  # by its first negative label a row ends
    assert_array_equal(f.ctc(X, padded, lengths)[1], losses)
    assert_allclose(f.ctc(X, padded, lengths, mean=0, factor=3.0)[0], 3 * losses.sum())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.array([[1, 4]])}, "ctc: line 0: label 4 at position 1, expected 0 … 3"),
        ({"labels": np.array([[1, 0]])}, "label 0 at position 1 is the blank"),
        ({"labels": np.array([[1, 2]]), "blank": 4}, "blank 4, expected a class from 0 to 3"),
        ({"labels": np.array([1, 2])}, "expected X .* and labels"),
        ({"labels": np.array([[1, 2]]), "lengths": np.array([6])}, "lengths 6 of line 0, expected 0 … 5"),
        ({"labels": np.array([[1, 2]]), "label_lengths": np.array([3])}, "label_lengths 3 of line 0"),
        ({"labels": np.array([[1, 2]]), "lengths": np.array([1.0])}, "expected lengths of shape"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        f.ctc(np.zeros((1, 5, 4)), **change)


def test_labels_are_whole_numbers_and_logits_are_not() -> None:
    with pytest.raises(TypeError, match="integer type, got float64"):
        f.ctc(np.zeros((1, 5, 4)), np.ones((1, 2)))
    with pytest.raises(TypeError, match="floating type, got int64"):
        f.ctc(np.zeros((1, 5, 4), np.int64), np.ones((1, 2), np.int64))


def test_a_nan_is_not_skipped_as_if_it_were_infeasible() -> None:
    X = np.zeros((2, 3, 3))
    X[0, 1, 1] = np.nan
    with np.errstate(invalid="ignore"):
        value, losses, *_ = f.ctc(X, np.array([[1], [2]]), skip=1)
    assert np.isnan(value) and np.isnan(losses[0]) and np.isfinite(losses[1])
