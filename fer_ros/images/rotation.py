# SPDX-License-Identifier: Apache-2.0
"""Quarter turns of an image; ``fer_ros.result.Box.rotated`` turns what lies in it."""

import cv2
import numpy as np

_CODES = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def rotate_image(image: np.ndarray, degrees: int) -> np.ndarray:
    """``image`` turned clockwise by 0, 90, 180 or 270 degrees (taken modulo 360)."""
    degrees %= 360
    return cv2.rotate(image, _CODES[degrees]) if degrees else image
