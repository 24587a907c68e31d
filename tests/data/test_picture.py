"""Picture files as inputs: upright, grey or colour, the right size, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from klarnet.data import read_mask, read_picture
from klarnet.data.picture import picture_size


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


def test_a_photograph_stored_on_its_side_is_read_as_it_is_seen(tmp_path: Path) -> None:
    seen = np.zeros((40, 30, 3), np.uint8)  # as seen: 40 high, 30 wide, with a box
    top, left, bottom, right = 4, 6, 16, 20
    seen[top:bottom, left:right] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = np.rot90(seen).copy()
    assert stored.shape == (30, 40, 3)  # what the header says
    path = save(tmp_path / "a.jpg", stored, exif=exif, quality=95, subsampling=0)
    X = read_picture(path, 40, 30, 3)
    assert X[top + 1 : bottom - 1, left + 1 : right - 1].min() > 200  # the box fits
    assert X[:, : left - 1].max() < 50 and X[: top - 1].max() < 50
    assert picture_size(path.read_bytes(), "a.jpg") == (40, 30)


@pytest.mark.parametrize("turn", range(1, 9))
def test_all_eight_orientations(tmp_path: Path, turn: int) -> None:
    seen = np.arange(6, dtype=np.uint8).reshape(3, 2) * 40
    back = {2: np.fliplr, 3: lambda a: np.rot90(a, 2), 4: np.flipud, 5: np.transpose, 6: np.rot90}
    back |= {7: lambda a: np.rot90(a, 2).T, 8: lambda a: np.rot90(a, 3)}
    exif = Image.Exif()
    exif[0x0112] = turn
    path = save(tmp_path / "a.png", back.get(turn, lambda a: a)(seen).copy(), exif=exif)
    assert read_picture(path, 3, 2, 1)[..., 0].tolist() == seen.tolist()
    assert picture_size(path.read_bytes(), "a.png") == (3, 2)


def test_16_bits_are_scaled_to_the_nearest_and_never_clipped(tmp_path: Path) -> None:
    deep = np.array([[40000, 65535], [65536 // 2 - 129, 128]], np.uint16)
    X = read_picture(save(tmp_path / "a.png", deep), 2, 2, 1)[..., 0]
    assert np.abs(X / 255 - deep / 65535).max() <= 0.5 / 255
    assert X[0, 0] == 156
    high = Image.fromarray(np.array([[0, 70000]], np.int32))
    high.save(tmp_path / "b.tif")
    with pytest.raises(ValueError, match="b.tif: grey values from 0 to 70000, expected 8 or 16 bits"):
        read_picture(tmp_path / "b.tif", 1, 2, 1)


def test_a_transparent_number_of_16_bit_grey_becomes_paper(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.array([[65535, 25700]], np.uint16)).save(path, transparency=65535)
    assert read_picture(path, 1, 2, 1)[..., 0].tolist() == [[0, 100]]
    assert read_picture(path, 1, 2, 1, invert=True)[..., 0].tolist() == [[0, 155]]


def palette_mask(path: Path, indices: list[list[int]]) -> Path:
    picture = Image.fromarray(np.array(indices, np.uint8), "P")
    colours = np.zeros((256, 3), np.uint8)
    colours[1], colours[15], colours[255] = (128, 0, 0), (192, 128, 128), (224, 224, 192)
    picture.putpalette(colours.tobytes())
    picture.save(path)
    return path


@pytest.mark.filterwarnings("ignore:.*mode.*:DeprecationWarning")
def test_a_mask_gives_the_indices_of_its_palette_a_picture_the_colours(tmp_path: Path) -> None:
    path = palette_mask(tmp_path / "a.png", [[0, 15], [255, 1]])
    M = read_mask(path)
    assert M.dtype == np.uint8 and M.tolist() == [[0, 15], [255, 1]]
    assert read_picture(path, 2, 2, 3)[0, 1].tolist() == [192, 128, 128]


@pytest.mark.filterwarnings("ignore:.*mode.*:DeprecationWarning")
def test_a_mask_is_resized_without_new_numbers(tmp_path: Path) -> None:
    path = palette_mask(tmp_path / "a.png", [[0, 2]])
    assert read_mask(path, size=(1, 4)).tolist() == [[0, 0, 2, 2]]
    many = np.random.default_rng(0).choice([0, 3, 9], (13, 7)).astype(np.uint8)
    M = read_mask(save(tmp_path / "b.png", many), size=(31, 5))
    assert M.shape == (31, 5) and set(np.unique(M)) <= {0, 3, 9}


def test_masks_of_16_bits_keep_their_numbers_and_colours_are_no_masks(tmp_path: Path) -> None:
    deep = np.array([[0, 40000]], np.uint16)
    assert read_mask(save(tmp_path / "a.png", deep)).tolist() == [[0, 40000]]
    colour = save(tmp_path / "b.png", np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(ValueError, match="b.png: channels R, G, B; a mask has one number a pixel"):
        read_mask(colour)


def test_damaged_tags_do_not_hide_the_pixels(tmp_path: Path) -> None:
    grey = np.full((4, 4), 7, np.uint8)
    path = save(tmp_path / "a.png", grey, exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    assert read_picture(path, 4, 4, 1)[..., 0].tolist() == grey.tolist()
