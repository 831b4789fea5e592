# SPDX-License-Identifier: Apache-2.0
"""Small pictures of faces for a report, kept only when they were asked for."""

from fer_ros.faces.crop import cut_out
from fer_ros.images.codec import encode_jpeg
from fer_ros.result import Result

SIDE = 96
"""Pixels of a picture's side."""
MAX_IDS = 24


class Thumbnails:
    """Of each id and label the face of the highest confidence, JPEG, in ``pictures``."""

    def __init__(self, wanted: bool):
        self._wanted = wanted
        self._best: dict[tuple[int, str], float] = {}
        self.pictures: dict[tuple[int, str], bytes] = {}

    def add(self, result: Result) -> None:
        """Look at the faces of an image."""
        for face in result.faces if self._wanted else ():
            key = (face.track_id, face.label)
            if face.confidence <= self._best.get(key, 0.0) or face.track_id > MAX_IDS:
                continue
            self._best[key] = face.confidence
            crop = cut_out(result.upright, result.upright_box(face), SIDE)
            self.pictures[key] = encode_jpeg(crop, 80).tobytes()
