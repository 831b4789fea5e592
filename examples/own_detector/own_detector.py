# SPDX-License-Identifier: Apache-2.0
"""A detector of your own, to copy and change: ``pip install .``, then ``detector:=profile``.

It finds faces from the front and from either side by three passes of OpenCV's cascades.
"""

import cv2
import numpy as np

from fer_ros.faces.detectors.base import (
    Detection,
    DetectorError,
    Framing,
    best_first,
    check_image,
    make_detection,
    shrink,
)
from fer_ros.result import Box

FOLDER = cv2.data.haarcascades if hasattr(cv2, "data") else "/usr/share/opencv4/haarcascades/"
SAME = 0.3  # overlap from which two boxes are one face


class ProfileDetector:
    """What fer_ros.faces.detectors.Detector asks for; keeps nothing from image to image."""

    name = "profile"
    framing = Framing(0.99, 0.01)
    """The square that the classifier wants, by the box: see docs/detectors.md on how to measure."""

    def __init__(self, model_path="", min_face_size=0, score_threshold=None):
        if model_path:
            raise DetectorError("detector profile: has no file of its own, empty detector_model")
        self._front = cv2.CascadeClassifier(f"{FOLDER}haarcascade_frontalface_alt2.xml")
        self._side = cv2.CascadeClassifier(f"{FOLDER}haarcascade_profileface.xml")
        if self._front.empty() or self._side.empty():
            raise DetectorError(f"detector profile: no cascades in {FOLDER}")
        self.min_face_size = min_face_size
        self._threshold = 0.5 if score_threshold is None else score_threshold

    def detect(self, bgr: np.ndarray) -> list[Detection]:
        """The faces in an image, BGR, uint8 [H, W, 3], best first."""
        check_image(bgr)
        grey, scale = shrink(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), 480)
        found: list[Detection] = []
        for cascade, mirrored in ((self._front, 0), (self._side, 0), (self._side, 1)):
            boxes, counts = cascade.detectMultiScale2(cv2.flip(grey, 1) if mirrored else grey)
            for (x, y, width, height), count in zip(boxes, np.ravel(counts), strict=True):
                left = grey.shape[1] - x - width if mirrored else x
                face = make_detection((left, y, width, height), count / (count + 3), scale=scale)
                if face.score >= self._threshold and not any(_same(face.box, f.box) for f in found):
                    found.append(face)
        return best_first(found, self.min_face_size)


def _same(a: Box, b: Box) -> bool:
    return a.overlap(b) >= SAME
