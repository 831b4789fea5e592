# SPDX-License-Identifier: Apache-2.0
"""Damaged and lying images: what a camera's driver, or a file, may send.

python -m benchmarks.robustness.images [--seconds 60] [--seed 1]
"""

import sys
from types import SimpleNamespace

import cv2
import numpy as np

from benchmarks.robustness.rounds import Round, damaged, one_line, run
from fer_ros.images.bit_depth import BitDepth
from fer_ros.images.codec import ENCODINGS, ImageError, decode_compressed, decode_image
from fer_ros.images.picture import PictureError, read_picture
from fer_ros.sources.sample import Sample

PIXELS = 2_000_000
SUFFIXES = (".jpg", ".png", ".bmp", ".webp", ".tif")


def _files():
    picture = cv2.resize(Sample()[300], (160, 120))
    found = {suffix: cv2.imencode(suffix, picture)[1].tobytes() for suffix in SUFFIXES}
    found[".pgm"] = cv2.imencode(".pgm", picture[..., 0])[1].tobytes()
    deep = picture[..., 0].astype(np.uint16) * 200
    found["16.png"] = cv2.imencode(".png", deep)[1].tobytes()
    progressive = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1]
    found["progressive.jpg"] = progressive.tobytes()
    return list(found.items())


def _checked(image) -> str:
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert 0 < image.shape[0] * image.shape[1] <= PIXELS
    image.sum()  # reads every pixel: none may lie outside the data
    return "used"


def compressed(folder, stack):
    """Messages of type CompressedImage."""
    files = _files()
    formats = ("jpeg", "png", "", "rgb8; jpeg compressed bgr8", "16UC1; compressedDepth", "\0")

    def once(number, random):
        _, data = files[number % len(files)]
        data = damaged(data, random)
        if random.random() < 0.1:
            data += bytes(int(random.integers(100_000)))
        message = SimpleNamespace(format=str(random.choice(formats)), data=data)
        try:
            return _checked(decode_compressed(message, PIXELS))
        except ImageError as error:
            return one_line(error)

    return once


def raw(folder, stack):
    """Messages of type Image whose fields and data say different things."""
    names = [*ENCODINGS, "", "rgb8\0", "32FC1", "16UC7", "bayer", "x" * 5000]
    large = (2**31, 2**32 - 1, 0, 65_536)

    def size(random, usual):
        drawn = random.random()
        if drawn < 0.7:
            return usual
        return int(random.integers(200)) if drawn < 0.9 else int(random.choice(large))

    def once(number, random):
        height, width = (int(random.integers(1, 60)) for _ in range(2))
        encoding = names[number % len(names)]
        bytes_each = int(random.choice([1, 2, 3, 4, 6, 8]))
        step = size(random, width * bytes_each)
        data = random.bytes(min(size(random, height * width * bytes_each), 100_000))
        message = SimpleNamespace(
            height=size(random, height), width=size(random, width), step=step,
            encoding=encoding, is_bigendian=int(random.integers(3)), data=data,
        )  # fmt: skip
        try:
            return _checked(decode_image(message, PIXELS, BitDepth()))
        except ImageError as error:
            return one_line(error)

    return once


def files(folder, stack):
    """Picture files."""
    kinds = _files()

    def once(number, random):
        suffix, data = kinds[number % len(kinds)]
        path = folder / f"x{suffix}"
        path.write_bytes(damaged(data, random))
        try:
            read_picture(path)
        except PictureError as error:
            return one_line(error)
        return "used"

    return once


ROUNDS = [
    Round("CompressedImage", compressed),
    Round("Image", raw),
    Round("picture files", files),
]

if __name__ == "__main__":
    sys.exit(run("images", __doc__, ROUNDS))
