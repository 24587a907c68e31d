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
case(
    "ignored that is no class",
    lambda: kn.losses.CrossEntropy(ignored=1.5),
    "cross_entropy|ignored|1.5",
    TypeError,
)
case(
    "threads that are no number",
    lambda: kn.engine.set_threads(True),
    "set_threads(True)|whole number",
    TypeError,
)
case(
    "scaling of the data for a network's",
    lambda: mlp(scaling=kn.data.Scaling(1 / 255, 0.0)),
    "scaling|InputScaling|Scaling|fit takes",
    TypeError,
)
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


def two_inputs() -> kn.Network:
    a, b = kn.Input((5,), name="a"), kn.Input((3,), name="b")
    outputs = {"kind": kn.Softmax()(kn.Dense(3)(kn.Concat()([a, b]))), "size": kn.Dense(1)(a)}
    return kn.Network(inputs=[a, b], outputs=outputs)


def fit_two(X: Any, t: Any, **options: Any) -> Any:
    return two_inputs().fit(X, t, epochs=1, progress=False, **options)


AB, BOTH = {"a": X, "b": X[:, :3]}, {"kind": T, "size": X[:, :1]}
case("one array for two inputs", lambda: two_inputs().forward(X), "2 inputs|a, b|1 array")
case("three arrays for two inputs", lambda: two_inputs().predict([X, X, X]), "2 inputs|a, b|3 array")
case("an input left out", lambda: two_inputs().forward({"a": X}), "inputs a|expected a, b")
case("inputs of different lengths", lambda: two_inputs().forward([X, X[:4, :3]]), "b|4 examples|a has 6")
case("columns of different lengths", lambda: fit_two({**AB, "b": X[:4, :3]}, BOTH), "fit|X['b'] 4|X['a'] 6")
case(
    "targets of an output left out",
    lambda: fit_two(AB, {"kind": T}),
    "fit|kind|expected targets for kind, size",
)
case("one loss for two outputs", lambda: fit_two(AB, BOTH, loss="cross_entropy"), "kind, size|dict")
case("metrics of two outputs", lambda: fit_two(AB, BOTH, metrics=["accuracy"]), "fit|metrics|kind, size")
case(
    "weight of an unknown loss",
    lambda: fit_two(AB, BOTH, loss_weights={"kid": 1.0}),
    "loss_weights|'kid'|kind",
)
case(
    "weight of a loss that is no number",
    lambda: fit_two(AB, BOTH, loss_weights={"kind": np.nan}),
    "kind|nan|finite",
)
case(
    "one input twice", lambda: (lambda x: kn.Network(inputs=[x, x], outputs=x))(kn.Input((5,))), "input|twice"
)
case(
    "an input from elsewhere",
    lambda: kn.Network(inputs=kn.Input((5,)), outputs=kn.Dense(3)(kn.Input((5,)))),
    "inputs",
)
case(
    "one layer for a list", lambda: kn.Network(kn.Dense(3), input_shape=(5,)), "Network|Dense|list", TypeError
)
case("a name that is no text", lambda: net(kn.Dense(3, name=5), shape=(5,)), "Dense|name 5|text")  # type: ignore[arg-type]
case("a type that is none", lambda: mlp(dtype="floaty"), "dtype|'floaty'|float32")
case("half precision", lambda: mlp(dtype=np.float16), "dtype|float16|float32")
case("a seed below 0", lambda: mlp(seed=-1), "seed|-1|whole number")

# What would otherwise be found late, in the middle of a training
case(
    "validation of another width",
    lambda: fit(X, T, validation=(X[:, :3], T)),
    "validation|input|(n, 5)|(6, 3)",
)
case(
    "validation with an unknown label",
    lambda: fit(X, T, validation=(X, T + 1)),
    "validation|label 3 at position 2|3 classes",
)
case("validation without targets", lambda: fit(X, T, validation=X), "validation|targets")
case("no targets", lambda: fit(X), "fit|no targets|X and t")
case("evaluation without targets", lambda: mlp().evaluate(X), "evaluate|no targets")
case(
    "class names of another number",
    lambda: mlp(class_names=["a", "b"]).fit(X, T, progress=False),
    "fit|2 class names|softmax_1|3 classes",
)
case("metrics that are no list", lambda: fit(X, T, metrics="accuracy"), "fit|metrics|list", TypeError)
case(
    "callbacks that are no list",
    lambda: fit(X, T, callbacks=kn.EarlyStopping()),
    "fit|callbacks|list",
    TypeError,
)
case(
    "a class of callbacks",
    lambda: fit(X, T, callbacks=[kn.EarlyStopping]),
    "EarlyStopping|Callback",
    TypeError,
)
case("a monitor that is no name", lambda: kn.EarlyStopping(monitor=3), "EarlyStopping|monitor 3", TypeError)  # type: ignore[arg-type]
case("a direction that is none", lambda: kn.EarlyStopping(better="max"), "EarlyStopping|'max'|higher")
case("validation share of a stream", lambda: fit([(X, T)], validation=0.5), "validation|share|arrays")
case("batches of three", lambda: fit([(X, T, T)]), "batch 0|pair (X, t)|3")
case("a batch without targets", lambda: fit(iter([X])), "fit|without targets|(X, t)")
case("a batch of another width", lambda: fit([(X, T), (X[:, :3], T)]), "input|(n, 5)|(6, 3)")
case("a step on nothing", lambda: kn.Trainer(mlp()).step(X[:0], T[:0]), "input|no examples|(0, 5)")
case(
    "a step with a label beyond 32 bits",
    lambda: kn.Trainer(mlp()).step(X, T + 2**32),
    "4294967296|position|2147483647",
)
case("numbers beyond float32", lambda: mlp().predict(np.full((2, 5), 1e300)), "input|1e+300|float32|scale")
case("a trainer without a network", lambda: kn.Trainer([kn.Dense(3)]), "Trainer|kn.Network", TypeError)  # type: ignore[arg-type]
case(
    "a learning rate below 0, later",
    lambda: setattr(kn.Trainer(mlp()), "learning_rate", -1.0),
    "learning_rate|-1.0",
)
case(
    "no batch size for evaluate",
    lambda: mlp().evaluate({"input": X}, T, batch_size=0),
    "evaluate|batch_size|0",
)
case("no batch size for predict", lambda: mlp().predict(X, batch_size=0), "predict|batch_size|0")
case("summary of no batch", lambda: mlp().summary(batch_size=0), "summary|batch_size|0")
case("gradients before backward", lambda: mlp().weight_gradients(), "weight_gradients|backward", RuntimeError)
case("text to forward", lambda: mlp().forward("x"), "input|numbers|<U1", TypeError)
case("complex numbers", lambda: fit(X.astype(complex), T), "fit|complex", TypeError)
case("dates", lambda: fit(np.zeros((6, 5), "M8[s]"), T), "fit|dates", TypeError)
case("rows of different lengths", lambda: fit([[1, 2], [3]], T[:2]), "fit|equal length")
case(
    "text for weights",
    lambda: mlp().weights.__setitem__("dense_1/W", "x"),
    "dense_1/W|numbers|<U1",
    TypeError,
)
case("a number to freeze", lambda: mlp().freeze(3), "freeze|pattern 3|text", TypeError)  # type: ignore[arg-type]


@wrong("gradient of another shape", ValueError, "backward|output|(6, 5)|(6, 3)")
def _gradient(folder: Path) -> Any:
    network = mlp()
    network.forward(X)
    return network.backward(X)


@wrong("gradient that is text", TypeError, "backward|output|<U1")
def _gradient_text(folder: Path) -> Any:
    network = mlp()
    network.forward(X)
    return network.backward("x")


@wrong("a folder as a file", IsADirectoryError, "is a folder|name of a file")
def _folder(folder: Path) -> Any:
    return mlp().save(folder)


@wrong("safetensors of another program", ValueError, "other.klarnet|klarnet|architecture")
def _other(folder: Path) -> Any:
    from safetensors.numpy import save_file

    save_file({"W": X}, folder / "other.klarnet")
    return kn.load(folder / "other.klarnet")


@wrong("labels of another number than pictures", ValueError, "3|2")
def _labels(folder: Path) -> Any:
    kn.data.write_idx(folder / "train-images-idx3-ubyte", np.zeros((3, 28, 28), np.uint8))
    kn.data.write_idx(folder / "train-labels-idx1-ubyte", np.zeros(2, np.uint8))
    return kn.data.mnist(folder)


@wrong("a text file as IDX", ValueError, "train-images-idx3-ubyte")
def _idx_text(folder: Path) -> Any:
    (folder / "train-images-idx3-ubyte").write_text("hello, these are no pictures")
    return kn.data.read_idx(folder / "train-images-idx3-ubyte")


@wrong("checkpoint cut off", ValueError, "last.klarnet|cut off")
def _checkpoint_cut(folder: Path) -> Any:
    path = folder / "last.klarnet"
    kn.save_checkpoint(kn.Trainer(mlp()), path)
    path.write_bytes(path.read_bytes()[:-1])
    return kn.load_checkpoint(kn.Trainer(mlp()), path)


@wrong("a network for a checkpoint", ValueError, "net.klarnet|without a training|kn.load")
def _no_training(folder: Path) -> Any:
    mlp().save(folder / "net.klarnet")
    return kn.load_checkpoint(kn.Trainer(mlp()), folder / "net.klarnet")


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
    assert len(USES) >= 100
