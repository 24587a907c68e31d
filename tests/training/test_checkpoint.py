"""Checkpoints: written whole or not at all, recognised when cut off, matched by the names of the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from classifier import T, X, bits, fitted, mlp

import klarnet as kn
from klarnet.network import files


@pytest.mark.parametrize("breaking", ["fdopen", "fsync", "chmod", "replace"])
def test_a_write_that_fails_leaves_the_former_file(
    breaking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.klarnet"
    first, second = mlp(), fitted(X, T)
    first.save(path)

    def fails(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, breaking, fails)
    with pytest.raises(OSError, match="No space"):
        second.save(path)
    monkeypatch.undo()
    assert np.array_equal(kn.load(path).weights.values, first.weights.values)
    assert [p.name for p in tmp_path.iterdir()] == ["net.klarnet"]


def test_a_checkpoint_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    whole, broken = kn.Trainer(mlp()), kn.Trainer(mlp())
    for _ in range(3):
        whole.step(X, T)
        broken.step(X, T)
    kn.save_checkpoint(broken, tmp_path / "last.klarnet", epoch=1)
    resumed = kn.Trainer(mlp())
    assert kn.load_checkpoint(resumed, tmp_path / "last.klarnet")["step"] == 3
    for trainer in (whole, resumed):
        for _ in range(3):
            trainer.step(X, T)
    assert np.array_equal(bits(whole.net), bits(resumed.net))


def named(*names: str) -> kn.Network:
    layers = [kn.Dense(5, activation="tanh", name=name) for name in names]
    return kn.Network([*layers, kn.Dense(3, name="out"), kn.Softmax()], input_shape=(5,), seed=1)


def test_moments_follow_their_weights_by_name(tmp_path: Path) -> None:
    old = kn.Trainer(named("a", "b"))
    for _ in range(3):
        old.step(X, T)
    kn.save_checkpoint(old, tmp_path / "last.klarnet")
    grown = kn.Trainer(named("new", "a", "b"))
    kn.load_checkpoint(grown, tmp_path / "last.klarnet", grown=True)
    before, after = old.moments.named(), grown.moments.named()
    for name, moment in before.items():
        assert np.array_equal(after[name], moment), name
    assert not after["m/new/W"].any() and grown.moments.born["new/W"] == 3
    swapped = kn.Trainer(named("b", "a"))
    kn.load_checkpoint(swapped, tmp_path / "last.klarnet")
    assert np.array_equal(swapped.moments.named()["m/a/W"], before["m/a/W"])
    with pytest.raises(ValueError, match="new"):
        kn.load_checkpoint(kn.Trainer(named("new", "a", "b")), tmp_path / "last.klarnet")
    grown.step(X, T)
    assert np.isfinite(grown.net.weights.values).all()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.3, 0.5, 0.9, 0.999])
def test_a_file_cut_off_anywhere_is_recognised_and_named(share: float, tmp_path: Path) -> None:
    path = tmp_path / "cut.klarnet"
    kn.save_checkpoint(kn.Trainer(mlp()), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    for read in (lambda: kn.load(path), lambda: kn.load_checkpoint(kn.Trainer(mlp()), path)):
        with pytest.raises(ValueError, match="cut.klarnet: .*cut off"):
            read()


def test_a_network_may_be_saved_over_the_file_it_came_from(tmp_path: Path) -> None:
    path = tmp_path / "net.klarnet"
    mlp().save(path)
    net = kn.load(path)
    expected = net.weights.values.copy()
    net.save(path)
    assert np.array_equal(net.weights.values, expected)
    assert np.array_equal(kn.load(path).weights.values, expected)


def test_what_a_killed_process_left_behind_disturbs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "net.klarnet"
    first, second = mlp(), fitted(X, T)
    first.save(path)
    (tmp_path / ".net.klarnet.abc.part").write_bytes(path.read_bytes()[:100])
    assert np.array_equal(kn.load(path).weights.values, first.weights.values)
    second.save(path)
    assert np.array_equal(kn.load(path).weights.values, second.weights.values)


def test_a_checkpoint_that_does_not_fit_changes_nothing(tmp_path: Path) -> None:
    old = kn.Trainer(named("a", "b"))
    old.step(X, T)
    kn.save_checkpoint(old, tmp_path / "last.klarnet")
    layers = [kn.Dense(5, name="a"), kn.Dense(6, name="b"), kn.Dense(3, name="out"), kn.Softmax()]
    other = kn.Trainer(kn.Network(layers, input_shape=(5,)))
    other.step(X, T)
    values = other.net.weights.values.copy()
    moments = {name: m.copy() for name, m in other.moments.named().items()}
    with pytest.raises(ValueError, match="last.klarnet: .*b.*shape"):
        kn.load_checkpoint(other, tmp_path / "last.klarnet")
    assert np.array_equal(values, other.net.weights.values) and other.iterations == 1
    assert all(np.array_equal(m, other.moments.named()[name]) for name, m in moments.items())


def test_a_new_layers_first_step_is_that_of_a_fresh_optimizer(tmp_path: Path) -> None:
    """Adam's correction counts from the step at which a weight was born."""
    old = kn.Trainer(named("a", "b"))
    for _ in range(3):
        old.step(X, T)
    kn.save_checkpoint(old, tmp_path / "last.klarnet")
    grown, fresh = kn.Trainer(named("new", "a", "b")), kn.Trainer(named("new", "a", "b"))
    kn.load_checkpoint(grown, tmp_path / "last.klarnet", grown=True)
    fresh.net.weights.values[...] = grown.net.weights.values
    before = grown.net.weights["new/W"].copy()
    grown.step(X, T)
    fresh.step(X, T)
    assert np.array_equal(grown.net.weights["new/W"], fresh.net.weights["new/W"])
    assert not np.array_equal(grown.net.weights["new/W"], before)
    assert not np.array_equal(grown.net.weights["a/W"], fresh.net.weights["a/W"])


def test_a_file_changed_in_any_place_is_recognised_and_named(tmp_path: Path) -> None:
    path = tmp_path / "net.klarnet"
    net = fitted(X, T)
    net.save(path)
    whole = path.read_bytes()
    header = int.from_bytes(whole[:8], "little")
    places = [*range(0, 8), *range(8, 8 + header, 7), *range(8 + header, len(whole), 11), len(whole) - 1]
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 1
        path.write_bytes(changed)
        try:
            loaded = kn.load(path)
        except ValueError as error:
            assert "net.klarnet: " in str(error)
        else:  # the names of the two entries of the header, and the spaces behind it, are no contents
            assert np.array_equal(loaded.weights.values, net.weights.values), place
            assert place < 8 + header
    path.write_bytes(whole)
    assert np.array_equal(kn.load(path).weights.values, net.weights.values)
