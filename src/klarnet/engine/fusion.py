"""Fusion: an elementwise call becomes the finishing step of the call that makes its input.

A carrier (dense, conv2d and their backward passes: rows with `finish`) applies up to four steps to its output before
it is stored, so the array is not read and written once more. There is no function for any pair: any carrier takes
any step, and a test of all pairs holds fused and plain calls to the same bits.
"""

from __future__ import annotations

from .arrays import Description, Storage
from .trace import Call

MOST_STEPS = 4


def fuse(calls: list[Call], results: set[int]) -> list[Call]:
    """Join what can be joined; `results` are the storages (by id) that are read after the run."""
    readers: dict[int, int] = {}
    for call in calls:
        for x in call.reads():
            readers[id(x.storage)] = readers.get(id(x.storage), 0) + 1
    carriers: dict[int, tuple[int, Call]] = {}  # id of the storage a carrier's output lies in -> carrier
    made: dict[int, int] = {}  # id of a storage -> when the call that makes it runs
    kept: list[Call] = []
    for time, call in enumerate(calls):
        carrier = _carrier_of(call, carriers, readers, made, results)
        if carrier is not None:
            at, join = carrier
            operands = [x for x in call.inputs if x.storage is not join.outputs[0].storage]
            join.steps.append((call.function, operands[0] if operands else None, call.scalars))  # type: ignore[arg-type]
            join.outputs[0] = call.outputs[0]
            carriers[id(call.outputs[0].storage)] = (at, join)
            made[id(call.outputs[0].storage)] = at
            continue
        kept.append(call)
        for x in call.writes():
            made[id(x.storage)] = time
        if call.function is not None and call.function.finish and not call.adds:
            carriers[id(call.outputs[0].storage)] = (time, call)
    return kept


def _carrier_of(
    call: Call,
    carriers: dict[int, tuple[int, Call]],
    readers: dict[int, int],
    made: dict[int, int],
    results: set[int],
) -> tuple[int, Call] | None:
    """The carrier that `call` can become a step of, with the time at which it runs."""
    function = call.function
    if function is None or not function.step or call.adds or call.outputs[0] is None:
        return None
    chains = call.inputs[:1] if function.name != "add" else call.inputs  # a + b = b + a
    for i, chain in enumerate(chains):
        found = carriers.get(id(chain.storage))
        if found is None or readers[id(chain.storage)] != 1 or id(chain.storage) in results:
            continue
        time, carrier = found
        others = [x for j, x in enumerate(call.inputs) if j != i]
        if (
            len(carrier.steps) < MOST_STEPS
            and chain.whole
            and chain.storage.home is None
            and all(_ready(x, chain.storage, made, time) for x in others)
        ):
            return found
    return None


def _ready(operand: Description, chain: Storage, made: dict[int, int], time: int) -> bool:
    """Is the other operand of a step there before the carrier runs?"""
    return operand.storage is not chain and made.get(id(operand.storage), -1) < time
