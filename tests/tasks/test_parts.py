"""The parts of a recipe's data: nothing shared, every class alike, the test part on its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import klarnet as kn
from klarnet.tasks.parts import Examples
from klarnet.tasks.recipes import find_recipe, parse

MLP = '\n[network]\nbuilder = "mlp"\n'


@pytest.mark.parametrize("seed", [1, 7])
def test_the_parts_of_digits_share_nothing_and_hold_every_class_alike(seed: int) -> None:
    examples = Examples(find_recipe("digits", [(("seed",), seed, "--seed")]))
    parts = (examples.train, examples.validation, examples.test)
    assert [len(p) for p in parts] == [3600, 1200, 1200]
    seen = [{x.tobytes() for x in np.asarray(p.X)} for p in parts]
    whole = {x.tobytes() for x in np.asarray(kn.data.digits().X)}
    assert set.union(*seen) == whole and sum(map(len, seen)) == len(whole)
    for p in parts:
        assert np.bincount(p.t).tolist() == [len(p) // 10] * 10


def test_mnist_is_validated_on_training_digits_and_tested_on_its_own(shared_data: Path) -> None:
    examples = Examples(find_recipe("mnist", [(("data", "path"), str(shared_data / "mnist"), "--data")]))
    assert [len(p) for p in (examples.train, examples.validation, examples.test)] == [57000, 3000, 10000]
    test = kn.data.mnist(shared_data / "mnist", part="test")
    assert np.array_equal(examples.test.X, test.X) and np.array_equal(examples.test.t, test.t)


def test_who_only_trains_never_reads_the_test_part(tmp_path: Path) -> None:
    data = kn.data.digits()
    kn.data.write_idx(tmp_path / "train-images-idx3-ubyte", data.X[:50, :, :, 0])
    kn.data.write_idx(tmp_path / "train-labels-idx1-ubyte", np.asarray(data.t[:50], np.uint8))
    examples = Examples(find_recipe("mnist", [(("data", "path"), str(tmp_path), "--data")]))
    with pytest.warns(UserWarning, match="lie wholly in one part"):
        assert (len(examples.train), len(examples.validation)) == (48, 2)
    assert examples.about() == "48 training, 2 validation examples; a test part of its own"
    with pytest.raises(FileNotFoundError, match="t10k-images"):
        assert examples.test


def folder(path: Path, *names: str, count: int = 10) -> None:
    """Pictures of 8 x 8 in two classes; each is one grey, by which it can be told."""
    from PIL import Image

    for n, name in enumerate(names):
        for c, kind in enumerate(("cat", "dog")):
            (path / name / kind).mkdir(parents=True)
            for i in range(count):
                grey = np.full((8, 8), 100 * n + 20 * c + i, np.uint8)
                Image.fromarray(grey).save(path / name / kind / f"{i}.png")


def of_pictures(path: Path, *lines: str) -> Examples:
    text = "\n".join(["[data]", 'source = "pictures"', f"path = '{path}'", "channels = 1", *lines])
    return Examples(parse(text + MLP, "my.toml", "my"))


def test_pictures_in_class_folders_are_cut(tmp_path: Path) -> None:
    folder(tmp_path, "")
    examples = of_pictures(tmp_path, "validation = 0.2", "test = 0.3")
    parts = (examples.train, examples.validation, examples.test)
    assert [len(p) for p in parts] == [10, 4, 6] and [int(p.t.sum()) for p in parts] == [5, 2, 3]
    assert len(set.union(*({int(x[0, 0, 0]) for x in p.X} for p in parts))) == 20
    assert parts[0].class_names == ("cat", "dog")


@pytest.mark.parametrize("in_memory", ["true", "false"])
def test_pictures_with_folders_for_the_parts(tmp_path: Path, in_memory: str) -> None:
    folder(tmp_path, "train", "test", count=10)
    (tmp_path / "test" / "cat").rename(tmp_path / "cat")  # the test part need not have every class
    examples = of_pictures(tmp_path, "validation = 0.2", f"in_memory = {in_memory}")
    assert [len(p) for p in (examples.train, examples.validation, examples.test)] == [16, 4, 10]
    assert set(examples.test.t) == {1} and examples.test.class_names == ("cat", "dog")
    assert isinstance(examples.train, kn.data.Dataset) == (in_memory == "true")
    first, _ = next(iter(examples.train.batches(16)))
    assert first.shape == (16, 8, 8, 1) and first.max() < 100
    folder(tmp_path, "val", count=3)
    examples = of_pictures(tmp_path, "validation_folder = 'val'", f"in_memory = {in_memory}")
    assert [len(p) for p in (examples.train, examples.validation, examples.test)] == [20, 6, 10]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            'source = "mnist"\npath = "x"\ntest = 0.2',
            r"my.toml:4: data.test 0.2: this source has a test part",
        ),
        (
            'source = "digits"\nvalidation = 0.6\ntest = 0.4',
            r"my.toml:1: \[data\]: validation and test, 1 together, leave nothing",
        ),
        (
            'source = "mnist"',
            r"my.toml:1: data.path is missing, expected the folder with MNIST's .*: --data PATH",
        ),
    ],
)
def test_parts_that_cannot_be_are_refused(data: str, words: str) -> None:
    recipe = parse(f"[data]\n{data}{MLP}", "my.toml", "my")
    with pytest.raises(ValueError, match=f"^{words}"):
        assert Examples(recipe).train


TABLE = "a,b,kind\n" + "".join(f"{i % 7},{i * i % 11},{'xy'[i % 2]}\n" for i in range(40))


def test_a_table_is_cut_and_scaled_by_its_training_part(tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text(TABLE)
    text = f"[data]\nsource = 'csv'\npath = '{tmp_path}/all.csv'\nvalidation = 0.25\ntest = 0.25{MLP}"
    examples = Examples(parse(text, "my.toml", "my"))
    assert [len(p) for p in (examples.train, examples.validation, examples.test)] == [20, 10, 10]
    assert examples.train.class_names == ("x", "y")
    assert examples.test.scaling == examples.train.scaling is not None
    scaled = examples.train.scaling.apply(examples.train.X, np.float64)
    assert scaled.mean(axis=0) == pytest.approx(0, abs=1e-6) and scaled.std(axis=0) == pytest.approx(
        1, abs=1e-6
    )


@pytest.mark.parametrize("kind", ["csv", "npz", "npy"])
def test_parts_may_be_files_of_their_own(kind: str, tmp_path: Path) -> None:
    data = []
    for name, rows in (("train", slice(0, 20)), ("validation", slice(20, 30)), ("test", slice(30, 40))):
        lines = TABLE.splitlines()
        (tmp_path / f"{name}.csv").write_text("\n".join([lines[0], *lines[1:][rows]]))
        X = np.array([line.split(",")[:2] for line in lines[1:][rows]], np.float32)
        t = np.array(["xy".index(line[-1]) for line in lines[1:][rows]])
        np.savez(tmp_path / f"{name}.npz", X=X, t=t)
        np.save(tmp_path / f"{name}.npy", X)
        np.save(tmp_path / f"{name}-t.npy", t)
        prefix = "" if name == "train" else f"{name}_"
        data.append(f"{prefix}path = '{name}.{kind}'")
        data += [f"{prefix}t_path = '{name}-t.npy'"] if kind == "npy" else []
    source = "csv" if kind == "csv" else "numpy"
    (tmp_path / "my.toml").write_text("\n".join(["[data]", f"source = '{source}'", *data, MLP]))
    examples = Examples(find_recipe(tmp_path / "my.toml"))
    assert [len(p) for p in (examples.train, examples.validation, examples.test)] == [20, 10, 10]
    assert examples.test.scaling == examples.train.scaling is not None
    assert np.asarray(examples.test.X)[0].tolist() == [30 % 7, 900 % 11]


def test_a_table_with_text_among_numbers_is_refused_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text(TABLE.replace("2,4,x", "2,four,x", 1))
    text = f"[data]\nsource = 'csv'\npath = '{tmp_path}/all.csv'{MLP}"
    with pytest.raises(ValueError, match="all.csv:4: column 'b'.*'four'"):
        assert Examples(parse(text, "my.toml", "my")).train
