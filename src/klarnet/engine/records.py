"""From a call to a record: the int64 words that the native engine runs.

    number | length << 16 | addresses << 32 | entries << 48
    addresses of inputs and outputs: buffer << 48 | offset; buffer 0 is absolute, 0 alone is "not there"
    sizes in the order of the row's letters, scalars (doubles by their bits), [add], [count, entries of four words]

Once its addresses are filled in, what follows the first word is the C structure of the row.

    0xffff | (2 + n) << 16 | n << 32,  work,  n lengths

says that the records behind it are n pieces of these lengths, which may run at the same time, and how long one takes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

from .row import Function, Scalar, flat
from .table import FUNCTIONS

NONE = -(2**63)  # an int scalar that is None
_CODES = {f.name: f.number for f in FUNCTIONS.values()}
SIDE_BY_SIDE = 0xFFFF  # no function has this number
_double = struct.Struct("<d")
_int64 = struct.Struct("<q")


def _bits(value: float) -> int:
    return int(_int64.unpack(_double.pack(value))[0])


def _scalar(s: Scalar, value: Any) -> list[int]:
    values = list(flat(value)) if s.listed else [value]
    if len(values) != s.count:
        raise ValueError(f"scalar {s.name}: expected {s.count} numbers, got {len(values)}")
    if s.kind == "float":
        return [_bits(float(v)) for v in values]
    return [NONE if v is None else int(v) for v in values]


def encode(
    function: Function,
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    scalars: dict[str, Any],
    sizes: dict[str, int],
    address: Callable[[Any], int],
    *,
    adds: Sequence[int] = (),
    steps: Sequence[tuple[Function, Any, dict[str, Any]]] = (),
) -> list[int]:
    """The words of one call; `address` gives the word for an array or description, 0 for None."""
    heads: list[int] = []
    entries: list[list[int]] = []
    for p, x in zip((*function.inputs, *function.outputs), (*inputs, *outputs), strict=True):
        if not p.many:
            heads.append(0 if x is None else address(x))
            continue
        for i, item in enumerate(x):
            width = item.shape[-1] if item is not None else scalars["widths"][i]
            entries.append([0 if item is None else address(item), width, 0, 0])
    words = [0, *heads, *(sizes[letter] for letter in function.letters)]
    for s in function.scalars:
        if s.count and s.name not in function.letters:
            words.extend(_scalar(s, scalars[s.name]))
    if any(p.adds for p in function.outputs):
        words.append(sum(1 << i for i in adds))
    for step, operand, given in steps:
        numbers = [w for s in step.scalars for w in _scalar(s, given[s.name])]
        entries.append(
            [0 if operand is None else address(operand), _CODES[step.name], *(numbers + [0, 0])[:2]]
        )
    if function.finish or function.many:
        words.append(len(entries))
        for entry in entries:
            words.extend(entry)
    words[0] = function.number | len(words) << 16 | len(heads) << 32 | len(entries) << 48
    return words


def side_by_side(lengths: Sequence[int], work: int) -> list[int]:
    """The words before pieces of these lengths that may run at the same time, each of about `work` operations."""
    return [SIDE_BY_SIDE | (2 + len(lengths)) << 16 | len(lengths) << 32, work, *lengths]
