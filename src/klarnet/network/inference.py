"""A network frozen for inference: a thin call, without what only training needs."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from klarnet.engine import State, engine
from klarnet.formulas import batch_norm_folded
from klarnet.layers import BatchNorm, Conv1D, Conv2D, Dense

from .execution import Execution, Plans, Wanted
from .files import architecture, fill, rebuild
from .network import BaseNetwork

FOLDS = {
    Dense: "W",
    Conv1D: "F",
    Conv2D: "F",
}  # layers that batch norm behind them folds into, and their weights


class Frozen:
    """`f(X)`: the outputs of a network as it was when it was frozen; later training does not change them.

    Batch norm behind a dense or convolution layer is folded into its weights, dropout and noise are gone, the filters
    of convolutions stay packed from call to call, and the plan is made beforehand for the frozen batch size. Each
    thread has buffers of its own, so several may call at once; what comes back is the caller's own array (a dict where
    the network has several outputs). Layers with carry_state=True go on from call to call, each thread by itself, until
    `f.reset_states()`: a stream may come in pieces.
    """

    def __init__(self, net: BaseNetwork, batch_size: int) -> None:
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
            raise ValueError(
                f"freeze_for_inference: batch_size {batch_size!r}, expected a whole number above 0"
            )
        self.net, self.batch_size = folded(net), batch_size
        self.net.weights.values.setflags(write=False)  # packed copies of them are kept
        self._local = threading.local()
        if not any(None in v.shape for v in self.net.inputs):
            shapes = tuple((batch_size, *v.shape) for v in self.net.inputs)
            spans = any(v.lengths for v in self.net.inputs)
            self._execution(shapes, spans)

    def __call__(self, X: Any, *, lengths: Any = None) -> Any:
        """Outputs for one batch X (batch_size, …). Raises ValueError for another shape."""
        try:
            shape, dtype, x_in, run, job, out = self._local.quick
            if X.shape != shape or X.dtype != dtype or lengths is not None:
                return self._call(X, lengths)
        except AttributeError:
            return self._call(X, lengths)
        x_in[...] = X
        if run(job) != -1:
            return self._call(X, lengths)  # once more in the open, for the error
        return out.copy()

    def reset_states(self) -> None:
        """Let the next call of this thread begin anew, as `Network.reset_states` does."""
        self.net.reset_states()

    def _call(self, X: Any, lengths: Any) -> Any:
        net = self.net
        self._local.__dict__.pop("quick", None)  # its result goes elsewhere now
        arrays = net.arrays(X)
        if len(arrays[0]) != self.batch_size:
            raise ValueError(
                f"this network was frozen for batches of {self.batch_size}, got {len(arrays[0])} examples; freeze it "
                "for that size as well, or use net.predict"
            )
        spans = net._lengths(lengths, arrays)
        execution = self._execution(tuple(a.shape for a in arrays), bool(spans))
        outputs = execution.run(arrays, {}, spans)
        self._remember(X, execution, spans)
        return outputs["output"] if net.single_output else outputs

    def _execution(self, shapes: tuple[tuple[int, ...], ...], spans: bool) -> Execution:
        plans: Plans = self._local.__dict__.setdefault("plans", Plans(self.net))
        key = (shapes, spans, engine())
        wanted = Wanted(shapes, {}, lengths=spans, outputs=True, frozen=True)
        return plans.get(key, lambda: Execution(self.net, (), wanted, State(0.0, 0, self.net.seed)))

    def _remember(self, X: Any, execution: Execution, spans: Any) -> None:
        """Note the short way for the next call of this thread: one array in, one array out, one call into C."""
        job, x_in = execution.bound.single, execution.inputs[0].own
        floating = isinstance(X, np.ndarray) and X.dtype == self.net.dtype
        if spans or job is None or x_in is None or len(execution.inputs) != 1 or not floating:
            return
        if not self.net.single_output or self.net.scaling is not None:
            return
        out = execution.fixed_result()
        self._local.quick = (X.shape, X.dtype, x_in, execution.bound.native_run, job, out)

    def __repr__(self) -> str:
        return f"Frozen(batch_size={self.batch_size}, {len(self.net.graph.vertices)} nodes)"


def folded(net: BaseNetwork) -> BaseNetwork:
    """A copy of the network in which batch norm has become part of the layer before it, where that is one."""
    about = architecture(net)
    about["frozen"] = []
    arrays = {name: np.array(a) for name, a in net.weights.items()}
    uses: dict[str, int] = {}
    for v in net.graph.vertices:
        uses[v.key] = uses.get(v.key, 0) + 1
    gone: dict[int, int] = {}  # vertex of a batch norm -> the vertex it is folded into
    for v in net.graph.vertices:
        before = net.graph.vertices[v.inputs[0]] if len(v.inputs) == 1 else None
        if type(v.layer) is not BatchNorm or before is None or type(before.layer) not in FOLDS:
            continue
        alone = sum(before.number in u.inputs for u in net.graph.vertices) == 1 and not before.masked
        if alone and before.number not in net.graph.outputs.values() and uses[v.key] == uses[before.key] == 1:
            gone[v.number] = before.number
            _fold(about, arrays, before.key, v.key, FOLDS[type(before.layer)], v.layer.epsilon)
    _drop(about, gone)
    kinds = [type(v.layer) for v in net.graph.vertices if v.layer is not None]
    twin = rebuild(about, "freeze_for_inference", kinds, BaseNetwork)
    fill(twin, arrays, "freeze_for_inference")
    return twin


def _fold(
    about: Any, arrays: dict[str, np.ndarray], key: str, norm: str, weight: str, epsilon: float
) -> None:
    gamma, beta, mean, variance = (
        arrays.pop(f"{norm}/{name}") for name in ("gamma", "beta", "mean", "variance")
    )
    W, b = arrays[f"{key}/{weight}"], arrays.get(f"{key}/b")
    arrays[f"{key}/{weight}"], arrays[f"{key}/b"] = batch_norm_folded(
        W, b, gamma, beta, mean, variance, epsilon=epsilon
    )
    about["layers"][key]["bias"] = True
    del about["layers"][norm]


def _drop(about: Any, gone: dict[int, int]) -> None:
    """Take vertices out of an architecture; what read them reads the vertex before."""
    kept = [i for i in range(len(about["vertices"])) if i not in gone]

    def number(i: int) -> int:
        return kept.index(gone.get(i, i))

    vertices = [about["vertices"][i] for i in kept]
    for v in vertices:
        if "from" in v:
            v["from"] = [number(i) for i in v["from"]]
    about["vertices"] = vertices
    about["inputs"] = [number(i) for i in about["inputs"]]
    about["outputs"] = {name: number(i) for name, i in about["outputs"].items()}
