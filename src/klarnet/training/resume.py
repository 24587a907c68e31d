"""Everything that decides how a training goes on, as values and arrays for one file, and back.

Weights, moments and step are in the file as `save_checkpoint` writes them. Random numbers need no state of their own:
they follow from seed, step, epoch and example.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any

from klarnet.engine import engine
from klarnet.network.files import architecture, read

from .callbacks import Callback, EarlyStopping
from .checkpoint import take_up
from .memory import Arrays, memory_of, put_together, remember, taken_apart

if TYPE_CHECKING:
    from .fit import Fit

# Of what decides a run, this must be as it was: with anything else "the same run" has no meaning.
SAME = ("batch_size", "seed", "examples")
_CARRIED = "state:"  # begins the names of carried states
NETWORK = ("layers", "vertices", "inputs", "outputs", "seed", "dtype")


def arguments(fit: Fit) -> dict[str, Any]:
    """What the training was asked to do, as plain values."""
    import json

    trainer = fit.trainer
    schedule = fit.schedule
    found = {
        "batch_size": fit.batch_size,
        "seed": fit.seed,
        "examples": fit.train.examples,
        "loss": {name: repr(loss) for name, loss in trainer.losses.items()},
        "optimizer": repr(trainer.optimizer),
        "rates": trainer.moments.rates,
        "schedule": None if schedule is None else {"name": schedule.name, **schedule.settings()},
        **trainer.regularisation.settings(),
        "label_noise": fit.label_noise,
        "engine": engine(),
    }
    return json.loads(json.dumps(found, default=str))


def snapshot(fit: Fit) -> tuple[dict[str, Any], Arrays]:
    """The training as it stands between two steps: plain values, and arrays by names with a colon."""
    arrays: Arrays = {}
    running = fit.epoch > fit.done  # else an epoch has just ended, and its means are in the history
    if running:
        arrays |= {_CARRIED + name: a for name, a in fit.net.states.named().items()}
    about: dict[str, Any] = {
        "arguments": arguments(fit),
        "epochs": fit.epochs,
        "epoch": fit.done,
        "batch": fit.batch if running else 0,
        "seen": fit.seen if running else 0,
        "left_out": fit.left_out if running else 0,
        "seconds": fit.seconds if running else 0.0,
        "batches": fit.batches,
        "examples": fit.examples,
        "plateau": fit.plateau,
        "history": fit.history.rows,
        "stopped": fit.stopping,
        "callbacks": {
            name: taken_apart(memory_of(c), f"callback:{name}", arrays) for name, c in named(fit.callbacks)
        },
        "mean": memory_of(fit.mean) if running else None,
        "metrics": {
            name: taken_apart(memory_of(m), f"metric:{name}", arrays) for name, m in fit.metrics.items()
        }
        if running
        else {},
    }
    return about, arrays


def restore(fit: Fit, path: str | PathLike[str]) -> None:
    """Bring a training that has not begun to where the file was written.

    Raises ValueError, and changes nothing, where the file belongs to another training; warns of settings that have
    changed since.
    """
    arrays, about = read(path)
    saved = about.get("training", {})
    if "batch" not in saved:
        raise ValueError(
            f"{path}: written by save_checkpoint alone, so there is no run in it that could go on"
        )
    _compare(fit, saved, about, path)
    rate = fit.trainer.learning_rate
    take_up(fit.trainer, arrays, about, path)
    if saved["settings"]["learning_rate"] != rate:
        fit.trainer.learning_rate = rate  # a new one was asked for
    for slot in fit.net.weights.slots.values():
        slot.frozen = slot.name in about["frozen"]
    fit.net.version += 1
    fit.done, fit.batch, fit.seen, fit.seconds = (saved[k] for k in ("epoch", "batch", "seen", "seconds"))
    fit.left_out = saved.get("left_out", 0)  # older files do not hold it
    fit.epoch = fit.done
    fit.net.states.take(
        {name.removeprefix(_CARRIED): a for name, a in arrays.items() if name.startswith(_CARRIED)}
    )
    fit.batches, fit.examples = saved["batches"], saved["examples"]
    fit.plateau, fit.history.rows = saved["plateau"], saved["history"]
    if saved["mean"] is not None:
        remember(fit.mean, saved["mean"])
    for name, memory in saved["metrics"].items():
        if name in fit.metrics:
            remember(fit.metrics[name], put_together(memory, f"metric:{name}", arrays))
    for name, callback in named(fit.callbacks):
        if name in saved["callbacks"]:
            remember(callback, put_together(saved["callbacks"][name], f"callback:{name}", arrays))
    goes_on = any(
        isinstance(c, EarlyStopping)
        and c.stopped is None
        and saved["stopped"] is not None
        and saved["callbacks"].get(name, {}).get("stopped") == saved["stopped"]
        for name, c in named(fit.callbacks)
    )
    fit.stopping = None if goes_on else saved["stopped"]


def named(callbacks: list[Callback]) -> Iterator[tuple[str, Callback]]:
    """Callbacks by class name; the second of a class is "EarlyStopping-2"."""
    seen: dict[str, int] = {}
    for callback in callbacks:
        name = type(callback).__name__
        seen[name] = seen.get(name, 0) + 1
        yield (name if seen[name] == 1 else f"{name}-{seen[name]}"), callback


def _compare(fit: Fit, saved: Mapping[str, Any], about: Mapping[str, Any], path: Any) -> None:
    """Refuse what cannot go on, warn of what goes on otherwise than it began."""
    then, now = saved["arguments"], arguments(fit)
    for name in SAME:
        if then[name] != now[name]:
            raise ValueError(
                f"{path}: the run has {name} {then[name]}, here it is {now[name]}; give the same, or begin anew "
                "without resume"
            )
    if _outline(about) != _outline(architecture(fit.net)):
        raise ValueError(
            f"{path}: the network of the run is another one than this; build the same, or begin anew without resume"
        )
    changed = [
        f"{name} was {then.get(name)}, is {now.get(name)}"
        for name in dict.fromkeys([*then, *now])
        if name not in SAME and then.get(name) != now.get(name)
    ]
    if now["schedule"] is not None and saved["epochs"] != fit.epochs:
        changed.append(f"epochs was {saved['epochs']}, is {fit.epochs}, which the schedule goes by")
    here = {name for name, _ in named(fit.callbacks)}
    lost = [name for name, memory in saved["callbacks"].items() if memory and name not in here]
    changed += [f"the callback {name} is missing" for name in lost]
    if changed:
        warnings.warn(f"{path}: the run goes on with other settings: {'; '.join(changed)}", stacklevel=5)


def _outline(about: Mapping[str, Any]) -> str:
    """Layers, edges, seed and type, as a text to compare."""
    import json

    return json.dumps({key: about[key] for key in NETWORK}, sort_keys=True, default=lambda a: a.tolist())
