# SPDX-License-Identifier: Apache-2.0
"""Camera images with a known number of faces, made from the built-in clip."""

import cv2
import numpy as np

from fer_ros.sources.sample import Sample

SIZES = {"640x480": (640, 480), "1920x1080": (1920, 1080)}
GRIDS = {2: (2, 1), 4: (2, 2), 8: (4, 2), 16: (4, 4)}  # faces: columns, rows
FACE = (190, 60, 260, 360)  # x, y, width, height of the print in the first two seconds of the clip


def make_frames(faces: int, size: str, count: int = 30) -> list[np.ndarray]:
    """`count` images, an even number, BGR uint8, with 0, 1, 2, 4, 8 or 16 faces.

    `size` is a key of SIZES. They follow each other as in the clip, forth and back, so that the
    last leads to the first.
    """
    width, height = SIZES[size]
    clip = Sample()
    forth = [_frame(clip, i, faces, width, height) for i in range(count // 2)]
    return forth + forth[::-1]


def _frame(clip, index, faces, width, height):
    image = clip[index]
    if faces == 0:
        return cv2.resize(image[:, :40], (width, height), interpolation=cv2.INTER_LINEAR)
    if faces == 1:
        wide = round(image.shape[1] * height / image.shape[0])
        image = cv2.resize(image, (wide, height), interpolation=cv2.INTER_LINEAR)
        sides = (width - wide) // 2
        return cv2.copyMakeBorder(image, 0, 0, sides, width - wide - sides, cv2.BORDER_REPLICATE)
    columns, rows = GRIDS[faces]
    x, y, w, h = FACE
    cell = (width // columns, height // rows)
    one = _fit(image[y : y + h, x : x + w], cell)
    return np.tile(one, (rows, columns, 1))


def _fit(picture, cell):
    """The picture centred in a cell of its own background."""
    scale = min(cell[0] / picture.shape[1], cell[1] / picture.shape[0])
    size = [round(scale * n) for n in picture.shape[1::-1]]
    canvas = np.full((cell[1], cell[0], 3), 150, np.uint8)
    left, top = (cell[0] - size[0]) // 2, (cell[1] - size[1]) // 2
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    canvas[top : top + size[1], left : left + size[0]] = small
    return canvas
