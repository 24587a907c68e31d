"""Random numbers that depend on where they are used, never on what was drawn before: Philox4x32-10.

Philox (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011) is a function, not
a stream with a state: it turns a *counter* of four 32-bit words into four random words, under a *key* of two.
Whoever knows the counter can draw that number at once, on any engine, in any order, on any number of threads.

**One block.** With counter (c0, c1, c2, c3) and key (k0, k1), ten times:

    p = 0xD2511F53 · c0,   q = 0xCD9E8D57 · c2            (64-bit products)
    (c0, c1, c2, c3) = (high(q) ^ c1 ^ k0, low(q), high(p) ^ c3 ^ k1, low(p))
    k0 += 0x9E3779B9,  k1 += 0xBB67AE85                   (mod 2³²)

**Whose number it is.** A draw has a seed and four coordinates: the element it is for (of the whole global
batch, in row-major order), the node of the graph, the step, and the purpose (one of the constants below). The
elements of one (seed, node, step, purpose) are a *stream*; element i is word i % 4 of block i // 4:

    key = (seed & 0xFFFFFFFF, seed >> 32)
    block = i // 4
    c0 = block & 0xFFFFFFFF,   c1 = node,   c2 = step,   c3 = purpose | (block >> 32) << 8

so 0 ≤ seed < 2⁶⁴; 0 ≤ node, step < 2³²; 0 ≤ purpose < 2⁸; 0 ≤ i < 2⁵⁸.

**From words to numbers.** b[i] is the word of element i.

    uniform       u[i] = (b[i] >> 8) · 2⁻²⁴               in [0, 1), the same in float32 and float64
    normal        of each pair of elements 2j, 2j+1 (Box and Muller 1958), in float64, then rounded:
                  u = ((b[2j] >> 8) + 1) · 2⁻²⁴,  v = (b[2j+1] >> 8) · 2⁻²⁴
                  n[2j] = √(−2 ln u) · cos 2πv,   n[2j+1] = √(−2 ln u) · sin 2πv
    integers      low + ((b[i] · (high − low)) >> 32)
    permutation   the stable order of the 64-bit keys b[2i] << 32 | b[2i+1]

All but `normal` are exact, bit for bit, wherever they are computed; `normal` depends on the last bits of ln,
cos and sin of the machine's library.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, SupportsIndex

import numpy as np

INITIAL = 0
"""Purpose: initial weights."""
DROPOUT = 1
"""Purpose: dropout masks."""
NOISE = 2
"""Purpose: noise added to activations."""
SHUFFLE = 3
"""Purpose: the order of the examples in an epoch (step = epoch)."""
SPLIT = 4
"""Purpose: the order in which a data set is cut into parts."""
AUGMENT = 5
"""Purpose: augmentation of examples."""
CHECK = 6
"""Purpose: random projections and test points of checks, as the gradient check's."""
LABELS = 7
"""Purpose: noise on labels (step = epoch)."""
SEARCH = 8
"""Purpose: settings of a search (step = number of the trial)."""
SAMPLE = 9
"""Purpose: text drawn from a language model (step = place of the character)."""

Shape = SupportsIndex | Sequence[SupportsIndex]

_CHUNK = 1 << 14  # blocks drawn at a time: the words of the rounds stay in the cache


def philox(counter: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Philox4x32-10 of many counters. `counter` (…, 4) uint32, `key` (2,) uint32 → (…, 4) uint32."""
    counter, key = np.asarray(counter), np.asarray(key)
    if counter.dtype != np.uint32 or counter.ndim == 0 or counter.shape[-1] != 4:
        got = f"{counter.dtype} {counter.shape}"
        raise ValueError(f"philox: counter must be uint32 of shape (…, 4), got {got}")
    if key.dtype != np.uint32 or key.shape != (2,):
        raise ValueError(f"philox: key must be uint32 of shape (2,), got {key.dtype} {key.shape}")
    c = counter.astype(np.uint64)
    return _rounds(c[..., 0], c[..., 1], c[..., 2], c[..., 3], int(key[0]), int(key[1]))


def bits(
    shape: Shape, seed: int, *, node: int = 0, step: int = 0, purpose: int = INITIAL, first: int = 0
) -> np.ndarray:
    """Random 32-bit words: elements `first`, `first` + 1, … of the stream (seed, node, step, purpose).

    `shape` (an int or a tuple) is filled in row-major order. Raises ValueError for a coordinate out of range.
    """
    shape = _shape(shape)
    n = _size(shape)
    first = _within("first", first, 2**58 - n + 1)
    counter = (_within("node", node, 2**32), _within("step", step, 2**32), _within("purpose", purpose, 2**8))
    seed = _within("seed", seed, 2**64)
    words = np.empty(n, np.uint32)
    start, stop = first // 4, -(-(first + n) // 4)
    for block in range(start, stop, _CHUNK):
        drawn = _blocks(block, min(block + _CHUNK, stop), seed, *counter)
        skip = max(first - 4 * block, 0)
        at = 4 * block + skip - first
        part = drawn[skip : skip + n - at]
        words[at : at + part.size] = part
    return words.reshape(shape)


def blocks(chosen: Any, seed: int, *, node: Any = 0, step: int = 0, purpose: int = INITIAL) -> np.ndarray:
    """Single blocks of a stream: its words 4k, 4k + 1, 4k + 2, 4k + 3 for every k in `chosen`.

    chosen   (…) whole numbers, at least 0 and below 2⁵⁶
    node     a number, or an array of them beside `chosen`: blocks of several streams in one call

    → (…, 4) uint32, … the shape of `chosen` and `node` together. So whoever has an owner for each block, as an
    example of a data set, draws for any of them in any order. Raises ValueError for a coordinate out of range,
    TypeError for one that is no whole number.
    """
    chosen, nodes = np.broadcast_arrays(
        _whole_within("chosen", chosen, 2**56), _whole_within("node", node, 2**32)
    )
    step, purpose = _within("step", step, 2**32), _within("purpose", purpose, 2**8)
    seed = _within("seed", seed, 2**64)
    c3 = np.uint64(purpose) | (chosen >> _32) << np.uint64(8)
    return _rounds(chosen & _LOW, nodes, np.full_like(nodes, step), c3, seed & 0xFFFFFFFF, seed >> 32)


def uniform(
    shape: Shape,
    seed: int,
    *,
    node: int = 0,
    step: int = 0,
    purpose: int = INITIAL,
    first: int = 0,
    dtype: Any = np.float64,
) -> np.ndarray:
    """Uniform numbers in [0, 1), multiples of 2⁻²⁴: u = (bits >> 8) · 2⁻²⁴, the same values in every dtype.

    Coordinates and errors as in `bits`; TypeError for a dtype too small to hold 24 bits exactly.
    """
    dtype = _float(dtype)
    words = bits(shape, seed, node=node, step=step, purpose=purpose, first=first)
    return (words >> np.uint32(8)).astype(dtype) * dtype.type(2.0**-24)


def normal(
    shape: Shape,
    seed: int,
    *,
    node: int = 0,
    step: int = 0,
    purpose: int = INITIAL,
    first: int = 0,
    dtype: Any = np.float64,
) -> np.ndarray:
    """Normal numbers, mean 0 and standard deviation 1, by Box and Muller (the module's text has the formula).

    Computed in float64 and rounded to `dtype`; none exceeds √(48 ln 2) ≈ 5.77. Coordinates and errors as in
    `uniform`.
    """
    dtype = _float(dtype)
    shape = _shape(shape)
    n = _size(shape)
    first = _within("first", first, 2**58 - n + 1)
    skip = first % 2  # pairs are counted from element 0, so an odd start needs the element before it
    pairs = -(-(skip + n) // 2)
    words = bits(2 * pairs, seed, node=node, step=step, purpose=purpose, first=first - skip)
    b = (words >> np.uint32(8)).astype(np.float64)
    radius = np.sqrt(-2.0 * np.log((b[0::2] + 1.0) * 2.0**-24))
    angle = 2.0 * np.pi * (b[1::2] * 2.0**-24)
    b[0::2] = radius * np.cos(angle)
    b[1::2] = radius * np.sin(angle)
    return b[skip : skip + n].astype(dtype).reshape(shape)


def integers(
    shape: Shape,
    seed: int,
    low: int,
    high: int,
    *,
    node: int = 0,
    step: int = 0,
    purpose: int = INITIAL,
    first: int = 0,
) -> np.ndarray:
    """Integers in [low, high) as int64, with 1 ≤ high − low ≤ 2³²: low + ((bits · (high − low)) >> 32).

    No value is more likely than another by more than one part in 2³² / (high − low). Raises ValueError for an
    empty or too wide range; coordinates as in `bits`.
    """
    low, high = operator.index(low), operator.index(high)
    if not 1 <= high - low <= 2**32 or not -(2**63) <= low <= high - 1 < 2**63:
        raise ValueError(f"random: [low, high) must hold 1 to 2**32 int64 numbers, got [{low}, {high})")
    words = bits(shape, seed, node=node, step=step, purpose=purpose, first=first).astype(np.uint64)
    return ((words * np.uint64(high - low)) >> np.uint64(32)).astype(np.int64) + np.int64(low)


def permutation(n: int, seed: int, *, node: int = 0, step: int = 0, purpose: int = SHUFFLE) -> np.ndarray:
    """The numbers 0 … n − 1 in random order, int64: the stable order of one 64-bit key each.

    For the order of an epoch: seed of the run, step = epoch. Errors as in `bits`.
    """
    words = bits((n, 2), seed, node=node, step=step, purpose=purpose).astype(np.uint64)
    return np.argsort(words[:, 0] << np.uint64(32) | words[:, 1], kind="stable")


def _blocks(start: int, stop: int, seed: int, node: int, step: int, purpose: int) -> np.ndarray:
    """The words of blocks start … stop − 1, one after the other."""
    block = np.arange(start, stop, dtype=np.uint64)
    c1, c2 = np.full_like(block, node), np.full_like(block, step)
    c3 = np.uint64(purpose) | (block >> _32) << np.uint64(8)
    return _rounds(block & _LOW, c1, c2, c3, seed & 0xFFFFFFFF, seed >> 32).reshape(-1)


_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_LOW, _32 = np.uint64(0xFFFFFFFF), np.uint64(32)


def _rounds(c0: np.ndarray, c1: np.ndarray, c2: np.ndarray, c3: np.ndarray, k0: int, k1: int) -> np.ndarray:
    """The ten rounds, on 32-bit words kept in uint64 so that the products are whole → (…, 4) uint32."""
    for _ in range(10):
        p, q = _M0 * c0, _M1 * c2
        c0, c1, c2, c3 = (q >> _32) ^ c1 ^ np.uint64(k0), q & _LOW, (p >> _32) ^ c3 ^ np.uint64(k1), p & _LOW
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack((c0, c1, c2, c3), axis=-1).astype(np.uint32)


def _shape(shape: Shape) -> tuple[int, ...]:
    sides = tuple(shape) if isinstance(shape, Sequence) else (shape,)
    whole = tuple(operator.index(side) for side in sides)
    if any(side < 0 for side in whole):
        raise ValueError(f"random: shape must hold no negative number, got {whole}")
    return whole


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for side in shape:
        size *= side
    return size


def _within(name: str, value: int, end: int) -> int:
    try:
        value = operator.index(value)
    except TypeError:
        raise TypeError(f"random: {name} must be an integer, got {value!r}") from None
    if not 0 <= value < end:
        raise ValueError(f"random: {name} must be at least 0 and below {end}, got {value}")
    return value


def _whole_within(name: str, values: Any, end: int) -> np.ndarray:
    """As uint64, each at least 0 and below `end`."""
    a = np.asarray(values)
    if a.dtype.kind not in "iu":
        raise TypeError(f"random: {name} must be whole numbers, got {a.dtype}")
    if a.size and (a.min() < 0 or a.max() >= end):
        wrong = a[(a < 0) | (a >= end)][0]
        raise ValueError(f"random: {name} must be at least 0 and below {end}, got {wrong}")
    return a.astype(np.uint64)


def _float(dtype: Any) -> np.dtype:
    dtype = np.dtype(dtype)
    if dtype.kind != "f" or dtype.itemsize < 4:
        raise TypeError(f"random: dtype must be float32 or float64, got {dtype}")
    return dtype
