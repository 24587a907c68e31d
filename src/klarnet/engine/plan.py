"""From the list of a trace to a plan: what is dropped, joined and moved, and where every array lies.

    noted calls -> make once what is asked for twice -> drop what nobody reads
                -> masks of relu before pooled gradients are spread (exchange.py) -> fuse
                -> weight gradients as soon as their inputs exist -> small calls side by side (waves.py)
                -> outputs over inputs where the row allows it -> first fit into one arena by lifetime

Everything here is O(n) in the calls, knows no numbers and runs once for each shape of batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .arrays import Description, Storage
from .exchange import mask_before_spreading
from .fusion import fuse
from .trace import Call, Trace, descriptions
from .waves import Waves, abreast

ARENA = 1  # number of the arena among a plan's buffers
_LINE = 64


@dataclass
class Plan:
    """Calls in the order in which they run, every storage with a home; `parts` begin at these positions.

    Calls of the same wave do not need each other and share no memory that one of them writes; but where `blocks` has
    the wave, each block of examples goes through its calls in their order, without regard to the other blocks.
    """

    calls: list[Call]
    waves: list[int]
    parts: list[int]
    arena_bytes: int
    noted: int  # how many calls the trace held
    joined: list[str] = field(default_factory=list)  # "dense + relu", for the summary
    blocks: dict[int, int] = field(default_factory=dict)  # wave -> into how many blocks of examples it is cut


def make_plan(trace: Trace, *, optimise: bool = True) -> Plan:
    """Turn a trace into a plan. `optimise=False` keeps every call and array as noted, for tests and comparison."""
    noted = len(trace.calls)
    borders = [*trace.parts, noted]
    parts = [trace.calls[a:b] for a, b in zip([0, *borders], borders, strict=False)]
    if optimise:
        parts = _share_repeated(parts)
        parts = _drop_unread(parts, trace.results)
        parts = [mask_before_spreading(part) for part in parts]
        parts = [_gradients_early(fuse(part, trace.results)) for part in parts]
    waves: list[int] = []
    blocks: dict[int, int] = {}
    for i, part in enumerate(parts):
        if optimise and i == 0:  # the gradients only: what updates the weights speaks of whole ranges of them
            found = Waves(part)
            parts[i], waves, blocks = found.calls, found.numbers, found.blocks
        else:
            waves += range(len(waves), len(waves) + len(part))
    calls = [call for part in parts for call in part]
    starts = [0]
    for part in parts[:-1]:
        starts.append(starts[-1] + len(part))
    if optimise:
        _in_place(calls, waves)
    arena = _place(calls, waves, reuse=optimise)
    joined = [" + ".join([c.name, *(f.name for f, _, _ in c.steps)]) for c in calls if c.steps]
    return Plan(calls, waves, starts, arena, noted, joined, blocks)


def _share_repeated(parts: list[list[Call]]) -> list[list[Call]]:
    """A call that repeats an earlier one on the same arrays falls away (unpooling asks for the pooling's index once
    more): what reads its outputs reads the earlier one's."""
    seen: dict[object, Call] = {}
    same: dict[int, Storage] = {}  # storage of a repetition -> storage of the first
    changed: set[int] = set()  # buffers with a home that a call before this one has written to
    kept: list[list[Call]] = []
    for part in parts:
        stay: list[Call] = []
        for call in part:
            for x in descriptions(call.inputs):
                x.storage = same.get(id(x.storage), x.storage)
            outputs = descriptions(call.outputs)
            key = _repeatable(call, changed)
            first = seen.setdefault(key, call) if key is not None else call
            if first is not call:
                earlier = descriptions(first.outputs)
                same.update({id(x.storage): y.storage for x, y in zip(outputs, earlier, strict=True)})
                continue
            stay.append(call)
            changed.update(id(x.storage) for x in call.writes() if x.storage.home is not None)
        kept.append(stay)
    return kept


def _repeatable(call: Call, changed: set[int]) -> object:
    """What two calls must have in common to give the same; None for a call that is not to be shared."""
    function = call.function
    if function is None or function.state or function.updated or call.adds:
        return None
    reads = descriptions(call.inputs)
    if any(x.storage.home is not None for x in descriptions(call.outputs)) or any(
        id(x.storage) in changed for x in reads
    ):
        return None
    places = tuple((id(x.storage), x.offset, x.shape) if x is not None else None for x in _flat(call.inputs))
    return call.name, places, tuple(call.scalars.items())


def _flat(items: Sequence[Any]) -> list[Description | None]:
    return [x for item in items for x in (item if isinstance(item, (tuple, list)) else (item,))]


def _drop_unread(parts: list[list[Call]], results: set[int]) -> list[list[Call]]:
    """Keep what leads to something outside the arena; an optional output that nobody reads is not made."""
    live = set(results)
    kept: list[list[Call]] = []
    for part in reversed(parts):
        stay: list[Call] = []
        for call in reversed(part):
            outputs = descriptions(call.outputs)
            root = any(x.storage.home is not None or id(x.storage) in live for x in outputs) or (
                call.function is not None and bool(call.function.updated)
            )
            if not root and not (call.function is None and not outputs):
                continue
            if call.function is not None:
                for i, p in enumerate(call.function.outputs):
                    x = call.outputs[i]
                    if p.optional and x is not None and x.storage.home is None and id(x.storage) not in live:
                        call.outputs[i] = None
                    elif p.many:
                        call.outputs[i] = tuple(
                            y if y.storage.home is not None or id(y.storage) in live else None for y in x
                        )
            live.update(id(x.storage) for x in call.reads())
            stay.append(call)
        kept.insert(0, stay[::-1])
    return kept


def _gradients_early(calls: list[Call]) -> list[Call]:
    """Run a call that only writes outside the arena as soon as its inputs are there.

    Left where layer code puts them (behind the layer's backward pass) weight gradients would keep X, dY and dX alive
    at once. Calls on the same target keep their order.
    """
    made: dict[int, int] = {}  # storage -> position of the call that makes it
    last_on: dict[tuple[int, int], int] = {}  # target -> position of the call that wrote it last
    order: list[tuple[int, int]] = []
    for position, call in enumerate(calls):
        outputs = descriptions(call.outputs)
        homes = [
            (x.storage.home[0], x.storage.home[1] + x.offset) for x in outputs if x.storage.home is not None
        ]
        moves = (
            call.function is not None and not call.function.updated and outputs and len(homes) == len(outputs)
        )
        slot = position
        if moves:
            slot = max(
                [made.get(id(x.storage), -1) for x in call.reads()]
                + [last_on.get(home, -1) for home in homes]
                + [-1]
            )
            while 0 <= slot < position - 1 and abreast(calls[slot]) and abreast(calls[slot + 1]):
                slot += 1  # both directions of a recurrent layer first: they run side by side
        for x in call.writes():  # what is updated in place, too: a norm waits for the clipping before it
            made[id(x.storage)] = slot
        for home in homes:
            last_on[home] = slot
        order.append((slot, position))
    return [calls[position] for _, position in sorted(order)]


def _lifetimes(calls: list[Call], waves: list[int]) -> dict[int, list[int]]:
    """First and last wave in which a storage without a home is touched."""
    lives: dict[int, list[int]] = {}
    for wave, call in zip(waves, calls, strict=True):
        for x in [*call.reads(), *descriptions(call.outputs)]:
            if x.storage.home is None:
                lives.setdefault(id(x.storage), [wave, wave])[1] = wave
    return lives


def _in_place(calls: list[Call], waves: list[int]) -> None:
    """Let an output take over the memory of an input that nobody else reads then or later, where the row says it may.

    The operand of a finishing step may always be taken over: a carrier stores an element of its output after the steps
    have read theirs. So a backward pass with the mask of a relu writes dX over the mask.
    """
    lives = _lifetimes(calls, waves)
    standing: dict[int, list[Description]] = {}  # storage -> every description that stands in it
    last_readers: dict[int, int] = {}  # storage -> how often it is read in its last wave
    for wave, call in zip(waves, calls, strict=True):
        for x in call.reads():
            if x.storage.home is None and lives[id(x.storage)][1] == wave:
                last_readers[id(x.storage)] = last_readers.get(id(x.storage), 0) + 1
        for x in [*call.reads(), *descriptions(call.outputs)]:
            standing.setdefault(id(x.storage), []).append(x)
    for wave, call in zip(waves, calls, strict=True):
        for y, x in _takeovers(call):
            if (
                y.storage.home is None
                and x.storage.home is None
                and lives[id(x.storage)][1] == wave
                and x.whole
                and y.whole
                and x.nbytes == y.nbytes
                and last_readers[id(x.storage)] == 1
            ):
                lives[id(x.storage)][1] = lives[id(y.storage)][1]
                last_readers[id(x.storage)] = last_readers.get(id(y.storage), 0)
                moved = standing.pop(id(y.storage))
                for other in moved:
                    other.storage = x.storage
                standing[id(x.storage)] += moved
                break


def _takeovers(call: Call) -> list[tuple[Description, Description]]:
    """Outputs of a call, each with an array whose memory it may take over."""
    function = call.function
    if function is None or call.adds:
        return []
    if call.steps:
        return [(call.outputs[0], operand) for _, operand, _ in call.steps if operand is not None]
    inputs = {p.name: x for p, x in zip(function.inputs, call.inputs, strict=True)}
    outputs = {p.name: y for p, y in zip(function.outputs, call.outputs, strict=True)}
    pairs = [(outputs[target], inputs[source]) for target, source in function.in_place]
    return [(y, x) for y, x in pairs if y is not None and x is not None]


def _place(calls: list[Call], waves: list[int], *, reuse: bool) -> int:
    """First fit in order of the waves over a list of gaps, the tightest gap first; returns the bytes of the arena."""
    storages: dict[int, Storage] = {}
    for call in calls:
        for x in [*call.reads(), *descriptions(call.outputs)]:
            if x.storage.home is None:
                storages[id(x.storage)] = x.storage
    lives = _lifetimes(calls, waves)
    gaps: list[tuple[int, int]] = []  # (offset, length), by offset
    ends: dict[int, list[tuple[int, int]]] = {}  # wave -> what becomes free behind it
    top = 0
    begins: dict[int, list[Storage]] = {}
    for key, storage in storages.items():
        begins.setdefault(lives[key][0], []).append(storage)
    for wave in range(waves[-1] + 1 if waves else 0):
        for storage in begins.get(wave, ()):
            size = max(_LINE, -(-storage.nbytes // _LINE) * _LINE)
            fitting = min((g for g in gaps if g[1] >= size), key=lambda g: g[1], default=None)
            if fitting is None:
                if gaps and gaps[-1][0] + gaps[-1][1] == top:  # grow the gap at the end
                    offset, _ = gaps.pop()
                else:
                    offset = top
                top = offset + size
            else:
                gaps.remove(fitting)
                offset = fitting[0]
                if fitting[1] > size:
                    _insert(gaps, offset + size, fitting[1] - size)
            storage.home = (ARENA, offset)
            if reuse:
                ends.setdefault(lives[id(storage)][1], []).append((offset, size))
        for offset, size in ends.get(wave, ()):
            _insert(gaps, offset, size)
    return top


def _insert(gaps: list[tuple[int, int]], offset: int, size: int) -> None:
    """Put a gap back, joined with its neighbours."""
    at = next((i for i, g in enumerate(gaps) if g[0] > offset), len(gaps))
    if at < len(gaps) and offset + size == gaps[at][0]:
        size += gaps.pop(at)[1]
    if at > 0 and gaps[at - 1][0] + gaps[at - 1][1] == offset:
        offset, before = gaps.pop(at - 1)
        size += before
        at -= 1
    gaps.insert(at, (offset, size))


def unplaced(calls: list[Call]) -> list[Description]:
    """Descriptions that the plan left without a home: always empty, looked at by the tests."""
    return [x for c in calls for x in [*c.reads(), *descriptions(c.outputs)] if x.storage.home is None]
