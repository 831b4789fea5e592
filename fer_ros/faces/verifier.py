# SPDX-License-Identifier: Apache-2.0
"""Whether what a detector proposes is a face: several looks of the mesh, and a second detector.

The thresholds stand where the proposals of 4 minutes of made scenes and of three clips without
faces (1,001 at a score of 0.3) are all refused; benchmarks/accuracy/ghosts.py measures it on
others.
"""

import numpy as np

from fer_ros.faces.detectors.base import Detection
from fer_ros.faces.detectors.blazeface import SHORT_RANGE, BlazeFaceDetector
from fer_ros.faces.mesh import FaceMesh, Look, Square, cut_square, square_of
from fer_ros.inference.shipped import shipped

LOOKS = 5
"""Looks at a new face, each from the square that the one before gave: that settles the square."""
UNSETTLED = 2  # of them, that may see less: a detector's box is only about right
MAYBE = 0.5  # presence at the unsettled ones
SURE = 0.9  # presence at the others
MIRRORED = 0.5  # presence in the mirror image
AGAIN = 0.6  # score of the short-range network on twice the face's square
SEEN_WELL = 0.5  # the detector's score from which the very first look may fail
AGAIN_SIDE = 128  # pixels of its input
AGAIN_LOWEST = 0.05
OFF_CENTRE = 0.2  # of the input's side: how far from its middle the second detector's face may lie


class Verifier:
    """Looks at proposals again. Raises DetectorError when a file is missing."""

    def __init__(self, mesh: FaceMesh):
        self.mesh = mesh
        self._again = BlazeFaceDetector(str(shipped(SHORT_RANGE)), score_threshold=AGAIN_LOWEST)

    def verify(self, bgr: np.ndarray, detection: Detection) -> tuple[Look | None, float]:
        """The settled look at a face, or None for what is not shown to be one; and the least
        presence that was seen. ``bgr``: uint8 [H, W, 3].
        """
        square, least = square_of(detection), 1.0
        for number in range(LOOKS):
            look = self.mesh.look(bgr, square)
            square = look.square
            if square.side < 1:
                return None, least
            if number == 0 and detection.score >= SEEN_WELL:
                continue
            least = min(least, look.presence)
            if look.presence < (MAYBE if number < UNSETTLED else SURE):
                return None, least
        if self.mesh.mirrored_presence(bgr, square) < MIRRORED or self.again(bgr, square) < AGAIN:
            return None, least
        return look, least

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
