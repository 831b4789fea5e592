# SPDX-License-Identifier: Apache-2.0
"""The fields of image messages, and JPEG and PNG files that lie about themselves."""

import struct
import zlib
from types import SimpleNamespace

import cv2
import numpy as np


def image(encoding, data, step, height, width, is_bigendian=0):
    """The fields of a sensor_msgs/Image."""
    size = {"height": height, "width": width, "step": step}
    return SimpleNamespace(**size, encoding=encoding, is_bigendian=is_bigendian, data=data)


def compressed(data: bytes, format_="jpeg"):
    """The fields of a sensor_msgs/CompressedImage."""
    return SimpleNamespace(format=format_, data=data)


def encoded(suffix: str, bgr: np.ndarray, *options: int) -> bytes:
    """A picture as a file's bytes."""
    return cv2.imencode(suffix, bgr, options)[1].tobytes()


def jpeg_saying(width: int, height: int) -> bytes:
    """A small JPEG whose header says this size."""
    data = bytearray(encoded(".jpg", np.zeros((8, 8, 3), np.uint8)))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk with its length and checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_saying(width: int, height: int, rows: int = 0) -> bytes:
    """A PNG of one bit a pixel that says this size and has so many rows, all black."""
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)),
            png_chunk(b"IDAT", zlib.compress(bytes((width // 8 + 1) * rows))),
            png_chunk(b"IEND", b""),
        )
    )
