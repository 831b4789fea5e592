# SPDX-License-Identifier: Apache-2.0
"""Sizes as the files say them: before decoding, and the same as the decoder finds."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from picture_files import compressed, encoded, png_chunk

from fer_ros.images.codec import ImageError, decode_compressed
from fer_ros.images.header import (
    MAX_JPEG_SCANS,
    PNG,
    HeaderError,
    jpeg_size,
    png_pixels,
    png_size,
)

PICTURE = np.tile(np.arange(60, dtype=np.uint8).reshape(5, 4, 3), (5, 6, 1))  # 25 high, 24 wide


JPEGS = {
    "baseline": encoded(".jpg", PICTURE),
    "progressive": encoded(".jpg", PICTURE, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "restarts": encoded(".jpg", PICTURE, cv2.IMWRITE_JPEG_RST_INTERVAL, 1),
    "grey": encoded(".jpg", PICTURE[..., 0]),
}
JPEGS["fill bytes"] = JPEGS["baseline"][:2] + b"\xff\xff\xff" + JPEGS["baseline"][2:]
JPEGS["garbage between markers"] = JPEGS["baseline"][:20] + b"abc" + JPEGS["baseline"][20:]
JPEGS["comment like a header"] = (
    JPEGS["baseline"][:2] + b"\xff\xfe\0\x0c\xff\xc0\0\x11\x08\0\1\0\1\3" + JPEGS["baseline"][2:]
)
FILES = [*JPEGS.values(), encoded(".png", PICTURE), encoded(".png", PICTURE[..., 0])]


@pytest.mark.parametrize("data", JPEGS.values(), ids=JPEGS)
def test_jpeg_size(data):
    assert jpeg_size(data) == (24, 25)
    assert decode_compressed(compressed(data)).shape == (25, 24, 3)


@pytest.mark.parametrize(
    "data",
    [b"", JPEGS["baseline"][:100], b"\xff\xd8\xff\xd9", b"\xff" * 99],
    ids=["empty", "torn", "no picture", "fill bytes"],
)
def test_jpeg_without_a_size(data):
    with pytest.raises(HeaderError, match="no frame header"):
        jpeg_size(data)


def test_jpeg_of_endless_scans():
    data = JPEGS["progressive"]
    start = data.rindex(b"\xff\xda")
    scan = data[start:-2]
    assert jpeg_size(data[:-2] + scan * 5) == (24, 25)
    with pytest.raises(HeaderError, match="scans"):
        jpeg_size(data[:-2] + scan * MAX_JPEG_SCANS)


def test_png_size_and_pixels():
    data = encoded(".png", PICTURE)
    bomb = png_chunk(b"zTXt", b"name\0\0" + zlib.compress(bytes(7_000_000)))
    stuffed = data[:33] + bomb * 50 + data[33:] + b"padding"
    assert png_size(stuffed) == (24, 25)
    assert len(png_pixels(stuffed)) <= len(data)
    assert (decode_compressed(compressed(stuffed, "png")) == PICTURE).all()


@pytest.mark.parametrize(
    "data",
    [b"", PNG, PNG + bytes(40), PNG + png_chunk(b"IDAT", bytes(20))],
    ids=["empty", "torn", "zeros", "no header"],
)
def test_png_without_a_size(data):
    with pytest.raises(HeaderError, match="no header chunk"):
        png_size(data)


def test_png_whose_chunks_lead_nowhere():
    data = encoded(".png", PICTURE)
    for bad in (data[:-12], data[:33] + struct.pack(">I", 2**32 - 1) + data[37:]):
        with pytest.raises(HeaderError, match="ends before"):
            png_pixels(bad)


@settings(max_examples=300)
@given(
    st.sampled_from(FILES),
    st.lists(st.tuples(st.integers(0, 300), st.binary(max_size=4)), min_size=1, max_size=4),
)
@example(JPEGS["baseline"], [(163, b"\xff\xff")])
def test_the_decoder_finds_no_more_than_the_header_says(data, changes):
    """Else a lying header would let a bomb through."""
    spoilt = bytearray(data)
    for at, new in changes:
        spoilt[at : at + len(new)] = new
    spoilt = bytes(spoilt)
    try:
        image = decode_compressed(compressed(spoilt), max_pixels=10_000)
    except ImageError:
        return
    size = jpeg_size(spoilt) if spoilt[:1] == b"\xff" else png_size(spoilt)
    assert image.shape[:2] == size[::-1]
