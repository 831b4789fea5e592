# SPDX-License-Identifier: Apache-2.0
"""Quarter turns of an image and of boxes in it."""

import cv2
import numpy as np

_CODES = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def rotate_image(image: np.ndarray, degrees: int) -> np.ndarray:
    """``image`` turned clockwise by 0, 90, 180 or 270 degrees (taken modulo 360)."""
    degrees %= 360
    return cv2.rotate(image, _CODES[degrees]) if degrees else image


def rotate_box(box: tuple, shape: tuple, degrees: int) -> tuple:
    """Where a box (x, y, width, height) of an image of ``shape`` lies after ``rotate_image``."""
    x, y, w, h = box
    height, width = shape[:2]
    return {
        0: (x, y, w, h),
        90: (height - y - h, x, h, w),
        180: (width - x - w, height - y - h, w, h),
        270: (y, width - x - w, h, w),
    }[degrees % 360]
