"""The narrow waist: every function the engine can run, one row each.

A row reads like the head of a page in a textbook:

    row("dense", "X[n..,m] W[m,k] ?b[k] -> Y[n..,k]")

Left of the arrow stand the inputs, right of it the outputs, behind a semicolon the scalars. The letters in the
brackets are sizes: the same letter is the same size wherever it stands, `n..` is any number of leading axes folded
into one, `4k` is four times k, `1` is a one. From the letters follow the shape rule, the text of a shape error and
the size arguments of the C function.

Marks in front of a name:   ?  may be missing        !  is updated in place
                            +  may be added to what the output already holds
                            *  any number of arrays that differ in their last size (`*Xs[n..,*]`)
A type may stand before a colon: `int:t[n..]` (int32), `short:index[...]` (uint16); without one it is the floating
type of the call. A scalar named like a size letter gives that size, where no input does (`; int h, int w`).

Options of a row:   sizes     works out the letters that no input gives, and checks what letters cannot say
                    in_place  outputs that may take over the memory of an input: "dX=dY dX=Y"
                    state     values that change from step to step, read from the state block
                    finish    a carrier: elementwise steps may finish its first output before it is stored
                    step      an elementwise function (first input in, first output out) that may be such a step

This file imports the standard library only: the build runs it to write the C header.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

Sizes = dict[str, int]
Scalars = dict[str, Any]
Shape = tuple[int, ...]


class ShapeError(ValueError):
    """The shapes of a call do not fit its row. The message says what was expected and what came."""


class Parameter:
    """One array of a row: its name, marks, type and sizes."""

    def __init__(self, text: str) -> None:
        match = re.fullmatch(r"([?!+*]*)(?:(\w+):)?(\w+)\[(.*)\]", text)
        if match is None:
            raise ValueError(f"table: cannot read {text!r}")
        marks, kind, self.name, dims = match.groups()
        self.text = text
        self.kind = kind or "float"
        self.dims: tuple[str, ...] = tuple(dims.split(","))
        self.optional, self.updated = "?" in marks, "!" in marks
        self.adds, self.many = "+" in marks, "*" in marks

    def __repr__(self) -> str:
        return self.text


class Scalar:
    """One scalar of a row: `int h`, `float rate`, a list of fixed length `int stride[2]`, or any `int widths[*]`."""

    def __init__(self, text: str) -> None:
        match = re.fullmatch(r"(int|float) (\w+)(?:\[(\d+|\*)\])?", text.strip())
        if match is None:
            raise ValueError(f"table: cannot read {text!r}")
        self.kind, self.name, count = match.groups()
        self.listed = count is not None
        self.count = 0 if count == "*" else int(count or 1)

    @property
    def words(self) -> int:
        return self.count


def flat(value: Any) -> Iterator[Any]:
    """The numbers of a nested tuple, in order: ((1, 2), (3, 4)) gives 1, 2, 3, 4."""
    if isinstance(value, (tuple, list)):
        for item in value:
            yield from flat(item)
    else:
        yield value


class Function:
    """A row, read. `derive` turns the shapes of a call into sizes and output shapes."""

    def __init__(
        self,
        number: int,
        name: str,
        text: str,
        *,
        sizes: Callable[..., None] | None = None,
        in_place: str = "",
        state: tuple[str, ...] = (),
        finish: bool = False,
        step: bool = False,
    ) -> None:
        self.number, self.name, self.text = number, name, text
        arrays, _, scalars = text.partition(";")
        left, _, right = arrays.partition("->")
        self.inputs = tuple(Parameter(t) for t in left.split())
        self.outputs = tuple(Parameter(t) for t in right.split())
        self.scalars = tuple(Scalar(t) for t in scalars.split(",") if t.strip())
        self.state, self.finish, self.step = state, finish, step
        self.in_place = tuple(tuple(pair.split("=")) for pair in in_place.split())
        self._sizes = sizes
        self._derived: dict[object, tuple[Sizes, tuple[Any, ...]]] = {}

    def __repr__(self) -> str:
        return f"{self.name}({self.text})"

    @cached_property
    def letters(self) -> tuple[str, ...]:
        """The sizes of the row in the order in which they first stand in it: the order of the C arguments."""
        found: list[str] = []
        for p in self.inputs + self.outputs:
            for d in p.dims:
                letter = d.lstrip("0123456789").removesuffix("..")
                if letter and letter != "*" and letter not in found:
                    found.append(letter)
        return tuple(found)

    @cached_property
    def updated(self) -> tuple[Parameter, ...]:
        return tuple(p for p in self.inputs if p.updated)

    @cached_property
    def many(self) -> Parameter | None:
        """The one parameter of the row that is any number of arrays, if it has one."""
        return next((p for p in self.inputs + self.outputs if p.many), None)

    def derive(self, shapes: Sequence[Any], scalars: Scalars) -> tuple[Sizes, tuple[Any, ...]]:
        """Sizes and output shapes of a call.

        `shapes`: one a parameter, None where it is missing, a tuple of shapes for a `*`. Remembered, since a
        network asks the same thing again and again. Raises ShapeError.
        """
        key = (tuple(shapes), tuple(scalars.items()))
        found = self._derived.get(key)
        if found is None:
            if len(self._derived) > 20_000:  # lines of every width: do not grow without bound
                self._derived.clear()
            found = self._derived[key] = self._derive(shapes, scalars)
        return found

    def _derive(self, shapes: Sequence[Any], scalars: Scalars) -> tuple[Sizes, tuple[Any, ...]]:
        sizes: Sizes = {}
        folded: dict[str, Shape] = {}
        for p, shape in zip(self.inputs, shapes, strict=True):
            if shape is None:
                if not p.optional:
                    raise ShapeError(f"{self.name}: {p.name} is missing, expected {p.text}")
                continue
            if p.many:
                self._bind_many(p, shape, sizes, folded, shapes)
            else:
                self._bind(p, p.dims, shape, sizes, folded, shapes)
        for s in self.scalars:
            if s.name in self.letters and not s.listed:
                value = int(scalars[s.name])
                if sizes.setdefault(s.name, value) != value:
                    raise ShapeError(f"{self.name}: {s.name} = {value}, but the arrays say {sizes[s.name]}")
        if self._sizes is not None:
            self._sizes(self, sizes, scalars)
        outputs: list[Any] = []
        for p in self.outputs:
            if p.many:
                lead = folded.get("n", (sizes["n"],))
                outputs.append(tuple(lead + (int(w),) for w in scalars["widths"]))
            else:
                outputs.append(self._shape(p, sizes, folded))
        return sizes, tuple(outputs)

    def _bind(
        self,
        p: Parameter,
        dims: tuple[str, ...],
        shape: Shape,
        sizes: Sizes,
        folded: dict[str, Shape],
        shapes: Sequence[Any],
    ) -> None:
        rest = list(dims)
        actual = list(shape)
        if rest and rest[0].endswith(".."):
            letter = rest.pop(0).removesuffix("..")
            cut = len(actual) - len(rest)
            if cut < 0:
                raise self._mismatch(p, shapes)
            lead, actual = tuple(actual[:cut]), actual[cut:]
            size = 1
            for s in lead:
                size *= s
            if folded.setdefault(letter, lead) != lead or sizes.setdefault(letter, size) != size:
                raise self._mismatch(p, shapes)
        if len(rest) != len(actual):
            raise self._mismatch(p, shapes)
        for d, s in zip(rest, actual, strict=True):
            letter = d.lstrip("0123456789")
            times = int(d[: len(d) - len(letter)] or 1)
            if not letter:
                if s != times:
                    raise self._mismatch(p, shapes)
            elif s % times or sizes.setdefault(letter, s // times) != s // times:
                raise self._mismatch(p, shapes)

    def _bind_many(
        self,
        p: Parameter,
        many: Sequence[Shape],
        sizes: Sizes,
        folded: dict[str, Shape],
        shapes: Sequence[Any],
    ) -> None:
        if not many:
            raise ShapeError(f"{self.name}: {p.name} is empty, expected one array or more")
        for shape in many:
            if not shape:
                raise self._mismatch(p, shapes)
            self._bind(p, p.dims[:-1], shape[:-1], sizes, folded, shapes)

    def _shape(self, p: Parameter, sizes: Sizes, folded: dict[str, Shape]) -> Shape:
        shape: list[int] = []
        for d in p.dims:
            if d.endswith(".."):
                letter = d.removesuffix("..")
                shape.extend(folded.get(letter, (sizes[letter],)))
            else:
                letter = d.lstrip("0123456789")
                times = int(d[: len(d) - len(letter)] or 1)
                shape.append(times * sizes[letter] if letter else times)
        return tuple(shape)

    def _mismatch(self, p: Parameter, shapes: Sequence[Any]) -> ShapeError:
        came = ", ".join(
            f"{q.name} {'none' if s is None else _show(s)}" for q, s in zip(self.inputs, shapes, strict=True)
        )
        rule = " ".join(f"{q.name}[{','.join(q.dims)}]" for q in self.inputs)
        return ShapeError(f"{self.name}: {p.name} does not fit; expected {rule}, got {came}")


def _show(shape: object) -> str:
    return str(shape).replace(" ", "")


# The shape rules that letters alone cannot say ---------------------------------------------------------------------


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


def _convolved(f: Function, s: Sizes, scalars: Scalars) -> None:
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


def _pooled(f: Function, s: Sizes, scalars: Scalars) -> None:
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


def _enlarged(f: Function, s: Sizes, scalars: Scalars) -> None:
    fy, fx = scalars["factor"]
    if fy < 1 or fx < 1:
        raise ShapeError(f"{f.name}: factor {(fy, fx)}, expected whole numbers above 0")
    for small, large, factor in (("h", "i", fy), ("w", "j", fx)):
        if small in s:
            s.setdefault(large, s[small] * factor)
        elif s[large] % factor:
            raise ShapeError(f"{f.name}: {s[large]} is no multiple of the factor {factor}")
        s.setdefault(small, s[large] // factor)


def _padded(f: Function, s: Sizes, scalars: Scalars) -> None:
    top, bottom, left, right = _four(scalars["padding"])
    s["i"], s["j"] = s["h"] + top + bottom, s["w"] + left + right
    if s["i"] < 1 or s["j"] < 1:
        raise ShapeError(
            f"{f.name}: cropping {s['h']}x{s['w']} by {(top, bottom)}, {(left, right)} leaves nothing"
        )


def _permuted(f: Function, s: Sizes, scalars: Scalars) -> None:
    axes = [int(a) for a in scalars["axes"]]
    if sorted(axes) != [0, 1, 2, 3, 4]:
        raise ShapeError(f"{f.name}: axes {axes} are no order of 0…4")
    for letter, axis in zip("vwxyz", axes, strict=True):
        s[letter] = s["abcde"[axis]]


def _joined(f: Function, s: Sizes, scalars: Scalars) -> None:
    total = sum(int(w) for w in scalars["widths"])
    if s.setdefault("k", total) != total:
        raise ShapeError(
            f"{f.name}: widths {tuple(scalars['widths'])} add up to {total}, but the array has {s['k']}"
        )


# The rows ----------------------------------------------------------------------------------------------------------

FUNCTIONS: dict[str, Function] = {}


def row(name: str, text: str, **options: Any) -> None:
    FUNCTIONS[name] = Function(len(FUNCTIONS), name, text, **options)


def _elementwise(name: str, keeps: str, scalars: str = "") -> None:
    """An activation and its backward pass; `keeps` is what the derivative is written in, X or Y."""
    row(name, f"X[n..] -> Y[n..] {scalars}", in_place="Y=X", step=True)
    row(
        f"{name}_backward",
        f"dY[n..] {keeps}[n..] -> dX[n..] {scalars}",
        in_place=f"dX=dY dX={keeps}",
        step=True,
    )


# fmt: off
row("dense", "X[n..,m] W[m,k] ?b[k] -> Y[n..,k]", finish=True)
row("dense_backward", "dY[n..,k] W[m,k] -> dX[n..,m]", finish=True)
row("dense_gradients", "X[n..,m] dY[n..,k] -> +dW[m,k] ?+db[k]")

_elementwise("relu", "Y")
_elementwise("leaky_relu", "X", "; float slope")
_elementwise("elu", "Y", "; float alpha")
_elementwise("gelu", "X")
_elementwise("silu", "X")
_elementwise("tanh", "Y")
_elementwise("sigmoid", "Y")
row("softmax", "X[n..,k] -> Y[n..,k]", in_place="Y=X")
row("softmax_backward", "dY[n..,k] Y[n..,k] -> dX[n..,k]", in_place="dX=dY dX=Y")

row("dropout", "X[n..] -> Y[n..] ; float rate, int node", in_place="Y=X", step=True, state=("seed", "step"))
row("dropout_backward", "dY[n..] -> dX[n..] ; float rate, int node", in_place="dX=dY", step=True,
    state=("seed", "step"))
row("gaussian_noise", "X[n..] -> Y[n..] ; float deviation, int node", in_place="Y=X", state=("seed", "step"))

_CONVOLUTION = "int stride[2], int dilation[2], int padding[4], int groups"
row("conv2d", f"X[n,h,w,c] F[p,q,d,k] ?b[k] -> Y[n,i,j,k] ; {_CONVOLUTION}", sizes=_convolved, finish=True)
row("conv2d_backward", f"dY[n,i,j,k] F[p,q,d,k] -> dX[n,h,w,c] ; int h, int w, {_CONVOLUTION}", sizes=_convolved,
    finish=True)
row("conv2d_gradients", f"X[n,h,w,c] dY[n,i,j,k] -> +dF[p,q,d,k] ?+db[k] ; int p, int q, {_CONVOLUTION}",
    sizes=_convolved)

_POOLING = "int window[2], int stride[2], int padding[4]"
row("max_pool2d", f"X[n,h,w,c] -> Y[n,i,j,c] ?short:index[n,i,j,c] ; {_POOLING}", sizes=_pooled)
row("max_pool2d_backward", f"dY[n,i,j,c] short:index[n,i,j,c] -> dX[n,h,w,c] ; int h, int w, {_POOLING}",
    sizes=_pooled)
row("average_pool2d", f"X[n,h,w,c] -> Y[n,i,j,c] ; {_POOLING}, int count_padding", sizes=_pooled)
row("average_pool2d_backward", f"dY[n,i,j,c] -> dX[n,h,w,c] ; int h, int w, {_POOLING}, int count_padding",
    sizes=_pooled)
row("global_average", "X[n,p,c] -> Y[n,c]")
row("global_average_backward", "dY[n,c] -> dX[n,p,c] ; int p")

row("batch_norm", "X[n..,c] gamma[c] beta[c] !mean[c] !variance[c] -> Y[n..,c] mu[c] sigma[c] "
    "; float momentum, float epsilon")
row("batch_norm_backward", "dY[n..,c] X[n..,c] mu[c] sigma[c] gamma[c] -> dX[n..,c]", in_place="dX=dY")
row("batch_norm_fixed", "X[n..,c] gamma[c] beta[c] mean[c] variance[c] -> Y[n..,c] mu[c] sigma[c] ; float epsilon",
    in_place="Y=X")
row("batch_norm_fixed_backward", "dY[n..,c] sigma[c] gamma[c] -> dX[n..,c]", in_place="dX=dY")
row("batch_norm_gradients", "dY[n..,c] X[n..,c] mu[c] sigma[c] -> +dgamma[c] +dbeta[c]")
row("layer_norm", "X[n..,c] gamma[c] beta[c] -> Y[n..,c] mu[n..] sigma[n..] ; float epsilon")
row("layer_norm_backward", "dY[n..,c] X[n..,c] mu[n..] sigma[n..] gamma[c] -> dX[n..,c]", in_place="dX=dY")
row("layer_norm_gradients", "dY[n..,c] X[n..,c] mu[n..] sigma[n..] -> +dgamma[c] +dbeta[c]")

row("embedding", "int:index[n..] W[v,m] -> Y[n..,m]")
row("embedding_gradients", "int:index[n..] dY[n..,m] -> +dW[v,m] ; int v")

row("highway", "H[n..] T[n..] X[n..] -> Y[n..]", in_place="Y=H Y=T")
row("highway_backward", "dY[n..] H[n..] T[n..] X[n..] -> dH[n..] dT[n..] dX[n..]", in_place="dX=dY")

row("lstm", "Z[n,t,4k] W[k,4k] ?h0[n,k] ?c0[n,k] ?int:lengths[n] -> H[n,t,k] C[n,t,k] G[n,t,4k] ; int reverse")
row("lstm_backward", "dH[n,t,k] W[k,4k] C[n,t,k] G[n,t,4k] ?c0[n,k] ?int:lengths[n] "
    "-> dZ[n,t,4k] ?dh0[n,k] ?dc0[n,k] ; int reverse", in_place="dZ=G")
row("recurrent_gradients", "H[n,t,k] dZ[n,t,j] ?h0[n,k] ?int:lengths[n] -> +dW[k,j] ; int reverse")
row("last_step", "X[n,t,k] ?int:lengths[n] -> Y[n,k] ; int reverse")
row("last_step_backward", "dY[n,k] ?int:lengths[n] -> dX[n,t,k] ; int t, int reverse")
row("mask", "X[n,h,w,d] int:lengths[n] -> Y[n,h,w,d]", in_place="Y=X")
row("output_lengths", "int:lengths[n] -> int:L[n] ; int window, int stride, int padding")

row("add", "A[n..] B[n..] -> Y[n..]", in_place="Y=A Y=B", step=True)
row("concat", "*Xs[n..,*] -> Y[n..,k] ; int widths[*]", sizes=_joined)
row("split", "Y[n..,k] -> *Xs[n..,*] ; int widths[*]", sizes=_joined)
row("permute", "X[a,b,c,d,e] -> Y[v,w,x,y,z] ; int axes[5]", sizes=_permuted)
row("pad", "X[n,h,w,c] -> Y[n,i,j,c] ; int padding[4]", sizes=_padded)
row("copy", "X[n..] -> Y[n..]")

row("add_bias", "X[n..,k] b[k] -> Y[n..,k]", in_place="Y=X")
row("bias_gradients", "dY[n..,k] -> +db[k]")
row("max_unpool2d_backward", f"dY[n,h,w,c] short:index[n,i,j,c] -> dX[n,i,j,c] ; {_POOLING}", sizes=_pooled)
row("upsample2d", "X[n,h,w,c] -> Y[n,i,j,c] ; int factor[2], int bilinear", sizes=_enlarged)
row("upsample2d_backward", "dY[n,i,j,c] -> dX[n,h,w,c] ; int factor[2], int bilinear", sizes=_enlarged)

_TARGETS = "?int:t[n..] ?T[n..,k] ?weights[k]"
row("softmax_cross_entropy", f"X[n..,k] {_TARGETS} -> value[1] P[n..,k] total[1] "
    "; float smoothing, int ignored, int mean, float factor", in_place="P=X")
row("softmax_cross_entropy_backward", f"P[n..,k] {_TARGETS} total[1] -> dX[n..,k] "
    "; float smoothing, int ignored, float factor", in_place="dX=P")
row("cross_entropy", f"X[n..,k] {_TARGETS} -> value[1] total[1] "
    "; float smoothing, int ignored, int mean, float factor")
row("cross_entropy_backward", f"X[n..,k] {_TARGETS} total[1] -> dX[n..,k] "
    "; float smoothing, int ignored, float factor", in_place="dX=X")
row("binary_cross_entropy", "X[n..] T[n..] -> value[1] ; float factor")
row("binary_cross_entropy_backward", "X[n..] T[n..] -> dX[n..] ; float factor", in_place="dX=X")
row("sigmoid_binary_cross_entropy", "X[n..] T[n..] -> value[1] P[n..] ; float factor", in_place="P=X")
row("sigmoid_binary_cross_entropy_backward", "P[n..] T[n..] -> dX[n..] ; float factor", in_place="dX=P")
row("squared_error", "X[n..] T[n..] -> value[1] ; float factor")
row("squared_error_backward", "X[n..] T[n..] -> dX[n..] ; float factor", in_place="dX=X")
row("smooth_l1", "X[n..] T[n..] -> value[1] ; float beta, float factor")
row("smooth_l1_backward", "X[n..] T[n..] -> dX[n..] ; float beta, float factor", in_place="dX=X")

_UPDATE = "float rate, float decay"
row("gradient_descent", f"!W[p] g[p] -> ; {_UPDATE}", state=("learning_rate",))
row("momentum", f"!W[p] g[p] !v[p] -> ; float momentum, int nesterov, {_UPDATE}", state=("learning_rate",))
row("adagrad", f"!W[p] g[p] !s[p] -> ; float epsilon, {_UPDATE}", state=("learning_rate",))
row("rmsprop", f"!W[p] g[p] !s[p] -> ; float rho, float epsilon, {_UPDATE}", state=("learning_rate",))
row("adam", f"!W[p] g[p] !m[p] !s[p] -> ; float beta1, float beta2, float epsilon, int decoupled, int born, {_UPDATE}",
    state=("learning_rate", "step"))
# fmt: on


if __name__ == "__main__":
    # Run by the build, before the package exists: `python table.py --header waist.h`.
    sys.path.insert(0, str(__import__("pathlib").Path(__file__).parent))
    __import__("generate").main(sys.argv[1:])
