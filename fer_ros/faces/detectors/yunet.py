# SPDX-License-Identifier: Apache-2.0
"""YuNet, a small convolutional detector run by OpenCV itself (4.8 or newer).

W. Wu, H. Peng and S. Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence
Research 20, 2023. The model file is not part of this package.
"""

import re
from pathlib import Path

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

MODEL_HINT = "face_detection_yunet_2023mar.onnx from the OpenCV model zoo"
SCORE_THRESHOLD = 0.8
PROPOSAL_THRESHOLD = 0.6  # of what the face mesh verifies
NMS_THRESHOLD = 0.3
SMALLEST_SIDE = 8  # pixels; no face fits, and OpenCV once in a thousand 1x1 images returns garbage
LONGEST_SIDE = 640  # pixels; larger images are reduced first


class YuNetDetector:
    """YuNet with the eyes among its five landmarks.

    `model_path` is the ONNX file, `min_face_size` is in pixels of the image, `score_threshold` in
    0..1. Raises DetectorError on OpenCV before 4.8 and for a missing or unusable model file.
    """

    name = "yunet"
    framing = Framing(1.27, -0.03)

    def __init__(self, model_path="", min_face_size=0, score_threshold=None):
        if not is_supported():
            raise DetectorError(
                f"detector yunet: needs OpenCV 4.8 or newer, this is {cv2.__version__}; "
                "choose detector blazeface or haar"
            )
        if not model_path:
            raise DetectorError(f"detector yunet: set detector_model to {MODEL_HINT}")
        self.model_path = Path(model_path)
        self._net = _load(self.model_path)
        self._net.setScoreThreshold(
            SCORE_THRESHOLD if score_threshold is None else float(score_threshold)
        )
        self.min_face_size = min_face_size

    def detect(self, bgr: np.ndarray) -> list[Detection]:
        """Return the faces in `bgr` (uint8 [H, W, 3]), best score first."""
        check_image(bgr)
        if min(bgr.shape[:2]) < SMALLEST_SIDE:
            return []
        small, factor = shrink(bgr, LONGEST_SIDE)
        self._net.setInputSize((small.shape[1], small.shape[0]))
        _, rows = self._net.detect(small)
        # A row: box, then right eye, left eye, nose and mouth corners, then the score.
        found = [
            make_detection(row[:4], row[14], (row[4:6], row[6:8]), factor)
            for row in (() if rows is None else rows)
        ]
        return best_first(found, self.min_face_size)


def is_supported() -> bool:
    """Whether this OpenCV can run the model: 4.8 or newer, with FaceDetectorYN built in."""
    version = tuple(int(part) for part in re.findall(r"\d+", cv2.__version__)[:2])
    return version >= (4, 8) and hasattr(cv2, "FaceDetectorYN")


def _load(path: Path):
    if not path.is_file():
        raise DetectorError(f"detector yunet: no file {path}; get {MODEL_HINT}")
    try:
        net = cv2.FaceDetectorYN.create(str(path), "", (64, 64), 0.5, NMS_THRESHOLD)
        net.detect(np.zeros((64, 64, 3), np.uint8))  # a foreign network fails only when run
    except (cv2.error, SystemError):
        raise DetectorError(
            f"detector yunet: {path} is not a YuNet model that OpenCV can run; get {MODEL_HINT}"
        ) from None
    return net
