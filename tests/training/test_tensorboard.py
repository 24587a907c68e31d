"""The event file of a training, read by TensorBoard itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import klarnet as kn

X = kn.random.normal((50, 5), seed=1).astype(np.float32)
T = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)


def mlp() -> kn.Network:
    return kn.Network([kn.Dense(8, activation="relu"), kn.Dense(3), kn.Softmax()], input_shape=(5,), seed=4)


def shown(folder: Path) -> Any:
    """What TensorBoard shows of a folder."""
    reason = "needs the package tensorboard: pip install 'klarnet[tensorboard]'"
    module = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason=reason)
    found = module.EventAccumulator(str(folder), size_guidance={module.SCALARS: 0, module.HISTOGRAMS: 0})
    return found.Reload()


def fitted(folder: Path, **options: Any) -> kn.History:
    pytest.importorskip(
        "tensorboard", reason="needs the package tensorboard: pip install 'klarnet[tensorboard]'"
    )
    callbacks = [kn.TensorBoard(folder, every=3, histograms=True), *options.pop("callbacks", [])]
    net = options.pop("net", None) or mlp()
    return net.fit(
        X, T, validation=0.2, batch_size=8, epochs=options.pop("epochs", 3), progress=False, callbacks=callbacks,
        **options,
    )  # fmt: skip


def test_what_is_written_is_the_history(tmp_path: Path) -> None:
    history = fitted(tmp_path, clip_norm=1.0)
    found = shown(tmp_path)
    for tag, name in (
        ("loss/train", "loss"),
        ("loss/validation", "validation_loss"),
        ("accuracy/train", "accuracy"),
    ):
        events = found.Scalars(tag)
        assert [e.step for e in events] == [5, 10, 15]
        assert [e.value for e in events] == pytest.approx(history[name])
    assert [e.step for e in found.Scalars("batch/loss")] == [3, 6, 9, 12, 15]
    assert all(e.value > 0 for e in found.Scalars("batch/gradient_norm"))
    assert found.Scalars("batch/learning_rate")[0].value == pytest.approx(0.001)
    histogram = found.Histograms("dense_1/W")[-1].histogram_value
    assert histogram.num == 40 == sum(histogram.bucket) and histogram.min < 0 < histogram.max


def test_a_resumed_run_writes_no_iteration_twice(tmp_path: Path) -> None:
    class Break(kn.Callback):
        def on_batch_end(self, fit: Any, loss: float) -> None:
            if fit.trainer.iterations == 10:
                raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        fitted(tmp_path / "events", callbacks=[kn.Checkpoint(tmp_path, every=4), Break()])
    fitted(tmp_path / "events", callbacks=[kn.Checkpoint(tmp_path, every=4)], resume=True)
    assert [e.step for e in shown(tmp_path / "events").Scalars("batch/loss")] == [3, 6, 9, 12, 15]


def test_weights_that_are_no_numbers(tmp_path: Path) -> None:
    net = mlp()
    net.weights["dense_1/W"][...] = np.nan
    with pytest.raises(kn.NotFiniteError):
        fitted(tmp_path, net=net)
    board = kn.TensorBoard(tmp_path)
    assert board._histogram(net.weights["dense_1/W"]).num == 0
    assert sum(board._histogram(np.array([1.0, np.inf, np.nan])).bucket) == 1


def test_without_the_package_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    for name in [n for n in sys.modules if n.startswith("tensorboard.")]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"TensorBoard: .*pip install 'klarnet\[tensorboard\]'"):
        kn.TensorBoard(tmp_path)


def test_wrong_settings(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="file is a file, expected a folder"):
        kn.TensorBoard(tmp_path / "file")
    with pytest.raises(ValueError, match="TensorBoard: every"):
        kn.TensorBoard(tmp_path, every=0)
