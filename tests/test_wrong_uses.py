"""Wrong uses of the public API: each gives an error of one line that names the layer, argument or file, what was
expected and what came."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import klarnet as kn

X, T = np.zeros((6, 5), np.float32), np.array([0, 1, 2, 0, 1, 2])
PICTURES = np.zeros((4, 8, 8, 1), np.float32)
Use = Callable[[Path], Any]
USES: dict[str, tuple[Use, type[Exception], str]] = {}


def wrong(name: str, error: type[Exception], words: str) -> Callable[[Use], Use]:
    """Note a wrong use, the error it must give, and the words (separated by |) that must stand in its message."""

    def note(use: Use) -> Use:
        assert name not in USES
        USES[name] = (use, error, words)
        return use

    return note


def case(name: str, use: Callable[[], Any], words: str, error: type[Exception] = ValueError) -> None:
    wrong(name, error, words)(lambda folder: use())


def mlp(**options: Any) -> kn.Network:
    return kn.Network(
        [kn.Dense(4, activation="relu"), kn.Dense(3), kn.Softmax()], input_shape=(5,), **options
    )


def net(*layers: kn.Layer, shape: tuple[int, ...] = (8, 8, 1)) -> kn.Network:
    return kn.Network(list(layers), input_shape=shape)


def fit(*data: Any, **options: Any) -> Any:
    return mlp().fit(*data, epochs=1, progress=False, **options)


# Building
case("kernel larger than the map", lambda: net(kn.Conv2D(2, 9)), "conv2d_1|9|8")
case("dilated kernel larger than the map", lambda: net(kn.Conv2D(2, 3, dilation=4)), "conv2d_1|9|8")
case("pool larger than the map", lambda: net(kn.MaxPool2D(4), kn.MaxPool2D(3)), "max_pool2d_2|3|2")
case("dense behind a convolution", lambda: net(kn.Conv2D(2, 3), kn.Dense(3)), "dense_1|(6, 6, 2)|Flatten")
case("convolution of rows", lambda: net(kn.Conv2D(2, 3), shape=(5,)), "conv2d_1|(h, w, d)|(5,)")
case("recurrent layer on pictures", lambda: net(kn.LSTM(3)), "lstm_1|(t, m)|ToSequence")
case("groups that do not divide", lambda: net(kn.Conv2D(3, 3, groups=2)), "conv2d_1|2 groups|3 filters")
case("dropout of everything", lambda: kn.Dropout(1.0), "Dropout|rate|1.0")
case("units below 1", lambda: kn.Dense(0), "Dense|units|0")
case("units that are text", lambda: kn.Dense("ten"), "Dense|units|'ten'")
case(
    "misspelt activation",
    lambda: kn.Network([kn.Dense(3, activation="rellu")], input_shape=(5,)),
    "rellu|relu",
)
case("misspelt padding", lambda: kn.Conv2D(2, 3, padding="same"), "Conv2D|'same'|half")
case(
    "misspelt initial",
    lambda: net(kn.Dense(3, initial="he_norml"), shape=(5,)),
    "dense_1/W|he_norml|he_normal",
)
case("a class, not a layer", lambda: kn.Network([kn.Dense], input_shape=(5,)), "item 0|Dense", TypeError)
case("no layers", lambda: kn.Network([], input_shape=(5,)), "list of layers is empty")
case("no input shape", lambda: kn.Network([kn.Dense(3)]), "input_shape")
case("a layer on an array", lambda: kn.Dense(3)(X), "Dense|ndarray|graph node", TypeError)
case(
    "two layers of one name",
    lambda: net(kn.Dense(3, name="a"), kn.Dense(3, name="a"), shape=(5,)),
    "'a'|twice",
)


@wrong("concatenation of different sizes", ValueError, "concat_1|(8, 8, 1)|(7, 7, 2)")
def _concat(folder: Path) -> Any:
    x = kn.Input((8, 8, 1))
    return kn.Network(inputs=x, outputs=kn.Concat()([x, kn.Conv2D(2, 2)(x)]))


@wrong("changing a layer of a network", AttributeError, "Dropout.rate|cannot be changed")
def _changed(folder: Path) -> Any:
    layer = kn.Dropout(0.5)
    net(layer, shape=(5,))
    layer.rate = 0.1


# Data
case("empty data", lambda: fit(np.zeros((0, 5)), np.zeros(0, int)), "fit|empty")
case("X and t of different lengths", lambda: fit(X, T[:5]), "fit|(6, 5)|(5,)")
case("NaN in the data", lambda: fit(np.full((6, 5), np.nan), T), "fit|nan")
case("NaN to predict", lambda: mlp().predict(np.full((2, 5), np.nan)), "predict|input|nan")
case("objects", lambda: fit(np.array([[None] * 5] * 6, object), T), "fit|object", TypeError)
case("text", lambda: fit(np.full((6, 5), "a"), T), "fit|text", TypeError)
case("wrong width", lambda: fit(np.zeros((6, 4)), T), "input|(n, 5)|(6, 4)")
case(
    "no channel axis",
    lambda: net(kn.Conv2D(2, 3)).predict(np.zeros((4, 8, 8))),
    "input|(n, 8, 8, 1)|channel axis",
)
case(
    "no batch axis",
    lambda: net(kn.Conv2D(2, 3)).predict(np.zeros((8, 8, 1))),
    "input|(n, 8, 8, 1)|batch axis",
)
case("an iterable of nothing", lambda: fit(iter([])), "fit|batch")
case("label too large", lambda: fit(X, T + 1), "label 3|position|3 classes")
case("label below 0", lambda: fit(X, T - 1), "label -1|position|3 classes")
case("fractions for labels", lambda: fit(X, T + 0.5), "cross_entropy|whole numbers|float64")
case("one-hot of another width", lambda: fit(X, np.eye(4)[T]), "cross_entropy|(6, 4)|(6, 3)")
case(
    "targets that would be broadcast",
    lambda: net(kn.Dense(1), shape=(5,)).fit(X, np.zeros(6, np.float32), epochs=1, progress=False),
    "squared_error|(6,)|(6, 1)",
)
case(
    "Flatten missing before the loss",
    lambda: net(kn.Conv2D(3, 3), kn.Softmax()).fit(PICTURES, np.zeros(4, int), epochs=1, progress=False),
    "cross_entropy|(4,)|Flatten",
)
case(
    "symbols with fractions",
    lambda: net(kn.Embedding(9, 4), shape=(8,)).predict(np.zeros((2, 8))),
    "input|whole numbers|float64",
    TypeError,
)
case(
    "symbol out of range",
    lambda: net(kn.Embedding(9, 4), shape=(8,)).predict(np.full((2, 8), 9)),
    "embedding_1|9",
)
case("wrong number of inputs", lambda: mlp().forward([X, X]), "input|(n, 5)|(2, 6, 5)")
case("unknown input name", lambda: mlp().predict({"x": X}), "x|input")


@wrong("a generator used twice", (ValueError, TypeError), "fit|used up after one epoch")  # type: ignore[arg-type]
def _generator(folder: Path) -> Any:
    return mlp().fit(((X, T) for _ in range(2)), epochs=2, progress=False)


# Settings
case("misspelt loss", lambda: fit(X, T, loss="cross_entropie"), "cross_entropie|cross_entropy")
case("misspelt optimizer", lambda: fit(X, T, optimizer="adm"), "adm|adam")
case("misspelt metric", lambda: fit(X, T, metrics=["acuracy"]), "acuracy|accuracy")
case("misspelt layer to freeze", lambda: mlp().freeze("dence_1"), "dence_1|dense_1")
case("misspelt weight", lambda: mlp().weights["dense_1/w"], "dense_1/w|dense_1/W", KeyError)
case("misspelt engine", lambda: kn.engine.use("naitive").__enter__(), "naitive|native|formulas")
case("no threads", lambda: kn.engine.set_threads(0), "set_threads|0|1")
case("learning rate below 0", lambda: kn.Adam(-1.0), "Adam|learning_rate|-1.0")
case("batch size 0", lambda: fit(X, T, batch_size=0), "batch_size|0")
case("no epochs", lambda: mlp().fit(X, T, epochs=0), "epochs|0")
case("validation share above 1", lambda: fit(X, T, validation=1.5), "validation|1.5")
case("patience 0", lambda: kn.EarlyStopping(0), "EarlyStopping|patience|0")
case(
    "nothing of that name to watch",
    lambda: fit(X, T, callbacks=[kn.EarlyStopping(monitor="val_loss")]),
    "val_loss|loss",
)
case("a callback that is none", lambda: fit(X, T, callbacks=[print]), "print|Callback", TypeError)
case("loss for an unknown output", lambda: fit(X, T, loss={"y": "cross_entropy"}), "'y'|output")
case(
    "class weights of another length",
    lambda: fit(X, T, loss=kn.CrossEntropy(class_weights=[1.0, 2.0])),
    "2|3 classes",
)
case(
    "label smoothing of 1", lambda: kn.CrossEntropy(label_smoothing=1.0), "cross_entropy|label_smoothing|1.0"
)
case("backward before forward", lambda: mlp().backward(T), "backward|forward", RuntimeError)
case(
    "weights of another shape",
    lambda: mlp().weights.__setitem__("dense_1/W", np.zeros((4, 5))),
    "dense_1/W|(5, 4)|(4, 5)",
)
case("lengths nobody takes", lambda: mlp().forward(X, lengths=np.ones(6, int)), "lengths|no input")


# Files
@wrong("network file cut off", ValueError, "net.klarnet|cut off")
def _cut(folder: Path) -> Any:
    path = folder / "net.klarnet"
    mlp().save(path)
    path.write_bytes(path.read_bytes()[:-20])
    return kn.load(path)


@wrong("a text file as a network", ValueError, "note.klarnet|safetensors")
def _text(folder: Path) -> Any:
    (folder / "note.klarnet").write_text("hello")
    return kn.load(folder / "note.klarnet")


@wrong("no such file", FileNotFoundError, "nothing.klarnet")
def _missing(folder: Path) -> Any:
    return kn.load(folder / "nothing.klarnet")


@wrong("IDX file cut off", ValueError, "train-images-idx3-ubyte")
def _idx(folder: Path) -> Any:
    kn.data.write_idx(folder / "train-images-idx3-ubyte", np.zeros((3, 28, 28), np.uint8))
    kn.data.write_idx(folder / "train-labels-idx1-ubyte", np.zeros(3, np.uint8))
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    return kn.data.mnist(folder)


@wrong("a layer klarnet does not know", ValueError, "net.klarnet|Own")
def _unknown_layer(folder: Path) -> Any:
    from klarnet.layers import LAYERS

    class Own(kn.Flatten):
        pass

    net(Own()).save(folder / "net.klarnet")
    del LAYERS["Own"]
    return kn.load(folder / "net.klarnet")


@wrong("checkpoint of another network", ValueError, "last.klarnet|dense_2|shape|expected")
def _checkpoint(folder: Path) -> Any:
    kn.save_checkpoint(kn.Trainer(mlp()), folder / "last.klarnet")
    other = kn.Network([kn.Dense(4), kn.Dense(7), kn.Softmax()], input_shape=(5,))
    return kn.load_checkpoint(kn.Trainer(other), folder / "last.klarnet")


@wrong("checkpoint of another optimizer", ValueError, "last.klarnet|adam|rmsprop")
def _optimizer(folder: Path) -> Any:
    kn.save_checkpoint(kn.Trainer(mlp()), folder / "last.klarnet")
    return kn.load_checkpoint(kn.Trainer(mlp(), optimizer="rmsprop"), folder / "last.klarnet")


@pytest.mark.parametrize("name", USES)
def test_wrong_use_gives_one_clear_line(name: str, tmp_path: Path) -> None:
    use, error, words = USES[name]
    with pytest.raises(error) as caught:
        use(tmp_path)
    text = str(caught.value)
    assert "\n" not in text.strip(), text
    for word in words.split("|"):
        assert word.lower() in text.lower(), f"{word!r} is not in: {text}"


def test_there_are_enough_of_them() -> None:
    assert len(USES) >= 40
