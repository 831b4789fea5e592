# SPDX-License-Identifier: Apache-2.0
"""Small pictures of faces for a report, kept only when they were asked for."""

import numpy as np

from fer_ros.images.codec import encode_jpeg
from fer_ros.result import FaceEmotion
from fer_ros.ros4hri import cut_out

SIDE = 96
"""Pixels of a picture's side."""
MAX_IDS = 24


class Thumbnails:
    """Of each id and label the face of the highest confidence, JPEG, in ``pictures``; ``rotate``:
    degrees clockwise that make the images upright.
    """

    def __init__(self, wanted: bool, rotate: int = 0):
        self._wanted, self._rotate = wanted, rotate
        self._best: dict[tuple[int, str], float] = {}
        self.pictures: dict[tuple[int, str], bytes] = {}

    def add(self, bgr: np.ndarray, faces: list[FaceEmotion]) -> None:
        """Look at the faces of an image, uint8 [H, W, 3]."""
        for face in faces if self._wanted else ():
            key = (face.track_id, face.label)
            if face.confidence <= self._best.get(key, 0.0) or face.track_id > MAX_IDS:
                continue
            self._best[key] = face.confidence
            crop = cut_out(bgr, face.box, self._rotate, SIDE)
            self.pictures[key] = encode_jpeg(crop, 80).tobytes()
