"""The counter-based generator: published vectors, the documented counter layout, exactness, distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klarnet import random

# The known-answer vectors that come with Random123 (kat_vectors, philox4x32 10).
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def plain_philox(counter: tuple[int, ...], key: tuple[int, ...]) -> list[int]:
    """The module text's formula, word by word in Python integers."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p, q = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (q >> 32) ^ c1 ^ k0, q % 2**32, (p >> 32) ^ c3 ^ k1, p % 2**32
        k0, k1 = (k0 + 0x9E3779B9) % 2**32, (k1 + 0xBB67AE85) % 2**32
    return [c0, c1, c2, c3]


def plain_word(i: int, seed: int, node: int, step: int, purpose: int) -> int:
    block = i // 4
    counter = (block % 2**32, node, step, purpose | (block >> 32) << 8)
    return plain_philox(counter, (seed % 2**32, seed >> 32))[i % 4]


@pytest.mark.parametrize("counter, key, expected", KNOWN)
def test_known_answers(counter, key, expected):
    got = random.philox(np.array(counter, np.uint32), np.array(key, np.uint32))
    assert got.dtype == np.uint32
    assert tuple(got.tolist()) == expected
    assert tuple(plain_philox(counter, key)) == expected


def test_philox_is_vectorised_over_leading_axes():
    counters = np.array([k[0] for k in KNOWN[:1]] * 6, np.uint32).reshape(2, 3, 4)
    counters[1, 2] = [1, 2, 3, 4]
    got = random.philox(counters, np.array([7, 8], np.uint32))
    assert got.shape == (2, 3, 4)
    assert got[1, 2].tolist() == plain_philox((1, 2, 3, 4), (7, 8))
    assert got[0, 0].tolist() == plain_philox((0, 0, 0, 0), (7, 8))


U32 = st.integers(0, 2**32 - 1)


@given(
    first=st.one_of(st.integers(0, 50), st.integers(2**34 - 9, 2**34 + 9), st.integers(0, 2**58 - 9)),
    n=st.integers(0, 9),
    seed=st.integers(0, 2**64 - 1),
    node=U32,
    step=U32,
    purpose=st.integers(0, 255),
)
@settings(deadline=None)
def test_bits_follow_the_documented_counter(first, n, seed, node, step, purpose):
    got = random.bits(n, seed, node=node, step=step, purpose=purpose, first=first)
    assert got.tolist() == [plain_word(first + j, seed, node, step, purpose) for j in range(n)]


@given(first=st.integers(0, 9), n=st.integers(0, 40), cut=st.integers(0, 40))
@settings(deadline=None)
@pytest.mark.parametrize("draw", [random.bits, random.uniform, random.normal])
def test_a_piece_of_a_stream_is_the_stream(draw, first, n, cut):
    cut = min(cut, n)
    whole = draw(first + n, 5, node=2, step=3, purpose=random.NOISE)[first:]
    assert np.array_equal(draw(n, 5, node=2, step=3, purpose=random.NOISE, first=first), whole)
    tail = draw(n - cut, 5, node=2, step=3, purpose=random.NOISE, first=first + cut)
    assert np.array_equal(tail, whole[cut:])


def test_pieces_meet_across_the_inner_chunks():
    n = 4 * random._CHUNK * 2 + 7
    whole = random.bits(n, 1)
    first = 4 * random._CHUNK - 3
    assert np.array_equal(random.bits(n - first, 1, first=first), whole[first:])
    assert whole[first].item() == plain_word(first, 1, 0, 0, 0)
    assert whole[-1].item() == plain_word(n - 1, 1, 0, 0, 0)


def test_shapes_are_filled_in_row_major_order():
    flat = random.bits(24, 9)
    assert np.array_equal(random.bits((2, 3, 4), 9), flat.reshape(2, 3, 4))
    assert random.bits((), 9).shape == ()
    assert random.bits((0, 3), 9).shape == (0, 3)
    assert random.normal(np.int64(5), 9).shape == (5,)


def test_each_coordinate_makes_another_stream():
    draws = [
        random.bits(64, 0),
        random.bits(64, 1),
        random.bits(64, 1 << 32),
        random.bits(64, 0, node=1),
        random.bits(64, 0, step=1),
        random.bits(64, 0, purpose=random.DROPOUT),
        random.bits(64, 0, first=1 << 34),
    ]
    for i, a in enumerate(draws):
        for b in draws[:i]:
            assert not np.array_equal(a, b)


def test_uniform_is_exact_and_the_same_in_both_dtypes():
    b = random.bits(10_000, 3, purpose=random.DROPOUT)
    u64 = random.uniform(10_000, 3, purpose=random.DROPOUT)
    u32 = random.uniform(10_000, 3, purpose=random.DROPOUT, dtype=np.float32)
    assert u64.dtype == np.float64 and u32.dtype == np.float32
    assert np.array_equal(u64, (b >> 8) / 2**24)
    assert np.array_equal(u64, u32.astype(np.float64))
    assert 0 <= u64.min() and u64.max() < 1
    assert abs(u64.mean() - 0.5) < 4 * math.sqrt(1 / 12 / 10_000)


def test_normal_follows_box_and_muller():
    b = random.bits(8, 11, node=4, purpose=random.INITIAL) >> 8
    expected = []
    for j in range(4):
        u, v = (int(b[2 * j]) + 1) / 2**24, int(b[2 * j + 1]) / 2**24
        radius = math.sqrt(-2 * math.log(u))
        expected += [radius * math.cos(2 * math.pi * v), radius * math.sin(2 * math.pi * v)]
    np.testing.assert_allclose(random.normal(8, 11, node=4), expected, rtol=1e-14, atol=1e-15)
    assert random.normal(3, 1, dtype=np.float32).dtype == np.float32


def test_normal_has_the_moments_of_the_normal_distribution():
    n = 200_000
    x = random.normal(n, 2)
    assert abs(x.mean()) < 4 / math.sqrt(n)
    assert abs(x.var() - 1) < 4 * math.sqrt(2 / n)
    assert abs((x**3).mean()) < 4 * math.sqrt(15 / n)
    assert abs((x**4).mean() - 3) < 4 * math.sqrt(96 / n)
    assert abs((x[0::2] * x[1::2]).mean()) < 4 / math.sqrt(n / 2)
    assert np.abs(x).max() <= math.sqrt(48 * math.log(2))


def test_integers_cover_the_range_evenly():
    x = random.integers(70_000, 1, -3, 4)
    assert x.dtype == np.int64
    counts = np.bincount(x + 3, minlength=7)
    assert counts.sum() == 70_000 and counts.size == 7
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 30  # chi-square, 6 degrees of freedom: p about 4e-5
    assert np.array_equal(random.integers(9, 1, 0, 2**32), random.bits(9, 1))
    assert random.integers(3, 1, 5, 6).tolist() == [5, 5, 5]


@given(n=st.integers(0, 300), seed=st.integers(0, 2**64 - 1), epoch=st.integers(0, 100))
@settings(deadline=None)
def test_permutation_holds_each_number_once(n, seed, epoch):
    order = random.permutation(n, seed, step=epoch)
    assert order.dtype == np.int64
    assert np.array_equal(np.sort(order), np.arange(n))
    assert np.array_equal(order, random.permutation(n, seed, step=epoch))


def test_permutation_follows_the_documented_keys():
    def key(i):
        words = [plain_word(2 * i + j, 12, 0, 7, random.SHUFFLE) for j in range(2)]
        return words[0] << 32 | words[1]

    assert random.permutation(20, 12, step=7).tolist() == sorted(range(20), key=key)
    assert random.permutation(20, 12, step=8).tolist() != random.permutation(20, 12, step=7).tolist()


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: random.bits(3, -1), ValueError, "seed must be at least 0"),
        (lambda: random.bits(3, 2**64), ValueError, "got 18446744073709551616"),
        (lambda: random.bits(3, 1.5), TypeError, "seed must be an integer, got 1.5"),
        (lambda: random.bits(3, 1, purpose=256), ValueError, "purpose .* below 256"),
        (lambda: random.bits(3, 1, node=-1), ValueError, "node"),
        (lambda: random.bits(3, 1, step=2**32), ValueError, "step"),
        (lambda: random.bits(2, 1, first=2**58 - 1), ValueError, "first"),
        (lambda: random.bits((2, -1), 1), ValueError, "negative"),
        (lambda: random.uniform(3, 1, dtype=np.float16), TypeError, "float32 or float64, got float16"),
        (lambda: random.normal(3, 1, dtype=int), TypeError, "got int64"),
        (lambda: random.integers(3, 1, 4, 4), ValueError, r"got \[4, 4\)"),
        (lambda: random.philox(np.zeros(4), np.zeros(2, np.uint32)), ValueError, "counter .* float64"),
        (lambda: random.philox(np.zeros(4, np.uint32), np.zeros(3, np.uint32)), ValueError, "key"),
    ],
)
def test_wrong_use_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


@given(
    chosen=st.lists(st.one_of(st.integers(0, 9), st.integers(2**32 - 2, 2**32 + 2)), max_size=5),
    nodes=st.lists(U32, min_size=1, max_size=3),
    seed=st.integers(0, 2**64 - 1),
    step=U32,
    purpose=st.integers(0, 255),
)
def test_single_blocks_are_those_of_their_streams(chosen, nodes, seed, step, purpose):
    one_by_one = np.array(chosen, np.int64)
    got = random.blocks(one_by_one[None, :], seed, node=np.array(nodes)[:, None], step=step, purpose=purpose)
    assert got.dtype == np.uint32 and got.shape == (len(nodes), len(chosen), 4)
    for i, node in enumerate(nodes):
        for j, k in enumerate(chosen):
            alone = random.bits(4, seed, node=node, step=step, purpose=purpose, first=4 * k)
            assert got[i, j].tolist() == alone.tolist()


@pytest.mark.parametrize(
    "chosen, node, error, words",
    [
        ([-1], 0, ValueError, "chosen must be at least 0 and below 72057594037927936, got -1"),
        ([0], [0, 2**32], ValueError, "node must be at least 0 and below 4294967296, got 4294967296"),
        ([0.5], 0, TypeError, "chosen must be whole numbers, got float64"),
    ],
)
def test_wrong_blocks_are_refused(chosen, node, error, words):
    with pytest.raises(error, match=words):
        random.blocks(np.array(chosen), 1, node=np.array(node))
