# SPDX-License-Identifier: Apache-2.0
"""BlazeFace, Google's detector for phones, run by LiteRT or by OpenCV.

V. Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", CVPR
Workshop on Computer Vision for Augmented and Virtual Reality, 2019. Anchors, input range and
decoding follow the options in MediaPipe's modules/face_detection/face_detection_{short,full}_
range*.pbtxt.
"""

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
)
from fer_ros.inference import Network, NetworkError, open_network
from fer_ros.inference.shipped import shipped

FILE = "face_detection_back"
SHORT_RANGE = "face_detection_short_range"
SIDES = {FILE: 256, SHORT_RANGE: 128}
SCORE_THRESHOLD = 0.5
PROPOSAL_THRESHOLD = 0.3  # of what the face mesh verifies
FAR = 1e4  # pixels of the input: only a damaged network sees a face there
OVERLAP = 0.3  # intersection over union from which two boxes are the same face
INPUT_OF_BYTE = (np.arange(256) / 127.5 - 1).astype(np.float32)
# Model input side: ((stride of a feature map, anchors in each of its cells), ...)
ANCHORS = {128: ((8, 2), (16, 6)), 192: ((4, 1),), 256: ((16, 2), (32, 6))}


class BlazeFaceDetector:
    """BlazeFace, short-range (128), full-range (192) or back camera (256) by the file given.

    `model_path` is a .tflite or .onnx file ("" for the one that comes with fer_ros),
    `min_face_size` is in pixels of the image, `score_threshold` in 0..1, `threads` for LiteRT.
    Raises DetectorError for a missing or unusable model file, and for a .tflite without LiteRT.
    """

    name = "blazeface"
    framing = Framing(1.08, -0.07)

    def __init__(self, model_path="", min_face_size=0, score_threshold=None, threads=1):
        self.model_path = Path(model_path or shipped(FILE))
        self._network, self._side = _load(self.model_path, threads)
        self._anchors = make_anchors(self._side)
        self.min_face_size = min_face_size
        self._threshold = SCORE_THRESHOLD if score_threshold is None else score_threshold

    def detect(self, bgr: np.ndarray) -> list[Detection]:
        """Return the faces in `bgr` (uint8 [H, W, 3]), best score first."""
        check_image(bgr)
        square, scale, left, top = letterbox(bgr, self._side)
        rgb = cv2.LUT(cv2.cvtColor(square, cv2.COLOR_BGR2RGB), INPUT_OF_BYTE)
        logits, offsets = self._network(rgb[np.newaxis])
        logits = np.clip(logits[0, :, 0], -80.0, 80.0)
        scores = 1.0 / (1.0 + np.exp(-logits))
        kept = (scores >= self._threshold) & (np.abs(offsets[0]) < FAR).all(axis=1)
        boxes = self._decode(offsets[0, kept], self._anchors[kept])
        boxes, scores = merge(boxes, scores[kept])
        boxes[:, [0, 2, 4, 6]] -= left
        boxes[:, [1, 3, 5, 7]] -= top
        found = [
            make_detection((x0, y0, x1 - x0, y1 - y0), score, (eyes[:2], eyes[2:]), scale)
            for (x0, y0, x1, y1, *eyes), score in zip(boxes, scores, strict=True)
        ]
        return best_first(found, self.min_face_size)

    @staticmethod
    def _decode(raw: np.ndarray, anchors: np.ndarray) -> np.ndarray:
        """[N, 16] offsets from [N, 2] anchors to [N, 8]: x0, y0, x1, y1 and two eye points."""
        centre, half = raw[:, :2] + anchors, raw[:, 2:4] / 2
        eyes = raw[:, 4:8] + np.tile(anchors, 2)
        return np.hstack([centre - half, centre + half, eyes])


def make_anchors(side: int) -> np.ndarray:
    """Return the anchor points, float32 [N, 2] as (x, y) in pixels of the model's input."""
    grids = []
    for stride, per_cell in ANCHORS[side]:
        steps = (np.arange(side // stride) + 0.5) * stride
        y, x = np.meshgrid(steps, steps, indexing="ij")
        grids.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), per_cell, axis=0))
    return np.concatenate(grids).astype(np.float32)


def letterbox(image: np.ndarray, side: int) -> tuple[np.ndarray, float, int, int]:
    """Fit `image` centred into a black square; return it, the image's scale, left and top."""
    scale = max(image.shape[:2]) / side
    height, width = (max(1, round(length / scale)) for length in image.shape[:2])
    left, top = (side - width) // 2, (side - height) // 2
    square = np.zeros((side, side, 3), np.uint8)
    square[top : top + height, left : left + width] = _resize(image, width, height)
    return square, scale, left, top


def _resize(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Halve while the image is twice too large, then interpolate.

    As free of aliasing as one step of INTER_AREA and several times faster: OpenCV averages blocks
    of 2x2 pixels with vector instructions, other blocks without.
    """
    while image.shape[0] >= 2 * height and image.shape[1] >= 2 * width:
        rows, columns = image.shape[0] // 2, image.shape[1] // 2
        even = image[: 2 * rows, : 2 * columns]
        image = cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)


def merge(boxes: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average the boxes that overlap the best one, weighted by score, until none is left.

    The weighted suppression of MediaPipe: `boxes` [N, 4 or more] begin with x0, y0, x1, y1.
    """
    merged, best = [], []
    order = np.argsort(-scores)
    boxes, scores = boxes[order], scores[order]
    while len(boxes):
        low = np.maximum(boxes[0, :2], boxes[:, :2])
        high = np.minimum(boxes[0, 2:4], boxes[:, 2:4])
        inside = np.prod(np.maximum(high - low, 0), axis=1)
        areas = np.prod(boxes[:, 2:4] - boxes[:, :2], axis=1)
        same = inside >= OVERLAP * (areas[0] + areas - inside)
        same[0] = True
        merged.append(np.average(boxes[same], axis=0, weights=scores[same]))
        best.append(scores[0])
        boxes, scores = boxes[~same], scores[~same]
    return np.array(merged).reshape(-1, boxes.shape[1]), np.array(best)


def _load(path: Path, threads: int) -> tuple[Network, int]:
    hint = "leave detector_model empty for fer_ros' own"
    sides = sorted(ANCHORS, key=lambda side: side != SIDES.get(path.stem))
    try:
        network = open_network(path, threads, inputs=[((1, s, s, 3), "float32") for s in sides])
    except NetworkError as error:
        raise DetectorError(f"detector blazeface: {error}; {hint}") from None
    for side in sides:
        anchors = len(make_anchors(side))
        try:
            outputs = network(np.zeros((1, side, side, 3), np.float32))
        except NetworkError:  # of another size
            continue
        if [output.shape for output in outputs] == [(1, anchors, 1), (1, anchors, 16)]:
            return network, side
    raise DetectorError(f"detector blazeface: {path} is not a BlazeFace model; {hint}")
