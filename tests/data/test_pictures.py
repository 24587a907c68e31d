"""Pictures in class folders and zips: numbering, sizes, what is refused, the same numbers however they are read."""

from __future__ import annotations

import multiprocessing
import pickle
import re
import subprocess
import sys
import threading
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import klarnet as kn
from klarnet.data import Dataset, LazyPictures, Scaling, pictures


def png(value: int, size: tuple[int, int] = (4, 5)) -> bytes:
    """A grey picture of one value, (height, width)."""
    file = BytesIO()
    Image.fromarray(np.full(size, value, np.uint8)).save(file, "PNG")
    return file.getvalue()


def noise(seed: int, size: tuple[int, int] = (16, 16), kind: str = "PNG") -> bytes:
    file = BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)).save(file, kind)
    return file.getvalue()


@pytest.fixture(params=["folder", "zip", "deflated"])
def stored(request, tmp_path: Path):
    """stored({"train/cat/1.png": bytes, "empty/": b""}): a folder or a zip with these files."""

    def make(files: dict[str, bytes]) -> Path:
        if request.param == "folder":
            for name, data in files.items():
                path = tmp_path / "set" / name
                (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
                if not name.endswith("/"):
                    path.write_bytes(data)
            return tmp_path / "set"
        packed = zipfile.ZIP_DEFLATED if request.param == "deflated" else zipfile.ZIP_STORED
        with zipfile.ZipFile(tmp_path / "set.zip", "w", packed) as file:
            for name, data in files.items():
                file.writestr(name, data)
        return tmp_path / "set.zip"

    return make


def shown(path: Path, member: str) -> str:
    """A file's name at the beginning of an error, as a pattern."""
    return re.escape(f"{path}!{member}" if path.suffix == ".zip" else str(path / member))


PETS = {
    f"train/{c}/{i}.png": png(10 * k + i) for k, c in enumerate(("owl", "cat", "dog")) for i in (10, 2, 1)
}


def test_a_sub_folder_a_class_in_natural_order(stored):
    data = pictures(stored(PETS), part="train", channels=1)
    assert isinstance(data, Dataset)
    assert data.class_names == ("cat", "dog", "owl")
    assert data.X.shape == (9, 4, 5, 1) and data.X.dtype == np.uint8 and data.scaling == Scaling(1 / 255)
    assert data.t.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2] and data.t.dtype == np.int64
    assert data.X[:, 0, 0, 0].tolist() == [11, 12, 20, 21, 22, 30, 1, 2, 10]
    assert data.name in ("set (train)", "set.zip (train)")
    colour = pictures(stored(PETS), part="train")
    assert colour.X.shape == (9, 4, 5, 3) and np.array_equal(colour.X, np.repeat(data.X, 3, axis=3))


def test_numbers_of_classes_are_those_of_the_training_part(stored):
    files = PETS | {
        "test/cat/1.png": png(1),
        "test/owl/1.png": png(2),
        "wrong/cat/1.png": png(1),
        "wrong/owls/1.png": png(1),
    }
    path = stored(files)
    train = pictures(path, part="train")
    test = pictures(path, part="test", class_names=train.class_names)
    assert test.class_names == ("cat", "dog", "owl") and test.t.tolist() == [0, 2]
    with pytest.raises(
        ValueError, match=shown(path, "wrong/owls") + ": class 'owls' is not known.*did you mean 'owl'"
    ):
        pictures(path, part="wrong", class_names=train.class_names)


def test_folders_with_numbers_are_numbered_as_people_count(stored):
    path = stored({f"{n}/a.png": png(n) for n in (10, 2, 1)})
    data = pictures(path, channels=1)
    assert data.class_names == ("1", "2", "10")
    assert data.X[:, 0, 0, 0].tolist() == [1, 2, 10] and data.t.tolist() == [0, 1, 2]


def test_names_of_classes_travel_with_the_model(stored, tmp_path):
    data = pictures(stored({f"{n}/a.png": png(n) for n in (10, 2, 1)}), channels=1)
    net = kn.Network([kn.Flatten(), kn.Dense(3), kn.Softmax()], input_shape=(4, 5, 1))
    net.fit(data, epochs=1, progress=False)
    net.save(tmp_path / "net.klarnet")
    loaded = kn.load(tmp_path / "net.klarnet")
    assert loaded.class_names == ("1", "2", "10")
    matrix = loaded.evaluate(data).confusion_matrix
    assert [
        line.split()[0]
        for line in str(matrix).splitlines()
        if line.split()[:1] and line.split()[0] in "1 2 10"
    ]
    assert np.array_equal(loaded.predict(data.X), loaded.predict((data.X / 255).astype(np.float32)))
    with pytest.raises(ValueError, match="trained on uint8 values scaled to 0 … 1"):
        loaded.predict(data.X.astype(np.float32) * 25)


def test_names_with_accents_are_one_name_however_they_are_composed(stored):
    path = stored(
        {"train/Kr\u00e4he/a.png": png(1), "train/Eule/a.png": png(1), "test/Kra\u0308he/a.png": png(2)}
    )
    train = pictures(path, part="train")
    assert train.class_names == ("Eule", "Kr\u00e4he")
    assert pictures(path, part="test", class_names=train.class_names).t.tolist() == [1]


def test_the_first_picture_tells_the_size_and_others_are_refused_by_name(stored):
    path = stored(
        {"a/1.png": png(1), "a/2.png": png(1, (6, 5)), "b/1.png": png(1), "b/2.png": png(1, (4, 6))}
    )
    for in_memory in (True, False):
        with pytest.raises(ValueError) as caught:
            pictures(path, in_memory=in_memory)
        text = str(caught.value)
        assert (
            "2 of 4 files cannot be used" in text and "height 6, width 5, expected 4, 5 as in a/1.png" in text
        )
        assert re.search(shown(path, "a/2.png"), text) and re.search(shown(path, "b/2.png"), text)
        assert text.endswith("size=(4, 5) would bring all pictures to one size") and "\n" not in text
    data = pictures(path, size=(4, 5), channels=1)
    assert data.X.shape == (4, 4, 5, 1)
    wide = data.X[3, :, :, 0]
    assert wide.max() == 1 and wide[:, 0].max() == 1  # the whole width is used


def test_a_turned_picture_has_the_size_as_it_is_seen(stored):
    exif = Image.Exif()
    exif[0x0112] = 6
    file = BytesIO()
    Image.fromarray(np.zeros((5, 4), np.uint8)).save(file, "PNG", exif=exif)
    path = stored({"a/1.png": png(1), "a/2.png": file.getvalue(), "b/1.png": png(1)})
    assert pictures(path).X.shape[1:3] == pictures(path, in_memory=False).size == (4, 5)


BROKEN = {
    "cut.png": noise(1)[:300],
    "cut.jpg": noise(1, (64, 64), "JPEG")[:900],
    "empty.png": b"",
    "text.png": b"this is no picture",
    "notes.txt": b"labels: see the wiki",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_no_whole_picture_is_named(stored, name):
    path = stored({"a/1.png": noise(0), "b/1.png": noise(2), f"b/{name}": BROKEN[name]})
    with pytest.raises(ValueError, match=f"^{shown(path, 'b/' + name)}: ") as caught:
        pictures(path, size=(16, 16))
    assert "\n" not in str(caught.value)


def test_all_broken_files_are_counted_and_the_first_ones_listed(stored):
    good = {f"a/{i}.png": noise(i) for i in range(70)}
    path = stored(
        good | {f"b/{i}.png": b"no picture" for i in range(3)} | {f"b/x{i}.png": b"" for i in range(5)}
    )
    with pytest.raises(ValueError) as caught:
        pictures(path)
    text = str(caught.value)
    assert "8 of 78 files cannot be used" in text and text.endswith("; and 3 more") and "\n" not in text
    for name in ("b/0.png", "b/1.png", "b/2.png", "b/x0.png", "b/x1.png"):
        assert re.search(shown(path, name), text)
    with pytest.raises(ValueError, match="8 of 78 files"):
        pictures(path, in_memory=False)
    with pytest.raises(ValueError, match="2 of 2 files"):
        pictures(stored({"only/a/1.png": b"", "only/b/1.png": b"x"}), part="only")


WRONG = {
    "one class": ({"cat/1.png": png(1)}, "only one class, cat; expected two class folders or more"),
    "no pictures": ({"cat/1.png": png(1), "dog/": b""}, "dog: no pictures in this class folder"),
    "nothing": ({".hidden/1.png": png(1)}, "no class folders, expected one sub-folder a class"),
    "a file at the top": (
        {"a/1.png": png(1), "b/1.png": png(1), "labels.csv": b"1"},
        "labels.csv: a file beside",
    ),
    "a folder too deep": (PETS, "train/(cat|dog|owl): a folder inside a class folder, .*part='train'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_sets_that_are_none_are_refused_with_the_place(stored, case):
    files, words = WRONG[case]
    path = stored(files)
    with pytest.raises(ValueError, match=f"{re.escape(str(path))}.*{words}"):
        pictures(path)


def test_hidden_files_are_passed_over(stored):
    more = {
        "train/.DS_Store": b"x",
        "train/cat/.DS_Store": b"x",
        "train/dog/Thumbs.db": b"x",
        "__MACOSX/train/._1": b"x",
    }
    path = stored(PETS | more)
    assert len(pictures(path, part="train")) == 9
    with pytest.raises(
        ValueError, match="part 'tain' is not known, expected one of train; did you mean 'train'"
    ):
        pictures(path, part="tain")


def test_class_names_that_are_given_may_lack_pictures_but_not_all(stored):
    path = stored({"some/cat/": b"", "some/dog/1.png": png(1), "none/cat/": b"", "none/dog/": b""})
    data = pictures(path, part="some", class_names=["cat", "dog"])
    assert data.t.tolist() == [1] and data.class_names == ("cat", "dog")
    with pytest.raises(ValueError, match="none: no pictures in any class folder"):
        pictures(path, part="none", class_names=["cat", "dog"])


@pytest.mark.parametrize(
    "wrong, error, words",
    [
        ({"channels": 4}, ValueError, "channels must be 1"),
        ({"size": 32}, TypeError, r"size must be \(height, width\), got 32"),
        ({"size": (0, 5)}, ValueError, r"at least \(1, 1\)"),
        ({"part": "../other"}, ValueError, "name of a sub-folder such as 'train'"),
        ({"part": 3}, TypeError, "part must be the name"),
        ({"workers": -1}, ValueError, "workers must be at least 0"),
    ],
)
def test_wrong_arguments(tmp_path, wrong, error, words):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(png(1))
    with pytest.raises(error, match=words):
        pictures(tmp_path, **wrong)


def test_what_is_neither_folder_nor_whole_zip(tmp_path):
    with pytest.raises(FileNotFoundError, match="gone: no such folder or zip"):
        pictures(tmp_path / "gone")
    (tmp_path / "a.zip").write_bytes(b"not a zip at all")
    with pytest.raises(ValueError, match="a.zip: no whole zip file"):
        pictures(tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as file:
        for name in ("a/1.png", "b/1.png", "b/2.png"):
            file.writestr(name, png(1))
    data = bytearray((tmp_path / "b.zip").read_bytes())
    (tmp_path / "c.zip").write_bytes(data[:-40])
    with pytest.raises(ValueError, match="c.zip: no whole zip file"):
        pictures(tmp_path / "c.zip")
    at = data.index(b"b/2.png") + 40
    data[at] ^= 255  # inside the picture
    (tmp_path / "d.zip").write_bytes(data)
    with pytest.raises(ValueError, match="d.zip!b/2.png: damaged in the zip"):
        pictures(tmp_path / "d.zip")


@pytest.fixture
def many(stored):
    files = {f"{c}/{i}.png": noise(100 * k + i) for k, c in enumerate("abc") for i in range(20)}
    return stored(files)


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_order_and_numbers_do_not_depend_on_the_threads(many, workers):
    alone, data = pictures(many, workers=1), pictures(many, workers=workers)
    assert np.array_equal(alone.X, data.X) and np.array_equal(alone.t, data.t)
    lazy = pictures(many, workers=workers, in_memory=False)
    assert isinstance(lazy, LazyPictures) and len(lazy) == lazy.examples == 60 and "60" in repr(lazy)
    assert lazy.files[:2] == ("a/0.png", "a/1.png") and np.array_equal(lazy.labels(), data.t)
    for options in ({}, {"shuffle": True, "seed": 3, "epoch": 2}, {"drop_last": True}, {"start": 2}):
        pairs = zip(lazy.batches(16, **options), data.batches(16, **options), strict=True)
        for (X, t), (Y, u) in pairs:
            assert X.dtype == np.uint8 and np.array_equal(X, Y) and np.array_equal(t, u)
    assert lazy.iterations(16) == 4 and lazy.iterations(16, drop_last=True) == 3
    with pytest.raises(ValueError, match="no batch would be left"):
        lazy.batches(64, drop_last=True)


def test_a_lazy_set_is_chosen_from_and_split_as_one_in_memory(many):
    data, lazy = pictures(many), pictures(many, in_memory=False)
    for which in (3, slice(10, 30), [5, 0, 59], data.t == 1):
        assert np.array_equal(lazy[which].load().X, data[which].X)
    parts = zip(
        lazy.split(0.5, 0.5, seed=1, stratified=True),
        data.split(0.5, 0.5, seed=1, stratified=True),
        strict=True,
    )
    for one, other in parts:
        assert np.array_equal(one.load().X, other.X) and np.array_equal(one.t, other.t)
    with pytest.raises(ValueError, match="no example is left"):
        lazy[[]]


def small_net():
    layers = [kn.Conv2D(4, 3, activation="relu"), kn.Flatten(), kn.Dense(3), kn.Softmax()]
    return kn.Network(layers, input_shape=(16, 16, 3), seed=1)


def test_training_from_files_gives_the_same_bits_as_from_memory(many):
    found = []
    for data in (
        pictures(many),
        pictures(many, in_memory=False, workers=1),
        pictures(many, in_memory=False, workers=4),
    ):
        net = small_net()
        history = net.fit(data, validation=0.2, epochs=2, batch_size=8, progress=False)
        result = net.evaluate(data)
        assert net.class_names == ("a", "b", "c") and net.scaling.dtype == "uint8"
        found.append((net.weights.values.tobytes(), history.rows[-1]["validation_loss"], result.loss))
    assert found[0] == found[1] == found[2]


def prefetching() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("klarnet-prefetch")]


class Stop(kn.Callback):
    def __init__(self, how: type[BaseException]) -> None:
        self.how = how

    def on_batch_end(self, fit, loss: float) -> None:
        if fit.batch == 2:
            assert prefetching()
            raise self.how("stopped")


@pytest.mark.parametrize("how", [KeyboardInterrupt, RuntimeError])
def test_a_training_that_breaks_off_leaves_no_thread(many, how):
    lazy = pictures(many, in_memory=False)
    try:
        small_net().fit(lazy, epochs=3, batch_size=4, callbacks=[Stop(how)], progress=False)
    except RuntimeError as error:
        assert how is RuntimeError and str(error) == "stopped"
    assert prefetching() == []


def test_a_file_that_breaks_later_is_named_when_its_batch_comes(many):
    lazy = pictures(many, in_memory=False)
    if many.is_dir():
        (many / "b" / "7.png").write_bytes(noise(1)[:200])
    else:
        data = bytearray(many.read_bytes())
        at = data.index(b"b/7.png") + 60
        data[at : at + 8] = bytes(8)
        many.write_bytes(data)
    batches = lazy.batches(10)
    for _ in range(2):
        next(batches)
    with pytest.raises(ValueError, match=shown(many, "b/7.png")):
        next(batches)
    assert prefetching() == []


def test_a_lazy_set_goes_to_another_process(many):
    lazy = pictures(many, in_memory=False)
    again = pickle.loads(pickle.dumps(lazy))  # as for a spawned process
    assert np.array_equal(again.load().X, lazy.load().X)


WORKERS = """
import multiprocessing, sys
import klarnet as kn

def work(lazy):
    net = kn.Network([kn.Flatten(), kn.Dense(3), kn.Softmax()], input_shape=(16, 16, 3), seed=1)
    net.fit(lazy, epochs=1, batch_size=8, progress=False)
    return net.weights.values.tobytes()

if __name__ == "__main__":
    lazy = kn.data.pictures(sys.argv[1], in_memory=False, workers=2)
    trainer = kn.Trainer(kn.Network([kn.Flatten(), kn.Dense(3), kn.Softmax()], input_shape=(16, 16, 3)))
    batches = lazy.batches(8)
    trainer.step(*next(batches))  # the engine's threads and the readers run now
    expected = work(lazy)
    with multiprocessing.get_context(sys.argv[2]).Pool(2) as pool:
        print([bits == expected for bits in pool.map(work, [lazy, lazy])], len(list(batches)))
"""


@pytest.mark.parametrize("stored", ["zip"], indirect=True)
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_processes_started_in_the_middle_of_a_training_read_and_train(many, tmp_path, method):
    script = tmp_path / "work.py"
    script.write_text(WORKERS)
    command = [sys.executable, "-W", "ignore:.*fork.*:DeprecationWarning", str(script), str(many), method]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == ("[True, True] 7\n", "", 0)


def test_real_photographs_from_a_zip(shared_data):
    test = pictures(shared_data / "cifar10" / "cifar10.zip", part="test")
    assert test.X.shape == (5000, 32, 32, 3) and np.bincount(test.t).tolist() == [500] * 10
    assert test.class_names[0] == "airplane" and test.class_names[-1] == "truck"
    with zipfile.ZipFile(shared_data / "cifar10" / "cifar10.zip") as file:
        for i in (0, 1234, 4999):
            name = test.class_names[test.t[i]]
            picture = np.asarray(Image.open(BytesIO(file.read(f"test/{name}/{i % 500:04d}.jpg"))))
            assert np.array_equal(picture, test.X[i])
