# SPDX-License-Identifier: Apache-2.0
"""The face mesh: 468 points on a face, and whether it is a face at all.

Y. Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs", CVPR
Workshop on Computer Vision for Augmented and Virtual Reality, 2019 (arXiv:1907.06724). As in
MediaPipe, the network sees a square of 1.5 times the face, turned until the eyes are level, and
the points of one image give the square of the next.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from fer_ros.faces.detectors.base import Detection, DetectorError, Framing
from fer_ros.inference import NetworkError, open_network
from fer_ros.inference.shipped import shipped
from fer_ros.result import Box

FILE = "face_landmark"
WITHOUT = "face_mesh off does without it"
SIDE = 192  # pixels of the network's input
POINTS = 468
WIDER = 1.5  # the square that the network sees, over the face's own
RIGHT_EYE, LEFT_EYE = (33, 133), (362, 263)  # corners of the person's eyes, as the image shows them
_OF_BYTE = (np.arange(256) / 255).astype(np.float32)

# From the points to a box such as BlazeFace draws, which the classifier's framing is made for:
# side over the width of the points, and the centre's way down the face over the same.
BOX_SIDE, BOX_DOWN = 1.10, 0.035
FRAMING = Framing(1.08, -0.07)  # of that box


class Square(NamedTuple):
    """A square in an image: centre and side in pixels, turned clockwise by ``angle`` (rad)."""

    x: float
    y: float
    side: float
    angle: float = 0.0

    def is_near(self, other: "Square", share: float) -> bool:
        """Whether the other differs by less than this share of the side, and less than so many
        radians.
        """
        away = abs(self.x - other.x), abs(self.y - other.y), abs(self.side - other.side)
        turn = math.remainder(self.angle - other.angle, math.tau)
        return max(away) < share * self.side and abs(turn) < share

    def moved(self, then: Box, now: Box) -> "Square":
        """The square that lies to ``now`` as this one does to ``then``."""
        scale = now.width / then.width
        (x0, y0), (x1, y1) = then.centre, now.centre
        return self._replace(
            x=x1 + (self.x - x0) * scale, y=y1 + (self.y - y0) * scale, side=self.side * scale
        )


@dataclass(frozen=True)
class Look:
    """What the mesh saw. ``points``: float32 [468, 3], x and y in pixels of the image, z in the
    same unit, smaller towards the camera; ``presence``: 0..1, that it is a face.
    """

    points: np.ndarray
    presence: float

    @property
    def angle(self) -> float:
        """Angle of the line through the eyes in radians, clockwise in the image."""
        right, left = self.eyes
        return math.atan2(left[1] - right[1], left[0] - right[0])

    @property
    def eyes(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Centre (x, y) of the person's right eye, which is left in the image, and of the other."""
        right, left = (self.points[list(eye), :2].mean(axis=0) for eye in (RIGHT_EYE, LEFT_EYE))
        return (float(right[0]), float(right[1])), (float(left[0]), float(left[1]))

    @property
    def square(self) -> Square:
        """The bounding square of the points, level with the eyes: the face's own."""
        low, high, angle = self._bounds()
        centre = _turned((low + high) / 2, angle)
        return Square(float(centre[0]), float(centre[1]), float((high - low).max()), angle)

    def detection(self, score: float) -> Detection:
        """The face as a detector would box it, with its eyes."""
        low, high, angle = self._bounds()
        width = high[0] - low[0]
        x, y = _turned((low + high) / 2 + (0, BOX_DOWN * width), angle)
        side = float(BOX_SIDE * width)
        box = Box(float(x) - side / 2, float(y) - side / 2, side, side)
        return Detection(box, score, self.eyes)

    def _bounds(self) -> tuple[np.ndarray, np.ndarray, float]:
        """Lowest and highest x and y after a turn by -angle about the image's origin."""
        angle = self.angle
        level = _turned(self.points[:, :2].T, -angle)
        return level.min(axis=1), level.max(axis=1), angle


class FaceMesh:
    """The network, ready to run. ``path``: a file for another backend than the machine's best.

    Raises DetectorError, one line, when the file cannot be used.
    """

    def __init__(self, path: Path | None = None, threads: int = 1):
        try:
            self._network = open_network(path or shipped(FILE), threads)
        except NetworkError as error:
            raise DetectorError(f"face mesh: {error}; {WITHOUT}") from None
        try:
            sizes = [o.size for o in self._network(np.zeros((1, SIDE, SIDE, 3), np.float32))]
        except NetworkError:  # of another size
            sizes = []
        if sizes != [1, 3 * POINTS]:
            raise DetectorError(f"face mesh: {self._network.path} is another network; {WITHOUT}")

    def look(self, bgr: np.ndarray, face: Square) -> Look:
        """Look at the place of a face in an image, uint8 [H, W, 3]."""
        side = WIDER * face.side
        crop, to_image = cut_square(bgr, face._replace(side=side), SIDE)
        presence, values = self._run(crop)
        points = values.reshape(POINTS, 3).astype(np.float32)
        points[:, :2] = points[:, :2] @ to_image[:, :2].T + to_image[:, 2]
        points[:, 2] *= side / SIDE
        return Look(points, presence)

    def mirrored_presence(self, bgr: np.ndarray, face: Square) -> float:
        """Presence, 0 to 1, in the mirror image of a face's place: a face is one there too."""
        crop, _ = cut_square(bgr, face._replace(side=WIDER * face.side), SIDE)
        return self._run(cv2.flip(crop, 1))[0]

    def _run(self, crop: np.ndarray) -> tuple[float, np.ndarray]:
        rgb = cv2.LUT(cv2.cvtColor(crop, cv2.COLOR_BGR2RGB), _OF_BYTE)
        logit, values = self._network(rgb[np.newaxis])
        return _sigmoid(logit.item()), values


def square_of(detection: Detection) -> Square:
    """The square of a detector's box, level with its eyes where it has them."""
    angle = 0.0
    if detection.eyes:
        (left_x, left_y), (right_x, right_y) = detection.eyes
        angle = math.atan2(right_y - left_y, right_x - left_x)
    return Square(*detection.box.centre, max(detection.box.width, detection.box.height), angle)


def cut_square(bgr: np.ndarray, square: Square, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut out and level a square; black outside the image.

    Returns uint8 [size, size, 3] and the way back: float64 [2, 3], crop to image.
    """
    scale = square.side / size
    across, along = scale * math.cos(square.angle), scale * math.sin(square.angle)
    middle = size / 2
    to_image = np.array(
        [
            [across, -along, square.x - (across - along) * middle],
            [along, across, square.y - (along + across) * middle],
        ]
    )
    crop = cv2.warpAffine(
        bgr, to_image, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    return crop, to_image


def cut_level(bgr: np.ndarray, box: Box, points: np.ndarray, size: int) -> np.ndarray:
    """The face of a box, turned until its eyes are level; black outside the image.

    Args:
        bgr: uint8 [H, W, 3].
        box: the face's, in pixels of it.
        points: the mesh's, float32 [468, 3], in pixels of it.
        size: side of the result, pixels.

    Returns:
        uint8 [size, size, 3].
    """
    square = Square(*box.centre, max(box.width, box.height), Look(points, 1.0).angle)
    return cut_square(bgr, square, size)[0]


def _turned(points, angle: float) -> np.ndarray:
    """[2, ...] points turned clockwise (in an image) by ``angle`` about the origin."""
    cos, sin = math.cos(angle), math.sin(angle)
    x, y = points
    return np.array([cos * x - sin * y, sin * x + cos * y])


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-min(max(logit, -80.0), 80.0)))
