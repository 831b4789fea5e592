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
from fer_ros.inference import NetworkError
from fer_ros.inference.trial import as_file, prove, read_file

ANOTHER = "not a YuNet model that OpenCV can run"
MODEL_HINT = "face_detection_yunet_2023mar.onnx from the OpenCV model zoo"
SCORE_THRESHOLD = 0.8
PROPOSAL_THRESHOLD = 0.6  # of what the face mesh verifies
NMS_THRESHOLD = 0.3
SMALLEST_SIDE = 8  # pixels; no face fits, and OpenCV once in a thousand 1x1 images returns garbage
SIDE = 64  # pixels of the pictures on which a file is tried
STRIDES = (8, 16, 32)
VALUES = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}  # outputs of each cell, by OpenCV's names
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
    try:
        data = read_file(path)
        prove(path, data, f"{__name__}:try_yunet")
        return _net(data)
    except NetworkError as error:
        raise DetectorError(f"detector yunet: {error}; get {MODEL_HINT}") from None


def try_yunet(data: bytes) -> None:
    """Look for faces in pictures of noise with a network's file. Raises NetworkError.

    OpenCV takes for granted how many values each output has, and reads on behind too few.
    """
    cv2.setNumThreads(1)
    try:
        plain = cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8))
        names = [f"{kind}_{stride}" for kind in VALUES for stride in STRIDES]
        wanted = [VALUES[kind] * (SIDE // stride) ** 2 for kind in VALUES for stride in STRIDES]
        plain.setInput(np.zeros((1, 3, SIDE, SIDE), np.float32))
        if [output.size for output in plain.forward(names)] != wanted:
            raise NetworkError(ANOTHER)
        net, noise = _net(data), np.random.default_rng(0)
        for width, height in ((64, 64), (640, 480), (360, 640), (8, 640)):
            net.setInputSize((width, height))
            net.detect(noise.integers(0, 256, (height, width, 3), np.uint8))
    except (cv2.error, SystemError):
        raise NetworkError(ANOTHER) from None


def _net(data: bytes):
    with as_file(data, ".onnx") as name:  # OpenCV 4.8 takes no bytes here
        try:
            net = cv2.FaceDetectorYN.create(name, "", (SIDE, SIDE), 0.5, NMS_THRESHOLD)
            net.detect(np.zeros((SIDE, SIDE, 3), np.uint8))  # a foreign network fails when run
        except (cv2.error, SystemError):
            raise NetworkError(ANOTHER) from None
    return net
