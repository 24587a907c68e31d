"""Where the examples of a recipe come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from klarnet import data

Trained = Callable[[], Any]  # gives the training part


@dataclass(frozen=True)
class Supply:
    """The parts that a source has, each read when it is called; what it has not is cut off from the training part.

    Validation and test part may ask for the training part, whose classes and scaling are theirs.
    """

    train: Callable[[], Any]
    validation: Callable[[Trained], Any] | None = None
    test: Callable[[Trained], Any] | None = None


@dataclass(frozen=True)
class Source:
    """Examples that a recipe may name; nothing is looked at before `open()`.

    shape, outputs   of the network's input and output, where they are known without reading
    needs            what is wanted as data.path, where there is none
    """

    open: Callable[[], Supply]
    shape: tuple[int, ...] | None = None
    outputs: int | None = None
    needs: str | None = None


def digits() -> Source:
    """The 6,000 handwritten digits that come with klarnet."""
    return Source(lambda: Supply(data.digits), shape=(28, 28, 1), outputs=10)


def mnist(path: str | None = None) -> Source:
    """MNIST's four IDX files in a folder."""
    supply = Supply(lambda: data.mnist(str(path)), test=lambda _: data.mnist(str(path), part="test"))
    needs = None if path else "the folder with MNIST's four IDX files"
    return Source(lambda: supply, shape=(28, 28, 1), outputs=10, needs=needs)


def pictures(
    path: str | None = None,
    *,
    size: int | tuple[int, int] | None = None,
    channels: Literal[1, 3] = 3,
    train_folder: str = "train",
    validation_folder: str = "validation",
    test_folder: str = "test",
    in_memory: bool = True,
    workers: int | None = None,
) -> Source:
    """Pictures in a folder or a zip, one sub-folder a class: path/CLASS/*, or path/train/CLASS/*, path/test/CLASS/*.

    size        height and width that all are brought to: one number or [height, width]; the size of the first if not
                given
    channels    1 for grey, 3 for colour
    train_folder, validation_folder, test_folder   what the sub-folders of the parts are called
    in_memory   false: training and validation pictures are decoded batch by batch, in `workers` threads
    """
    from klarnet.data.class_folders import by_class
    from klarnet.data.members import Members

    both = (size, size) if isinstance(size, int) else size

    def open_() -> Supply:
        there = {name for name, folder in Members(str(path), None).entries() if folder and "/" not in name}
        parts, lazy = train_folder in there, not in_memory

        def read(part: str | None, lazy: bool) -> Any:
            """One part, its classes numbered as those of the training part."""
            learned = part is None or part == train_folder
            names = None if learned else by_class(Members(str(path), train_folder), None)[0]
            given: dict[str, Any] = {"size": both, "channels": channels, "workers": workers}
            return data.pictures(str(path), part=part, class_names=names, in_memory=not lazy, **given)

        return Supply(
            lambda: read(train_folder if parts else None, lazy),
            (lambda _: read(validation_folder, lazy)) if parts and validation_folder in there else None,
            (lambda _: read(test_folder, False)) if parts and test_folder in there else None,
        )

    needs = None if path else "a folder or zip of pictures with one sub-folder a class"
    return Source(open_, needs=needs)


Column = str | int


def csv(
    path: str | None = None,
    *,
    target: Column | list[Column] = -1,
    validation_path: str | None = None,
    test_path: str | None = None,
    columns: list[Column] | None = None,
    one_hot: list[Column] | None = None,
    group: Column | None = None,
    task: Literal["classes", "numbers"] | None = None,
    missing: Literal["refuse", "mean", "median", "drop"] = "refuse",
    unknown: Literal["refuse", "zero"] = "refuse",
    standardise: bool = True,
    header: bool = True,
    delimiter: str | None = None,
    decimal: Literal[".", ","] = ".",
    charset: str = "utf-8",
) -> Source:
    """A CSV file, or one for each part; the settings are those of `kn.data.csv`.

    target     the column to learn, by name or place (-1: the last), or several columns of numbers
    validation_path, test_path   files of the other parts; what is not given is cut off from `path`
    """
    form: dict[str, Any] = {"header": header, "delimiter": delimiter, "decimal": decimal, "charset": charset}
    wanted: dict[str, Any] = {"target": target, "columns": columns, "one_hot": one_hot or (), "group": group}
    wanted |= {"task": task, "missing": missing, "unknown": unknown, "standardise": standardise}

    def other(file: str | None) -> Callable[[Trained], Any] | None:
        return None if file is None else lambda train: data.csv(file, like=train().encoding, **form).encode()

    supply = Supply(lambda: data.csv(str(path), **wanted, **form), other(validation_path), other(test_path))
    return Source(lambda: supply, needs=None if path else "a CSV file")


def numpy(
    path: str | None = None,
    *,
    t_path: str | None = None,
    validation_path: str | None = None,
    validation_t_path: str | None = None,
    test_path: str | None = None,
    test_t_path: str | None = None,
    X: str = "X",
    t: str = "t",
    columns: list[int] | None = None,
    task: Literal["classes", "numbers"] | None = None,
    missing: Literal["refuse", "mean", "median", "drop"] = "refuse",
    standardise: bool = True,
    class_names: list[str] | None = None,
) -> Source:
    """An .npz file with the arrays X and t, or two .npy files; the settings are those of `kn.data.numpy_file`.

    t_path     the .npy file of the targets, where `path` is that of the inputs
    validation_path, test_path (and validation_t_path, test_t_path)   files of the other parts; what is not given is
               cut off from `path`
    """
    wanted: dict[str, Any] = {"X": X, "t": t, "columns": columns, "task": task, "missing": missing}
    wanted |= {"standardise": standardise, "class_names": class_names}

    def other(file: str | None, of_targets: str | None) -> Callable[[Trained], Any] | None:
        if file is None:
            return None
        return lambda train: data.numpy_file(file, of_targets, **wanted).encode(train().encoding)

    supply = Supply(
        lambda: data.numpy_file(str(path), t_path, **wanted),
        other(validation_path, validation_t_path),
        other(test_path, test_t_path),
    )
    return Source(lambda: supply, needs=None if path else "an .npz or .npy file")


def texts(
    path: str | None = None,
    *,
    unit: Literal["characters", "words"] = "characters",
    lower: bool = False,
    least: int = 1,
    keep_duplicates: bool = False,
    text: Column = 0,
    target: Column = -1,
    class_names: list[str] | None = None,
) -> Source:
    """Short texts, each of a class; the settings are those of `kn.data.texts`.

    unit          what gets a number: "characters" or "words"
    least         symbols that are rarer in the training part count as unknown
    text, target  the columns of a CSV file
    """
    how: dict[str, Any] = {"unit": unit, "lower": lower, "least": least, "keep_duplicates": keep_duplicates}
    how |= {"text": text, "target": target, "class_names": class_names}
    supply = Supply(lambda: data.texts(str(path), **how))
    needs = None if path else "a folder or zip with one text file a class, or a CSV file"
    return Source(lambda: supply, needs=needs)


def corpus(path: str | None = None, *, lower: bool = False, least: int = 1, steps: int = 64) -> Source:
    """Text to learn a language model from; the settings are those of `kn.data.corpus`."""
    supply = Supply(lambda: data.corpus(str(path), lower=lower, least=least, steps=steps))
    needs = None if path else "a text file, or a folder or zip of text files"
    return Source(lambda: supply, needs=needs)


SOURCES: dict[str, Callable[..., Source]] = {
    "digits": digits,
    "mnist": mnist,
    "pictures": pictures,
    "csv": csv,
    "numpy": numpy,
    "texts": texts,
    "corpus": corpus,
}
