# SPDX-License-Identifier: Apache-2.0
"""From a face in a camera image to the picture that the classifier was trained on.

FER-2013 shows each face upright in a square with a set share of forehead and chin. A detector's
box has habits of its own, so each detector has its calibrated ``framing``; docs/detectors.md has
the method and the figures, benchmarks/accuracy/calibrate_framing.py prints them.
"""

import math

import cv2
import numpy as np

from fer_ros.faces.detectors.base import Detection, Framing
from fer_ros.result import Box


def crop_face(
    image: np.ndarray,
    detection: Detection,
    framing: Framing,
    size: int = 48,
    channels: int = 1,
    upright: bool = True,
) -> np.ndarray:
    """Cut the face out of `image` with FER-2013's framing.

    `image` is uint8 [H, W] grey or [H, W, 3] BGR, `framing` the detector's. With `upright`
    the picture is turned until the line through the eyes is level, where the detector gave eyes.
    Returns uint8 [size, size] grey, or with 3 `channels` [size, size, 3] RGB, reduced by area;
    what lies outside the image repeats its border. Raises ValueError for another type or shape of
    image, a box without area and a box wholly outside the image.
    """
    _check(image, detection)
    angle = roll(detection) if upright else 0.0
    side = framing.side * detection.box.width
    shift = framing.down * detection.box.width
    centre_x, centre_y = detection.box.centre
    centre_x -= shift * math.sin(angle)
    centre_y += shift * math.cos(angle)

    # Sampling at a whole multiple of the final size and then averaging blocks weighs every
    # pixel of a large face, which one warp straight to 48 pixels would not.
    steps = max(1, math.ceil(side / size))
    scale = side / (size * steps)
    across, along = scale * math.cos(angle), scale * math.sin(angle)
    middle = (size * steps - 1) / 2
    # Pixel centres lie half a pixel from the box's coordinates.
    centre_x, centre_y = centre_x - 0.5, centre_y - 0.5
    reach = (abs(across) + abs(along)) * middle
    part, left, top = _part(image, centre_x, centre_y, reach, channels)
    to_source = np.array(
        [
            [across, -along, centre_x - left - (across - along) * middle],
            [along, across, centre_y - top - (along + across) * middle],
        ]
    )
    patch = cv2.warpAffine(
        part,
        to_source,
        (size * steps, size * steps),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if steps > 1:
        patch = cv2.resize(patch, (size, size), interpolation=cv2.INTER_AREA)
    return patch


def _part(
    image: np.ndarray, x: float, y: float, reach: float, channels: int
) -> tuple[np.ndarray, int, int]:
    """What lies within ``reach`` pixels of the pixel (x, y), sideways and up and down, made grey
    or RGB, and its corner: as few bytes to warp as are needed.
    """
    if image.ndim == 2:
        return image if channels == 1 else cv2.cvtColor(image, cv2.COLOR_GRAY2RGB), 0, 0
    height, width = image.shape[:2]
    # One pixel more, for the interpolation; one at least, whose value is repeated.
    left = min(max(math.floor(x - reach) - 1, 0), width - 1)
    top = min(max(math.floor(y - reach) - 1, 0), height - 1)
    right = max(math.ceil(x + reach) + 2, left + 1)
    bottom = max(math.ceil(y + reach) + 2, top + 1)
    colour = cv2.COLOR_BGR2GRAY if channels == 1 else cv2.COLOR_BGR2RGB
    return cv2.cvtColor(image[top:bottom, left:right], colour), left, top


def cut_out(image: np.ndarray, box: Box, size: int) -> np.ndarray:
    """The box of an image, uint8 [H, W, 3], scaled and centred on black: uint8 [size, size, 3]."""
    x, y, width, height = box
    face = image[y : y + height, x : x + width]
    scale = size / max(face.shape[:2])
    columns, rows = (max(1, round(side * scale)) for side in (width, height))
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    result = np.zeros((size, size, 3), np.uint8)
    top, left = (size - rows) // 2, (size - columns) // 2
    result[top : top + rows, left : left + columns] = cv2.resize(
        face, (columns, rows), None, 0, 0, flags
    )
    return result


def roll(detection: Detection) -> float:
    """Angle of the line through the eyes in radians, clockwise in the image; 0 without eyes."""
    if detection.eyes is None:
        return 0.0
    (left_x, left_y), (right_x, right_y) = detection.eyes
    return math.atan2(right_y - left_y, right_x - left_x)


def _check(image: np.ndarray, detection: Detection) -> None:
    if image.dtype != np.uint8 or image.size == 0:
        raise ValueError(f"a face crop needs a uint8 image with pixels, not {image.dtype}")
    if image.ndim != 2 and not (image.ndim == 3 and image.shape[2] == 3):
        raise ValueError(f"a face crop needs an image [H, W] or [H, W, 3], not {image.shape}")
    x, y, width, height = detection.box
    if not (all(map(math.isfinite, (x, y, width, height))) and width > 0 and height > 0):
        raise ValueError(f"a face box needs an area: {width} x {height} at {x}, {y}")
    if x >= image.shape[1] or y >= image.shape[0] or x + width <= 0 or y + height <= 0:
        raise ValueError(f"the face box at {x:.0f}, {y:.0f} lies outside the image")
