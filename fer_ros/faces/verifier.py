# SPDX-License-Identifier: Apache-2.0
"""Whether what a detector proposes is a face: several looks of the mesh, and a second detector."""

import numpy as np

from fer_ros.faces.detectors.base import Detection
from fer_ros.faces.detectors.blazeface import SHORT_RANGE, BlazeFaceDetector
from fer_ros.faces.mesh import FaceMesh, Look, Square, cut_square, square_of
from fer_ros.faces.network import shipped

LOOKS = 4
"""Looks at a new face, each from the square that the one before gave: that settles the square."""
PRESENCE = 0.9  # at each of them
AGAIN = 0.8  # score of the short-range network on twice the face's square
AGAIN_SIDE = 128  # pixels of its input
AGAIN_LOWEST = 0.05
OFF_CENTRE = 0.2  # of the input's side: how far from its middle the second detector's face may lie


class Verifier:
    """Looks at proposals again. Raises DetectorError or NetworkError when a file is missing."""

    def __init__(self, mesh: FaceMesh):
        self.mesh = mesh
        self._again = BlazeFaceDetector(str(shipped(SHORT_RANGE)), score_threshold=AGAIN_LOWEST)

    def verify(self, bgr: np.ndarray, detection: Detection) -> tuple[Look | None, float]:
        """The settled look at a face, or None for what is not shown to be one; and the least
        presence that was seen. ``bgr``: uint8 [H, W, 3].
        """
        square, least = square_of(detection), 1.0
        for _ in range(LOOKS):
            look = self.mesh.look(bgr, square)
            least = min(least, look.presence)
            square = look.square
            if least < PRESENCE or square.side < 1:
                return None, least
        return (look if self.again(bgr, square) >= AGAIN else None), least

    def again(self, bgr: np.ndarray, square: Square) -> float:
        """Score of the short-range network for a face in the middle of twice the square."""
        crop, _ = cut_square(bgr, square._replace(side=2 * square.side), AGAIN_SIDE)
        middle, near = AGAIN_SIDE / 2, OFF_CENTRE * AGAIN_SIDE
        scores = [
            face.score
            for face in self._again.detect(crop)
            if max(abs(place - middle) for place in face.box.centre) < near
        ]
        return max(scores, default=0.0)
