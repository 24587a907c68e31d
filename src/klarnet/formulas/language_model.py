"""Which character comes next: a language model of n-grams, by interpolated Kneser-Ney.

c(g) says how often the n-gram g stands in the texts. Where a history h was seen, a discount D is taken off every count
and what that saves goes to the shorter history h⁻, h without its first character:

    p(x|h) = (a(h x) − D(a(h x))) / A(h) + γ(h) p(x|h⁻),    A(h) = Σ_x a(h x),    γ(h) = Σ_x D(a(h x)) / A(h)
    p(x|h) = p(x|h⁻)                                        where h was never seen
    p(x)   = the same with h empty, and 1/v in place of p(x|h⁻) for v symbols

The highest order takes the counts themselves, a = c. Below it counts in how many ways an n-gram is continued to the
left, a(g) = |{x : c(x g) > 0}|: "u" is frequent in English, but behind "q" nearly alone. What begins with the mark of
a text's beginning has nothing to its left and keeps its count.

The discount is the modified one, for counts of 1, 2 and more, from n_j, how many n-grams of this order have a = j:

    Y = n₁/(n₁ + 2n₂),    D(1) = 1 − 2Y n₂/n₁,    D(2) = 2 − 3Y n₃/n₂,    D(3+) = 3 − 4Y n₄/n₃

and where these are no numbers from above 0 to j, as in little text, the plain one, D = Y for all; and where Y is
none of those either, D = ½.

A symbol is a letter 0 … v − 3, ⟨unknown⟩ = v − 2, which stands for every character that the texts have not, or
⟨end⟩ = v − 1. ⟨begin⟩ = v stands in histories alone. So p(·|h) adds up to 1 over v symbols for each h, and ⟨unknown⟩
has its share of 1/v.

For use the sums are worked out once, as an automaton: a state for each history that was seen, with an arc for each
symbol seen behind it; other symbols go back to the shorter history, at the price γ. NumPy only.

Source: Kneser, Ney, "Improved backing-off for m-gram language modeling", 1995; Chen, Goodman, "An empirical study of
smoothing techniques for language modeling", 1998, equations 21 to 26.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

NOTHING = -1  # left of ⟨begin⟩, in n-grams that are shorter than the order


class Automaton(NamedTuple):
    """The model as arrays. State 0 is the empty history.

    states    (q, 3) int32: the first arc, the arc behind the last one, the state of the history without its first
              character
    arcs      (a, 2) int32: a symbol, ascending in each state, and the state that it leads to
    log_p     (a,) log p(symbol | history), of each arc
    log_back  (q,) log γ
    keys      (a,) state · v + symbol of each arc, ascending: where to look for one
    begin     the state behind ⟨begin⟩
    symbols   v
    """

    states: np.ndarray
    arcs: np.ndarray
    log_p: np.ndarray
    log_back: np.ndarray
    keys: np.ndarray
    begin: int
    symbols: int


def count(texts: Sequence[np.ndarray], order: int, symbols: int) -> tuple[np.ndarray, np.ndarray]:
    """How often each n-gram stands in the texts, and each shorter one that a text begins with.

    texts (letters of each) → n-grams (g, order) in ascending order, NOTHING left of the short ones; counts (g,).
    """
    end, begin = symbols - 1, symbols
    line = np.concatenate([part for text in texts for part in ([begin], text, [end])]).astype(np.int64)
    starts = np.maximum.accumulate(np.where(line == begin, np.arange(len(line)), 0))
    places = np.flatnonzero(line != begin)
    columns = []
    for back in range(order - 1, -1, -1):
        at = places - back
        columns.append(np.where(at >= starts[places], line[np.maximum(at, 0)], NOTHING))
    _, first, counts = np.unique(_keys(columns, symbols + 2), return_index=True, return_counts=True)
    return np.stack([c[first] for c in columns], axis=1).astype(np.int32), counts


def _keys(columns: Sequence[np.ndarray], size: int) -> np.ndarray:
    """A number for each row, in the order of the rows, equal where they are; entries from −1 to size − 2."""
    keys, reach = np.zeros(len(columns[0]), np.int64), 1
    for column in columns:
        if reach * size > 2**62:
            distinct, keys = np.unique(keys, return_inverse=True)
            reach = max(len(distinct), 1)
        keys, reach = keys * size + column + 1, reach * size
    return keys


def discounts(a: np.ndarray) -> np.ndarray:
    """D of the counts 0, 1, 2 and 3 or more. a (g,) counts of one order → (4,); D(0) = 0."""
    n = np.bincount(np.minimum(a, 5), minlength=6)[1:5].astype(float)
    Y = n[0] / (n[0] + 2 * n[1]) if n[0] else 0.0
    if n[:3].all():
        j = np.arange(1, 4)
        D = j - (j + 1) * Y * n[1:] / n[:3]
        if np.all((D > 0) & (D <= j)):
            return np.concatenate([[0.0], D])
    return np.array([0.0, *[Y if 0 < Y < 1 else 0.5] * 3])


def automaton(
    grams: np.ndarray, counts: np.ndarray, symbols: int, discount: float | None = None
) -> Automaton:
    """The model of counted n-grams. grams (g, n), counts (g,), as `count` gives them → Automaton, in float64.

    discount   None for those of each order's counts of counts; a number from above 0 to 1: this one for every count
    """
    rows, a, shorter = _orders(grams, counts, symbols)
    order, begin = grams.shape[1], symbols
    base, numbers = 1, [np.zeros(1, np.int64)]  # of each n-gram: its state as a history, 0 where it is none
    for m in range(1, order):
        goes_on = (rows[m][:, -1] < symbols - 2) | (rows[m][:, -1] == begin)
        numbers.append(np.where(goes_on, base - 1 + np.cumsum(goes_on), 0))
        base += int(goes_on.sum())
    backs, first, log_back = np.zeros(base, np.int64), np.zeros(base + 1, np.int64), np.zeros(base)
    arcs, log_p, below, done, seen = [], [], np.full(1, 1 / symbols), 0, 0
    for m in range(1, order + 1):
        asked = rows[m][:, -1] != begin  # all but the row ⟨begin⟩ of order 1, which is a history alone
        g, c = rows[m][asked], a[m][asked]
        new = np.any(g[1:, :-1] != g[:-1, :-1], axis=1)
        history = np.concatenate([[0], np.cumsum(new)])[: len(g)].astype(np.int64)
        D = discounts(c) if discount is None else np.array([0.0, *[discount] * 3])
        off = D[np.minimum(c, 3)]
        A = np.bincount(history, c)
        gamma = np.bincount(history, off) / A
        p = (c - off) / A[history] + gamma[history] * below[shorter[m][asked]]
        to = numbers[m][asked] if m < order else numbers[m - 1][shorter[m][asked]]
        arcs.append(np.stack([g[:, -1], to], axis=1))
        log_p.append(np.log(p))
        log_back[seen : seen + len(A)] = np.log(gamma)
        first[seen + 1 : seen + 1 + len(A)] = done + np.cumsum(np.bincount(history))
        done, seen = done + len(g), seen + len(A)
        if m < order:
            backs[numbers[m]] = numbers[m - 1][shorter[m]]
            below = np.concatenate([p, np.zeros(len(rows[m]) - len(p))])
    backs[0] = 0
    states = np.stack([first[:-1], first[1:], backs], axis=1).astype(np.int32)
    every = np.concatenate(arcs).astype(np.int32)
    keys = np.repeat(np.arange(base), np.diff(first)) * symbols + every[:, 0]
    start = int(numbers[1][-1]) if order > 1 else 0
    return Automaton(states, every, np.concatenate(log_p), log_back, keys, start, symbols)


def _orders(
    grams: np.ndarray, counts: np.ndarray, symbols: int
) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """The n-grams of each order 1 … n in ascending order, their a, and where in the order below each one's end is.

    Order 1 has every symbol, seen or not, and ⟨begin⟩ behind them.
    """
    order = grams.shape[1]
    length = np.sum(grams != NOTHING, axis=1)
    whole = length == order
    rows, a = [np.zeros((0, 0), np.int32)] * (order + 1), [np.zeros(0, np.int64)] * (order + 1)
    shorter = [np.zeros(0, np.int64)] * (order + 1)
    rows[order], a[order] = grams[whole], counts[whole]
    for m in range(order - 1, 0, -1):
        ends, short = rows[m + 1][:, 1:], grams[length == m][:, order - m :]
        both = np.concatenate([ends, short])
        number = np.concatenate([np.ones(len(ends), np.int64), counts[length == m]])
        keys = _keys(list(both.T), symbols + 2)
        _, at, inverse = np.unique(keys, return_index=True, return_inverse=True)
        rows[m], shorter[m + 1] = both[at], inverse[: len(ends)]
        a[m] = np.bincount(inverse, number).astype(np.int64)
    every = np.zeros(symbols + 1, np.int64)
    every[rows[1][:, 0]] = a[1]
    if order > 1:
        shorter[2] = rows[1][shorter[2], 0]
    rows[1], a[1] = np.arange(symbols + 1, dtype=np.int32)[:, None], every
    shorter[1] = np.zeros(symbols + 1, np.int64)
    return rows, a, shorter


def step(model: Automaton, state: np.ndarray, symbol: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log p(symbol | history) and the state behind it, for many at once. state, symbol (b,) → (b,), (b,)."""
    state, symbol = np.asarray(state, np.int64), np.asarray(symbol, np.int64)
    log_p, to, left = np.zeros(len(state)), np.zeros(len(state), np.int64), np.arange(len(state))
    while len(left):
        wanted = state[left] * model.symbols + symbol[left]
        at = np.minimum(np.searchsorted(model.keys, wanted), len(model.keys) - 1)
        hit = model.keys[at] == wanted
        log_p[left[hit]] += model.log_p[at[hit]]
        to[left[hit]] = model.arcs[at[hit], 1]
        left = left[~hit]
        log_p[left] += model.log_back[state[left]]
        state = state.copy()
        state[left] = model.states[state[left], 2]
    return log_p, to


def conditional(model: Automaton, state: int) -> tuple[np.ndarray, np.ndarray]:
    """log p(·|history) of every symbol, and the states behind them. → (v,), (v,)."""
    log_p, to = np.full(model.symbols, -np.inf), np.zeros(model.symbols, np.int64)
    histories = [int(state)]
    while histories[-1]:
        histories.append(int(model.states[histories[-1], 2]))
    for history in reversed(histories):  # from the empty one, which knows every symbol
        first, behind, _ = model.states[history]
        symbols, targets = model.arcs[first:behind].T
        if history:
            log_p += model.log_back[history]
        log_p[symbols] = model.log_p[first:behind]
        to[symbols] = targets
    return log_p, to


def score(model: Automaton, text: np.ndarray, order: int, *, begins: bool = True) -> np.ndarray:
    """log p of each symbol behind those before it. text (s,) symbols → (s,).

    begins   the text's beginning is one: ⟨begin⟩ stands before it; else nothing is known of what stands there
    """
    text = np.asarray(text, np.int64)
    places = np.arange(len(text))
    state = np.zeros(len(text), np.int64)
    for back in range(order - 1, 0, -1):  # what order − 1 characters lead to, for all places side by side
        at = places - back
        if begins:
            state[at == -1] = model.begin
        inside = at >= 0
        state[inside] = step(model, state[inside], text[at[inside]])[1]
    return step(model, state, text)[0]
