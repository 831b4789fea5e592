# SPDX-License-Identifier: Apache-2.0
import importlib.util
from functools import partial

import cv2
import numpy as np
import pytest
from picture_files import compressed, encoded, image

from fer_ros.images.codec import (
    ENCODINGS,
    WRITABLE_ENCODINGS,
    ImageError,
    decode_compressed,
    decode_image,
    encode_image,
    encode_jpeg,
)

HEIGHT, WIDTH = 24, 32


@pytest.fixture
def picture():
    """A smooth colour picture, so that 4:2:2, 4:2:0 and Bayer lose little of it."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    planes = (60 + 4 * x, 40 + 5 * y, 200 - 2 * x - 2 * y)
    return np.clip(np.stack(planes, axis=-1), 0, 255).astype(np.uint8)


message = partial(image, height=HEIGHT, width=WIDTH)


def yuv444(bgr):
    """Y, U, V planes of ITU-R BT.601, studio range, as cameras send them."""
    b, g, r = (bgr[..., i].astype(np.float64) for i in range(3))
    y = 16 + 0.257 * r + 0.504 * g + 0.098 * b
    u = 128 - 0.148 * r - 0.291 * g + 0.439 * b
    v = 128 + 0.439 * r - 0.368 * g - 0.071 * b
    return [np.clip(p.round(), 0, 255).astype(np.uint8) for p in (y, u, v)]


def bayer(bgr, pattern):
    planes = {"b": bgr[..., 0], "g": bgr[..., 1], "r": bgr[..., 2]}
    mosaic = np.empty(bgr.shape[:2], np.uint8)
    for i, colour in enumerate(pattern):
        rows, columns = slice(i // 2, None, 2), slice(i % 2, None, 2)
        mosaic[rows, columns] = planes[colour][rows, columns]
    return mosaic


def rows_of(bgr, encoding):
    """The picture's rows in an encoding, written here by its definition, uint8 [rows, bytes]."""
    y, u, v = yuv444(bgr)
    if encoding in ("nv12", "nv21"):
        first, second = (u, v) if encoding == "nv12" else (v, u)
        chroma = np.stack((first[::2, ::2], second[::2, ::2]), -1).reshape(HEIGHT // 2, WIDTH)
        return np.vstack((y, chroma))
    if encoding == "nv24":
        return np.vstack((y, np.stack((u, v), -1).reshape(2 * HEIGHT, WIDTH)))
    if encoding in ("yuv422", "uyvy", "yuv422_yuy2", "yuyv"):
        packed = np.empty((HEIGHT, WIDTH, 2), np.uint8)
        luma = 0 if encoding[0] == "y" and encoding != "yuv422" else 1
        packed[..., luma] = y
        packed[:, 0::2, 1 - luma], packed[:, 1::2, 1 - luma] = u[:, ::2], v[:, ::2]
        return packed.reshape(HEIGHT, -1)
    if encoding.startswith("bayer_"):
        mosaic = bayer(bgr, encoding[6:10])
        return mosaic if encoding.endswith("8") else mosaic.astype(np.uint16) * 257
    order = {"rgb": [2, 1, 0], "bgr": [0, 1, 2], "8UC3": [0, 1, 2]}
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    if encoding in ("mono8", "8UC1"):
        return grey
    if encoding in ("mono16", "16UC1"):
        return grey.astype(np.uint16) * 257
    channels = bgr[..., order.get(encoding[:3], order["8UC3"])]
    if "a" in encoding or encoding == "8UC4":
        channels = np.dstack((channels, np.full((HEIGHT, WIDTH), 255, np.uint8)))
    channels = channels.reshape(HEIGHT, -1)
    return channels.astype(np.uint16) * 257 if encoding.endswith("16") else channels


def pack(rows, step, bigendian=False):
    """Rows of bytes, each padded to ``step`` with a value that must not show."""
    if rows.dtype == np.uint16:
        rows = rows.astype(">u2" if bigendian else "<u2").view(np.uint8)
    padded = np.full((len(rows), step), 77, np.uint8)
    padded[:, : rows.shape[1]] = rows
    return padded.tobytes()


@pytest.mark.parametrize("padding", [0, 10])
@pytest.mark.parametrize("bigendian", [False, True])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_decodes_every_encoding(picture, encoding, bigendian, padding):
    rows = rows_of(picture, encoding)
    if encoding == "nv24":  # its colour rows are twice as long as its grey ones
        step = WIDTH + padding
        data = pack(rows[:HEIGHT], step) + pack(rows[HEIGHT:].reshape(HEIGHT, -1), 2 * step)
    else:
        step = rows.shape[1] * rows.itemsize + padding
        data = pack(rows, step, bigendian)
    bgr = decode_image(message(encoding, data, step, is_bigendian=int(bigendian)))
    assert bgr.shape == (HEIGHT, WIDTH, 3)
    assert bgr.dtype == np.uint8
    grey = encoding in ("mono8", "mono16", "8UC1", "16UC1")
    expected = cv2.cvtColor(rows_of(picture, "mono8"), cv2.COLOR_GRAY2BGR) if grey else picture
    lossy = encoding.startswith(("yu", "uy", "nv", "bayer"))
    inner = slice(2, -2)  # demosaicing knows nothing beyond the border
    difference = np.abs(bgr.astype(int) - expected)[inner, inner]
    assert difference.max() <= (14 if lossy else 0)
    assert difference.mean() <= (4 if lossy else 0)


def test_last_row_may_lack_its_padding(picture):
    data = pack(picture.reshape(HEIGHT, -1), WIDTH * 3 + 8)[:-8]
    assert (decode_image(message("bgr8", data, WIDTH * 3 + 8)) == picture).all()


def test_step_zero_means_no_padding(picture):
    assert (decode_image(message("bgr8", picture.tobytes(), 0)) == picture).all()


@pytest.mark.parametrize("encoding", WRITABLE_ENCODINGS)
def test_what_is_written_is_read(picture, encoding):
    data, step = encode_image(picture, encoding)
    bgr = decode_image(message(encoding, data.tobytes(), step))
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    assert (bgr == (grey if encoding == "mono8" else picture)).all()


def test_writes_a_view_that_is_not_contiguous(picture):
    data, step = encode_image(picture[:, ::2])
    assert step == WIDTH // 2 * 3
    assert (data.reshape(HEIGHT, WIDTH // 2, 3) == picture[:, ::2]).all()


def test_refuses_to_write_an_unknown_encoding(picture):
    with pytest.raises(ImageError, match=r"'nv12'.*bgr8, rgb8"):
        encode_image(picture, "nv12")


@pytest.mark.skipif(importlib.util.find_spec("cv_bridge"), reason="cv_bridge is installed")
def test_unknown_encoding_is_named_with_those_understood():
    with pytest.raises(ImageError, match=r"'32FC1'.*bgr8.*nv24"):
        decode_image(message("32FC1", bytes(HEIGHT * WIDTH * 4), WIDTH * 4))


@pytest.mark.parametrize("encoding", ["bgr8", "rgba8", "mono16", "yuv422_yuy2", "bayer_grbg8"])
def test_agrees_with_cv_bridge(picture, encoding):
    cv_bridge = pytest.importorskip("cv_bridge", reason="cv_bridge is not installed (apt only)")
    from sensor_msgs.msg import Image

    rows = rows_of(picture, encoding)
    step = rows.shape[1] * rows.itemsize
    message = Image(height=HEIGHT, width=WIDTH, encoding=encoding, step=step, data=pack(rows, step))
    theirs = cv_bridge.CvBridge().imgmsg_to_cv2(message, "bgr8").astype(int)
    assert np.abs(decode_image(message) - theirs).max() <= 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"height": 0}, "32x0"),
        ({"width": 0}, "0x24"),
        ({"width": 20000}, "expected 1x1 to"),
        ({"height": 4_000_000_000}, "expected 1x1 to"),
        ({"step": 5}, "step 5 is less than the 96 bytes"),
        ({"data": b"abc"}, "torn: 3 bytes of 2304"),
        ({"data": b""}, "torn: 0 bytes"),
        ({"height": HEIGHT + 1}, "torn"),
        ({"step": 4_000_000_000}, "torn"),
        ({"encoding": "yuv422", "width": 31, "step": 62}, "31x24: width must be even"),
        ({"encoding": "yuyv", "width": 31, "step": 62}, "31x24: width must be even"),
        ({"encoding": "nv12", "height": 23}, "both sides must be even"),
        ({"encoding": "nv24", "step": WIDTH, "data": bytes(WIDTH * HEIGHT * 2)}, "torn"),
    ],
)
def test_bad_image_has_one_clear_line(picture, changes, why):
    fields = {"encoding": "bgr8", "data": picture.tobytes(), "step": WIDTH * 3} | changes
    with pytest.raises(ImageError) as error:
        decode_image(message(**fields))
    assert why in str(error.value)
    assert "\n" not in str(error.value)


def test_decodes_jpeg_and_png(picture):
    jpeg = compressed(encode_jpeg(picture, 95).tobytes())
    assert np.abs(decode_compressed(jpeg).astype(int) - picture).mean() < 4
    png = compressed(encoded(".png", picture), "png")
    assert (decode_compressed(png) == picture).all()


def test_decodes_a_jpeg_whose_end_is_padded(picture):
    data = encode_jpeg(picture).tobytes() + bytes(500)
    assert decode_compressed(compressed(data)).shape == picture.shape


def test_grey_jpeg_becomes_bgr(picture):
    data = encode_jpeg(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)).tobytes()
    assert decode_compressed(compressed(data)).shape == picture.shape


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_torn_compressed_image(picture, suffix):
    data = encoded(suffix, picture)
    with pytest.raises(ImageError, match="ends before its end marker"):
        decode_compressed(compressed(data[: len(data) // 2], suffix[1:]))


@pytest.mark.parametrize(
    ("format_", "data", "why"),
    [
        ("jpeg", b"", "without data"),
        ("jpeg", b"not a picture", "not a readable picture"),
        ("16UC1; compressedDepth png", b"\x89PNG", "depth"),
        ("jpeg", b"\xff\xd8\xff\xd9", "not a readable picture"),
    ],
)
def test_bad_compressed_image(format_, data, why):
    with pytest.raises(ImageError, match=why):
        decode_compressed(compressed(data, format_))


PHOTO = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)


@pytest.mark.parametrize("progressive", [0, 1])
@pytest.mark.parametrize(
    "tail", [bytes(100_000), b"\xff" * 5000, encoded(".jpg", PHOTO)[-9000:], b"\0" * 4096 + b"x"]
)
def test_what_lies_behind_a_jpegs_end_is_no_matter(tail, progressive):
    """usb_cam and others send their whole buffer: zeros, or the rest of a longer image."""
    data = encoded(".jpg", PHOTO, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive)
    whole, padded = decode_compressed(compressed(data)), decode_compressed(compressed(data + tail))
    np.testing.assert_array_equal(whole, padded)


@pytest.mark.parametrize(
    "options", [(), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (cv2.IMWRITE_JPEG_RST_INTERVAL, 2)]
)
@pytest.mark.parametrize(
    "tail",
    [b"", bytes(100_000), b"\xff" * 5000, encoded(".jpg", PHOTO)],
    ids=["nothing", "zeros", "fill", "next"],
)
def test_a_jpeg_without_its_end_is_torn_whatever_lies_behind(tail, options):
    """Also where that is the next image, whole, or where a thumbnail has an end of its own."""
    data = encoded(".jpg", PHOTO, *options)
    thumbnail = b"\xff\xe1" + (len(data) + 2).to_bytes(2, "big") + data
    pixels = data.index(b"\xff\xda")
    torn = data[:2] + thumbnail + data[2:pixels] + thumbnail + data[pixels : len(data) * 3 // 4]
    with pytest.raises(ImageError, match="ends before its end marker"):
        decode_compressed(compressed(torn + tail))
