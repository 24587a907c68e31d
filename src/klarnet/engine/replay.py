"""Replay: a plan made ready to run, and the memory it runs in.

Runs of native functions are one call into the library each; everything else (a page without a native form, a layer
in plain NumPy, the whole plan on the formulas engine) is a Python entry that works on views of the same memory.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from itertools import groupby
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from . import native, pages
from .arrays import Description, aligned
from .context import State
from .plan import ARENA, Plan
from .records import encode, side_by_side
from .trace import Call
from .waves import MOST, WORTH, blocks_of, work

BUFFERS = 512


class Memory:
    """The buffers a plan's addresses speak of, by number. One for each thread that runs plans of a network."""

    def __init__(self) -> None:
        self.bases = (ctypes.c_uint64 * BUFFERS)()
        self.arrays: list[Any] = [None] * BUFFERS
        self.views: WeakKeyDictionary[Entry, Any] = WeakKeyDictionary()  # what Python entries look at

    def set(self, number: int, array: np.ndarray) -> None:
        """Let buffer `number` be this C-contiguous array, whose owner is kept alive here."""
        self.arrays[number] = array
        self.bases[number] = array.ctypes.data

    def arena(self, nbytes: int) -> None:
        """Let the arena hold at least this much. It only grows, and all plans share it."""
        if self.arrays[ARENA] is None or self.arrays[ARENA].nbytes < nbytes:
            self.views.clear()  # they would keep the former arena
            self.set(ARENA, aligned(nbytes))

    def view(self, x: Description) -> np.ndarray:
        """The array a placed description stands for."""
        buffer, offset = x.storage.home  # type: ignore[misc]
        start = offset + x.offset
        if buffer == 0:  # an address: the array is the execution's own
            memory: Any = (ctypes.c_ubyte * x.nbytes).from_address(start)
            return np.frombuffer(memory, x.dtype).reshape(x.shape)
        raw = self.arrays[buffer].reshape(-1).view(np.uint8)
        return raw[start : start + x.nbytes].view(x.dtype).reshape(x.shape)


def _address(x: Description) -> int:
    buffer, offset = x.storage.home  # type: ignore[misc]
    return (buffer << 48 | offset + x.offset) if x.nbytes else 0


def _native(call: Call) -> bool:
    """Can this call be a record? Float32, and a kernel is there."""
    if call.function is None or not native.has(call.function.name):
        return False
    arrays = [
        x
        for p, xs in zip(
            (*call.function.inputs, *call.function.outputs), (*call.inputs, *call.outputs), strict=True
        )
        if p.kind == "float" and xs is not None
        for x in (xs if p.many else (xs,))
        if x is not None
    ]
    return all(x.dtype == np.float32 for x in arrays)


def _record(call: Call) -> list[int]:
    return encode(
        call.function,  # type: ignore[arg-type]
        call.inputs,
        call.outputs,
        call.scalars,
        call.sizes,
        _address,
        adds=sorted(call.adds),
        steps=call.steps,
    )


def _entry(call: Call, engine: str) -> Entry:
    if engine == "native" and call.function is not None and not native.has(call.name):
        native._notice(call.name)
    return Entry(call)


class Entry:
    """A Python entry: calls a page (with its finishing steps) or a layer's own code on views of the memory."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self._buffers = sorted(
            {x.storage.home[0] for x in [*call.reads(), *call.writes()] if x.storage.home is not None}
        )

    def _bound(self, memory: Memory) -> tuple[Any, Any, Any]:
        bases = tuple(memory.bases[b] for b in self._buffers)
        views = memory.views.get(self)
        if views is None or views[0] != bases:

            def look(x: Any) -> Any:
                return None if x is None else tuple(map(look, x)) if isinstance(x, tuple) else memory.view(x)

            call = self.call
            views = memory.views[self] = (
                bases,
                [look(x) for x in call.inputs],
                [look(x) for x in call.outputs],
                [look(operand) for _, operand, _ in call.steps],
            )
        return views[1:]

    def run(self, memory: Memory, state: State) -> None:
        inputs, outputs, operands = self._bound(memory)
        call = self.call
        if call.function is None:
            values = call.run(*inputs)  # type: ignore[misc]
        else:
            values = pages.run(call.function, inputs, call.scalars, state)
            for (function, _, scalars), operand in zip(call.steps, operands, strict=True):
                values = (pages.step(function, values[0], operand, scalars, state), *values[1:])
        for i, (target, value) in enumerate(zip(outputs, values, strict=True)):
            if target is None:
                continue
            if isinstance(target, tuple):
                for t, v in zip(target, value, strict=True):
                    if t is not None:
                        t[...] = v
            elif i in call.adds:
                target += value
            else:
                target[...] = value.reshape(target.shape) if call.steps else value


class Replay:
    """A plan ready to run: words and segments. It holds no call objects for what is native."""

    def __init__(self, plan: Plan, engine: str) -> None:
        self._words: list[int] = []
        self.nodes: dict[int, tuple[str, int]] = {}  # position of a record -> (function, node)
        self.parts: list[list[Any]] = []  # segments: (first, last) or an Entry
        self.by_call: list[list[Any]] = []  # the segments of each call, for a profile
        self.arena_bytes, self.noted, self.joined = plan.arena_bytes, plan.noted, plan.joined
        self.functions = [c.name for c in plan.calls]
        marks = [(w, engine == "native" and _native(c)) for w, c in zip(plan.waves, plan.calls, strict=True)]
        borders = [*plan.parts, len(plan.calls)]
        for a, b in zip(borders, borders[1:], strict=False):
            segments: list[Any] = []
            for (wave, as_records), places in groupby(range(a, b), marks.__getitem__):
                calls = [plan.calls[i] for i in places]
                if not as_records:
                    entries = [_entry(call, engine) for call in calls]
                    segments += entries
                    self.by_call += [[entry] for entry in entries]
                    continue
                first = len(self._words)
                self._encode(calls, plan.blocks.get(wave))
                if segments and isinstance(segments[-1], tuple):
                    first = segments.pop()[0]
                segments.append((first, len(self._words)))
            self.parts.append(segments)
        self.words = np.array(self._words, np.int64)
        del self._words

    def _encode(self, calls: list[Call], blocks: int | None) -> None:
        """The records of a wave: a piece for each block of examples, or for each call."""
        cut = [[call] for call in calls] if blocks is None else [blocks_of(call, blocks) for call in calls]
        numbered = [[(i, part) for part in parts] for i, parts in enumerate(cut, len(self.by_call))]
        pieces = numbered if blocks is None else [list(piece) for piece in zip(*numbered, strict=True)]
        self.by_call += [[] for _ in calls]
        for some in [pieces[i : i + MOST] for i in range(0, len(pieces), MOST)]:
            records = [[(i, part, _record(part)) for i, part in piece] for piece in some]
            costs = sum(work(part) for piece in some for _, part in piece)
            if len(some) > 1 and costs >= WORTH:
                lengths = [sum(len(record) for _, _, record in piece) for piece in records]
                self._words.extend(side_by_side(lengths, costs // len(some)))
            for i, part, record in (r for piece in records for r in piece):
                start = len(self._words)
                self.nodes[start] = (part.name, part.node)
                self._words.extend(record)
                self.by_call[i].append((start, len(self._words)))

    @property
    def nbytes(self) -> int:
        return self.words.nbytes + 64 * len(self.nodes)

    @property
    def entries_into_c(self) -> int:
        """How many calls into the library one run of the whole plan makes."""
        return sum(isinstance(s, tuple) for s in joined([s for part in self.parts for s in part]))

    def bind(
        self, memory: Memory, state: State, parts: Sequence[int] | None = None, *, constant: int = 0
    ) -> Bound:
        """The segments of these parts (all of them by default) ready for this memory and state block.

        constant   number of a buffer whose contents never change: what is packed from it is kept from run to run
        """
        chosen = range(len(self.parts)) if parts is None else parts
        return Bound(self, [s for p in chosen for s in self.parts[p]], memory, state, constant)


def joined(segments: list[Any]) -> list[Any]:
    """Runs of records that follow each other are one: two parts run together are one call into the library."""
    found: list[Any] = []
    for s in segments:
        if isinstance(s, tuple) and found and isinstance(found[-1], tuple) and found[-1][1] == s[0]:
            found[-1] = (found[-1][0], s[1])
        else:
            found.append(s)
    return found


class Bound:
    """Segments with their buffers: `run()` is all that a step costs."""

    def __init__(
        self, replay: Replay, segments: list[Any], memory: Memory, state: State, constant: int = 0
    ) -> None:
        memory.arena(replay.arena_bytes)
        self.replay, self.memory, self.state = replay, memory, state
        self.keep = native.Keep() if constant else None
        self.jobs: list[Any] = []
        for s in joined(segments):
            if isinstance(s, tuple):
                job = native.Job(
                    replay.words.ctypes.data,
                    s[0],
                    s[1],
                    ctypes.addressof(memory.bases),
                    ctypes.addressof(state),
                    None if self.keep is None else self.keep.handle,
                    constant,
                )
                self.jobs.append(ctypes.byref(job))
            else:
                self.jobs.append(s)
        self.single = self.jobs[0] if len(self.jobs) == 1 and not isinstance(self.jobs[0], Entry) else None
        self.native_run = native.library().kn_run if native.library() is not None else None

    def run(self) -> None:
        """Run it. Raises pages.Refused, with the node, where a function refused a value."""
        if self.single is not None:
            at = self.native_run(self.single)  # type: ignore[misc]
            if at != -1:
                raise self._refused(at)
            return
        for job in self.jobs:
            if isinstance(job, Entry):
                try:
                    job.run(self.memory, self.state)
                except pages.Refused as error:
                    error.node = job.call.node
                    raise
                except ValueError as error:
                    refused = pages.Refused(str(error))
                    refused.node = job.call.node
                    raise refused from error
            else:
                at = self.native_run(job)  # type: ignore[misc]
                if at != -1:
                    raise self._refused(at)

    def _refused(self, at: int) -> pages.Refused:
        name, node = self.replay.nodes[at]
        error = native.refusal(name, self.state)
        error.node = node
        return error
