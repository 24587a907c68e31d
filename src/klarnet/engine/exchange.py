"""The mask of a relu before a pooling: taken of the pooled map, which is smaller.

Backward through relu and max pooling, as layer code writes it, first spreads dY over the large map and then sets to
zero what relu cut off there:

    dX = relu_backward(max_pool2d_backward(dY, index), Y)

Spread is only to the places of the maxima, and the value of Y at such a place is the pooled value. So it is the same,
bit for bit and for overlapping windows too, to cut first and spread then:

    dX = max_pool2d_backward(relu_backward(dY, pooled), index)

That touches a quarter of the numbers, lets the mask finish the call that makes dY, and the large map Y, which is often
the largest array of a network, need not live until the backward pass.
"""

from __future__ import annotations

from typing import Any

from .arrays import Description
from .trace import Call, descriptions


def mask_before_spreading(calls: list[Call]) -> list[Call]:
    """Exchange every such pair of calls; the others stay as they are."""
    pooled: dict[int, Call] = {}  # storage of an index -> the pooling that made it
    spread: dict[
        int, tuple[int, Call]
    ] = {}  # storage -> the call that spread a gradient into it, and where it stands
    readers: dict[int, int] = {}
    for call in calls:
        for x in call.reads():
            readers[id(x.storage)] = readers.get(id(x.storage), 0) + 1
    changed = list(calls)
    for at, call in enumerate(calls):
        if call.name == "max_pool2d" and call.outputs[1] is not None:
            pooled[id(call.outputs[1].storage)] = call
        elif call.name == "max_pool2d_backward":
            spread[id(call.outputs[0].storage)] = (at, call)
        elif call.name == "relu_backward" and not call.adds:
            before, spreading = spread.get(id(call.inputs[0].storage), (0, None))
            pooling = pooled.get(id(spreading.inputs[1].storage)) if spreading is not None else None
            if spreading is None or pooling is None or not _exchangeable(pooling, spreading, call, readers):
                continue
            dY, index = spreading.inputs
            cut = Description(dY.shape, dY.dtype)
            changed[before] = _like(call, (dY, pooling.outputs[0]), cut)
            changed[at] = _like(spreading, (cut, index), call.outputs[0])
    return changed


def _like(call: Call, inputs: tuple[Any, ...], output: Description) -> Call:
    """The same function on other arrays."""
    assert call.function is not None
    sizes, _ = call.function.derive(tuple(x.shape for x in inputs), call.scalars)
    new = Call(call.function, None, inputs, [output], call.scalars, sizes, call.node)
    new.stage = call.stage
    return new


def _exchangeable(pooling: Call, spreading: Call, masking: Call, readers: dict[int, int]) -> bool:
    """Does the mask belong to the map that was pooled, and does nobody else read the spread gradient?"""
    X, Y, dX = pooling.inputs[0], masking.inputs[1], masking.inputs[0]
    return (
        X.storage is Y.storage
        and X.offset == Y.offset
        and X.size == Y.size
        and dX.whole
        and dX.storage.home is None
        and readers[id(dX.storage)] == 1
        and masking.outputs[0].shape == spreading.outputs[0].shape
        and all(x.whole for x in descriptions(pooling.outputs[:1]))
    )
