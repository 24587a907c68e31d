"""The table: how rows are read, what follows from their letters, what a shape error says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from klarnet.engine import FUNCTIONS, ShapeError, table
from klarnet.engine.row import Function, Parameter, Scalar

WINDOW = {"stride": (1, 1), "dilation": (1, 1), "padding": ((0, 0), (0, 0)), "groups": 1}
POOL = {"window": (2, 2), "stride": (2, 2), "padding": ((0, 0), (0, 0))}


def derive(name: str, *shapes: Any, **scalars: Any) -> Any:
    return FUNCTIONS[name].derive(shapes, scalars)


def test_marks_of_a_parameter() -> None:
    p = Parameter("?+int:X[n..,4k]")
    assert (p.name, p.kind, p.dims) == ("X", "int", ("n..", "4k"))
    assert p.optional and p.adds and not p.updated and not p.many
    assert Parameter("!W[p]").updated and Parameter("*Xs[n..,*]").many
    assert Parameter("X[n]").kind == "float"


@pytest.mark.parametrize("text", ["X", "X[n", "[n]", "-X[n]", "int X[n]"])
def test_a_parameter_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ValueError, match="cannot read"):
        Parameter(text)


def test_scalars() -> None:
    assert (Scalar("float rate").kind, Scalar("float rate").count, Scalar("float rate").listed) == (
        "float",
        1,
        False,
    )
    assert (Scalar(" int padding[4]").count, Scalar("int widths[*]").count) == (4, 0)
    with pytest.raises(ValueError, match="cannot read"):
        Scalar("rate")


def test_letters_stand_in_the_order_of_the_row() -> None:
    assert FUNCTIONS["conv2d"].letters == ("n", "h", "w", "c", "p", "q", "d", "k", "i", "j")
    assert FUNCTIONS["lstm"].letters == ("n", "t", "k")
    assert FUNCTIONS["concat"].letters == ("n", "k")


@pytest.mark.parametrize("f", FUNCTIONS.values(), ids=lambda f: f.name)
def test_every_row_is_sound(f: Function) -> None:
    names = (
        [p.name for p in f.inputs]
        + [p.name for p in f.outputs]
        + [s.name for s in f.scalars if s.name not in f.letters]
    )
    assert len(set(names)) == len(names), "a name stands twice"
    assert not any(p.adds for p in f.inputs) and not any(p.updated for p in f.outputs)
    assert sum(p.many for p in (*f.inputs, *f.outputs)) <= 1
    by_name = {p.name: p for p in (*f.inputs, *f.outputs)}
    for output, source in f.in_place:
        o, s = by_name[output], by_name[source]
        assert o in f.outputs and s in f.inputs and not s.optional and (o.dims, o.kind) == (s.dims, s.kind)
    if f.finish:
        assert not f.outputs[0].adds and not f.outputs[0].optional and f.outputs[0].kind == "float"
    if f.step:
        assert f.outputs[0].dims == f.inputs[0].dims and len(f.inputs) <= 2
        assert all(p.dims == f.inputs[0].dims and p.kind == "float" for p in f.inputs)
        assert sum(s.count for s in f.scalars) <= 2, "an entry has room for two scalars"
    assert set(f.state) <= {"learning_rate", "step", "seed"}
    assert list(FUNCTIONS.values())[f.number] is f


FIT: list[tuple[Any, ...]] = [
    ("dense", [(5, 3), (3, 4), (4,)], {}, {"n": 5, "m": 3, "k": 4}, [(5, 4)]),
    ("dense", [(2, 7, 3), (3, 4), None], {}, {"n": 14}, [(2, 7, 4)]),
    ("dense", [(3,), (3, 4), None], {}, {"n": 1}, [(4,)]),
    ("dense", [(0, 3), (3, 4), None], {}, {"n": 0}, [(0, 4)]),
    ("dense_gradients", [(2, 7, 3), (2, 7, 4)], {}, {"n": 14}, [(3, 4), (4,)]),
    ("relu", [(2, 3, 4)], {}, {"n": 24}, [(2, 3, 4)]),
    ("conv2d", [(2, 9, 8, 4), (3, 2, 4, 6), None], WINDOW | {"stride": (2, 3)}, {"i": 4, "j": 3}, [(2, 4, 3, 6)]),
    ("conv2d", [(1, 5, 5, 4), (3, 3, 2, 6), None], WINDOW | {"dilation": (2, 1), "groups": 2}, {"c": 4,
     "d": 2}, [(1, 1, 3, 6)]),
    ("conv2d_backward", [(2, 4, 3, 6), (3, 2, 4, 6)], WINDOW | {"stride": (2, 3), "h": 10, "w": 8},
     {"c": 4}, [(2, 10, 8, 4)]),
    ("conv2d_gradients", [(2, 9, 8, 4), (2, 7, 6, 6)], WINDOW | {"p": 3, "q": 3}, {"d": 4}, [(3, 3, 4, 6), (6,)]),
    ("max_pool2d", [(2, 5, 4, 3)], POOL, {"i": 2, "j": 2}, [(2, 2, 2, 3), (2, 2, 2, 3)]),
    ("max_pool2d_backward", [(2, 2, 2, 3), (2, 2, 2, 3)], POOL | {"h": 5, "w": 4}, {}, [(2, 5, 4, 3)]),
    ("global_average_backward", [(2, 3)], {"p": 7}, {"p": 7}, [(2, 7, 3)]),
    ("lstm", [(2, 7, 12), (3, 12), None, None, (2,), None], {"reverse": 0},
     {"k": 3}, [(2, 7, 3), (2, 7, 3), (2, 7, 12)]),
    ("concat", [((2, 5, 3), (2, 5, 4))], {"widths": (3, 4)}, {"n": 10, "k": 7}, [(2, 5, 7)]),
    ("split", [(2, 5, 7)], {"widths": (3, 4)}, {"n": 10}, [((2, 5, 3), (2, 5, 4))]),
    ("permute", [(2, 3, 4, 5, 6)], {"axes": (4, 0, 2, 1, 3)}, {"v": 6}, [(6, 2, 4, 3, 5)]),
    ("pad", [(2, 3, 4, 5)], {"padding": ((1, -1), (0, 2))}, {}, [(2, 3, 6, 5)]),
    ("softmax_cross_entropy", [(2, 3, 4), (2, 3), None, (4,)], {}, {"n": 6, "k": 4}, [(1,), (2, 3, 4), (1,)]),
    ("upsample2d", [(2, 3, 4, 5)], {"factor": (2, 3), "bilinear": 0}, {}, [(2, 6, 12, 5)]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "shapes", "scalars", "sizes", "outputs"), FIT)
def test_sizes_and_shapes(name: str, shapes: Any, scalars: Any, sizes: Any, outputs: Any) -> None:
    found, came = derive(name, *shapes, **scalars)
    assert list(came) == outputs
    assert sizes.items() <= found.items()


MISFIT: list[tuple[Any, ...]] = [
    ("dense", [(5, 3), (4, 4), None], {},
     r"dense: W does not fit; expected X\[n..,m\] W\[m,k\] b\[k\], got X \(5,3\), W \(4,4\), b none"),
    ("dense", [(5, 3), (3, 4), (5,)], {}, "dense: b does not fit"),
    ("dense", [(), (3, 4), None], {}, "dense: X does not fit"),
    ("dense", [(5, 3), None, None], {}, "dense: W is missing, expected W"),
    ("dense_gradients", [(2, 7, 3), (14, 4)], {}, "dY does not fit"),
    ("add", [(2, 3), (3, 2)], {}, "add: B does not fit"),
    ("conv2d", [(1, 4, 4, 1), (6, 6, 1, 2), None], WINDOW,
     r"a window of 6 does not fit into a height of 4 with padding 0 \+ 0"),
    ("conv2d", [(1, 5, 5, 1), (3, 3, 1, 2), None], WINDOW | {"dilation": (1, 3)},
     "a window of 7 does not fit into a width of 5"),
    ("conv2d", [(1, 5, 5, 3), (3, 3, 2, 2), None], WINDOW,
     "1 groups of filters over 2 channels give 2 outputs, but the input has 3 channels"),
    ("conv2d", [(1, 5, 5, 4), (3, 3, 2, 3), None], WINDOW | {"groups": 2}, "2 groups"),
    ("conv2d_backward", [(2, 4, 3, 6), (3, 2, 4, 6)], WINDOW | {"h": 10, "w": 8},
     "dY is 4x3, but these sizes give 8x7"),
    ("max_pool2d", [(1, 2, 2, 1)], POOL | {"window": (3, 3)}, "a window of 3 does not fit into a height of 2"),
    ("max_pool2d", [(1, 8, 8, 1)], POOL | {"padding": ((0, 2), (0, 0))},
     "a window of 2x2 would lie in the padding alone"),
    ("max_pool2d", [(1, 300, 300, 1)], POOL | {"window": (257, 256)}, "more than 65536 cells"),
    ("lstm", [(2, 7, 13), (3, 12), None, None, None, None], {"reverse": 0}, "lstm: Z does not fit"),
    ("lstm", [(2, 7, 12), (3, 12), None, None, (3,), None], {"reverse": 0}, "lstm: lengths does not fit"),
    ("concat", [()], {"widths": ()}, "Xs is empty"),
    ("concat", [((2, 3), (3, 3))], {"widths": (3, 3)}, "Xs does not fit"),
    ("split", [(2, 7)], {"widths": (3, 3)}, r"widths \(3, 3\) add up to 6, but the array has 7"),
    ("permute", [(1, 1, 1, 2, 3)], {"axes": (0, 1, 2, 3, 3)}, "no order of"),
    ("pad", [(2, 3, 4, 5)], {"padding": ((-2, -1), (0, 0))}, "leaves nothing"),
    ("pad", [(2, 3, 4, 5)], {"padding": ((-3, 3), (0, 0))}, "leaves nothing"),
    ("softmax_cross_entropy", [(2, 3), (3,), None, None], {}, "t does not fit"),
    ("upsample2d", [(2, 3, 4, 5)], {"factor": (0, 1), "bilinear": 0}, "factor"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "shapes", "scalars", "message"), MISFIT)
def test_a_shape_error_says_what_was_expected_and_what_came(
    name: str, shapes: Any, scalars: Any, message: str
) -> None:
    with pytest.raises(ShapeError, match=message) as caught:
        derive(name, *shapes, **scalars)
    assert str(caught.value).startswith(f"{name}: ") and "\n" not in str(caught.value)


def test_sizes_are_whole_numbers_of_any_length() -> None:
    """An unfolded convolution over a gigabyte: products of sizes never wrap at 32 bits."""
    sizes, (shape,) = derive("conv2d", (1, 8192, 8192, 4), (3, 3, 4, 9), None, **WINDOW)
    assert shape == (1, 8190, 8190, 9) and sizes["i"] * sizes["j"] * 9 * 4 > 2**31


def test_what_was_derived_is_remembered_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    f = Function(0, "twice", "X[n] -> Y[2n]")
    assert f.derive(((3,),), {}) is f.derive(((3,),), {})
    for n in range(2_010):
        f.derive(((n,),), {})
    assert len(f._derived) < 100


def test_the_build_can_run_the_table_without_the_package(tmp_path: Path) -> None:
    """The library does not exist yet when its header is written: the standard library must do."""
    command = [
        sys.executable,
        "-E",
        "-S",
        "-B",
        str(Path(table.__file__)),
        "--header",
        str(tmp_path / "waist.h"),
    ]
    subprocess.run(command, check=True, cwd=tmp_path)
    from klarnet.engine.generate import header

    assert (tmp_path / "waist.h").read_text() == header()
