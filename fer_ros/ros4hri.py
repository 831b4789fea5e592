# SPDX-License-Identifier: Apache-2.0
"""Faces as REP 155 (ROS4HRI) wants them named, measured and cut out.

https://www.ros.org/reps/rep-0155.html
"""

import random

import cv2
import numpy as np

from fer_ros.images.rotation import rotate_image

EXPRESSIONS = {
    "anger": "angry",
    "disgust": "disgusted",
    "fear": "scared",
    "joy": "happy",
    "sadness": "sad",
    "surprise": "surprised",
    "neutral": "neutral",
}
"""hri_msgs/Expression's name of each label; it has none for ``uncertain``."""

CROP_SIZE = 128  # pixels, REP 155's default


class FaceIds:
    """An id such as ``f04711`` for each track, counted from a number drawn anew for each run.

    So that an id of one run never stands for somebody of another. ``start``: for a set beginning.
    """

    def __init__(self, start: int | None = None):
        self._start = random.SystemRandom().randrange(90_000) if start is None else start

    def of(self, track_id: int) -> str:
        """The id of a track, the same each time."""
        return f"f{self._start + track_id:05d}"


def normalized(
    box: tuple[int, int, int, int], shape: tuple[int, ...]
) -> tuple[float, float, float, float]:
    """A box (x, y, width, height) of an image of ``shape`` as xmin, ymin, xmax, ymax, 0 to 1."""
    x, y, width, height = box
    rows, columns = shape[:2]
    return x / columns, y / rows, (x + width) / columns, (y + height) / rows


def cut_out(
    bgr: np.ndarray, box: tuple[int, int, int, int], rotate: int = 0, size: int = CROP_SIZE
) -> np.ndarray:
    """The box of an image, uint8 [H, W, 3], turned upright, scaled and centred on black.

    ``rotate``: degrees clockwise that make the image upright. Returns uint8 [size, size, 3].
    """
    x, y, width, height = box
    face = rotate_image(bgr[y : y + height, x : x + width], rotate)
    scale = size / max(face.shape[:2])
    columns, rows = (max(1, round(side * scale)) for side in (face.shape[1], face.shape[0]))
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    result = np.zeros((size, size, 3), np.uint8)
    top, left = (size - rows) // 2, (size - columns) // 2
    result[top : top + rows, left : left + columns] = cv2.resize(
        face, (columns, rows), None, 0, 0, flags
    )
    return result
