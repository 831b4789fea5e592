# SPDX-License-Identifier: Apache-2.0
"""The whole job without ROS: an image in, the apparent expression of each face out."""

import math
import time

import numpy as np

from fer_ros.emotions.classes import UNCERTAIN
from fer_ros.emotions.classifier import Classifier
from fer_ros.emotions.smoothing import Smoother
from fer_ros.faces.crop import crop_face
from fer_ros.faces.detectors import Detector
from fer_ros.faces.distance import Ranging
from fer_ros.faces.finder import EveryImage, Found
from fer_ros.faces.follower import MeshFollower
from fer_ros.faces.mesh import FRAMING
from fer_ros.faces.pose import faces_camera
from fer_ros.faces.quality import STEADY, QualityMeter, is_trusted, quality_of
from fer_ros.faces.verifier import Verifier
from fer_ros.images.rotation import rotate_image
from fer_ros.reactions.engagement import EngagementTracker
from fer_ros.result import FaceEmotion, Result
from fer_ros.stamp_clock import StampClock


class EmotionPipeline:
    """Find and follow faces, crop, classify and smooth. Not thread-safe.

    ``fer_ros.settings.create_pipeline`` makes one by the parameters of emotion_node.

    Args:
        detector: what proposes faces.
        classifier: what tells the expression of a crop.
        verifier: faces are verified and followed by its mesh; without one, the detector looks at
            every image.
    """

    def __init__(
        self, detector: Detector, classifier: Classifier, verifier: Verifier | None = None
    ):
        self.finder = MeshFollower(detector, verifier) if verifier else EveryImage(detector)
        self.classifier = classifier
        self.max_faces = 16
        self.rotate = 0
        """Degrees clockwise that make the image upright: 0, 90, 180 or 270."""
        self.max_gap = 1.0
        """Seconds after which a face that is not seen is forgotten."""
        self.facing_angle = 0.35
        """Angle (rad) between where a face looks and the camera under which it faces that."""
        self.min_quality = classifier.card.uncertain_below
        """Quality under which the label is ``uncertain``, by ``fer_ros.faces.quality``."""
        self._smoother = Smoother(uncertain_below=classifier.card.uncertain_below)
        self._steady = Smoother(time_constant=STEADY)
        self._meter = QualityMeter()
        self._facing: set[int] = set()
        self._engagement = EngagementTracker()
        self._clock = StampClock()

    @property
    def detector(self) -> Detector:
        """What proposes faces."""
        return self.finder.detector

    def process(
        self,
        image: np.ndarray,
        stamp: float,
        receipt: float | None = None,
        ranging: Ranging | None = None,
    ) -> Result:
        """The faces of one image, as they are after those before it.

        Args:
            image: BGR, uint8 [H, W, 3].
            stamp: seconds, when it was taken. One that goes back by more than
                ``stamp_clock.MAX_BACK`` starts anew.
            receipt: seconds of any steady clock, when it came in; used where stamps are zero or
                stand still.
            ranging: what tells distances in it; without, they are not known.

        Returns:
            The faces, the largest first, with what is followed and what each stage took.
        """
        began = time.perf_counter()
        restart = self._clock.advance(stamp, receipt)
        if restart:
            self.reset()
        now = self._clock.now
        upright = rotate_image(image, self.rotate)
        self.finder.max_gap = self._clock.patience(self.max_gap)
        found = self.finder.find(upright, now, self.max_faces)
        detected = time.perf_counter()

        crops = [self._crop(upright, face) for face in found]
        raw = [self.classifier.probabilities(crop) for crop in crops]
        classified = time.perf_counter()

        faces = []
        for face, crop, probabilities in zip(found, crops, raw, strict=True):
            smoothed, emotion, quality, flags = self._read(face, crop, probabilities, now)
            box = face.detection.box.clipped(upright.shape).rotated(upright.shape, -self.rotate)
            facing = faces_camera(face.pose, self.facing_angle, face.track_id in self._facing)
            faces.append(
                FaceEmotion(
                    face.track_id,
                    box,
                    face.detection.score,
                    emotion,
                    smoothed,
                    probabilities,
                    pose=face.pose,
                    facing=facing,
                    distance=ranging.distance(box, image.shape) if ranging else math.nan,
                    quality=quality,
                    quality_flags=int(flags),
                    points=face.points,
                )
            )
        self._facing = {face.track_id for face in faces if face.facing}
        followed = self.finder.ids
        for memory in (self._smoother, self._steady, self._meter):
            memory.keep(followed)
        return Result(
            faces=self._engagement.fill(faces, followed, now),
            shape=image.shape,
            upright=upright,
            rotate=self.rotate,
            followed=frozenset(followed),
            model=self.classifier.identity,
            restart=restart,
            now=now,
            timings={
                "detect": detected - began,
                "classify": classified - detected,
                "track": time.perf_counter() - classified,
            },
        )

    def tune(self, values) -> None:
        """Take up the parameters that may change between two images.

        Args:
            values: has those of ``fer_ros.settings.PIPELINE`` as attributes.
        """
        self.detector.min_face_size = values.min_face_size
        if isinstance(self.finder, MeshFollower):
            self.finder.detection_interval = values.detection_interval
            self.finder.mesh_faces = values.mesh_faces
        self.facing_angle = values.facing_angle
        self._engagement.reach = values.engagement_distance
        self._engagement.window = values.engagement_time
        self.max_faces = values.max_faces
        self.max_gap = values.max_gap
        self.rotate = values.rotate
        self._smoother.time_constant = values.smoothing_time_constant
        self._smoother.hysteresis = values.hysteresis
        threshold = values.uncertain_threshold
        card = self.classifier.card
        below = card.uncertain_below if threshold < 0 else threshold
        self._smoother.uncertain_below = below
        self.min_quality = below if values.min_quality < 0 else values.min_quality

    def replace(self, other: "EmotionPipeline") -> None:
        """Go on with the parts of another one, which is not to be used any more.

        Faces keep their ids, but not what another model said of them; ids are not given again.
        """
        self.classifier = other.classifier
        if type(self.finder) is type(other.finder):
            self.finder.detector = other.detector
        else:
            other.finder.next_id, self.finder = self.finder.next_id, other.finder
        self._smoother.reset()
        self._steady.reset()

    def reset(self) -> None:
        """Forget all faces; ids are not given again."""
        for memory in (self.finder, self._smoother, self._steady, self._meter, self._engagement):
            memory.reset()

    def _read(self, face: Found, crop: np.ndarray, probabilities: np.ndarray, now: float):
        """What is to be said of a face: smoothed probabilities, label, quality and its flags."""
        smoothed, emotion = self._smoother.update(face.track_id, probabilities, now)
        steady, _ = self._steady.update(face.track_id, probabilities, now)
        flags, restless = self._meter.read(
            face.track_id, face.detection.box.width, crop, face.pose, face.points, now
        )
        likely = smoothed.argmax() if emotion == UNCERTAIN else emotion
        confidence = smoothed[likely]
        if restless:  # what comes and goes with mouth or head is not sure
            confidence = min(confidence, steady[likely])
        quality = quality_of(float(confidence), flags)
        if not is_trusted(quality, flags, self.min_quality):
            emotion = UNCERTAIN
        return smoothed, emotion, quality, flags

    def _crop(self, upright: np.ndarray, face: Found) -> np.ndarray:
        """What the classifier is to see of a face in the upright image."""
        framing = FRAMING if face.by_mesh else self.detector.framing
        framing = framing._replace(side=framing.side * self.classifier.card.margin)
        size, channels = self.classifier.card.crop.size, self.classifier.card.crop.channels
        return crop_face(upright, face.detection, framing, size, channels)
