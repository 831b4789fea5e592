# SPDX-License-Identifier: Apache-2.0
"""Viola and Jones' cascade, as the paper used it: always at hand, frontal faces only.

The cascade file comes with OpenCV's Python wheels (`cv2.data`) or with Debian's package
opencv-data. P. Viola and M. Jones, "Rapid Object Detection using a Boosted Cascade of Simple
Features", CVPR 2001.
"""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np

from .base import Detection, DetectorError, best_first, check_image, make_detection, shrink

CASCADE = "haarcascade_frontalface_default.xml"
DEBIAN_FOLDER = "/usr/share/opencv4/haarcascades"
SCORE_THRESHOLD = 0.5
LONGEST_SIDE = 640  # pixels; larger images are reduced first
SCALE_FACTOR = 1.1
MIN_NEIGHBOURS = 5


class HaarDetector:
    """OpenCV's frontal face cascade; gives no eye points.

    `model_path` is a cascade file ("" for OpenCV's own), `min_face_size` is in pixels of the
    image, `score_threshold` in 0..1. Raises DetectorError where OpenCV has no cascades or the
    file cannot be read.
    """

    name = "haar"

    def __init__(self, model_path="", min_face_size=0, score_threshold=None):
        if not hasattr(cv2, "CascadeClassifier"):
            raise DetectorError(
                f"detector haar: OpenCV {cv2.__version__} has no cascades; "
                "install an OpenCV below 5 or choose detector blazeface or yunet"
            )
        self._cascade = _load(Path(model_path) if model_path else find_cascade())
        self._min_face_size = min_face_size
        self._threshold = SCORE_THRESHOLD if score_threshold is None else score_threshold

    def detect(self, bgr: np.ndarray) -> list[Detection]:
        """Return the faces in `bgr` (uint8 [H, W, 3]), best score first."""
        check_image(bgr)
        grey, factor = shrink(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), LONGEST_SIDE)
        smallest = math.floor(self._min_face_size / factor)
        boxes, _, weights = self._cascade.detectMultiScale3(
            cv2.equalizeHist(grey),
            scaleFactor=SCALE_FACTOR,
            minNeighbors=MIN_NEIGHBOURS,
            minSize=(smallest, smallest),
            outputRejectLevels=True,
        )
        scores = [score_of(float(weight)) for weight in np.ravel(weights)]
        found = [
            make_detection(box, score, scale=factor)
            for box, score in zip(boxes, scores, strict=True)
            if score >= self._threshold
        ]
        return best_first(found, self._min_face_size)


def score_of(weight: float) -> float:
    """Squash the last stage's weight, an unbounded sum of votes, monotonically into 0..1."""
    return 1.0 / (1.0 + math.exp(-weight))


def find_cascade() -> Path:
    """Return the path of OpenCV's frontal face cascade; DetectorError where there is none."""
    folders = [DEBIAN_FOLDER]
    if hasattr(cv2, "data"):
        folders.insert(0, cv2.data.haarcascades)
    for folder in folders:
        if (path := Path(folder) / CASCADE).is_file():
            return path
    raise DetectorError(
        f"detector haar: {CASCADE} not found; install the apt package opencv-data "
        "or set model_path"
    )


def _load(path: Path):
    if not path.is_file():
        raise DetectorError(f"detector haar: no file {path}; leave model_path empty for OpenCV's")
    try:
        cascade = cv2.CascadeClassifier(str(path))
    except (cv2.error, SystemError):
        cascade = None
    if cascade is None or cascade.empty():
        raise DetectorError(f"detector haar: {path} is not a cascade that OpenCV can read")
    return cascade
