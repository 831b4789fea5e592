# SPDX-License-Identifier: Apache-2.0
"""The whole job without ROS: an image in, the apparent expression of each face out."""

import time

import numpy as np

from fer_ros.emotions.classifier import Classifier
from fer_ros.emotions.smoothing import Smoother
from fer_ros.faces.crop import MARGIN, crop_face
from fer_ros.faces.detectors import Detector
from fer_ros.faces.tracker import Tracker
from fer_ros.images.rotation import rotate_image
from fer_ros.result import FaceEmotion, Result
from fer_ros.stamp_clock import StampClock


class EmotionPipeline:
    """Detect, crop, classify, track and smooth. Not thread-safe.

    ``fer_ros.settings.create_pipeline`` makes one by the parameters of emotion_node.
    """

    def __init__(self, detector: Detector, classifier: Classifier):
        self.detector = detector
        self.classifier = classifier
        self.max_faces = 16
        self.rotate = 0
        """Degrees clockwise that make the image upright: 0, 90, 180 or 270."""
        self.max_gap = 1.0
        """Seconds after which a face that is not seen is forgotten."""
        self._smoother = Smoother(uncertain_below=classifier.card.uncertain_below)
        self._tracker = Tracker()
        self._clock = StampClock()

    def process(self, image: np.ndarray, stamp: float, receipt: float | None = None) -> Result:
        """The faces of one image, as they are after those before it.

        Args:
            image: BGR, uint8 [H, W, 3].
            stamp: seconds, when it was taken. One that goes back by more than
                ``stamp_clock.MAX_BACK`` starts anew.
            receipt: seconds of any steady clock, when it came in; used where stamps are zero or
                stand still.
        """
        began = time.perf_counter()
        upright = rotate_image(image, self.rotate)
        found = [(d.box.clipped(upright.shape), d) for d in self.detector.detect(upright)]
        found = [f for f in found if f[0].area]
        found.sort(key=lambda f: f[0].area, reverse=True)
        del found[self.max_faces :]
        detected = time.perf_counter()

        framing = MARGIN[self.detector.name]
        framing = framing._replace(side=framing.side * self.classifier.card.margin)
        raw = [self.classifier.probabilities(crop_face(upright, d, framing)) for _, d in found]
        classified = time.perf_counter()

        restart = self._clock.advance(stamp, receipt)
        if restart:
            self.reset()
        now = self._clock.now
        self._tracker.max_gap = self._clock.patience(self.max_gap)
        ids = self._tracker.update([d.box for _, d in found], now)
        faces = []
        for (box, detection), track_id, probabilities in zip(found, ids, raw, strict=True):
            smoothed, emotion = self._smoother.update(track_id, probabilities, now)
            given = box.rotated(upright.shape, -self.rotate)
            faces.append(
                FaceEmotion(track_id, given, detection.score, emotion, smoothed, probabilities)
            )
        followed = self._tracker.ids
        self._smoother.keep(followed)
        return Result(
            faces=tuple(faces),
            shape=image.shape,
            upright=upright,
            rotate=self.rotate,
            followed=frozenset(followed),
            model=self.classifier.identity,
            restart=restart,
            timings={
                "detect": detected - began,
                "classify": classified - detected,
                "track": time.perf_counter() - classified,
            },
        )

    def tune(self, values) -> None:
        """Take up the parameters of emotion_node that may change between two images, attributes
        of ``values`` by their names there.
        """
        self.detector.min_face_size = values.min_face_size
        self.max_faces = values.max_faces
        self.max_gap = values.max_gap
        self.rotate = values.rotate
        self._smoother.time_constant = values.smoothing_time_constant
        self._smoother.hysteresis = values.hysteresis
        threshold = values.uncertain_threshold
        card = self.classifier.card
        self._smoother.uncertain_below = card.uncertain_below if threshold < 0 else threshold

    def replace(self, detector: Detector, classifier: Classifier) -> None:
        """Go on with these. Faces keep their ids, but not what another model said of them."""
        self.detector, self.classifier = detector, classifier
        self._smoother.reset()

    def reset(self) -> None:
        """Forget all faces; ids are not given again."""
        self._tracker.reset()
        self._smoother.reset()
