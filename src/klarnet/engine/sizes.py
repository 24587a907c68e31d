"""The shape rules that letters alone cannot say: what a window leaves of a map, what joined widths add up to."""

from __future__ import annotations

from typing import Any

try:
    from klarnet.engine.row import Function, Scalars, ShapeError, Sizes, flat
except ImportError:  # run by the build, where the package does not exist yet
    from row import Function, Scalars, ShapeError, Sizes, flat  # type: ignore[import-not-found,no-redef]


def _places(f: Function, size: int, window: int, stride: int, before: int, after: int, axis: str) -> int:
    """How many windows fit along one axis: floor((size + padding - window) / stride) + 1."""
    places = (size + before + after - window) // stride + 1
    if places < 1:
        raise ShapeError(
            f"{f.name}: a window of {window} does not fit into a {axis} of {size} "
            f"with padding {before} + {after}"
        )
    return places


def _four(padding: Any) -> tuple[int, int, int, int]:
    top, bottom, left, right = (int(v) for v in flat(padding))
    return top, bottom, left, right


def convolved(f: Function, s: Sizes, scalars: Scalars) -> None:
    (sy, sx), (dy, dx) = scalars["stride"], scalars["dilation"]
    top, bottom, left, right = _four(scalars["padding"])
    groups = int(scalars["groups"])
    c = s.setdefault("c", groups * s.get("d", 0))
    d = s.setdefault("d", c // groups)
    if c != groups * d or s["k"] % groups:
        raise ShapeError(
            f"{f.name}: {groups} groups of filters over {d} channels give {s['k']} outputs, "
            f"but the input has {c} channels"
        )
    i = _places(f, s["h"], dy * (s["p"] - 1) + 1, sy, top, bottom, "height")
    j = _places(f, s["w"], dx * (s["q"] - 1) + 1, sx, left, right, "width")
    if s.setdefault("i", i) != i or s.setdefault("j", j) != j:
        raise ShapeError(f"{f.name}: dY is {s['i']}x{s['j']}, but these sizes give {i}x{j}")


def pooled(f: Function, s: Sizes, scalars: Scalars) -> None:
    (wy, wx), (sy, sx) = scalars["window"], scalars["stride"]
    top, bottom, left, right = _four(scalars["padding"])
    i = _places(f, s["h"], wy, sy, top, bottom, "height")
    j = _places(f, s["w"], wx, sx, left, right, "width")
    if s.setdefault("i", i) != i or s.setdefault("j", j) != j:
        raise ShapeError(f"{f.name}: dY is {s['i']}x{s['j']}, but these sizes give {i}x{j}")
    if max(top, bottom) >= wy or max(left, right) >= wx:
        raise ShapeError(
            f"{f.name}: with padding {(top, bottom)}, {(left, right)} a window of {wy}x{wx} would lie in the padding "
            "alone; expected less padding than the window is wide"
        )
    if wy * wx > 65_536:
        raise ShapeError(f"{f.name}: a window of {wy}x{wx} has more than 65536 cells")


def enlarged(f: Function, s: Sizes, scalars: Scalars) -> None:
    fy, fx = scalars["factor"]
    if fy < 1 or fx < 1:
        raise ShapeError(f"{f.name}: factor {(fy, fx)}, expected whole numbers above 0")
    for small, large, factor in (("h", "i", fy), ("w", "j", fx)):
        if small in s:
            s.setdefault(large, s[small] * factor)
        elif s[large] % factor:
            raise ShapeError(f"{f.name}: {s[large]} is no multiple of the factor {factor}")
        s.setdefault(small, s[large] // factor)


def padded(f: Function, s: Sizes, scalars: Scalars) -> None:
    top, bottom, left, right = _four(scalars["padding"])
    s["i"], s["j"] = s["h"] + top + bottom, s["w"] + left + right
    if s["h"] + min(top, 0) + min(bottom, 0) < 1 or s["w"] + min(left, 0) + min(right, 0) < 1:
        raise ShapeError(
            f"{f.name}: cropping {s['h']}x{s['w']} by {(top, bottom)}, {(left, right)} leaves nothing"
        )


def permuted(f: Function, s: Sizes, scalars: Scalars) -> None:
    axes = [int(a) for a in scalars["axes"]]
    if sorted(axes) != [0, 1, 2, 3, 4]:
        raise ShapeError(f"{f.name}: axes {axes} are no order of 0…4")
    for letter, axis in zip("vwxyz", axes, strict=True):
        s[letter] = s["abcde"[axis]]


def joined(f: Function, s: Sizes, scalars: Scalars) -> None:
    total = sum(int(w) for w in scalars["widths"])
    if s.setdefault("k", total) != total:
        raise ShapeError(
            f"{f.name}: widths {tuple(scalars['widths'])} add up to {total}, but the array has {s['k']}"
        )


def read(f: Function, s: Sizes, scalars: Scalars) -> None:
    """A line of CTC: the blank is one of its classes, s labels have u = 2s + 1 states."""
    if not 0 <= int(scalars["blank"]) < s["k"]:
        raise ShapeError(f"{f.name}: blank {scalars['blank']}, expected a class from 0 to {s['k'] - 1}")
    if int(scalars.get("w", 1)) < 1:
        raise ShapeError(f"{f.name}: width {scalars['w']}, expected 1 or more")
    for letter in "qarb":  # of a language model and a lexicon that are not there
        s.setdefault(letter, 0)
    if "s" in s:
        s["u"] = 2 * s["s"] + 1
