"""Every loss with every setting: its gradient against central differences, its value by hand, what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import klarnet as kn
from klarnet import losses
from klarnet.engine import native, use
from klarnet.formulas import checks
from klarnet.random import normal, uniform

LABELS = np.array([[0, 2, 1], [3, 3, 0]], np.int32)
SOFT = kn.formulas.softmax(normal((2, 3, 4), 5))
WEIGHTS = [1.0, 2.0, 0.5, 3.0]

LINES = np.array([[2, 1], [3, -1]], np.int32)  # two lines of three steps
LOSSES: dict[str, tuple[losses.Loss, Any]] = {
    "cross entropy": (kn.CrossEntropy(), LABELS),
    "cross entropy, sum": (kn.CrossEntropy(reduction="sum"), LABELS),
    "cross entropy of distributions": (kn.CrossEntropy(label_smoothing=0.1), SOFT),
    "cross entropy with all": (kn.CrossEntropy(class_weights=WEIGHTS, label_smoothing=0.2, ignored=3), LABELS),
    "softmax cross entropy": (kn.SoftmaxCrossEntropy(), LABELS),
    "softmax cross entropy, sum": (kn.SoftmaxCrossEntropy(reduction="sum", class_weights=WEIGHTS), SOFT),
    "softmax cross entropy with all": (
        kn.SoftmaxCrossEntropy(class_weights=WEIGHTS, label_smoothing=0.2, ignored=0), LABELS,
    ),
    "binary cross entropy": (kn.BinaryCrossEntropy(), SOFT),
    "binary cross entropy, sum": (kn.BinaryCrossEntropy(reduction="sum"), SOFT),
    "sigmoid binary cross entropy": (kn.SigmoidBinaryCrossEntropy(), SOFT),
    "squared error": (kn.SquaredError(), SOFT),
    "squared error, sum": (kn.SquaredError(reduction="sum"), SOFT),
    "squared error, half sum": (kn.SquaredError(reduction="half_sum"), SOFT),
    "squared error, half mean": (kn.SquaredError(reduction="half_mean"), SOFT),
    "smooth l1": (kn.SmoothL1(beta=0.5), SOFT),
    "smooth l1, sum": (kn.SmoothL1(reduction="sum"), SOFT),
    "huber": (kn.Huber(beta=0.7), SOFT),
    "ctc": (kn.CTC(), LINES),
    "ctc, sum": (kn.CTC(blank=3, reduction="sum"), np.array([[1, 0], [2, -1]], np.int32)),
}  # fmt: skip
each = pytest.mark.parametrize("name", LOSSES)


def inputs(loss: losses.Loss) -> np.ndarray:
    """Probabilities or numbers, as the loss wants them."""
    if isinstance(loss, kn.CrossEntropy) and not isinstance(loss, kn.SoftmaxCrossEntropy):
        return kn.formulas.softmax(normal((2, 3, 4), 1))
    if type(loss) is kn.BinaryCrossEntropy:
        return uniform((2, 3, 4), 1) * 0.8 + 0.1
    return 2 * normal((2, 3, 4), 1)


def run(name: str, X: np.ndarray, factor: float = 1.0) -> tuple[float, np.ndarray]:
    loss, t = LOSSES[name]
    weights = None if loss.class_weights is None else np.asarray(loss.class_weights, X.dtype)
    value, kept = loss.forward(X, t if t.dtype.kind == "i" else t.astype(X.dtype), weights, factor=factor)
    assert value.shape == (1,)
    return float(value[0]), loss.backward(kept)


def test_every_loss_stands_in_the_table() -> None:
    from klarnet.losses.loss import LOSSES as registered

    assert set(registered) == {type(loss).name for loss, _ in LOSSES.values()}


@each
def test_gradient(name: str) -> None:
    X = inputs(LOSSES[name][0])
    with use("formulas"):
        for factor in (1.0, 0.3):
            checks.check(lambda x, f=factor: run(name, x, f)[0], X, run(name, X, factor)[1], bound=1e-6)


@pytest.mark.skipif(native.library() is None, reason=f"no native library: {native.why_not()}")
@each
def test_the_native_engine_agrees(name: str) -> None:
    X = inputs(LOSSES[name][0]).astype(np.float32)
    found = []
    for engine in ("native", "formulas"):
        with use(engine):
            found.append(run(name, X))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    assert np.abs(found[0][1] - found[1][1]).max() <= 1e-5 * np.abs(found[1][1]).max()


def test_reductions() -> None:
    """24 elements, 6 positions, 2 examples."""
    with use("formulas"):
        value = {name: run(name, inputs(LOSSES[name][0]))[0] for name in LOSSES}
    assert value["cross entropy, sum"] == pytest.approx(6 * value["cross entropy"])
    assert value["binary cross entropy, sum"] == pytest.approx(24 * value["binary cross entropy"])
    total = value["squared error, sum"]
    assert value["squared error"] == pytest.approx(total / 24)
    assert value["squared error, half sum"] == pytest.approx(total / 2)
    assert value["squared error, half mean"] == pytest.approx(total / 4)


def test_what_counts_in_a_mean() -> None:
    """With weights of classes the mean is over their sum, ignored positions left out."""
    X = kn.formulas.softmax(normal((2, 3, 4), 1))
    loss, _ = LOSSES["cross entropy with all"]
    kept = LABELS != 3
    w = np.array(WEIGHTS)
    T = 0.8 * np.eye(4)[LABELS] + 0.05
    terms = -(w * T * np.log(X)).sum(-1)
    value, _ = loss.forward(X, LABELS, w)
    assert value[0] == pytest.approx(terms[kept].sum() / w[LABELS][kept].sum())


@each
def test_settings_make_the_loss_again(name: str) -> None:
    loss, _ = LOSSES[name]
    again = type(loss)(**loss.settings())
    assert repr(again) == repr(loss) and losses.loss(loss) is loss
    assert type(losses.loss(type(loss).name)) is type(loss) and type(losses.loss(type(loss))) is type(loss)


WRONG: list[tuple[Any, str]] = [
    (lambda: losses.loss("cross_entropie"), "did you mean 'cross_entropy'"),
    (lambda: losses.loss(3), "loss 3 is not known, expected one of cross_entropy"),
    (
        lambda: kn.CrossEntropy(reduction="average"),
        "cross_entropy: reduction 'average', expected one of mean, sum",
    ),
    (lambda: kn.CrossEntropy(label_smoothing=1.0), "label_smoothing 1.0"),
    (lambda: kn.CrossEntropy(class_weights=[1.0, -1.0]), "class_weights"),
    (lambda: kn.SquaredError(reduction="half"), "half_sum, half_mean"),
    (lambda: kn.SmoothL1(beta=0), "beta 0, expected a number above 0"),
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_wrong_settings(number: int) -> None:
    make, message = WRONG[number]
    with pytest.raises(ValueError, match=message):
        make()


KINDS: list[tuple[str, tuple[int, ...], tuple[int, ...], str, str]] = [
    ("cross_entropy", (6, 3), (6,), "int64", "int"),
    ("cross_entropy", (6, 3), (6, 3), "float32", "float"),
    ("cross_entropy", (6, 3), (6, 3), "int64", "float"),
    ("cross_entropy", (2, 5, 3), (2, 5), "uint8", "int"),
    ("squared_error", (6, 1), (6, 1), "int64", "float"),
]


@pytest.mark.parametrize(("name", "outputs", "targets", "dtype", "kind"), KINDS)
def test_what_targets_become(name: str, outputs: Any, targets: Any, dtype: str, kind: str) -> None:
    assert losses.loss(name).target_kind(outputs, targets, np.dtype(dtype), "dense_1") == kind


MISFIT: list[tuple[str, tuple[int, ...], tuple[int, ...], str, str]] = [
    ("cross_entropy", (6, 3), (6,), "float32", "class indices must be whole numbers, got float32"),
    ("cross_entropy", (2, 5, 3), (2,), "int64", "is Flatten missing"),
    (
        "cross_entropy",
        (6, 3),
        (6, 4),
        "float32",
        r"targets of shape \(6, 4\) for outputs of shape \(6, 3\) of dense_1",
    ),
    ("squared_error", (3, 1), (3,), "float32", "nothing is broadcast"),
    ("huber", (3, 2), (2, 3), "float32", r"huber: targets of shape \(2, 3\)"),
]


@pytest.mark.parametrize(("name", "outputs", "targets", "dtype", "message"), MISFIT)
def test_targets_that_do_not_fit(name: str, outputs: Any, targets: Any, dtype: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        losses.loss(name).target_kind(outputs, targets, np.dtype(dtype), "dense_1")
