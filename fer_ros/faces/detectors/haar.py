# SPDX-License-Identifier: Apache-2.0
"""Viola and Jones' cascade, the detector of the paper: always at hand, frontal faces only.

The cascade file comes with OpenCV's Python wheels (`cv2.data`) or with Debian's package
opencv-data. P. Viola and M. Jones, "Rapid Object Detection using a Boosted Cascade of Simple
Features", CVPR 2001.
"""

import math
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

CASCADE = "haarcascade_frontalface_alt2.xml"
DEBIAN_FOLDER = "/usr/share/opencv4/haarcascades"
SCORE_THRESHOLD = 0.5
PROPOSAL_THRESHOLD = 0.5  # of what the face mesh verifies
HALF_SURE = 3  # agreeing windows that make a score of 0.5
LONGEST_SIDE = 480  # pixels; larger images are reduced first
SCALE_FACTOR = 1.1


class HaarDetector:
    """OpenCV's frontal face cascade; gives no eye points.

    `model_path` is a cascade file ("" for OpenCV's own), `min_face_size` is in pixels of the
    image, `score_threshold` in 0..1. The score of a face is n / (n + 3) for n windows that agreed
    on it: unlike the weight of the last stage it means the same for every cascade. Raises
    DetectorError where OpenCV has no cascades or the file cannot be read.
    """

    name = "haar"
    framing = Framing(0.99, 0.01)

    def __init__(self, model_path="", min_face_size=0, score_threshold=None):
        if not hasattr(cv2, "CascadeClassifier"):
            raise DetectorError(
                f"detector haar: OpenCV {cv2.__version__} has no cascades; "
                "install an OpenCV below 5 or choose detector blazeface or yunet"
            )
        self.model_path = Path(model_path) if model_path else find_cascade()
        # OpenCV's own cascade is as good as OpenCV; another file is tried in another process first.
        self._cascade = _load(self.model_path, is_foreign=bool(model_path))
        self.min_face_size = min_face_size
        threshold = SCORE_THRESHOLD if score_threshold is None else score_threshold
        self._min_neighbours = neighbours_for(threshold)

    def detect(self, bgr: np.ndarray) -> list[Detection]:
        """Return the faces in `bgr` (uint8 [H, W, 3]), best score first."""
        check_image(bgr)
        grey, factor = shrink(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), LONGEST_SIDE)
        smallest = math.floor(self.min_face_size / factor)
        boxes, neighbours = self._cascade.detectMultiScale2(
            grey,
            scaleFactor=SCALE_FACTOR,
            minNeighbors=self._min_neighbours,
            minSize=(smallest, smallest),
        )
        found = [
            make_detection(box, count / (count + HALF_SURE), scale=factor)
            for box, count in zip(boxes, np.ravel(neighbours), strict=True)
        ]
        return best_first(found, self.min_face_size)


def neighbours_for(score: float) -> int:
    """The least number of agreeing windows whose score is `score` (0..1); never below 1."""
    score = min(max(score, 0.0), 0.999)
    return max(1, math.ceil(HALF_SURE * score / (1 - score) - 1e-9))


def find_cascade() -> Path:
    """Return the path of OpenCV's frontal face cascade; DetectorError where there is none."""
    folders = [DEBIAN_FOLDER]
    if hasattr(cv2, "data"):
        folders.insert(0, cv2.data.haarcascades)
    for folder in folders:
        if (path := Path(folder) / CASCADE).is_file():
            return path
    raise DetectorError(
        f"detector haar: {CASCADE} not found; install opencv-data by apt or set detector_model"
    )


def _load(path: Path, is_foreign: bool):
    try:
        data = read_file(path)
        if is_foreign:
            prove(path, data, f"{__name__}:try_cascade")
        return _cascade(data)
    except NetworkError as error:
        hint = "leave detector_model empty for OpenCV's"
        raise DetectorError(f"detector haar: {error}; {hint}") from None


def try_cascade(data: bytes) -> None:
    """Look for faces in pictures of noise with a cascade's file. Raises NetworkError."""
    cascade, noise = _cascade(data), np.random.default_rng(0)
    for shape in ((48, 64), (480, 360)):
        picture = noise.integers(0, 256, shape, np.uint8)
        cascade.detectMultiScale2(picture, scaleFactor=SCALE_FACTOR, minNeighbors=1)


def _cascade(data: bytes):
    with as_file(data, ".xml") as name:
        try:
            cascade = cv2.CascadeClassifier(name)
        except (cv2.error, SystemError):
            cascade = None
    if cascade is None or cascade.empty():
        raise NetworkError("not a cascade that OpenCV can read")
    return cascade
