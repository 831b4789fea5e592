# SPDX-License-Identifier: Apache-2.0
"""Compressed images on their way to a browser: as they are, but looked at before."""

from fer_ros.images.codec import SAID, ImageError
from fer_ros.images.header import JPEG, PNG, HeaderError, jpeg_size, png_size


def as_it_is(message, max_pixels: int, max_bytes: int) -> bytes:
    """The file in a sensor_msgs/CompressedImage, JPEG or PNG, unchanged.

    Raises ImageError for all else, and for more than ``max_bytes`` or ``max_pixels``: a browser
    would unpack it.
    """
    what = f"compressed image of format {message.format[:SAID]!r}, {len(message.data)} bytes"
    if len(message.data) > max_bytes:
        raise ImageError(f"{what}: the limit is {max_bytes} (max_compressed_megabytes)")
    data = bytes(message.data)
    try:
        if data.startswith(JPEG):
            width, height = jpeg_size(data)
        elif data.startswith(PNG) and "compressedDepth" not in message.format:
            width, height = png_size(data)
        else:
            raise HeaderError("neither JPEG nor PNG")
    except HeaderError as error:
        raise ImageError(f"{what}: not a picture for a browser: {error}") from None
    if width * height > max_pixels:
        raise ImageError(
            f"{what} has {width}x{height} pixels: the limit is {max_pixels / 1e6:g} megapixels "
            "(max_image_megapixels)"
        )
    return data
