# SPDX-License-Identifier: Apache-2.0
"""Picture files as they lie about: any name, any kind, torn, empty, bombs."""

import errno
import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from picture_files import encoded, png_chunk

from fer_ros.images.header import PNG, HeaderError
from fer_ros.images.picture import (
    SUFFIXES,
    PictureError,
    foreign_pictures,
    picture_size,
    read_picture,
    write_picture,
)
from fer_ros.lines import shown

PICTURE = np.random.default_rng(0).integers(0, 255, (25, 24, 3), np.uint8)
LOSSLESS_WEBP = (cv2.IMWRITE_WEBP_QUALITY, 101)
FILES = {
    "a.jpg": encoded(".jpg", PICTURE),
    "a.png": encoded(".png", PICTURE),
    "a.bmp": encoded(".bmp", PICTURE),
    "a.tif": encoded(".tif", PICTURE),
    "a.webp": encoded(".webp", PICTURE, cv2.IMWRITE_WEBP_QUALITY, 50),
    "lossless.webp": encoded(".webp", PICTURE, *LOSSLESS_WEBP),
    "a.ppm": encoded(".ppm", PICTURE),
    "a.pgm": encoded(".pgm", PICTURE[..., 0]),
    "comment.ppm": b"P6\n# by hand\n24 25\n255\n" + PICTURE.tobytes(),
}


@pytest.mark.parametrize("name", FILES)
def test_every_kind_is_measured_and_read(tmp_path, name):
    (tmp_path / name).write_bytes(FILES[name])
    assert picture_size(FILES[name]) == (24, 25)
    assert read_picture(tmp_path / name).shape == (25, 24, 3)
    assert read_picture(tmp_path / name, grey=True).shape == (25, 24)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
@pytest.mark.parametrize("bits", [10, 12, 16])
def test_a_grey_picture_of_more_than_8_bits_is_read_by_those_in_use(tmp_path, suffix, bits):
    grey = np.linspace(0, 255, 600).astype(np.uint8).reshape(25, 24)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(encoded(suffix, grey.astype(np.uint16) << (bits - 8)))
    for image in (read_picture(path, grey=True), read_picture(path)[..., 1]):
        assert np.abs(image.astype(int) - grey).max() <= 1


def test_pictures_of_kinds_that_are_not_read_are_told_with_what_to_do(tmp_path):
    heic, gif = tmp_path / "a.jpg", tmp_path / "b.png"
    heic.write_bytes(b"\0\0\0\x1cftypheic\0\0\0\0mif1heic")
    gif.write_bytes(b"GIF89a\1\0\1\0\0\0\0;")
    for path in (heic, gif):
        with pytest.raises(PictureError, match="convert it to JPEG or PNG"):
            read_picture(path)
    names = [Path(name) for name in ("a.HEIC", "b.gif", "c.jpg", "d.txt")]
    assert "2 pictures are" in foreign_pictures(names)
    assert foreign_pictures(names[2:]) == ""


def test_a_jpeg_as_browsers_save_it(tmp_path):
    write_picture(tmp_path / "a.jfif", PICTURE)
    assert ".jfif" in SUFFIXES
    assert read_picture(tmp_path / "a.jfif").shape == PICTURE.shape


@pytest.mark.parametrize("name", FILES)
def test_torn_files_are_one_line(tmp_path, name):
    for length in (0, 3, 10, 20, 30):
        (tmp_path / name).write_bytes(FILES[name][:length])
        with pytest.raises(PictureError) as told:
            read_picture(tmp_path / name)
        assert str(told.value).count(name) == 1
        assert "\n" not in str(told.value)


def test_a_torn_tiff_brings_no_lines_of_opencv(tmp_path, capfd):
    path = tmp_path / "torn.tif"
    path.write_bytes(FILES["a.tif"][:8] + b"\xff" * 800 + FILES["a.tif"][808:])
    assert read_picture(path).shape == PICTURE.shape
    assert capfd.readouterr().err == ""


def test_a_name_that_is_not_utf_8(tmp_path):
    name = tmp_path / os.fsdecode(b"Jos\xe9.png")
    name.write_bytes(FILES["a.png"])
    assert read_picture(name).shape == (25, 24, 3)
    assert shown(name).endswith(r"Jos\xe9.png")
    name.write_bytes(b"no picture")
    with pytest.raises(PictureError, match=r"Jos\\xe9\.png: not a picture"):
        read_picture(name)


def test_names_cannot_write_on_the_terminal():
    assert shown("a\x1b[2Jb\n.png") == r"a\x1b[2Jb\n.png"
    assert shown("Käse 顔.png") == "Käse 顔.png"


def huge_png(side: int) -> bytes:
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((side // 8 + 1) * 10))
    return PNG + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")


BOMBS = {
    "a.png": huge_png(32000),
    "a.bmp": b"BM" + bytes(12) + struct.pack("<Iii", 40, 32000, -32000) + bytes(60),
    "a.tif": b"II*\0\x08\0\0\0\x02\0"
    + struct.pack("<HHII", 256, 4, 1, 32000)
    + struct.pack("<HHII", 257, 4, 1, 32000),
    "a.webp": b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + b"\xff\xff\0\xff\xff\0",
    "a.pgm": b"P5 32000 32000 255 ",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_by_their_header(tmp_path, name, monkeypatch):
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("was decoded"))
    (tmp_path / name).write_bytes(BOMBS[name])
    with pytest.raises(PictureError, match="more than 100 million"):
        read_picture(tmp_path / name)


def test_other_kinds_and_folders(tmp_path):
    with pytest.raises(HeaderError, match="not a picture"):
        picture_size(b"\x76\x2f\x31\x01 OpenEXR")
    with pytest.raises(PictureError, match="a folder, not a picture"):
        read_picture(tmp_path)
    with pytest.raises(FileNotFoundError, match="no such file: "):
        read_picture(tmp_path / "none.png")


def test_an_older_picture_stays_where_a_new_one_cannot_be_written(tmp_path, monkeypatch):
    def full(path, data):
        with path.open("wb") as file:
            file.write(data[:5])
        raise OSError(errno.ENOSPC, "No space left on device")

    picture = tmp_path / "x.png"
    write_picture(picture, np.zeros((4, 4, 3), np.uint8))
    old = picture.read_bytes()
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(PictureError, match=r"x\.png cannot be written: No space left"):
        write_picture(picture, np.ones((4, 4, 3), np.uint8))
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("x.png", old)]


@pytest.mark.parametrize(
    ("name", "text"),
    [("Jos\udce9.png", r"Jos\xe9.png"), ("\ud800", r"\ud800"), ("a\x1b[", r"a\x1b[")],
)
def test_what_no_terminal_can_print_is_escaped(name, text):
    assert shown(name) == text
