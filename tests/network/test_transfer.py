"""Weights of another network: what fits is taken, what does not is told, and nothing happens by halves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet.network import InputScaling


def net(filters: int = 4, classes: int = 10, *, width: int = 16, seed: int = 1, **options: Any) -> kn.Network:
    layers = [
        kn.Conv2D(filters, 3),
        kn.BatchNorm(activation="relu"),
        kn.MaxPool2D(2),
        kn.Flatten(),
        kn.Dense(width, activation="relu"),
        kn.Dense(classes),
        kn.Softmax(),
    ]
    return kn.Network(layers, input_shape=(10, 10, 1), seed=seed, **options)


def old(**options: Any) -> kn.Network:
    """A network whose every number is its own, running values too."""
    made = net(seed=7, **options)
    for i, name in enumerate(made.weights):
        made.weights[name][...] = kn.random.normal(made.weights[name].shape, seed=i)
    return made


def equal(a: kn.Network, b: kn.Network, names: Any) -> bool:
    return all(np.array_equal(a.weights[n], b.weights[n]) for n in names)


FRONT = [f"conv2d_1/{w}" for w in "Fb"] + [f"batch_norm_1/{w}" for w in ("gamma", "beta", "mean", "variance")]


def test_what_has_the_name_and_the_shape_is_taken_running_values_too() -> None:
    new, source = net(classes=5), old()
    before = {name: w.copy() for name, w in new.weights.items()}
    report = new.load_weights(source)
    assert list(report.taken) == [*FRONT, "dense_1/W", "dense_1/b"]
    assert equal(new, source, report.taken)
    assert report.skipped == {
        "dense_2/W": "(16, 5) != (16, 10)",
        "dense_2/b": "(5,) != (10,)",
    }
    assert all(np.array_equal(new.weights[n], before[n]) for n in report.skipped)
    assert report.new == {} and report.unused == ["dense_2/W", "dense_2/b"] and not report.complete


def test_what_was_taken_is_a_copy() -> None:
    new, source = net(), old()
    new.load_weights(source)
    new.weights["dense_1/W"][...] = 0
    assert source.weights["dense_1/W"].any()


@pytest.mark.parametrize("place", ["file", "checkpoint", "folder with the best", "folder with the last"])
def test_from_files_and_run_folders(place: str, tmp_path: Path) -> None:
    source, other = old(), old(classes=10)
    other.weights["dense_2/b"][...] = 99.0
    path = tmp_path / "some.klarnet"
    if place == "file":
        source.save(path)
    elif place == "checkpoint":
        trainer = kn.Trainer(source)
        trainer.step(kn.random.normal((4, 10, 10, 1), seed=1), np.arange(4))
        kn.save_checkpoint(trainer, path)
    else:
        path = tmp_path
        source.save(path / ("best.klarnet" if "best" in place else "last.klarnet"))
        if "best" in place:
            other.save(path / "last.klarnet")
    new = net()
    report = new.load_weights(path)
    assert report.complete and report.unused == [] and equal(new, source, new.weights)
    assert list(report.taken) == list(new.weights)  # the optimizer's state stays behind


def test_a_layer_is_taken_whole_or_not_at_all() -> None:
    """dense_1/b fits, but its matrix sees other features: alone it would mean nothing."""
    new = net(filters=6)
    first = new.weights["dense_1/b"].copy()
    report = new.load_weights(old())
    assert list(report.taken) == ["dense_2/W", "dense_2/b"]
    assert report.skipped["dense_1/b"] == "its W does not fit"
    assert np.array_equal(new.weights["dense_1/b"], first)


def test_by_pattern_nothing_else_is_touched() -> None:
    new, source = net(), old()
    before = new.weights["dense_1/W"].copy()
    report = new.load_weights(source, match=["conv2d_*", "batch_norm_*"])
    assert list(report.taken) == FRONT and report.unasked == [n for n in new.weights if n not in FRONT]
    assert report.complete and np.array_equal(new.weights["dense_1/W"], before)
    assert list(new.load_weights(source, match="*/b").taken) == ["conv2d_1/b", "dense_1/b", "dense_2/b"]
    with pytest.raises(ValueError, match="load_weights: pattern 'con2d_1' is not known, .*mean 'conv2d_1'"):
        new.load_weights(source, match="con2d_1")


def named(*names: str, widths: tuple[int, ...]) -> kn.Network:
    layers = [kn.Dense(k, activation="tanh", name=n) for n, k in zip(names, widths, strict=True)]
    return kn.Network(layers, input_shape=(6,), seed=len(names))


def test_by_shape_layers_keep_their_order_and_the_front_comes_first() -> None:
    source = named("a", "b", "c", "d", widths=(8, 8, 8, 3))
    new = named("one", "two", "three", "four", "five", widths=(8, 8, 4, 8, 3))
    report = new.load_weights(source, match="shape")
    # (6→8), (8→8), (8→4), (4→8), (8→3) against (6→8), (8→8), (8→8), (8→3)
    assert report.taken == {
        "one/W": "a/W",
        "one/b": "a/b",
        "two/W": "b/W",
        "two/b": "b/b",
        "five/W": "d/W",
        "five/b": "d/b",
    }
    assert set(report.new) == {"three/W", "three/b", "four/W", "four/b"}
    assert report.unused == ["c/W", "c/b"]
    assert np.array_equal(new.weights["two/W"], source.weights["b/W"])


def test_by_shape_from_a_file_goes_by_the_order_of_its_layers(tmp_path: Path) -> None:
    """The file's own order of arrays is no order: z stands before a in the network."""
    source = named("z", "a", "m", widths=(6, 6, 6))
    source.save(tmp_path / "x.klarnet")
    new = named("first", "second", "third", widths=(6, 6, 6))
    assert new.load_weights(tmp_path / "x.klarnet", match="shape").taken["first/W"] == "z/W"
    assert np.array_equal(new.predict(np.ones((1, 6))), source.predict(np.ones((1, 6))))


def test_nothing_that_fits_is_refused_with_the_way_out() -> None:
    source, new = named("a", "b", widths=(8, 3)), named("one", "two", widths=(8, 3))
    before = new.weights.values.copy()
    with pytest.raises(
        ValueError, match=r"nothing fits .* one/W \(not in the source\).*match='shape' would take 4"
    ):
        new.load_weights(source)
    with pytest.raises(ValueError, match="nothing fits this network by shape"):
        named("q", widths=(5,)).load_weights(source, match="shape")
    assert np.array_equal(new.weights.values, before) and new.version == 0


@pytest.mark.parametrize(("options", "what"), [({"classes": 5}, "dense_2/W"), ({"width": 12}, "dense_1/W")])
def test_strict_refuses_what_would_stay_as_it_is(options: dict[str, int], what: str) -> None:
    new = net(**options)
    before, running = new.weights.values.copy(), new.weights.untrained.copy()
    with pytest.raises(ValueError, match=rf"strict=True: {what} \(.* != .*nothing was changed"):
        new.load_weights(old(), strict=True)
    assert np.array_equal(new.weights.values, before) and np.array_equal(new.weights.untrained, running)
    assert new.load_weights(old(), match="conv2d_1", strict=True).complete


def test_strict_tells_what_the_source_lacks() -> None:
    source = named("a", widths=(8,))
    with pytest.raises(ValueError, match=r"b/W \(not in the source\)"):
        named("a", "b", widths=(8, 3)).load_weights(source, strict=True)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e200])
def test_numbers_that_are_none_change_nothing(value: float) -> None:
    new, source = net(), old(dtype=np.float64)
    source.weights["dense_2/b"][3] = value
    before = new.weights.values.copy()
    with pytest.raises(ValueError, match=r"dense_2/b holds (nan|inf) at \(3,\)"):
        new.load_weights(source)
    assert np.array_equal(new.weights.values, before)


def test_float64_weights_become_float32_and_back() -> None:
    new, source = net(), old(dtype=np.float64)
    new.load_weights(source)
    assert new.weights["dense_1/W"].dtype == np.float32
    assert np.array_equal(new.weights["dense_1/W"], source.weights["dense_1/W"].astype(np.float32))
    wide = net(dtype=np.float64)
    wide.load_weights(new)
    assert np.array_equal(wide.weights["dense_1/W"], new.weights["dense_1/W"])


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        (3, TypeError, "load_weights: int, expected the path"),
        ("no/such/file.klarnet", FileNotFoundError, "no/such/file"),
    ],
)
def test_sources_that_are_none(source: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        net().load_weights(source)


def test_a_folder_without_a_network_and_a_broken_file(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no network")
    with pytest.raises(FileNotFoundError, match="expected best.klarnet or last.klarnet .* got notes.txt"):
        net().load_weights(tmp_path)
    with pytest.raises(ValueError, match="notes.txt: not a whole safetensors file"):
        net().load_weights(tmp_path / "notes.txt")
    with pytest.raises(TypeError, match="match 3, expected 'name', 'shape', or a pattern"):
        net().load_weights(old(), match=3)


# Scaling and class names -----------------------------------------------------------------------------------------


def test_scaling_travels_unless_the_network_has_its_own() -> None:
    source = old(scaling=InputScaling(1 / 255))
    new, own = net(classes=5), net(classes=5, scaling=InputScaling(1 / 127.5, -1))
    report = new.load_weights(source)
    assert new.scaling is source.scaling and any(
        "input scaling: taken, X · 0.0039" in n for n in report.notes
    )
    report = own.load_weights(source)
    assert own.scaling.factor == 1 / 127.5 and any(
        "stays; the source was trained with" in n for n in report.notes
    )
    pictures = kn.data.digits()[:20].X[:, :10, :10]
    new.load_weights(source, match="conv2d_*")
    new.fit(
        kn.data.Dataset(pictures, np.arange(20) % 5, scaling=kn.data.Scaling(0.5)), epochs=1, progress=False
    )
    assert new.scaling.factor == 1 / 255  # the weights were trained with it


def test_class_names_travel_where_the_whole_network_does() -> None:
    names = tuple("abcdefghij")
    source = old(class_names=names)
    whole, other, own = net(), net(classes=5), net(class_names=tuple("0123456789"))
    assert "class names: taken, a, b" in str(whole.load_weights(source)) and whole.class_names == names
    assert "class names: not taken" in str(other.load_weights(source)) and other.class_names is None
    assert "those of this network stay" in str(own.load_weights(source)) and own.class_names[0] == "0"


# What a training under way makes of it ---------------------------------------------------------------------------


def test_moments_of_what_was_loaded_begin_anew_and_the_others_go_on() -> None:
    x, t = kn.random.normal((12, 10, 10, 1), seed=1).astype(np.float32), np.arange(12) % 10
    new = net()
    trainer = kn.Trainer(new, optimizer=kn.Adam(0.01))
    for _ in range(3):
        trainer.step(x, t)
    kept = trainer.moments.named()["m/dense_2/W"].copy()
    new.load_weights(old(), match="conv2d_1")
    before = new.weights["conv2d_1/b"].copy()
    trainer.step(x, t)
    g = new.weights.gradient("conv2d_1/b")
    assert np.allclose(new.weights["conv2d_1/b"] - before, -0.01 * g / (np.abs(g) + 1e-8), atol=1e-6)
    assert trainer.moments.born == {"conv2d_1/F": 3, "conv2d_1/b": 3}
    expected = 0.9 * kept + 0.1 * new.weights.gradient("dense_2/W")
    assert np.allclose(trainer.moments.named()["m/dense_2/W"], expected, atol=1e-7)


def test_frozen_weights_take_values_and_stay_frozen() -> None:
    new, source = net(), old()
    new.freeze("conv2d_1")
    assert new.load_weights(source).complete and equal(new, source, FRONT)
    assert new.weights.frozen == ("conv2d_1/F", "conv2d_1/b")


def test_the_report_reads_well_at_80_columns() -> None:
    text = str(net(filters=8).load_weights(old(scaling=InputScaling(1 / 255)), match="*"))
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "conv2d_1      skipped  F: (3, 3, 1, 8) != (3, 3, 1, 4)" in text


def test_rows_of_an_embedding_are_not_taken_for_other_symbols() -> None:
    """T37: a network for a and b goes on with a and c under no other letter's vector."""
    old_one, new = (kn.recurrent(3, 2, units=3, embedding=2, seed=seed) for seed in (1, 2))
    old_one.encoding = kn.data.TextEncoding("characters", ("a", "b")).settings()
    new.encoding = kn.data.TextEncoding("characters", ("a", "c")).settings()
    before = new.weights.values.copy()
    with pytest.raises(
        ValueError, match="not all of them the same: the rows of embedding_1/W stand for others"
    ):
        new.load_weights(old_one)
    assert np.array_equal(new.weights.values, before)
    assert "gru_1/W_h" in new.load_weights(old_one, match=["gru_1"]).taken
    new.encoding = old_one.encoding
    assert new.load_weights(old_one).complete
