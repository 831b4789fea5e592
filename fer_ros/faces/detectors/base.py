# SPDX-License-Identifier: Apache-2.0
"""What every face detector takes, gives and raises."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import cv2
import numpy as np

from fer_ros.lines import LineError
from fer_ros.result import Box

Point = tuple[float, float]


class DetectorError(LineError, RuntimeError):
    """A detector cannot be created; the message is one line and names the way out."""


@dataclass(frozen=True)
class Detection:
    """One face, in pixels of the image given to `detect`; the box may stick out of the image."""

    box: Box
    score: float  # 0..1, the detector's own confidence: comparable within one detector only
    eyes: tuple[Point, Point] | None = None  # (x, y) of the left one in the image, then the right


class Framing(NamedTuple):
    """How to get from a detector's box to the square of FER-2013, which shows each face upright
    with a set share of forehead and chin: docs/detectors.md.
    """

    side: float  # side of the square over the width of the box
    down: float = 0.0  # from the box's centre to the square's, down the face, over the box's width


class Detector(Protocol):
    """Finds the faces in one image; keeps nothing from one image to the next."""

    name: str  # as it is chosen by: "haar", "yunet", ...
    model_path: Path  # the file that was loaded
    framing: Framing  # of its boxes
    min_face_size: int  # width in pixels; narrower faces are left out; may be changed at any time

    def detect(self, bgr: np.ndarray) -> list[Detection]:
        """Return the faces in `bgr` (uint8 [H, W, 3]), best score first.

        Raises ValueError for any other type or shape, or an image without pixels.
        """
        ...


def check_image(bgr: np.ndarray) -> None:
    """Raise ValueError unless `bgr` is a uint8 [H, W, 3] array with pixels in it."""
    if not isinstance(bgr, np.ndarray) or bgr.dtype != np.uint8:
        kind = getattr(bgr, "dtype", type(bgr).__name__)
        raise ValueError(f"a detector needs a uint8 image, not {kind}")
    if bgr.ndim != 3 or bgr.shape[2] != 3 or bgr.size == 0:
        raise ValueError(f"a detector needs an image of shape [H, W, 3], not {list(bgr.shape)}")


def shrink(image: np.ndarray, longest: int) -> tuple[np.ndarray, float]:
    """Reduce `image` by area until no side is longer than `longest`; return it and the factor.

    Detection coordinates in the returned image times the factor are those in `image`.
    """
    factor = max(image.shape[:2]) / longest
    if factor <= 1:
        return image, 1.0
    height, width = (max(1, round(side / factor)) for side in image.shape[:2])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), factor


def make_detection(box, score, eyes=None, scale=1.0) -> Detection:
    """Build a Detection from x, y, width, height and two eyes in any order, all times `scale`."""
    if eyes is not None:
        eyes = tuple(sorted((float(x) * scale, float(y) * scale) for x, y in eyes))
    return Detection(Box(*(float(v) * scale for v in box)), float(score), eyes)


def best_first(detections, min_face_size: int) -> list[Detection]:
    """Drop the faces narrower than `min_face_size` pixels or a pixel, and what a damaged network
    gives that is no number; sort the rest by score.
    """
    kept = [
        d
        for d in detections
        if d.box.width >= max(1, min_face_size)
        and d.box.height >= 1
        and np.isfinite([*d.box, d.score, *np.ravel(d.eyes or ())]).all()
    ]
    return sorted(kept, key=lambda d: d.score, reverse=True)
