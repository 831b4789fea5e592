# SPDX-License-Identifier: Apache-2.0
"""Picture files from anywhere: read in Python, measured before they are decoded, within limits.

No path goes to OpenCV, which dies of names that are not UTF-8.
"""

import os
import re
import struct
from collections.abc import Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import cv2
import numpy as np

from fer_ros.images.bit_depth import BitDepth, to_8_bits
from fer_ros.images.header import (
    JPEG,
    PNG,
    HeaderError,
    is_whole_jpeg,
    jpeg_size,
    png_pixels,
    png_size,
)
from fer_ros.lines import shown

SUFFIXES = frozenset(
    (
        *(".bmp", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif"),
        *(".tiff", ".webp"),
    )
)
"""Names that end so are taken for pictures."""
FOREIGN = frozenset(
    (".arw", ".avif", ".cr2", ".dng", ".gif", ".heic", ".heif", ".jp2", ".jxl", ".nef")
)
"""Names that end so are pictures that nothing here reads."""
MAX_BYTES = 256_000_000
MAX_PIXELS = 100_000_000
"""Larger pictures are refused; a medium-format camera has this many."""

_PNM = re.compile(
    rb"P[1-6](?:\s|#[^\n]{0,200}\n){1,20}(\d{1,9})(?:\s|#[^\n]{0,200}\n){1,20}(\d{1,9})"
)
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
_TIFF_ENTRIES = 1000


class PictureError(ValueError):
    """The file is no picture that can be read; the message is one line with its name."""


def read_picture(
    path: str | os.PathLike,
    *,
    grey: bool = False,
    max_pixels: int = MAX_PIXELS,
    bit_depth: BitDepth | None = None,
) -> np.ndarray:
    """A picture file, turned as its EXIF data say: BGR, uint8 [H, W, 3], or ``grey``, uint8 [H, W].

    16 bits are scaled to 8 by those in use: of the picture, or of all that share a ``bit_depth``.
    Raises FileNotFoundError, and PictureError when it is no picture, torn, or larger than
    ``max_pixels`` or ``MAX_BYTES``.
    """
    name, data = shown(path), _bytes_of(Path(path))
    try:
        width, height = picture_size(data)
        if data.startswith(JPEG) and not is_whole_jpeg(data):
            raise HeaderError("ends before its end marker")
        if data.startswith(PNG):
            data = png_pixels(data)
    except HeaderError as error:
        raise PictureError(f"{name}: {error}") from None
    if width * height > max_pixels:
        raise PictureError(
            f"{name}: {width}x{height} pixels, more than {max_pixels / 1e6:g} million"
        )
    flags = cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR
    image = _decoded(data, flags | cv2.IMREAD_ANYDEPTH)
    if image is not None and image.dtype == np.uint16:
        return to_8_bits(image, (bit_depth or BitDepth()).take(image))
    if image is not None and image.dtype != np.uint8:  # a TIFF file of decimal numbers
        image = _decoded(data, flags)
    if image is None:
        raise PictureError(f"{name}: not a picture that can be read")
    return image


def _decoded(data, flags):
    with _quiet_opencv():
        try:
            return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
        except cv2.error:
            return None


@contextmanager
def _quiet_opencv():
    """Its lines about a torn TIFF are many, and PictureError says it in one."""
    logging = getattr(cv2.utils, "logging", None)
    if not logging:
        yield
        return
    level = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(level)


def _bytes_of(path):
    name = shown(path)
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # it may never give an end
            raise PictureError(f"{name}: a pipe or a device, not a file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except PictureError:
        raise
    except (FileNotFoundError, ValueError):  # the latter of a name that no file can have
        raise FileNotFoundError(f"no such file: {name}") from None
    except IsADirectoryError:
        raise PictureError(f"{name}: a folder, not a picture") from None
    except OSError as error:
        raise PictureError(f"{name}: {error.strerror or error}") from None
    if len(data) > MAX_BYTES:
        raise PictureError(f"{name}: over {MAX_BYTES // 1_000_000} MB")
    return data


def foreign_pictures(files: Sequence[Path]) -> str:
    """What to tell of those of ``files`` that are pictures of FOREIGN kinds; empty: none are."""
    found = [file for file in files if file.suffix.lower() in FOREIGN]
    if not found:
        return ""
    which = f"{len(found)} pictures are" if len(found) > 1 else "a picture is"
    return f"{which} of no kind that is read: convert to JPEG or PNG, such as {shown(found[0])}"


def write_picture(path: str | os.PathLike, image: np.ndarray) -> None:
    """Write ``image``, BGR or grey uint8, in the form that the path's ending names; an older
    picture stays where that fails.

    Raises PictureError for an ending that is no picture's, and where it cannot be written.
    """
    path = Path(path)
    try:
        suffix = path.suffix.lower()
        _, data = cv2.imencode(".jpg" if suffix == ".jfif" else suffix, image)
    except cv2.error:
        raise PictureError(f"{shown(path)}: not one of {', '.join(sorted(SUFFIXES))}") from None
    part = path.with_name(f".fer_ros-{os.getpid()}{path.suffix}")
    try:
        part.write_bytes(data.tobytes())
        part.replace(path)
    except OSError as error:
        raise PictureError(f"{shown(path)} cannot be written: {error.strerror}") from None
    finally:
        with suppress(OSError):
            part.unlink()


def picture_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels by a file's header: JPEG, PNG, BMP, WebP, TIFF, PBM to PPM. Raises
    HeaderError, also for an empty file and for any other kind.
    """
    try:
        if data.startswith(JPEG):
            return jpeg_size(data)
        if data.startswith(PNG):
            return png_size(data)
        if data.startswith(b"BM"):
            return _bmp_size(data)
        if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return _webp_size(data)
        if data.startswith((b"II*\0", b"MM\0*")):
            return _tiff_size(data)
    except struct.error:
        raise HeaderError("ends within its header") from None
    if found := _PNM.match(data):
        return int(found[1]), int(found[2])
    if data[4:8] == b"ftyp" or data.startswith(b"GIF8"):  # under a name that is not its own
        raise HeaderError("HEIC, AVIF, GIF or a video: convert it to JPEG or PNG")
    raise HeaderError("not a picture that can be read" if data else "empty")


def _bmp_size(data):
    if struct.unpack_from("<I", data, 14)[0] == 12:  # OS/2's header
        return struct.unpack_from("<HH", data, 18)
    width, height = struct.unpack_from("<ii", data, 18)
    return abs(width), abs(height)


def _webp_size(data):
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        low_w, high_w, low_h, high_h = struct.unpack_from("<HBHB", data, 24)
        return (high_w << 16 | low_w) + 1, (high_h << 16 | low_h) + 1
    raise HeaderError("a WebP file of an unknown kind")


def _tiff_size(data):
    order = "<" if data.startswith(b"II") else ">"
    (at,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, at)
    sizes = {}
    for entry in range(min(count, _TIFF_ENTRIES)):
        tag, kind = struct.unpack_from(order + "HH", data, at + 2 + 12 * entry)
        if tag in (_TIFF_WIDTH, _TIFF_HEIGHT):
            form = order + ("H" if kind == 3 else "I")
            (sizes[tag],) = struct.unpack_from(form, data, at + 2 + 12 * entry + 8)
    if len(sizes) < 2:
        raise HeaderError("a TIFF file without a size")
    return sizes[_TIFF_WIDTH], sizes[_TIFF_HEIGHT]
