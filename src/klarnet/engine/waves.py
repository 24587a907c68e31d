"""Waves: small calls that do not need each other run at the same time.

A product of 64 x 64 matrices takes some microseconds: cut up among threads it would lose what it gains. Two kinds of
larger pieces lie in a plan of small calls:

*Rows.* Dense layers and activations treat each example by itself. So a run of such calls is cut into blocks of
examples, and each block goes through the whole run by itself: threads meet once a run, not once a call. The weight
gradients, which need all examples, wait until its end.

*Whole calls.* The two products of a highway layer need the same X and not each other, and so do the weight gradients of
all layers. A call's wave is the first one behind all that it needs: what makes its inputs, and what was written to or
read from the places it writes.

Large calls keep all threads busy by their own chunks; each has a wave to itself, and no call passes it, so that
arrays do not live longer than the layer code says. Recurrent calls are cut along the batch, step by step they cannot
be: with a few examples one keeps one thread busy, and both directions of a layer are better run side by side. How
calls are cut follows from their sizes alone, and what a kernel computes for a row depends neither on the rows nor on
the calls beside it: waves change no bit.
"""

from __future__ import annotations

from .arrays import Description
from .trace import Call, descriptions

LARGE = 2_000_000  # floating point operations; from here on a call has a wave to itself
WORTH = 500_000  # a wave of less than this is not worth waking a thread
MOST = 64  # pieces at the same time; the native engine has room for as many

_PER_FLOAT = 8  # touching a float takes as long as this many floating point operations
_FEWEST_ROWS = 16  # of a block: with fewer, products lose speed
_USUAL_ROWS = 32
_MOST_BYTES = 4 << 20  # made by one run of calls: what it makes lives until its end
_MOST_SUM = 256  # terms: beyond them a product may be added up in parts, which depend on its rows

_RECURRENT = {"rnn", "rnn_backward", "gru", "gru_backward", "lstm", "lstm_backward"}
_FEW = 8  # examples: up to here a recurrent call is not cut well among threads
_BY_ROW = {"dense", "dense_backward", "add", "highway", "highway_backward", "softmax", "softmax_backward"}
_BY_ROW |= {"layer_norm", "layer_norm_backward", "add_bias"}
_BY_ROW |= {
    f"{name}{pass_}"
    for name in ("relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid")
    for pass_ in ("", "_backward")
}


def multiply_adds(function: str, sizes: dict[str, int]) -> int:
    """Multiply-adds of matrix products and convolutions; what passes over memory once is not counted."""
    s = sizes
    if function.startswith("dense"):
        return s["n"] * s["m"] * s["k"]
    if function.startswith("conv2d"):
        return s["n"] * s["i"] * s["j"] * s["k"] * s["p"] * s["q"] * s["d"]
    if function in ("lstm", "lstm_backward"):
        return 4 * s["n"] * s["t"] * s["k"] * s["k"]
    if function.startswith("gru"):
        return 3 * s["n"] * s["t"] * s["k"] * s["k"]
    if function in ("rnn", "rnn_backward"):
        return s["n"] * s["t"] * s["k"] * s["k"]
    if function == "recurrent_gradients":
        return s["n"] * s["t"] * s["k"] * s["j"]
    return 0


def work(call: Call) -> int:
    """About how many floating point operations a call takes as long as."""
    floats = sum(x.nbytes for x in [*call.reads(), *descriptions(call.outputs)]) // 4
    return 2 * multiply_adds(call.name, call.sizes) + _PER_FLOAT * floats


class Waves:
    """The calls of a part in the order of their waves.

    calls, numbers   each call and its wave
    blocks           for the waves that are runs by rows: into how many blocks of examples they are cut
    """

    def __init__(self, calls: list[Call]) -> None:
        self.calls: list[Call] = []
        self.numbers: list[int] = []
        self.blocks: dict[int, int] = {}
        self._written: dict[object, int] = {}  # place -> wave of the last call that wrote to it
        self._read: dict[object, int] = {}  # place -> the last wave in which it is read
        self._first, self._last = 0, -1  # waves: the first behind the last large call, the last one there is
        self._run: list[Call] = []  # calls by rows
        self._waiting: list[Call] = []  # calls that nobody in the run needs
        self._places: set[object] = set()  # written by either
        self._bytes = 0
        for call in calls:
            self._take(call)
        self._close()
        order = sorted(range(len(self.calls)), key=self.numbers.__getitem__)
        self.calls, self.numbers = [self.calls[i] for i in order], [self.numbers[i] for i in order]

    def _take(self, call: Call) -> None:
        if self._bytes > _MOST_BYTES or (self._run and _by_row(call) and _rows(call) != _rows(self._run[0])):
            self._close()
        if _by_row(call) and self._places.isdisjoint(self._shared(call)):
            self._run.append(call)
            self._bytes += sum(x.nbytes for x in descriptions(call.outputs))
            self._places.update(_place(x) for x in call.writes())
        elif self._run and _ends_here(call):
            self._waiting.append(call)
            self._places.update(_place(x) for x in call.writes())
        else:
            self._close()
            self._put(call)

    def _shared(self, call: Call) -> set[object]:
        """What all blocks of a call read, and what it reads of those that wait: neither may be made by the run."""
        rows = {_place(x) for x in _of_rows(call)}
        waiting = {_place(x) for other in self._waiting for x in other.writes()}
        reads = {_place(x) for x in call.reads()}
        return (reads - rows) | (reads & waiting)

    def _close(self) -> None:
        """The run at hand becomes a wave of blocks, or ordinary waves where that is not worth it."""
        run, waiting = self._run, self._waiting
        self._run, self._waiting, self._places, self._bytes = [], [], set(), 0
        if len(run) > 1 and sum(work(call) for call in run) >= WORTH:
            wave = self._first = self._last + 1
            rows = _rows(run[0])
            self.blocks[wave] = min(max(rows // _USUAL_ROWS, 2), MOST)
            for call in run:
                self._put(call)
            self._first = wave + 1
        else:
            for call in run:
                self._put(call)
        for call in waiting:
            self._put(call)

    def _put(self, call: Call) -> None:
        """Into the first wave that it can be in."""
        reads, writes = {_place(x) for x in call.reads()}, {_place(x) for x in call.writes()}
        wave = self._first
        if wave not in self.blocks:
            behind = [self._written.get(p, -1) for p in reads | writes] + [
                self._read.get(p, -1) for p in writes
            ]
            wave = max(wave, 1 + max(behind, default=-1))
            if _alone(call):
                wave = max(wave, self._last + 1)
                self._first = wave + 1
        self._last = max(self._last, wave)
        self._written.update(dict.fromkeys(writes, wave))
        for place in reads:
            self._read[place] = max(wave, self._read.get(place, -1))
        self.calls.append(call)
        self.numbers.append(wave)


def blocks_of(call: Call, count: int) -> list[Call]:
    """A call by rows, cut into `count` calls on blocks of examples."""
    n = _rows(call)
    return [_part(call, n * i // count, n * (i + 1) // count) for i in range(count)]


def _part(call: Call, first: int, last: int) -> Call:
    function = call.function
    assert function is not None

    def cut(p_dims: tuple[str, ...], x: Description | None) -> Description | None:
        return x[first:last] if x is not None and p_dims[0] == "n.." else x

    inputs = tuple(cut(p.dims, x) for p, x in zip(function.inputs, call.inputs, strict=True))
    outputs = [cut(p.dims, x) for p, x in zip(function.outputs, call.outputs, strict=True)]
    shapes = tuple(None if x is None else x.shape for x in inputs)
    sizes, _ = function.derive(shapes, call.scalars)
    part = Call(function, None, inputs, outputs, call.scalars, sizes, call.node)
    part.stage = call.stage
    part.steps = [(f, None if x is None else x[first:last], scalars) for f, x, scalars in call.steps]
    return part


def _rows(call: Call) -> int:
    return int(call.outputs[0].shape[0])


def _of_rows(call: Call) -> list[Description]:
    """The arrays of a call by rows that hold something for each example."""
    assert call.function is not None
    pairs = [
        *zip(call.function.inputs, call.inputs, strict=True),
        *zip(call.function.outputs, call.outputs, strict=True),
    ]
    found = [x for p, x in pairs if x is not None and p.dims[0] == "n.."]
    return found + [x for _, x, _ in call.steps if x is not None]


def _by_row(call: Call) -> bool:
    """Can each block of examples be worked out by itself, with the same bits?"""
    if call.name not in _BY_ROW or call.adds or any(f.name not in _BY_ROW for f, _, _ in call.steps):
        return False
    if any(x is None for x in call.outputs) or work(call) >= LARGE:
        return False
    if (
        call.name in ("dense", "dense_backward")
        and call.sizes["m" if call.name == "dense" else "k"] > _MOST_SUM
    ):
        return False
    n = _rows(call)
    return n >= 2 * _FEWEST_ROWS and all(x.ndim and x.shape[0] == n for x in _of_rows(call))


def _ends_here(call: Call) -> bool:
    """Small calls whose results lie outside the arena, as weight gradients do: they may wait."""
    outputs = descriptions(call.outputs)
    return not _alone(call) and bool(outputs) and all(x.storage.home is not None for x in outputs)


def abreast(call: Call) -> bool:
    """Recurrent calls with so few examples that each is the work of one thread."""
    return call.name in _RECURRENT and call.sizes["n"] <= _FEW


def _alone(call: Call) -> bool:
    """Large calls, Python code, and what changes arrays in place: an optimizer's range covers many places."""
    if call.function is None or call.function.updated:
        return True
    return work(call) >= LARGE and not abreast(call)


def _place(x: Description) -> object:
    home = x.storage.home
    return id(x.storage) if home is None else (home[0], home[1] + x.offset)
