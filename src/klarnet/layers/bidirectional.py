"""The bidirectional layer: one recurrent layer from the first step to the last, one of its kind the other way."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from types import SimpleNamespace
from typing import Any

from klarnet.engine import functions as E
from klarnet.names import snake, unknown

from .gru import GRU
from .layer import Kept, Layer
from .lstm import LSTM
from .recurrent import _Recurrent
from .rnn import RNN

_KINDS = {snake(kind.__name__): kind for kind in (RNN, GRU, LSTM)}


class Bidirectional(Layer):
    """Y = (Y_forward, Y_reverse) side by side: a recurrent layer over X (n, t, m) and a second one, with weights of its
    own, from each example's own last step to its first.

    layer   an RNN, a GRU or an LSTM, whose settings both directions take, such as Bidirectional(LSTM(200)); or its
            settings with the kind among them, {"kind": "lstm", "units": 200}, as files and recipes have it

    Y is (n, t, 2k) with outputs="sequence" of the layer, else (n, 2k), the state of each direction after its own last
    step run. Weights are those of the layer, named forward_W_x … and reverse_W_x …; dX is the sum of both directions'.

    Called on a list, Bidirectional(GRU(64))([x, h0, h0_reverse]), the directions begin with these states (n, k), which
    get their gradient; an LSTM also with cells, [x, h0, c0, h0_reverse, c0_reverse]. No state is carried from batch to
    batch: the reversed direction begins at the end of what is still to come.
    Schuster and Paliwal 1997. Course: recurrent networks.
    """

    traced = True
    takes_lengths = True

    def __init__(self, layer: Any, *, name: str | None = None) -> None:
        super().__init__(name=name)
        one = _made(layer) if isinstance(layer, Mapping) else layer
        if not isinstance(one, _Recurrent):
            raise TypeError(
                f"Bidirectional: layer {one!r}, expected a recurrent layer such as LSTM(200), GRU(200) or RNN(200)"
            )
        if one.carry_state:
            raise ValueError(
                f"Bidirectional: layer {one!r} carries its state, but the reversed direction begins at the end of what "
                "is still to come; leave carry_state out, or use the layer alone"
            )
        if one.reverse or one.name is not None:
            which, mend = ("reverse", "both directions run anyway")
            if not one.reverse:
                which, mend = "name", "give the name to Bidirectional"
            raise ValueError(f"Bidirectional: layer {one!r} has {which} set; leave it out, {mend}")
        settings = {k: v for k, v in one.settings().items() if k not in ("reverse", "name")}
        self.layer = {"kind": snake(type(one).__name__), **settings}
        self._ways: dict[str, Any] = {
            "forward_": type(one)(**settings, reverse=False),
            "reverse_": type(one)(**settings, reverse=True),
        }

    def __repr__(self) -> str:
        return f"Bidirectional({self._ways['forward_']!r})"

    def build(self, shape: Any) -> None:
        x, *initial = shape if isinstance(shape, list) else [shape]
        one = self._ways["forward_"]
        if initial and (
            len(initial) not in range(2, 2 * len(one._states) + 1, 2)
            or any(s != (one.units,) for s in initial)
        ):
            wanted = [f"{name}0{way} ({one.units},)" for way in ("", "_reverse") for name in one._states]
            raise ValueError(
                f"Bidirectional: expected the inputs x (t, m), {', '.join(wanted)}, got "
                f"{', '.join(map(str, [x, *initial]))}: each direction begins with states of its own"
            )
        self._declared: dict[
            str, dict[str, str | None]
        ] = {}  # of each way: the name here of each of its weights
        for way, layer in self._ways.items():
            _, weights, absent = layer.declare(x)
            for s in weights:
                self.weight(
                    way + s.name, s.shape, s.initial, trained=s.trained, decays=s.decays, units=s.units
                )
            self._declared[way] = {s.name: way + s.name for s in weights} | dict.fromkeys(absent)

    def _of(self, w: Any, way: str) -> Any:
        """The weights of one way, under the names that its layer gave them."""
        names = self._declared[way]
        return SimpleNamespace(**{name: here and getattr(w, here) for name, here in names.items()})

    def forward(self, w: Any, X: Any, lengths: Any = None, *, training: bool) -> Any:
        X, *initial = X if isinstance(X, (list, tuple)) else [X]
        each = len(initial) // 2
        states = {"forward_": initial[:each], "reverse_": initial[each:]}
        begun = {
            way: layer._projected(self._of(w, way), [X, *states[way]]) for way, layer in self._ways.items()
        }
        found = {
            way: layer._run(self._of(w, way), begun[way], lengths, training)
            for way, layer in self._ways.items()
        }
        parts = tuple(Y for Y, _ in found.values())
        widths = tuple(Y.shape[-1] for Y in parts)
        return E.concat(parts, widths=widths), Kept(
            ways={way: kept for way, (_, kept) in found.items()}, widths=widths, parts=None
        )

    def backward(self, w: Any, kept: Any, dY: Any) -> Any:
        kept.parts = dict(zip(self._ways, E.split(dY, widths=kept.widths), strict=True))
        initial = {
            way: layer._run_back(self._of(w, way), kept.ways[way], kept.parts[way])
            for way, layer in self._ways.items()
        }
        one, other = (
            layer._of_inputs(self._of(w, way), kept.ways[way], initial[way])
            for way, layer in self._ways.items()
        )
        if not kept.ways["forward_"].given:
            return E.add(one, other)
        return [E.add(one[0], other[0]), *one[1:], *other[1:]]

    def weight_gradients(self, w: Any, kept: Any, dY: Any) -> dict[str, Any]:
        return {
            way + name: gradient
            for way, layer in self._ways.items()
            for name, gradient in layer.weight_gradients(
                self._of(w, way), kept.ways[way], kept.parts[way]
            ).items()
        }

    def output_lengths(self, lengths: Any) -> Any:
        return self._ways["forward_"].output_lengths(lengths)


def _made(settings: Mapping[str, Any]) -> Layer:
    """The layer that settings describe. Raises ValueError for a kind or a setting that does not exist."""
    kind = settings.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise unknown("Bidirectional: layer: kind", kind, list(_KINDS))
    of: Any = _KINDS[kind]
    known = [name for name in signature(of).parameters if name not in ("reverse", "name")]
    given = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items() if k != "kind"}
    for name in given:
        if name not in known:
            raise unknown(f"Bidirectional: layer: setting of {of.__name__}", name, known)
    if "units" not in given:
        raise ValueError(f"Bidirectional: layer: {of.__name__} has no units, such as units = 200")
    return of(**given)
