# SPDX-License-Identifier: Apache-2.0
"""Images and cards from someone who lies: one clear error, bounded time and memory, no crash."""

import json
import re
import sys
import time
import tracemalloc
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_files import compressed, encoded, image, jpeg_saying, png_chunk, png_saying

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.emotions.classifier import Classifier
from fer_ros.emotions.model_card import MAX_MODEL_BYTES, ModelCard, ModelError, load_card, sha256_of
from fer_ros.images.codec import (
    ENCODINGS,
    MAX_BYTES,
    MAX_SIDE,
    ImageError,
    decode_compressed,
    decode_image,
)
from fer_ros.images.header import JPEG, MAX_JPEG_SEGMENTS, MAX_PNG_CHUNKS, PNG

PIXELS = 100_000  # the limit in these tests
MEMORY = 50_000_000  # bytes; more than any picture within the limit takes, by far


@contextmanager
def bounded_memory(limit=MEMORY):
    """Fails when Python and NumPy together took more than ``limit`` bytes at a time."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


@contextmanager
def bounded_resident_memory(limit=MEMORY):
    """Fails when the process grew by more than ``limit`` bytes, OpenCV's own memory included."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = resident("VmRSS")
    yield
    assert resident("VmHWM") - before < limit


@contextmanager
def bounded_steps(limit):
    """Fails at once when more than ``limit`` lines of fer_ros are run: time, without a clock."""
    steps = 0

    def count(frame, event, _):
        nonlocal steps
        steps += event == "line"
        assert steps <= limit, f"more than {limit} steps"
        return count

    def enter(frame, event, argument):
        return count(frame, event, argument) if "fer_ros" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        yield
    finally:
        sys.settrace(before)


def seconds(work) -> float:
    """Of this thread's own time, whatever else the machine does; the least of three runs."""
    times = []
    for _ in range(3):
        began = time.thread_time()
        work()
        times.append(time.thread_time() - began)
    return min(times)


def resident(name):
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) * 1024


def decoded(decode, message):
    """The image, or None after one clear line; anything else fails the test."""
    try:
        bgr = decode(message, PIXELS)
    except ImageError as error:
        line = str(error)
        assert 0 < len(line) < 500
        assert line.isprintable()
        return None
    assert bgr.dtype == np.uint8
    assert bgr.ndim == 3
    assert bgr.shape[2] == 3
    assert 0 < bgr.shape[0] * bgr.shape[1] <= PIXELS
    return bgr


# Raw images

uint32 = st.one_of(
    st.integers(0, 70), st.integers(0, 2**32 - 1), st.sampled_from([2**31, 2**32 - 1, MAX_SIDE])
)


@settings(max_examples=200)
@given(
    st.builds(
        image,
        encoding=st.one_of(st.sampled_from(ENCODINGS), st.text(max_size=200)),
        data=st.one_of(st.binary(max_size=3000), st.integers(0, 20_000).map(bytes)),
        step=uint32,
        height=uint32,
        width=uint32,
        is_bigendian=st.integers(0, 255),
    )
)
def test_lying_image(message):
    with bounded_memory():
        bgr = decoded(decode_image, message)
    if bgr is not None:
        assert bgr.shape[:2] == (message.height, message.width)
        bgr.sum()  # reads every pixel: none may lie outside the data


@settings(max_examples=300)
@given(
    encoding=st.sampled_from(ENCODINGS),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    padding=st.integers(0, 9),
    missing=st.integers(0, 3),
)
def test_nearly_whole_image(encoding, height, width, padding, missing):
    """Sizes that fit, or nearly: no pixel is ever read from beyond the data."""
    step = width * 8 + padding
    size = max(step * height * 2 - missing, 0)
    bgr = decoded(decode_image, image(encoding, bytes(size), step, height, width))
    if bgr is not None:
        bgr.sum()


def test_raw_image_over_the_limit():
    message = image("bgr8", bytes(400 * 300 * 3), step=1200, height=300, width=400)
    assert decode_image(message, 120_000).shape == (300, 400, 3)
    with pytest.raises(ImageError, match=r"400x300 .* 0\.119999 megapixels.*max_image_megapixels"):
        decode_image(message, 119_999)


# Compressed images


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (jpeg_saying(16000, 16000), "limit is 35 megapixels"),
        (jpeg_saying(65535, 65535), "expected 1x1 to"),
        (jpeg_saying(0, 100), "0x100"),
        (png_saying(16000, 16000, rows=16000), "limit is 35 megapixels"),
        (png_saying(2**31 - 1, 2**31 - 1), "expected 1x1 to"),
        (png_saying(1, 2**32 - 1), "expected 1x1 to"),
    ],
    ids=["jpeg", "jpeg-sides", "jpeg-flat", "png", "png-sides", "png-tall"],
)
def test_bombs_are_never_unpacked(data, why):
    with bounded_resident_memory(), pytest.raises(ImageError, match=why):
        decode_compressed(compressed(data))


@pytest.mark.parametrize(
    ("suffix", "what"), [(".bmp", "BMP"), (".tiff", "TIFF"), (".webp", "WebP"), (".ppm", "PPM")]
)
def test_other_formats_are_refused(suffix, what):
    data = encoded(suffix, PICTURE)
    with pytest.raises(ImageError, match="neither JPEG nor PNG"):
        decode_compressed(compressed(data, what))


def test_too_many_bytes():
    data = encoded(".jpg", PICTURE)
    assert decode_compressed(compressed(data), max_bytes=len(data)).shape == (48, 64, 3)
    with pytest.raises(ImageError, match="max_compressed_megabytes"):
        decode_compressed(compressed(data), max_bytes=len(data) - 1)


SIZE = MAX_BYTES - 100
END = b"\xff\xd9"
ENDLESS = {
    "fill bytes": JPEG + b"\xff" * SIZE + END,
    "stuffed zeros": JPEG + b"\xff\0" * (SIZE // 2) + END,
    "restarts": JPEG + b"\xff\xd0" * (SIZE // 2) + END,
    "fill bytes, stuffed": JPEG + b"\xff\xff\0" * (SIZE // 3) + END,
    "empty segments": JPEG + b"\xe0\0\2\xff" * (SIZE // 4) + END,
    "garbage": JPEG + b"\xe0\0\2" + bytes(SIZE) + END,
    "scans": JPEG + b"\xff\xda" * (SIZE // 2) + END,
    "empty PNG chunks": png_saying(8, 8)[:33] + png_chunk(b"IDAT", b"") * (SIZE // 12),
    "empty texts": png_saying(8, 8)[:33] + png_chunk(b"tEXt", b"") * (SIZE // 12),
}


@pytest.mark.parametrize("data", ENDLESS.values(), ids=ENDLESS)
def test_headers_without_end_are_soon_given_up(data):
    """The longest file that is read at all: few steps, about as long as one look at every byte."""
    with bounded_steps(200_000), pytest.raises(ImageError, match="not a readable picture"):
        decode_compressed(compressed(data))

    def refuse():
        with pytest.raises(ImageError):
            decode_compressed(compressed(data))

    # Measured: 0.03 to 0.72 of it. A machine under load slows both; twice is room enough.
    assert seconds(refuse) < 2 * seconds(lambda: re.search(rb"\xff[^\xff]x", b"\xff" * SIZE))


def test_files_of_many_segments_and_chunks_are_read():
    jpeg, png = encoded(".jpg", PICTURE), encoded(".png", PICTURE)
    comments = b"\xff\xfe\0\4ab" * (MAX_JPEG_SEGMENTS - 20)
    filled = jpeg[:2] + comments + b"\xff" * 4000 + jpeg[2:]
    assert decode_compressed(compressed(filled)).shape == PICTURE.shape
    texts = png_chunk(b"tEXt", b"a\0b") * (MAX_PNG_CHUNKS - 20)
    assert (decode_compressed(compressed(png[:33] + texts + png[33:])) == PICTURE).all()


PICTURE = np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3)
FILES = [
    encoded(".jpg", PICTURE),
    encoded(".jpg", PICTURE, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    encoded(".png", PICTURE),
]


@settings(max_examples=500)
@given(
    picture=st.sampled_from(FILES),
    changes=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=6),
    cut=st.integers(0, 5000),
    tail=st.binary(max_size=40),
    format_=st.text(max_size=200),
)
def test_spoilt_compressed_image(picture, changes, cut, tail, format_):
    data = bytearray(picture)
    for at, value in changes:
        data[at % len(data)] = value
    data[len(data) - cut % len(data) :] = tail
    decoded(decode_compressed, compressed(bytes(data), format_))


@settings(max_examples=300)
@given(data=st.binary(max_size=500), head=st.sampled_from([b"", JPEG, PNG]))
def test_noise_as_compressed_image(data, head):
    decoded(decode_compressed, compressed(head + data))


# Cards

CONTENT = {
    "name": "tiny",
    "version": "1",
    "labels": list(EMOTIONS),
    "framing": {"size": 48, "margin": 1.0},
    "input_size": 96,
    "uncertain_below": 0.4,
    "scaling": {"mean": 0, "std": 255},
    "files": {"tiny.tflite": {"temperature": 1.0}},
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "tiny.tflite"
    path.write_bytes(b"weights")
    CONTENT["files"][path.name]["sha256"] = sha256_of(path)
    return path


def check_card(model):
    """The card is right, or refused by one line."""
    try:
        card = load_card(model)
    except ModelError as error:
        line = str(error)
        assert len(line) < 1000
        assert line.isprintable()
        return
    assert isinstance(card, ModelCard)
    assert 0.01 <= card.temperature <= 100
    assert 1 <= card.input_size <= 1024
    assert np.prod(card.crop.shape) <= 3 * 512**2
    card.identity.encode()


@settings(max_examples=300)
@given(
    path=st.sampled_from(
        [(key,) for key in CONTENT]
        + [("framing", "size"), ("framing", "margin"), ("framing", "channels")]
        + [("scaling", "mean"), ("scaling", "std"), ("files", "tiny.tflite")]
        + [("files", "tiny.tflite", "sha256"), ("files", "tiny.tflite", "temperature")]
    ),
    value=json_values,
)
def test_lying_card(model, path, value):
    content = json.loads(json.dumps(CONTENT))
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    model.with_suffix(".json").write_text(json.dumps(content))
    check_card(model)


@settings(max_examples=150)
@given(st.one_of(st.binary(max_size=300), json_values.map(lambda v: json.dumps(v).encode())))
def test_card_of_anything(model, content):
    model.with_suffix(".json").write_bytes(content)
    check_card(model)


@pytest.mark.parametrize(
    "text",
    ["9" * 900_000, '{"a":' * 100_000, "[" + "[]," * 300_000 + "0]"],
    ids=["long", "deep", "wide"],
)
def test_card_that_is_a_bomb(model, text):
    model.with_suffix(".json").write_text(text)
    with bounded_memory(100_000_000):
        check_card(model)


def test_name_that_no_message_can_carry(model):
    for name in ("two\nlines", "\ud800", "x" * 101, "\0"):
        model.with_suffix(".json").write_text(json.dumps(CONTENT | {"name": name}))
        with pytest.raises(ModelError, match="not a text"):
            load_card(model)


def test_model_file_of_a_terabyte(tmp_path):
    path = tmp_path / "big.tflite"
    with path.open("wb") as file:
        file.truncate(MAX_MODEL_BYTES + 1)  # without blocks on the disk
    with bounded_memory(), pytest.raises(ModelError, match="too large"):
        load_card(path)


@pytest.mark.parametrize(
    "name",
    ["a" * 5000 + ".tflite", "~no_such_user/x.tflite", "/", ".tflite", "\0.tflite", "x\ny"],
    ids=["long", "nobody", "root", "ending", "nul", "lines"],
)
def test_names_that_are_no_model(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError):
        Classifier(name)
