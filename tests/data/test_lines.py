"""Pictures of text lines: which text belongs to which picture, what a batch holds, what is refused."""

from __future__ import annotations

import warnings
import zipfile
from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import klarnet as kn
from klarnet.data import Alphabet, lines, page_texts
from klarnet.data.truth import read_truth

DATA = Path(__file__).parents[2].parent / "shared" / "data"


def line(width: int, height: int = 24, ink: int = 0, paper: int = 255, kind: str = "L") -> bytes:
    """A picture of a line: paper, and a stroke of ink in the middle of its height."""
    pixels = np.full((height, width), paper, np.uint8)
    pixels[height // 3 : 2 * height // 3] = ink
    file = BytesIO()
    Image.fromarray(pixels).convert(kind).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(params=["folder", "zip"])
def stored(request, tmp_path: Path):
    def make(files: dict[str, bytes]) -> Path:
        if request.param == "folder":
            for name, data in files.items():
                (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / "set" / name).write_bytes(data)
            return tmp_path / "set"
        with zipfile.ZipFile(tmp_path / "set.zip", "w") as file:
            for name, data in files.items():
                file.writestr(name, data)
        return tmp_path / "set.zip"

    return make


def some(n: int, texts: str = "ab", folder: str = "") -> dict[str, bytes]:
    """n lines with texts of one character each, in turn, as wide as their number says."""
    files = {}
    for i in range(n):
        files[f"{folder}{i}.png"] = line(20 + 9 * i)
        files[f"{folder}{i}.gt.txt"] = texts[i % len(texts)].encode()
    return files


def test_pictures_and_their_texts_in_natural_order(stored):
    files = {"10.bin.png": line(30, kind="1"), "10.gt.txt": b"ten", "2.png": line(40), "2.gt.txt": b"two\n"}
    data = lines(stored(files), workers=0)
    assert data.files == ("2.png", "10.bin.png") and data.texts == ("two", "ten")
    assert data.lengths.tolist() == [80, 60] and "".join(data.alphabet) == "enotw"
    X, t, lengths = data.take([1, 0])
    assert X.shape == (2, 48, 96, 1) and X.dtype == np.uint8 and lengths.tolist() == [60, 80]
    assert [data.alphabet.decode(row) for row in t] == ["ten", "two"]
    assert t.shape == (2, 8) and (t[:, 3:] == -1).all()


def test_ink_is_bright_paper_and_padding_are_zero(stored):
    path = stored({"a.png": line(40), "a.gt.txt": b"a"})
    x = lines(path, workers=0).take([0])[0][0, ..., 0]
    assert (x[20:28, :80] > 250).all() and (x[:12] < 5).all() and not x[:, 80:].any()
    bright = stored({"b.png": line(40, ink=255, paper=0), "b.gt.txt": b"b"})
    np.testing.assert_array_equal(
        lines(bright, select="b*", ink="bright", workers=0).take([0])[0][0, ..., 0], x
    )


def test_a_pattern_selects_and_folders_or_a_name_make_groups(stored):
    files = {}
    for year, book in (("1801", "x_y"), ("1808", "z"), ("1812", "w")):
        files |= {f"{year}/{book}_{i}.png": line(30) for i in range(3)}
        files |= {f"{year}/{book}_{i}.gt.txt": b"t" for i in range(3)}
    path = stored(files)
    assert len(lines(path)) == 9 and len(lines(path, select="180?/*")) == 6
    assert set(lines(path, part="1812").files) == {"w_0.png", "w_1.png", "w_2.png"}
    assert set(lines(path).groups) == {"1801", "1808", "1812"}
    data = lines(path, group=r"(.+)_")
    assert Counter(data.groups) == {"1801/x_y": 3, "1808/z": 3, "1812/w": 3}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        a, b = data.split(2 / 3, 1 / 3, seed=1, groups=data.groups)
    assert len(a) == 6 and not set(a.groups) & set(b.groups) and a.alphabet == b.alphabet


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_the_same_batches_for_any_number_of_workers(stored, workers):
    path = stored(some(30))
    whole = list(lines(path, workers=0).batches(4, seed=1, epoch=2, shuffle=True))
    again = list(lines(path, workers=workers).batches(4, seed=1, epoch=2, shuffle=True, start=3))
    assert len(whole) == 8 and len(again) == 5
    for one, two in zip(whole[3:], again, strict=True):
        for a, b in zip(one, two, strict=True):
            np.testing.assert_array_equal(a, b)
    assert max(np.ptp(-(-batch[2] // 32)) for batch in whole) <= 3
    assert len({batch[0].shape[2] for batch in whole}) > 3


def test_augmentation_depends_on_seed_epoch_and_line_alone(stored):
    data = lines(stored(some(12)), workers=0)
    steps = [kn.data.augment.Shift(3), kn.data.augment.Noise(0.1)]
    changed = data.augmented(steps, seed=5)
    X, _, lengths = changed.take([3, 7], epoch=1)
    alone, _, _ = changed.take([3], epoch=1)
    np.testing.assert_array_equal(X[0, :, : lengths[0]], alone[0, :, : lengths[0]])
    assert not X[0, :, lengths[0] :].any()
    assert (X[0] != data.take([3, 7])[0][0]).any() and (changed.take([3], epoch=2)[0] != alone).any()
    threaded = data.augmented(steps, seed=5, workers=2)
    for one, two in zip(
        changed.batches(4, seed=1, shuffle=True), threaded.batches(4, seed=1, shuffle=True), strict=True
    ):
        np.testing.assert_array_equal(one[0], two[0])
    train, test = changed.split(0.5, 0.5, seed=1)
    np.testing.assert_array_equal(test.take([0])[0], test.take([0], epoch=1)[0])
    assert (train.take([0], epoch=0)[0] != train.take([0], epoch=1)[0]).any()


def test_steps_that_change_the_size_or_mix_lines_are_refused(stored):
    data = lines(stored(some(3)), workers=0)
    for step, message in (
        (kn.data.augment.ResizedCrop(size=8), "changes the size"),
        ("mixup", "mixup blends examples"),
    ):
        with pytest.raises(ValueError, match=message):
            data.augmented([step])


def test_a_byte_order_mark_and_line_ends_are_no_letters():
    """T38."""
    assert read_truth(b"\xef\xbb\xbfab\r\n", "x") == "ab"
    assert read_truth(b"  a b \n", "x") == "a b" and read_truth(b"", "x") == ""
    assert read_truth("a\u0308".encode(), "x") == "\u00e4"
    with pytest.raises(ValueError, match=r"x.gt.txt: 2 lines, expected the text of one line"):
        read_truth(b"ab\ncd", "x.gt.txt")
    with pytest.raises(ValueError, match=r"x.gt.txt: no UTF-8 at byte 1"):
        read_truth(b"a\xe4", "x.gt.txt")


def test_files_without_a_final_newline_stay_apart(stored):
    """T38: "ab" and "cd", never "abcd"."""
    path = stored({"1.png": line(9), "1.gt.txt": b"ab", "2.png": line(9), "2.gt.txt": b"cd"})
    assert lines(path).texts == ("ab", "cd")


def test_a_line_without_text_is_kept_or_left_out_with_a_count(stored):
    """T36."""
    path = stored(some(3) | {"9.png": line(30), "9.gt.txt": b"\n"})
    data = lines(path, workers=0)
    assert data.texts[3] == "" and (data.take([3])[1] == -1).all()
    with pytest.warns(UserWarning, match="1 of 4 lines have no text and are left out"):
        assert lines(path, empty="drop").texts == ("a", "b", "a")


def test_unknown_characters_are_named_and_count_and_are_never_trained_on(stored):
    """T37: the alphabet {a, b}, a line "abc"."""
    path = stored(some(3) | {"9.png": line(30), "9.gt.txt": b"abc"})
    with pytest.warns(UserWarning, match="characters that the alphabet lacks.*'c' 1"):
        data = lines(path, alphabet=Alphabet("ab"), workers=0)
    assert data.unknown == {"c": 1} and data[:3].unknown == {}
    assert data.take([3])[1][0, :4].tolist() == [1, 2, -2, -1]
    metric = kn.metrics.CharacterErrorRate()
    metric.update(np.array([[1, 2, -1]]), data.take([3])[1])
    assert metric.result() == pytest.approx(1 / 3)
    x = kn.Input((48, None, 1), lengths=True)
    net = kn.Network(inputs=x, outputs=kn.Dense(3)(kn.ToSequence(axis="width")(x)))
    with pytest.raises(ValueError, match=r"fit: no class for the characters 'c'.*alphabet.grown"):
        net.fit(data, progress=False)
    X, t, lengths = data.take(range(4))
    assert t[3, :3].tolist() == [1, 2, -2]
    t[3, 2] = -1  # the loss is that of the other characters
    found = net.evaluate(data, loss="ctc").loss
    assert found == pytest.approx(net.evaluate(X, t, lengths=lengths, loss="ctc").loss, rel=1e-6)


def test_data_of_another_alphabet_are_refused_and_a_grown_network_takes_them(stored):
    data = lines(stored(some(4, "abc")), workers=0)
    x = kn.Input((48, None, 1), lengths=True)
    y = kn.Dense(3)(kn.ToSequence(axis="width")(x))
    net = kn.Network(inputs=x, outputs=y, class_names=Alphabet("ab").class_names)
    with pytest.raises(ValueError, match=r"not numbered as the network's \(the data has also 'c'\)"):
        net.evaluate(data)
    alphabet = Alphabet.of_classes(net.class_names).grown(data.texts)
    grown = net.with_classes(alphabet.class_names)
    assert grown.class_names == ("blank", "a", "b", "c")
    for name in ("dense_1/W", "dense_1/b"):
        assert grown.weights[name][..., :3].tobytes() == net.weights[name].tobytes()
    P = grown.predict(data)
    assert [p.shape for p in P] == [(n, 4) for n in data.lengths]


def test_a_network_learns_to_read_and_says_how_well(stored):
    """T36 and T37: a line without text is learned, an unknown character counts against the network."""
    files = some(6, "ab") | {"8.png": line(40, ink=255), "8.gt.txt": b""}
    files |= {f"t{i}.png": line(40) for i in range(3)}
    files |= {f"t{i}.gt.txt": text for i, text in enumerate((b"ab", b"", b"ac"))}
    path = stored(files)
    train = lines(path, select="[0-9]*", workers=0)
    with pytest.warns(UserWarning, match="'c' 1"):
        test = lines(path, select="t*", alphabet=train.alphabet, workers=0)
    x = kn.Input((48, None, 1), lengths=True)
    h = kn.MaxPool2D(4)(kn.Conv2D(2, 3, padding="half", activation="relu")(x))
    net = kn.Network(inputs=x, outputs=kn.Dense(3)(kn.LSTM(6)(kn.ToSequence(axis="width")(h))), seed=1)
    rates = ["character_error_rate"]
    history = net.fit(
        train, validation=test, loss="ctc", metrics=rates, epochs=2, batch_size=4, progress=False
    )
    assert net.class_names == ("blank", "a", "b") and np.isfinite(history["validation_loss"]).all()
    read = [train.alphabet.decode(kn.ctc.best_path(X).labels) for X in net.predict(test)]
    expected = kn.metrics.text_errors(test.texts, read)
    assert expected.length == 4  # the unknown c is one of them
    found = net.evaluate(test, loss="ctc", metrics=[*rates, "word_error_rate"])
    assert found.character_error_rate == pytest.approx(expected.character_error_rate)
    assert found.word_error_rate == pytest.approx(expected.word_error_rate)
    assert history["validation_character_error_rate"][-1] == found.character_error_rate


def test_pictures_without_texts_can_be_read(stored):
    data = lines(stored({"1.png": line(30), "2.png": line(50)}), truth=False, workers=0)
    assert data.t is None and data.texts is None and data.class_names is None
    X, t, lengths = data.take([0, 1])
    assert t is None and lengths.tolist() == [60, 100]


@pytest.mark.parametrize(
    ("files", "how", "message"),
    [
        ({"1.png": line(9)}, {}, r"1.png: no 1.gt.txt beside it; truth=False"),
        ({"1.txt": b""}, {}, r"no pictures of lines that fit '\*'"),
        (some(1), {"select": "x*"}, r"no pictures of lines that fit 'x\*'"),
        (some(1) | {"0.bin.png": line(9)}, {}, r"0.png: a second picture for 0.gt.txt, beside 0.bin.png"),
        (some(1), {"group": "z"}, "group='z' finds nothing"),
        (some(1), {"height": 0}, "height must be"),
        (some(1), {"ink": "blue"}, "ink must be"),
        (some(1), {"empty": "no"}, "empty must be"),
        (some(1) | {"1.png": b"no picture", "1.gt.txt": b"a"}, {}, r"1.png: no picture"),
        ({"0.png": line(9), "0.gt.txt": b" "}, {"empty": "drop"}, "no line has a text"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(stored, files, how, message):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=message):
            lines(stored(files), **how)


PAGE = """<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"><Page><TextRegion>{}
</TextRegion></Page></PcGts>"""


def page(tmp_path: Path, *inside: str) -> Path:
    lines = "".join(f'<TextLine id="l{i}">{text}</TextLine>' for i, text in enumerate(inside))
    (tmp_path / "page.xml").write_text(PAGE.format(lines), encoding="utf-8")
    return tmp_path / "page.xml"


def equivalent(text: str, index: int | None = None) -> str:
    mark = "" if index is None else f" index='{index}'"
    return f"<TextEquiv{mark}><Unicode>{text}</Unicode></TextEquiv>"


def test_of_several_texts_of_a_line_the_lowest_index_counts(tmp_path):
    """T39."""
    word = "<Word id='w{}'>{}</Word>"
    found = page_texts(
        page(
            tmp_path,
            equivalent("fo0", 1) + equivalent("foo", 0),
            equivalent(" only\n"),
            word.format(1, equivalent("two")) + word.format(2, equivalent("words")),
            equivalent("none") + equivalent("first", 3),
            word.format(3, equivalent("of the word")) + equivalent("of the line"),
        )
    )
    assert list(found.values()) == ["foo", "only", "two words", "first", "of the line"]


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        ("", "line l0 has no TextEquiv, neither itself nor in its words"),
        ("<Word id='w'></Word>", "line l0 has no TextEquiv"),
        (equivalent("a\nb"), "line l0: 2 lines"),
    ],
)
def test_a_line_of_a_page_without_a_text_is_never_empty(tmp_path, inside, message):
    with pytest.raises(ValueError, match=message):
        page_texts(page(tmp_path, inside))


def test_what_is_no_page_is_refused(tmp_path):
    for text, message in (("<a>", "no XML"), ("<alto/>", "the root is alto, expected PcGts")):
        (tmp_path / "x.xml").write_text(text)
        with pytest.raises(ValueError, match=message):
            page_texts(tmp_path / "x.xml")


@pytest.mark.skipif(not DATA.is_dir(), reason="no ../shared/data with uw3-lines and fraktur-lines")
def test_real_lines():
    train = lines(DATA / "uw3-lines" / "uw3-lines.zip", part="train")
    assert len(train) == 50 and train.texts[1] == "ZVI GALIL" and train.files[0].endswith(".bin.png")
    books = lines(DATA / "fraktur-lines" / "fraktur-lines.zip", select="180?/*", group=r"(.+)_")
    assert len(books) == 363 and len(set(books.groups)) == 10
    padded = sum(X.shape[2] * len(X) for X, _, _ in books.batches(16, seed=1, epoch=0, shuffle=True))
    assert padded / books.lengths.sum() < 1.08
