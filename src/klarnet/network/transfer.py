"""Weights of one network for another: what fits is taken, and a report says what was, what was not, and why."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np

from klarnet.layers import Embedding

from .files import read, weights_in
from .network import BaseNetwork
from .scaling import InputScaling
from .summary import table
from .weights import Slot

HERE, NOT_THERE, NO_SHAPE = (
    "its {} does not fit",
    "not in the source",
    "no layer of its shapes is left in the source",
)


@dataclass
class LoadReport:
    """What `net.load_weights` did with each weight; prints as a table by layer.

    weights   this network's weights in their order
    taken     this network's weight → the source's weight whose values it has now
    skipped   weight → why not: the shapes, this network's first
    new       weight → why the source has nothing for it; its values are as before
    unasked   weights that the pattern left out
    unused    the source's weights that went nowhere
    notes     what became of input scaling and class names
    """

    source: str
    weights: list[str]
    taken: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    new: dict[str, str] = field(default_factory=dict)
    unasked: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Did every weight that was asked for get a value?"""
        return not self.skipped and not self.new

    def _rows(self) -> list[list[str]]:
        """Layer, what was done, weights and why; weights of a layer that share the rest share a row."""
        rows: dict[tuple[str, str, str], list[str]] = {}
        for name in self.weights:
            key, local = name.split("/", 1)
            if name in self.taken:
                there = self.taken[name].split("/", 1)[0]
                what, why = "taken", "" if there == key else f"from {there}"
            elif name in self.skipped:
                what, why = "skipped", self.skipped[name]
            elif name in self.new:
                what, why = "new", self.new[name]
            else:
                what, why = "left", "not asked for"
            rows.setdefault((key, what, why), []).append(local)
        return [
            [key, what, ", ".join(found) + (f": {why}" if why else "")]
            for (key, what, why), found in rows.items()
        ]

    def __str__(self) -> str:
        lines = [f"weights from {self.source}"]
        lines += table(("layer", "", "weights"), self._rows()).splitlines()
        lines.append(f"{len(self.taken)} taken, {len(self.skipped)} skipped, {len(self.new)} new")
        unused = dict.fromkeys(n.split("/", 1)[0] for n in self.unused if n not in self.skipped)
        if unused:
            lines.append(fill(f"unused in the source: {', '.join(unused)}", 80, subsequent_indent="  "))
        lines += [fill(note, 80, subsequent_indent="  ") for note in self.notes]
        return "\n".join(lines)


@dataclass
class _Source:
    """Weights by name, in the order of the layers, and what travels with them."""

    name: str
    arrays: dict[str, np.ndarray]
    scaling: InputScaling | None
    encoding: dict[str, Any] | None
    class_names: tuple[str, ...] | None

    def layers(self) -> dict[str, dict[str, np.ndarray]]:
        return _by_layer(self.arrays)


def load_weights(net: BaseNetwork, source: Any, *, match: Any = "name", strict: bool = False) -> LoadReport:
    """`Network.load_weights`, where the arguments are explained."""
    old = _source(source)
    report = LoadReport(old.name, list(net.weights))
    if match == "shape":
        _by_shape(net, old, report)
    else:
        _by_name(net, old, _asked(net, match), report)
    used = set(report.taken.values())
    report.unused = [name for name in old.arrays if name not in used]
    if not report.taken:
        raise ValueError(_nothing(net, old, match, report))
    if strict and not report.complete:
        lacking = [f"{n} ({why})" for n, why in (*report.skipped.items(), *report.new.items())]
        raise ValueError(f"load_weights: {old.name} with strict=True: {_first(lacking)}; nothing was changed")
    _symbols(net, old, report)
    values = {own: _fitting(net, old, own, there) for own, there in report.taken.items()}
    for own, value in values.items():
        net.weights[own][...] = value
        net.weights.slots[own].loads += 1
    net.version += 1  # the moments of a training under way begin anew for these weights
    _scaling(net, old, report)
    _names(net, old, report)
    return report


# The source ------------------------------------------------------------------------------------------------------


def _source(source: Any) -> _Source:
    if isinstance(source, BaseNetwork):
        arrays = {name: a.copy() for name, a in source.weights.items()}
        return _Source("the network", arrays, source.scaling, source.encoding, source.class_names)
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(
            f"load_weights: {type(source).__name__}, expected the path of a saved network, or a network"
        )
    path = Path(source)
    if path.is_dir():
        path = _in_folder(path)
    found, about = read(path)
    given = weights_in(found)
    order = {key: i for i, key in enumerate(about["layers"])}
    names = sorted(given, key=lambda name: order.get(name.split("/", 1)[0], len(order)))
    scaling = InputScaling(**about["scaling"]) if about["scaling"] else None
    classes = tuple(about["class_names"]) if about["class_names"] else None
    return _Source(str(path), {n: given[n] for n in names}, scaling, about.get("encoding"), classes)


def _in_folder(folder: Path) -> Path:
    """The network of a run: its best weights, or else the last ones."""
    for name in ("best.klarnet", "last.klarnet"):
        if (folder / name).is_file():
            return folder / name
    there = ", ".join(sorted(p.name for p in folder.iterdir())[:6]) or "nothing"
    raise FileNotFoundError(
        f"{folder}: expected best.klarnet or last.klarnet of a run in this folder, got {there}"
    )


# What fits -------------------------------------------------------------------------------------------------------


def _asked(net: BaseNetwork, match: Any) -> list[Slot]:
    """The weights to look for: all, or those whose layer or full name fits one of the patterns."""
    slots = list(net.weights.slots.values())
    if match == "name":
        return slots
    patterns = [match] if isinstance(match, str) else match
    if not isinstance(patterns, (list, tuple)) or not patterns:
        raise TypeError(
            f"load_weights: match {match!r}, expected 'name', 'shape', or a pattern such as 'conv2d_*' (or a list)"
        )
    for pattern in patterns:
        net.weights.match(pattern, "load_weights")  # refuses one that fits nothing
    return [s for s in slots if any(fnmatchcase(s.key, p) or fnmatchcase(s.name, p) for p in patterns)]


def _by_name(net: BaseNetwork, old: _Source, asked: Sequence[Slot], report: LoadReport) -> None:
    """Weights of the same name and shape; a layer with one weight that does not fit is left out as a whole, since a
    bias means nothing without its matrix."""
    report.unasked = [name for name in net.weights if name not in {s.name for s in asked}]
    unfit: dict[str, Slot] = {}
    for s in asked:
        if s.name in old.arrays and old.arrays[s.name].shape != s.shape:
            unfit.setdefault(s.key, s)
    for s in asked:
        if s.name not in old.arrays:
            report.new[s.name] = NOT_THERE
        elif old.arrays[s.name].shape != s.shape:
            report.skipped[s.name] = f"{s.shape} != {old.arrays[s.name].shape}"
        elif s.key in unfit:
            report.skipped[s.name] = HERE.format(unfit[s.key].local)
        else:
            report.taken[s.name] = s.name


def _by_shape(net: BaseNetwork, old: _Source, report: LoadReport) -> None:
    """Layers whose weights have the same names and shapes within the layer, whatever the layer is called: the longest
    row of them that stands in the same order in both networks, the front first."""
    mine, theirs = _by_layer(dict(net.weights.items())), old.layers()
    pairs = _common([_shapes(m) for m in mine.values()], [_shapes(t) for t in theirs.values()])
    keys, sources = list(mine), list(theirs)
    found = {keys[i]: sources[j] for i, j in pairs}
    for name, slot in net.weights.slots.items():
        if slot.key in found:
            report.taken[name] = f"{found[slot.key]}/{slot.local}"
        else:
            report.new[name] = NO_SHAPE


def _by_layer(arrays: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    found: dict[str, dict[str, np.ndarray]] = {}
    for name, array in arrays.items():
        key, local = name.split("/", 1)
        found.setdefault(key, {})[local] = array
    return found


def _shapes(layer: Mapping[str, np.ndarray]) -> frozenset[tuple[str, tuple[int, ...]]]:
    return frozenset((local, a.shape) for local, a in layer.items())


def _common(a: Sequence[Any], b: Sequence[Any]) -> list[tuple[int, int]]:
    """Places of a longest common subsequence, each pair as early as it can be."""
    longest = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i in reversed(range(len(a))):
        for j in reversed(range(len(b))):
            both = longest[i + 1][j + 1] + 1 if a[i] == b[j] else 0
            longest[i][j] = max(both, longest[i + 1][j], longest[i][j + 1])
    pairs, i, j = [], 0, 0
    while i < len(a) and j < len(b):
        if a[i] == b[j] and longest[i][j] == longest[i + 1][j + 1] + 1:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif longest[i][j] == longest[i][j + 1]:
            j += 1
        else:
            i += 1
    return pairs


def _fitting(net: BaseNetwork, old: _Source, own: str, there: str) -> np.ndarray:
    """The values in this network's type. Raises ValueError where they are no finite numbers."""
    with np.errstate(over="ignore"):
        value = old.arrays[there].astype(net.dtype)
    if not np.isfinite(value).all():
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(value))[0])
        raise ValueError(
            f"load_weights: {old.name}: {there} holds {value[at]} at {at}, expected finite numbers; "
            "nothing was changed"
        )
    return value


# What is said ----------------------------------------------------------------------------------------------------


def _nothing(net: BaseNetwork, old: _Source, match: Any, report: LoadReport) -> str:
    how = "by shape" if match == "shape" else "by name and shape"
    why = _first([f"{n} ({w})" for n, w in (*report.skipped.items(), *report.new.items())])
    there = _first([f"{n} {a.shape}" for n, a in old.arrays.items()], 3)
    hint = ""
    if match == "name":
        other = LoadReport(old.name, [])
        _by_shape(net, old, other)
        if other.taken:
            hint = f"; match='shape' would take {len(other.taken)} weights"
    return (
        f"load_weights: {old.name}: nothing fits this network {how}: {why}; the source has {there}{hint}; "
        "nothing was changed"
    )


def _first(items: Iterable[str], most: int = 4) -> str:
    items = list(items)
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return (", ".join(items[:most]) or "no weights") + more


def _symbols(net: BaseNetwork, old: _Source, report: LoadReport) -> None:
    """Refuse rows of an embedding that were learned for other characters or words."""
    own, theirs = ((e or {}).get("symbols") for e in (net.encoding, old.encoding))
    if own is None or theirs is None or list(own) == list(theirs):
        return
    rows = {v.key for v in net.graph.vertices if isinstance(v.layer, Embedding)}
    taken = [name for name in report.taken if name.split("/", 1)[0] in rows]
    if taken:
        raise ValueError(
            f"load_weights: {old.name} has {len(theirs)} symbols, this network {len(own)}, not all of them the same: "
            f"the rows of {taken[0]} stand for others; name the layers without it, match=[…]; nothing was changed"
        )


def _scaling(net: BaseNetwork, old: _Source, report: LoadReport) -> None:
    """Scaling and encoding of the inputs belong to the weights: they travel, unless this network was given its own."""

    def said(s: InputScaling | None) -> str:
        return "none" if s is None else str(s)

    if net.scaling is None and net.encoding is None:
        net.encoding = old.encoding
    if net.scaling is None and old.scaling is not None:
        net.scaling = old.scaling
        report.notes.append(f"input scaling: taken, {said(old.scaling)}")
    elif net.scaling is not None and (
        old.scaling is None or net.scaling.settings() != old.scaling.settings()
    ):
        report.notes.append(
            f"input scaling: {said(net.scaling)} stays; the source was trained with {said(old.scaling)}, "
            "so its weights see other numbers than they learned"
        )


def _names(net: BaseNetwork, old: _Source, report: LoadReport) -> None:
    """Class names belong to the last layer: they travel where all of the network does."""
    if old.class_names is None or net.class_names == old.class_names:
        return
    if net.class_names is not None:
        report.notes.append("class names: those of this network stay")
    elif report.complete and not report.unasked:
        net.class_names = old.class_names
        report.notes.append(f"class names: taken, {_first(old.class_names)}")
    else:
        report.notes.append("class names: not taken, since not all weights were; fit takes those of its data")
