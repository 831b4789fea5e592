# SPDX-License-Identifier: Apache-2.0
"""Depth images as REP 118 has them: sensor_msgs/Image, 16UC1 in mm or 32FC1 in m.

Each value is the distance along the camera's axis; 0, NaN and infinity say that there is none.
"""

import math
from dataclasses import dataclass

import numpy as np

from fer_ros.images.codec import ImageError

METRES = {"16UC1": (np.uint16, 0.001), "mono16": (np.uint16, 0.001), "32FC1": (np.float32, 1.0)}
"""Type of a value and its unit in m by the encoding's name."""
INNER = 0.5  # of a face's box, around its middle: there is neither hair nor wall
SAMPLES = 32  # each way: of so many values the median is as good
ENOUGH = 0.1  # share of the values that must be there
OTHER_SHAPE = 0.02  # by which the sides' ratio may differ


@dataclass(frozen=True)
class DepthImage:
    """``values``: uint16 or float32 [H, W], times ``unit`` in m."""

    values: np.ndarray
    unit: float

    def median(self, box, shape: tuple[int, ...]) -> float:
        """Median depth inside a face.

        Args:
            box: x, y, width, height of the face in an image of the same view, in pixels.
            shape: of that image, [H, W, ...]; it may be of another size.

        Returns:
            m; NaN where too few of its pixels have a depth.
        """
        rows, columns = self.values.shape
        down, across = rows / shape[0], columns / shape[1]
        x, y, width, height = box
        top, bottom = _middle(y * down, height * down, rows)
        left, right = _middle(x * across, width * across, columns)
        steps = max(1, (bottom - top) // SAMPLES), max(1, (right - left) // SAMPLES)
        inside = self.values[top : bottom : steps[0], left : right : steps[1]]
        known = inside[(inside > 0) & (inside < np.inf)]  # NaN is neither
        if known.size <= ENOUGH * inside.size:
            return math.nan
        return float(np.median(known)) * self.unit

    def is_empty(self) -> bool:
        """Whether there is no depth at all, as far as every eighth row and column tell."""
        some = self.values[::8, ::8]
        return not ((some > 0) & (some < np.inf)).any()

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether it can be of the same view as an image of ``shape``: its sides' ratio is."""
        rows, columns = self.values.shape
        return abs(columns * shape[0] / (rows * shape[1]) - 1) <= OTHER_SHAPE


def is_depth(message) -> bool:
    """Whether a sensor_msgs/Image or CompressedImage says to be depth: drivers of cameras call
    pictures otherwise.
    """
    kind = str(getattr(message, "encoding", "") or getattr(message, "format", ""))
    return kind.startswith(("16UC1", "32FC1")) or "compressedDepth" in kind


def decode_depth(msg) -> DepthImage:
    """The depth in a sensor_msgs/Image; shares the message's memory.

    Raises:
        ImageError: another encoding, or data are missing.
    """
    if msg.encoding not in METRES:
        given = msg.encoding[:40]
        raise ImageError(f"encoding {given!r} is not depth: expected 16UC1 (mm) or 32FC1 (m)")
    dtype, unit = METRES[msg.encoding]
    kind = np.dtype(dtype).newbyteorder(">" if msg.is_bigendian else "<")
    row = msg.width * kind.itemsize
    step = msg.step or row
    if not (msg.height and msg.width):
        raise ImageError("no pixels")
    if step < row or len(msg.data) < step * (msg.height - 1) + row:
        raise ImageError(
            f"torn: {msg.width}x{msg.height} {msg.encoding} of step {step} in {len(msg.data)} bytes"
        )
    data = np.frombuffer(msg.data, np.uint8)
    values = np.ndarray((msg.height, msg.width), kind, data.data, strides=(step, kind.itemsize))
    return DepthImage(values, unit)


def _middle(start: float, length: float, limit: int) -> tuple[int, int]:
    """From which pixel to which the middle of a side reaches, one at least, within the image."""
    middle = start + length / 2
    first = min(max(round(middle - length * INNER / 2), 0), limit - 1)
    last = min(max(round(middle + length * INNER / 2), first + 1), limit)
    return first, last
