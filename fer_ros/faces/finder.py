# SPDX-License-Identifier: Apache-2.0
"""The faces of one image after the other, each with its id: by a detector in every image."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fer_ros.faces.detectors.base import Detection, Detector
from fer_ros.faces.tracker import Tracker
from fer_ros.result import UNKNOWN_POSE, HeadPose


@dataclass(frozen=True)
class Found:
    """A face in an image. ``points``: float32 [468, 3] of the face mesh in pixels, if it looked;
    ``pose``: NaN where it is not known; ``by_mesh``: the box is the mesh's, not the detector's.
    """

    track_id: int
    detection: Detection
    pose: HeadPose = UNKNOWN_POSE
    points: np.ndarray | None = None
    by_mesh: bool = False


class Finder(Protocol):
    """Finds the faces of a sequence of images. ``max_gap``: seconds after which a face that is not
    seen is forgotten; ``next_id``: of the next new face; ``refused``: how many proposals were not
    shown to be faces.
    """

    detector: Detector
    max_gap: float
    next_id: int
    refused: int

    @property
    def ids(self) -> set[int]:
        """Ids that live on, seen in the last image or not."""

    def find(self, bgr: np.ndarray, now: float, max_faces: int) -> list[Found]:
        """The faces of an image, uint8 [H, W, 3], the largest first; ``now``: seconds, never
        decreasing.
        """

    def reset(self) -> None:
        """Forget all faces; ids are not given again."""


class EveryImage:
    """A detector in every image, ids by overlap."""

    refused = 0

    def __init__(self, detector: Detector):
        self.detector = detector
        self._tracker = Tracker()

    @property
    def next_id(self) -> int:
        """The id of the next new face."""
        return self._tracker.next_id

    @next_id.setter
    def next_id(self, number: int) -> None:
        self._tracker.next_id = number

    @property
    def max_gap(self) -> float:
        """Seconds: a face that is not seen for longer is forgotten."""
        return self._tracker.max_gap

    @max_gap.setter
    def max_gap(self, seconds: float) -> None:
        self._tracker.max_gap = seconds

    @property
    def ids(self) -> set[int]:
        """Ids that live on, seen in the last image or not."""
        return self._tracker.ids

    def find(self, bgr: np.ndarray, now: float, max_faces: int) -> list[Found]:
        """The faces of an image, as Finder has it."""
        found = largest_first(self.detector.detect(bgr), bgr.shape)[:max_faces]
        ids = self._tracker.update([d.box for d in found], now)
        return [Found(i, d) for i, d in zip(ids, found, strict=True)]

    def reset(self) -> None:
        """Forget all faces; ids are not given again."""
        self._tracker.reset()


def largest_first(detections: list[Detection], shape: tuple[int, ...]) -> list[Detection]:
    """Those that an image of ``shape`` shows a pixel of, by the area that it shows."""
    areas = [(d.box.clipped(shape).area, d) for d in detections]
    return [d for area, d in sorted(areas, key=lambda a: a[0], reverse=True) if area]
