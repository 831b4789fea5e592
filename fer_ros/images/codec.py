# SPDX-License-Identifier: Apache-2.0
"""The fields of sensor_msgs Image and CompressedImage to and from BGR arrays.

Works on any object with the fields of the message, so it needs no ROS. Encoding names are those
of sensor_msgs/image_encodings.hpp, and the names that usb_cam and v4l2_camera have used for the
same layouts.
"""

from dataclasses import dataclass

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

MAX_SIDE = 16384
"""Longest side, in pixels, that is taken for a real image."""
MAX_PIXELS = 35_000_000
"""Largest image that is read unless told otherwise: 8K UHD has 33 million pixels."""
MAX_BYTES = 32_000_000
"""Longest compressed image that is read unless told otherwise."""
SAID = 40  # characters of a text from outside that an error repeats


class ImageError(ValueError):
    """The image cannot be read; the message is one line that says why."""


@dataclass(frozen=True)
class _Packed:
    """Pixels in one plane: the type and number of values of a pixel, and OpenCV's conversion."""

    dtype: type
    channels: int
    to_bgr: int | None


_BAYER = {"rggb": "BayerBG", "bggr": "BayerRG", "gbrg": "BayerGR", "grbg": "BayerGB"}
# OpenCV names a Bayer pattern by its second row, ROS by its first.

_PACKED = {
    "bgr8": _Packed(np.uint8, 3, None),
    "rgb8": _Packed(np.uint8, 3, cv2.COLOR_RGB2BGR),
    "bgra8": _Packed(np.uint8, 4, cv2.COLOR_BGRA2BGR),
    "rgba8": _Packed(np.uint8, 4, cv2.COLOR_RGBA2BGR),
    "mono8": _Packed(np.uint8, 1, cv2.COLOR_GRAY2BGR),
    "mono16": _Packed(np.uint16, 1, cv2.COLOR_GRAY2BGR),
    "bgr16": _Packed(np.uint16, 3, None),
    "rgb16": _Packed(np.uint16, 3, cv2.COLOR_RGB2BGR),
    "bgra16": _Packed(np.uint16, 4, cv2.COLOR_BGRA2BGR),
    "rgba16": _Packed(np.uint16, 4, cv2.COLOR_RGBA2BGR),
    "8UC1": _Packed(np.uint8, 1, cv2.COLOR_GRAY2BGR),
    "8UC3": _Packed(np.uint8, 3, None),
    "8UC4": _Packed(np.uint8, 4, cv2.COLOR_BGRA2BGR),
    "16UC1": _Packed(np.uint16, 1, cv2.COLOR_GRAY2BGR),
    "yuv422": _Packed(np.uint8, 2, cv2.COLOR_YUV2BGR_UYVY),
    "uyvy": _Packed(np.uint8, 2, cv2.COLOR_YUV2BGR_UYVY),
    "yuv422_yuy2": _Packed(np.uint8, 2, cv2.COLOR_YUV2BGR_YUY2),
    "yuyv": _Packed(np.uint8, 2, cv2.COLOR_YUV2BGR_YUY2),
} | {
    f"bayer_{ros}{bits}": _Packed(dtype, 1, getattr(cv2, f"COLOR_{opencv}2BGR"))
    for ros, opencv in _BAYER.items()
    for bits, dtype in ((8, np.uint8), (16, np.uint16))
}
_PLANAR = {
    "nv12": cv2.COLOR_YUV2BGR_NV12,
    "nv21": cv2.COLOR_YUV2BGR_NV21,
    "nv24": cv2.COLOR_YUV2BGR_NV12,
}

ENCODINGS = (*_PACKED, *_PLANAR)
"""Encodings of sensor_msgs/Image that are understood."""

_FROM_BGR = {
    "bgr8": None,
    "rgb8": cv2.COLOR_BGR2RGB,
    "bgra8": cv2.COLOR_BGR2BGRA,
    "rgba8": cv2.COLOR_BGR2RGBA,
    "mono8": cv2.COLOR_BGR2GRAY,
}
WRITABLE_ENCODINGS = tuple(_FROM_BGR)
"""Encodings of sensor_msgs/Image that can be written."""


def decode_image(
    msg, max_pixels: int = MAX_PIXELS, bit_depth: BitDepth | None = None
) -> np.ndarray:
    """The image in a sensor_msgs/Image as BGR, uint8 [H, W, 3]; may share the message's memory.

    Reads ``height, width, encoding, is_bigendian, step, data``; rows may be padded. 16-bit values
    are scaled to 8 bits, those of grey and Bayer images by the bits that ``bit_depth``, of their
    camera, finds in use; 16UC1, that of depth (REP 118), never. An encoding that is not in
    ENCODINGS goes to cv_bridge where that is installed. Raises ImageError for everything that
    cannot be read, or has over ``max_pixels``.
    """
    _check_size(msg.width, msg.height, max_pixels)
    if msg.encoding in _PACKED:
        if msg.encoding == "16UC1":
            bit_depth = None
        return _decode_packed(msg, _PACKED[msg.encoding], bit_depth)
    if msg.encoding in _PLANAR:
        return _decode_planar(msg)
    return _decode_by_cv_bridge(msg)


def decode_compressed(
    msg,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
    bit_depth: BitDepth | None = None,
) -> np.ndarray:
    """The JPEG or PNG in a sensor_msgs/CompressedImage as BGR, uint8 [H, W, 3].

    A PNG of 16 bits is scaled as ``decode_image`` does that. Raises ImageError for all else, where
    the data end too early, and, before anything is decoded, for more than ``max_bytes`` or
    ``max_pixels``.
    """
    size = len(msg.data)
    what = f"compressed image of format {msg.format[:SAID]!r}, {size} bytes"
    if not size:
        raise ImageError("compressed image without data")
    if "compressedDepth" in msg.format:
        raise ImageError(f"{what}: a depth image, not a picture")
    if size > max_bytes:
        raise ImageError(f"{what}: the limit is {max_bytes} (max_compressed_megabytes)")
    data = bytes(msg.data)
    try:
        if data.startswith(JPEG):
            width, height = jpeg_size(data)
            if not is_whole_jpeg(data):
                raise HeaderError("ends before its end marker")
        elif data.startswith(PNG):
            width, height = png_size(data)
            data = png_pixels(data)
        else:
            raise HeaderError("neither JPEG nor PNG")
    except HeaderError as error:
        raise ImageError(f"{what}: not a readable picture: {error}") from None
    _check_size(width, height, max_pixels)
    image = _decode_picture(data)
    if image is None:
        raise ImageError(f"{what}: not a readable picture")
    if image.dtype == np.uint16:
        return _to_8_bits(image, image, None if msg.format.startswith("16UC1") else bit_depth)
    return image


def _decode_picture(data: bytes) -> np.ndarray | None:
    """A JPEG as BGR, uint8 [H, W, 3]; a PNG may be uint16."""
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    if data.startswith(PNG):
        flags |= cv2.IMREAD_ANYDEPTH
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None


def encode_image(bgr: np.ndarray, encoding: str = "bgr8") -> tuple[np.ndarray, int]:
    """BGR, uint8 [H, W, 3], to the ``data`` (uint8 [H * step]) and ``step`` of a message.

    Raises ImageError for an encoding not in WRITABLE_ENCODINGS.
    """
    if encoding not in _FROM_BGR:
        raise ImageError(
            f"cannot write encoding {encoding!r}: choose {', '.join(WRITABLE_ENCODINGS)}"
        )
    code = _FROM_BGR[encoding]
    pixels = np.ascontiguousarray(bgr if code is None else cv2.cvtColor(bgr, code))
    return pixels.reshape(-1), pixels.strides[0]


def encode_jpeg(bgr: np.ndarray, quality: int = 85) -> np.ndarray:
    """BGR, uint8 [H, W, 3], to JPEG bytes, uint8 [N]; ``quality`` 1 to 100."""
    done, data = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, quality))
    if not done:
        raise ImageError(f"image of shape {bgr.shape} cannot be written as JPEG")
    return data.reshape(-1)


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if not (0 < height <= MAX_SIDE and 0 < width <= MAX_SIDE):
        raise ImageError(f"image of {width}x{height} pixels: expected 1x1 to {MAX_SIDE}x{MAX_SIDE}")
    if width * height > max_pixels:
        raise ImageError(
            f"image of {width}x{height} pixels: the limit is {max_pixels / 1e6:g} megapixels "
            "(max_image_megapixels)"
        )


def _rows(msg, height: int, row_bytes: int, offset: int = 0, step: int = 0) -> np.ndarray:
    """The message's bytes as uint8 [height, row_bytes] without the padding, not copied."""
    step = step or msg.step or row_bytes
    if step < row_bytes:
        raise ImageError(
            f"{msg.encoding} image of {msg.width}x{msg.height}: step {msg.step} is less than the "
            f"{row_bytes} bytes of a row"
        )
    data = np.frombuffer(msg.data, np.uint8)
    needed = offset + step * (height - 1) + row_bytes
    if data.size < needed:
        raise ImageError(
            f"{msg.encoding} image of {msg.width}x{msg.height} is torn: {data.size} bytes of "
            f"{needed}"
        )
    return np.lib.stride_tricks.as_strided(data[offset:], (height, row_bytes), (step, 1))


def _decode_packed(msg, layout: _Packed, bit_depth: BitDepth | None) -> np.ndarray:
    if layout.channels == 2 and msg.width % 2:  # 4:2:2, where OpenCV 4.6 corrupts its memory
        raise ImageError(f"{msg.encoding} image of {msg.width}x{msg.height}: width must be even")
    size = np.dtype(layout.dtype).itemsize
    rows = _rows(msg, msg.height, msg.width * layout.channels * size)
    if size == 2:
        order = ">u2" if msg.is_bigendian else "<u2"
        rows = np.ascontiguousarray(rows).view(order).astype(np.uint16, copy=False)
    pixels = rows.reshape(msg.height, msg.width, layout.channels)
    try:
        bgr = pixels if layout.to_bgr is None else cv2.cvtColor(pixels, layout.to_bgr)
    except cv2.error as error:  # a Bayer image of one row
        raise ImageError(
            f"{msg.encoding} image of {msg.width}x{msg.height} cannot be converted: {error.err}"
        ) from None
    return (
        bgr if size == 1 else _to_8_bits(bgr, pixels, bit_depth if layout.channels == 1 else None)
    )


def _to_8_bits(bgr: np.ndarray, pixels: np.ndarray, bit_depth: BitDepth | None) -> np.ndarray:
    """uint16 to uint8, by the bits in use in the ``pixels`` as they came."""
    bits = bit_depth.take(pixels) if bit_depth else 16
    return to_8_bits(bgr, bits)


def _decode_planar(msg) -> np.ndarray:
    height, width = msg.height, msg.width
    if height % 2 or width % 2:
        raise ImageError(f"{msg.encoding} image of {width}x{height}: both sides must be even")
    step = msg.step or width
    luma = _rows(msg, height, width)
    if msg.encoding == "nv24":  # colour at full size; a quarter of it is what OpenCV converts
        chroma = _rows(msg, height, 2 * width, offset=step * height, step=2 * step)
        chroma = chroma.reshape(height, width, 2)[::2, ::2]
    else:
        chroma = _rows(msg, height // 2, width, offset=step * height)
        chroma = chroma.reshape(height // 2, width // 2, 2)
    return cv2.cvtColorTwoPlane(
        np.ascontiguousarray(luma), np.ascontiguousarray(chroma), _PLANAR[msg.encoding]
    )


def _decode_by_cv_bridge(msg) -> np.ndarray:
    try:
        from cv_bridge import CvBridge, CvBridgeError
    except ImportError:
        raise ImageError(
            f"unknown image encoding {msg.encoding[:SAID]!r}; understood: {', '.join(ENCODINGS)}"
        ) from None
    try:
        return CvBridge().imgmsg_to_cv2(msg, "bgr8")
    except (CvBridgeError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ImageError(
            f"image encoding {msg.encoding[:SAID]!r}: cv_bridge cannot read it ({reason[:200]}); "
            f"understood: {', '.join(ENCODINGS)}"
        ) from None
