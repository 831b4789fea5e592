# SPDX-License-Identifier: Apache-2.0
"""The whole job without ROS: an image in, the apparent expression of each face out."""

import time

import numpy as np

from fer_ros.emotions.classifier import Classifier
from fer_ros.emotions.smoothing import Smoother
from fer_ros.faces.crop import MARGIN, crop_face
from fer_ros.faces.detectors import Detection, Detector
from fer_ros.faces.tracker import Tracker
from fer_ros.images.rotation import rotate_box, rotate_image
from fer_ros.result import FaceEmotion


class EmotionPipeline:
    """Detect, crop, classify, track and smooth.

    The attributes may be changed between two images: ``max_faces``; ``rotate``, degrees clockwise
    that make the image upright; ``max_gap``, seconds after which a lost face is forgotten.
    ``process`` is for one thread at a time.
    """

    def __init__(self, detector: Detector, classifier: Classifier):
        self.detector = detector
        self.classifier = classifier
        self.smoother = Smoother(uncertain_below=classifier.card.uncertain_below)
        self.max_faces = 16
        self.rotate = 0
        self.timings: dict[str, float] = {}
        """Seconds that each stage of the last image took: detect, classify, track."""
        self._tracker = Tracker()
        self._clock = _StampClock()

    @property
    def max_gap(self) -> float:
        """Seconds: a face not seen for longer is forgotten, a longer jump of stamps resets."""
        return self._tracker.max_gap

    @max_gap.setter
    def max_gap(self, seconds: float) -> None:
        self._tracker.max_gap = seconds

    @property
    def followed(self) -> set[int]:
        """Ids of the faces that live on, seen in the last image or not."""
        return self._tracker.ids

    def process(
        self, bgr: np.ndarray, stamp: float, receipt: float | None = None
    ) -> list[FaceEmotion]:
        """The faces in ``bgr``, uint8 [H, W, 3], the largest first.

        ``stamp``: seconds, when the image was taken; ``receipt``: seconds of any steady clock, when
        it came in, used where stamps are zero or stand still. A stamp that goes back, or ahead by
        more than ``max_gap``, starts anew.
        """
        began = time.perf_counter()
        rotate = self.rotate  # may be changed by another thread meanwhile
        upright = rotate_image(bgr, rotate)
        found = [(_clip(d, upright.shape), d) for d in self.detector.detect(upright)]
        found = [f for f in found if _area(f[0])]
        found.sort(key=lambda f: _area(f[0]), reverse=True)
        del found[self.max_faces :]
        detected = time.perf_counter()

        framing = MARGIN[self.detector.name]
        framing = framing._replace(side=framing.side * self.classifier.card.margin)
        raw = [self.classifier.probabilities(crop_face(upright, d, framing)) for _, d in found]
        classified = time.perf_counter()

        now, jumped = self._clock.advance(stamp, receipt, self.max_gap)
        if jumped:
            self.reset()
        ids = self._tracker.update([(d.x, d.y, d.width, d.height) for _, d in found], now)
        faces = []
        for (box, detection), track_id, probabilities in zip(found, ids, raw, strict=True):
            smoothed, emotion = self.smoother.update(track_id, probabilities, now)
            given = rotate_box(box, upright.shape, -rotate)
            faces.append(
                FaceEmotion(track_id, given, detection.score, emotion, smoothed, probabilities)
            )
        self.smoother.keep(self._tracker.ids)
        self.timings = {
            "detect": detected - began,
            "classify": classified - detected,
            "track": time.perf_counter() - classified,
        }
        return faces

    def tune(self, values) -> None:
        """Take up the parameters of emotion_node that may change between two images, attributes
        of ``values`` by their names there.
        """
        self.detector.min_face_size = values.min_face_size
        self.max_faces = values.max_faces
        self.max_gap = values.max_gap
        self.rotate = values.rotate
        self.smoother.time_constant = values.smoothing_time_constant
        self.smoother.hysteresis = values.hysteresis
        self.smoother.uncertain_below = (
            values.uncertain_threshold or self.classifier.card.uncertain_below
        )

    def reset(self) -> None:
        """Forget all faces; ids are not given again."""
        self._tracker.reset()
        self.smoother.reset()


class _StampClock:
    """A time line that never goes back, made of stamps, or of receipts where stamps say nothing."""

    def __init__(self):
        self._now = 0.0
        self._stamp: float | None = None
        self._receipt: float | None = None

    def advance(self, stamp, receipt, max_gap) -> tuple[float, bool]:
        """The time on the line, in seconds, and whether the stamps jumped."""
        first = self._stamp is None
        if first:
            step = 0.0
        elif stamp and self._stamp and stamp != self._stamp:
            step = stamp - self._stamp
        elif receipt is not None and self._receipt is not None:
            step = receipt - self._receipt
        else:
            step = 0.0
        self._stamp, self._receipt = stamp, receipt
        jumped = step < 0 or step > max_gap
        self._now += max(step, 0.0)
        return self._now, jumped


def _area(box: tuple[int, int, int, int]) -> int:
    return box[2] * box[3]


def _clip(detection: Detection, shape) -> tuple[int, int, int, int]:
    """The detection's box in whole pixels, clipped to an image of ``shape``."""
    height, width = shape[:2]
    left, right = np.clip((detection.x, detection.x + detection.width), 0, width).round()
    top, bottom = np.clip((detection.y, detection.y + detection.height), 0, height).round()
    return int(left), int(top), int(right - left), int(bottom - top)
