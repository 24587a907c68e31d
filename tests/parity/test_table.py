"""Every native function against its formula: one test that walks the table.

For each row inputs are drawn (rules.py), and the kernel is held against the page: in every instruction set the library
has, with one thread and with two, with every optional array missing, every optional output unread, every accumulation,
every output in the memory of an input that the row names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawing import Drawing, at_random
from hypothesis import given
from hypothesis import strategies as st
from records import Answer, assert_near, assert_same, by_page, natively, same_bits
from rules import RULES

from klarnet.engine import State, native, pages
from klarnet.engine.table import FUNCTIONS, Function

KERNELS = Path(__file__).resolve().parents[2] / "native" / "kernels"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_agrees_with_its_page(name: str, as_found: Any) -> None:
    assert name in RULES, f"{name} is a new row: tests/parity/rules.py needs a rule that draws its inputs"
    if not native.has(name):
        pytest.skip(f"{name} has no native form in this build")

    @given(st.data())
    def drawn(data: st.DataObject) -> None:
        check(as_found, name, Drawing(lambda options: data.draw(st.sampled_from(options))))

    drawn()
    for seed in range(3):
        check(as_found, name, at_random(seed, large=True))


def check(library: Any, name: str, drawing: Drawing) -> None:
    function, case = FUNCTIONS[name], RULES[name](drawing)
    scalars = {s.name: case.scalars[s.name] for s in function.scalars}
    for missing in subsets(p.name for p in function.inputs if p.optional):
        if not case.valid(missing):
            continue
        named = case.without(missing)
        arrays = [named[p.name] for p in function.inputs]
        wanted = by_page(function, arrays, scalars, np.float64)
        for isa in library.kn_isas().split():
            assert library.kn_set_isa(isa)
            what = f"{name} ({isa.decode()}) without {sorted(missing) or 'nothing'}, {scalars}"
            library.kn_set_threads(1)
            got = natively(function, arrays, scalars, shift=drawing.shift)
            assert_near(got, wanted, case.bound, case.scales, what)
            forms(function, arrays, scalars, got, drawing.shift, what)
            library.kn_set_threads(2)
            assert_same(
                got, natively(function, arrays, scalars), f"{what}: one thread and two, other alignment"
            )


def forms(
    function: Function, arrays: list[Any], scalars: dict[str, Any], plain: Answer, shift: int, what: str
) -> None:
    """Unread outputs, accumulations and shared memory change no bit."""
    for unread in unread_outputs(function, scalars):
        got = natively(function, arrays, scalars, unread=unread, shift=shift)
        assert_same(got, plain, f"{what}: with {sorted(map(str, unread))} unread")
    adding = [p.name for p in function.outputs if p.adds]
    optional = {p.name for p in function.outputs if p.optional}
    for added in subsets(adding):
        for unread in subsets(optional - added):
            held = {
                n: np.full_like(plain.outputs[n], 0.37) - plain.outputs[n] * np.float32(0.9) for n in added
            }
            got = natively(function, arrays, scalars, old=held, unread=unread, shift=shift)
            for n in set(adding) - unread:
                right = held[n] + plain.outputs[n] if n in added else plain.outputs[n]
                assert same_bits(got.outputs[n], right), (
                    f"{what}: {n} when added to {sorted(added)}, {unread} unread"
                )
    for output, source in function.in_place:
        got = natively(function, arrays, scalars, in_place=(output, source), shift=shift)
        assert_same(got, plain, f"{what}: {output} in the memory of {source}")


def unread_outputs(function: Function, scalars: dict[str, Any]) -> Iterator[set[Any]]:
    for p in function.outputs:
        if p.many:
            every = [(p.name, i) for i in range(len(scalars["widths"]))]
            yield from ({one} for one in every)
            yield set(every)
    yield from (s for s in subsets(p.name for p in function.outputs if p.optional) if s)


def subsets(names: Any) -> Iterator[set[str]]:
    names = list(names)
    for count in range(len(names) + 1):
        yield from map(set, combinations(names, count))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_eager_call_is_the_same_record(name: str, library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the engine calls on arrays goes the native way, and gives the bits of a record with absolute addresses."""
    if not native.has(name):
        pytest.skip(f"{name} has no native form in this build")
    case = RULES[name](at_random(7))
    function = FUNCTIONS[name]
    missing = next(m for m in subsets(p.name for p in function.inputs if p.optional) if case.valid(m))
    arrays = [case.without(missing)[p.name] for p in function.inputs]
    scalars = {s.name: case.scalars[s.name] for s in function.scalars}
    wanted = natively(function, arrays, scalars)
    monkeypatch.setattr(pages, "run", None)
    given = [a.copy() if p.updated else a for p, a in zip(function.inputs, arrays, strict=True)]
    outputs = native.call(function, given, scalars, State(0.05, 3, 0x1234_5678_9ABC_DEF0))
    got = Answer(
        {p.name: v for p, v in zip(function.outputs, outputs, strict=True)},
        {p.name: a for p, a in zip(function.inputs, given, strict=True) if p.updated},
    )
    assert_same(got, wanted, name)


def test_the_library_holds_every_kernel_that_was_written(library: Any) -> None:
    """Whatever native/kernels defines is in the library; and nothing is left to its formula once all is written."""
    text = "\n".join(path.read_text() for path in KERNELS.glob("*.cpp"))
    written = {n for n in FUNCTIONS if re.search(rf"^void {n}\(const args::", text, re.MULTILINE)}
    assert written, f"no kernels found in {KERNELS}"
    absent = sorted(n for n in written if not native.has(n))
    assert not absent, f"the library {library._name} is older than its sources, build it again: {absent}"
    rest = sorted(set(FUNCTIONS) - written)
    if rest:
        pytest.skip(f"no kernel is written yet for {', '.join(rest)}")
