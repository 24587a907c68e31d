"""Picture files as inputs: upright, grey or colour, the right size, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from klarnet.tasks.pictures import light_border, read_picture


def save(path: Path, values: np.ndarray, **options: object) -> Path:
    Image.fromarray(values).save(path, **options)  # type: ignore[arg-type]
    return path


def test_a_picture_of_the_right_size_is_read_as_it_is(tmp_path: Path) -> None:
    grey = np.arange(20, dtype=np.uint8).reshape(4, 5)
    X = read_picture(save(tmp_path / "a.png", grey), 4, 5, 1)
    assert X.dtype == np.uint8 and np.array_equal(X[..., 0], grey)
    assert np.array_equal(read_picture(tmp_path / "a.png", 4, 5, 3), np.repeat(X, 3, axis=2))
    assert np.array_equal(read_picture(tmp_path / "a.png", 4, 5, 1, invert=True), 255 - X)


def test_colour_becomes_grey_and_palettes_are_colours(tmp_path: Path) -> None:
    colour = np.zeros((2, 2, 3), np.uint8)
    colour[0, 0], colour[1, 1] = (255, 0, 0), (255, 255, 255)
    X = read_picture(save(tmp_path / "a.png", colour), 2, 2, 1)[..., 0]
    assert X.tolist() == [[76, 0], [0, 255]]  # ITU-R 601: 0.299 red
    Image.fromarray(colour).convert("P", palette=Image.Palette.ADAPTIVE).save(tmp_path / "b.gif")
    assert np.array_equal(read_picture(tmp_path / "b.gif", 2, 2, 3), colour)


def test_it_is_turned_upright_by_its_exif_tag(tmp_path: Path) -> None:
    upright = np.zeros((8, 8), np.uint8)
    upright[0] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # stored a quarter to the left: to be turned clockwise
    save(tmp_path / "a.png", np.rot90(upright).copy(), exif=exif)
    assert np.array_equal(read_picture(tmp_path / "a.png", 8, 8, 1)[..., 0], upright)


def test_proportions_are_kept_and_the_rest_is_black(tmp_path: Path) -> None:
    tall = save(tmp_path / "a.png", np.full((56, 14), 255, np.uint8))
    X = read_picture(tall, 28, 28, 1)[..., 0]
    filled = np.flatnonzero(X.max(axis=0))
    assert len(filled) == 7 and filled[0] in (10, 11) and X[:, filled].min() == 255
    dark = save(tmp_path / "b.png", np.zeros((56, 14), np.uint8))
    assert np.array_equal(read_picture(dark, 28, 28, 1, invert=True)[..., 0], X)


def test_what_is_transparent_becomes_black_also_behind_black_ink(tmp_path: Path) -> None:
    ink = np.zeros((4, 4, 4), np.uint8)  # transparent and black
    ink[1, 1] = (0, 0, 0, 255)
    X = read_picture(save(tmp_path / "a.png", ink), 4, 4, 1, invert=True)[..., 0]
    assert X[1, 1] == 255 and X.sum() == 255
    ink[1, 1] = (255, 255, 255, 255)
    assert np.array_equal(read_picture(save(tmp_path / "b.png", ink), 4, 4, 1)[..., 0], X)


def test_16_bits_are_brought_to_8(tmp_path: Path) -> None:
    deep = np.array([[0, 257], [32896, 65535]], np.uint16)
    assert read_picture(save(tmp_path / "a.png", deep), 2, 2, 1)[..., 0].tolist() == [[0, 1], [128, 255]]


@pytest.mark.parametrize(
    "name", ["text.png", "empty.png", "cut.png", "cut.jpg", "folder", "gone.png", "float.tif"]
)
def test_what_is_no_whole_picture_is_named(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    path = tmp_path / name
    if name == "text.png":
        path.write_text("not a picture")
    elif name == "empty.png":
        path.touch()
    elif name.startswith("cut"):
        save(path, noise)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif name == "folder":
        path.mkdir()
    elif name == "float.tif":
        save(path, noise.astype(np.float32))
    with pytest.raises((ValueError, FileNotFoundError)) as caught:
        read_picture(path, 28, 28, 1)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


def test_a_picture_too_large_to_be_true_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    path = save(tmp_path / "large.png", np.zeros((64, 64), np.uint8))
    with pytest.raises(ValueError, match="large.png.*exceeds limit"):
        read_picture(path, 28, 28, 1)


def test_light_paper_is_told_from_a_dark_ground() -> None:
    X = np.zeros((28, 28, 1), np.uint8)
    X[5:20, 5:20] = 255
    assert not light_border(X) and light_border(255 - X)
