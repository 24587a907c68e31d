"""Watching a training: statistics of every layer and weight over time, and a warning where something goes wrong."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from klarnet.engine import State
from klarnet.layers.checks import positive
from klarnet.network.summary import table

from .advice import Advisor
from .callbacks import Callback
from .diagnosis import NotFiniteError
from .look import Look, look
from .looks import packed, unpacked
from .trace import Trace, take

if TYPE_CHECKING:
    from .fit import Fit

MOST = 200  # looks that are kept


class Watch(Callback):
    """Looks at every `every`th step: what each layer gives out, what gradients it gets, how far its weights move.

        watch = kn.Watch(every=50)
        net.fit(train, callbacks=[watch])
        print(watch.table())

    every   steps from one look to the next, the first step being looked at too. At most 200 looks are kept: then every
            second one is dropped, and the steps between two looks double
    warn    warn (UserWarning), once for each kind, with what usually helps: exploding, vanishing, dead ReLUs, saturated
            sigmoid or tanh, updates far too large or too small

    The training is bit for bit the same with and without it. A look costs about as much as three steps more. Gradients
    are those before clipping; the update is what the step did to the weights.

    looks      the looks that were kept, oldest first
    warnings   what was warned of: step, epoch, kind, where, text
    """

    def __init__(self, every: int = 50, *, warn: bool = True) -> None:
        self.every, self.warn = positive("Watch", "every", every), bool(warn)
        self._begin()

    def _begin(self) -> None:
        self.looks: list[Look] = []
        self.warnings: list[dict[str, Any]] = []
        self._advisor = Advisor()
        self._stride = self.every
        self._start: int | None = None
        self._trace: Trace | None = None

    def on_fit_start(self, fit: Fit) -> None:
        self._begin()

    def on_batch_start(self, fit: Fit) -> None:
        step = fit.trainer.iterations
        if self._start is None:
            self._start = step
        self._trace = None
        if (step - self._start) % self._stride or fit.current is None:
            return
        trainer = fit.trainer
        state = State(trainer.learning_rate, step + 1, trainer.state.seed)  # the masks of the step to come
        try:
            self._trace = take(fit.net, trainer.losses, trainer.heads, fit.current, state)
        except (NotFiniteError, ValueError):
            pass  # the step itself will say what is wrong

    def on_batch_end(self, fit: Fit, loss: float) -> None:
        if self._trace is None:
            return
        seen = look(fit.net, self._trace, step=fit.trainer.iterations, epoch=fit.epoch, loss=float(loss))
        self._trace = None
        for kind, where, text in self._advisor.observe(seen):
            self.warnings.append(
                {"step": seen.step, "epoch": seen.epoch, "kind": kind, "where": where, "text": text}
            )
            if self.warn:
                warnings.warn(f"step {seen.step}: {text}", UserWarning, stacklevel=2)
        self.looks.append(seen)
        if len(self.looks) > MOST:
            self.looks = self.looks[::2]
            self._stride *= 2

    def memory(self) -> dict[str, Any]:
        return {
            "warnings": self.warnings,
            "stride": self._stride,
            "start": self._start,
            "advisor": self._advisor.memory(),
            **packed(self.looks),
        }

    def restore(self, memory: Mapping[str, Any]) -> None:
        self.looks, self.warnings = unpacked(memory), list(memory["warnings"])
        self._stride, self._start = memory["stride"], memory["start"]
        self._advisor.restore(memory["advisor"])

    def to_json(self) -> dict[str, Any]:
        """All looks as plain lists, one value a look, None where there is none; for a report or a file.

            {"format": 1, "steps": […], "epochs": […], "losses": […],
             "layers":  [{"name", "kind", "mean": […], "spread", "zeros", "saturated", "gradient_norm"}, …],
             "weights": [{"name", "norm": […], "gradient_norm", "update_ratio", "values", "gradients"}, …],
             "warnings": [{"step", "epoch", "kind", "where", "text"}, …]}

        values and gradients are histograms, {"low", "high", "counts"}: finite elements, in equal parts of low … high.
        """
        looks = self.looks
        layers = [
            {
                "name": name,
                "kind": first.kind,
                "mean": [_plain(one.layers[name].mean) for one in looks],
                "spread": [_plain(one.layers[name].spread) for one in looks],
                "zeros": [_plain(one.layers[name].zeros) for one in looks],
                "saturated": [_plain(one.layers[name].saturated) for one in looks],
                "gradient_norm": [_plain(one.layers[name].gradient) for one in looks],
            }
            for name, first in (looks[0].layers.items() if looks else ())
        ]
        weights = [
            {
                "name": name,
                "norm": [_plain(one.weights[name].norm) for one in looks],
                "gradient_norm": [_plain(one.weights[name].gradient) for one in looks],
                "update_ratio": [_plain(one.weights[name].ratio) for one in looks],
                "values": [one.weights[name].values for one in looks],
                "gradients": [one.weights[name].gradients for one in looks],
            }
            for name in (looks[0].weights if looks else ())
        ]
        return {
            "format": 1,
            "steps": [one.step for one in looks],
            "epochs": [one.epoch for one in looks],
            "losses": [_plain(one.loss) for one in looks],
            "layers": layers,
            "weights": weights,
            "warnings": list(self.warnings),
        }

    def table(self) -> str:
        """The last look as text of at most 80 columns where the names allow it, and the warnings."""
        if not self.looks:
            return "nothing was watched yet"
        last = self.looks[-1]
        layers = [
            [
                name,
                _short(v.mean),
                _short(v.spread),
                _share(v.zeros),
                _share(v.saturated),
                _short(v.gradient),
            ]
            for name, v in last.layers.items()
        ]
        weights = [
            [
                name,
                _short(w.norm),
                *(["frozen", ""] if w.gradient is None else [_short(w.gradient), _short(w.ratio)]),
            ]
            for name, w in last.weights.items()
        ]
        right = {"mean", "spread", "zeros", "saturated", "|dY|", "|W|", "|dW|", "|ΔW|/|W|"}
        text = [
            f"step {last.step}, epoch {last.epoch}, loss {last.loss:.6g}",
            table(("layer", "mean", "spread", "zeros", "saturated", "|dY|"), layers, right),
        ]
        if weights:
            text.append(table(("weight", "|W|", "|dW|", "|ΔW|/|W|"), weights, right))
        text += [f"warning in step {w['step']}: {w['text']}" for w in self.warnings]
        return "\n\n".join(text)


def _plain(value: float | None) -> float | None:
    """JSON knows no NaN and no infinity."""
    return value if value is None or math.isfinite(value) else None


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"
