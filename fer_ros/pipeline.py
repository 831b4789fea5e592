# SPDX-License-Identifier: Apache-2.0
"""The whole job without ROS: an image in, the apparent expression of each face out."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fer_ros.emotions.classes import UNCERTAIN
from fer_ros.emotions.classifier import Classifier
from fer_ros.emotions.smoothing import Smoother, SmoothingOptions
from fer_ros.face_geometry import face_corners
from fer_ros.faces.crop import crop_face
from fer_ros.faces.detectors import Detector
from fer_ros.faces.distance import Ranging
from fer_ros.faces.finder import EveryImage, Found
from fer_ros.faces.follower import MeshFollower
from fer_ros.faces.mesh import FRAMING
from fer_ros.faces.one_euro import OneEuroFilter
from fer_ros.faces.pose import faces_camera
from fer_ros.faces.quality import STEADY, Flag, QualityMeter, is_trusted, quality_of
from fer_ros.faces.verifier import Verifier
from fer_ros.images.camera_model import CameraModel
from fer_ros.images.rotation import rotate_image
from fer_ros.interaction.engagement import EngagementTracker
from fer_ros.observation import Observation
from fer_ros.result import FaceEmotion, HeadPose, Result
from fer_ros.stamp_clock import StampClock


@dataclass(frozen=True)
class PipelineOptions(SmoothingOptions):
    """What may change between two images; ``fer_ros.parameters`` says what each does, with its
    unit and default.
    """

    detection_interval: float
    mesh_faces: int
    facing_angle: float
    pose_smoothing: bool
    min_face_size: int
    max_faces: int
    rotate: int
    min_quality: float
    max_gap: float
    engagement_distance: float
    engagement_time: float
    face_width: float


class EmotionPipeline:
    """Find and follow faces, crop, classify and smooth. Not thread-safe.

    ``fer_ros.parameters.create_pipeline`` makes one by the parameters of emotion_node.

    Example:
        >>> from fer_ros.observation import Observation
        >>> from fer_ros.parameters import create_pipeline
        >>> pipeline = create_pipeline(max_faces=1)
        >>> image = np.zeros((480, 640, 3), np.uint8)
        >>> pipeline.process(Observation(image, 0.0)).faces
        ()

    Args:
        detector: what proposes faces.
        classifier: what classifies the expression of a crop.
        options: may be replaced by ``tune``.
        verifier: faces are verified and followed by its mesh; without one, the detector looks at
            every image.
    """

    def __init__(
        self,
        detector: Detector,
        classifier: Classifier,
        options: PipelineOptions,
        verifier: Verifier | None = None,
    ):
        self.finder = MeshFollower(detector, verifier) if verifier else EveryImage(detector)
        self.classifier = classifier
        self._smoother = Smoother()
        self._steady = Smoother(time_constant=STEADY)
        self._meter = QualityMeter()
        self._poses, self._places = OneEuroFilter(angles=True), OneEuroFilter()
        self._facing: set[int] = set()
        self._engagement = EngagementTracker()
        self._clock = StampClock()
        self.tune(options)

    @property
    def detector(self) -> Detector:
        """What proposes faces."""
        return self.finder.detector

    def process(self, observation: Observation) -> Result:
        """The faces of one image, as they are after those before it.

        Args:
            observation: a stamp that goes back by more than ``stamp_clock.MAX_BACK`` starts anew.

        Returns:
            The faces, the largest first, with what is followed and what each stage took.
        """
        began, options, image = time.perf_counter(), self.options, observation.image
        restart = self._clock.advance(observation.stamp, observation.receipt)
        if restart:
            self.reset()
        now = self._clock.now
        upright = rotate_image(image, options.rotate)
        self.finder.max_gap = self._clock.patience(options.max_gap)
        ranging = Ranging(observation.camera, observation.depth, options.face_width, options.rotate)
        found = self.finder.find(upright, now, options.max_faces)
        detected = time.perf_counter()

        crops = [self._crop(upright, face) for face in found]
        raw = [self.classifier.probabilities(crop) for crop in crops]
        classified = time.perf_counter()

        faces = []
        for face, crop, probabilities in zip(found, crops, raw, strict=True):
            smoothed, emotion, quality, flags = self._read(face, crop, probabilities, now)
            box = face.detection.box.clipped(upright.shape).rotated(upright.shape, -options.rotate)
            facing = faces_camera(face.pose, options.facing_angle, face.track_id in self._facing)
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
                    distance=ranging.distance(box, image.shape),
                    quality=quality,
                    quality_flags=int(flags),
                    points=face.points,
                )
            )
        self._facing = {face.track_id for face in faces if face.facing}
        followed = self.finder.ids
        for memory in (self._smoother, self._steady, self._meter, self._poses, self._places):
            memory.keep(followed)
        engaged = self._engagement.fill(faces, followed, now)
        return Result(
            faces=self._calm(engaged, observation.camera, now),
            shape=image.shape,
            upright=upright,
            rotate=options.rotate,
            followed=frozenset(followed),
            model=self.classifier.identity,
            restart=restart,
            now=now,
            camera=observation.camera,
            timings={
                "detect": detected - began,
                "classify": classified - detected,
                "track": time.perf_counter() - classified,
            },
        )

    def crops(self, image: np.ndarray) -> list[np.ndarray]:
        """What the classifier would see of each face of a picture by itself, the largest first.

        Args:
            image: BGR, uint8 [H, W, 3]; faces that were followed are forgotten.

        Returns:
            uint8 [S, S] grey or [S, S, 3], as the model's card says.
        """
        self.reset()
        upright = rotate_image(image, self.options.rotate)
        found = self.finder.find(upright, 0.0, self.options.max_faces)
        return [self._crop(upright, face) for face in found]

    def tune(self, options: PipelineOptions) -> None:
        """Take up other options, from the next image on."""
        self.options = options
        self._smoother.tune(options, self.classifier.card.uncertain_below)
        self._engagement.reach = options.engagement_distance
        self._engagement.window = options.engagement_time
        self.detector.min_face_size = options.min_face_size
        if isinstance(self.finder, MeshFollower):
            self.finder.detection_interval = options.detection_interval
            self.finder.mesh_faces = options.mesh_faces

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
        self.tune(self.options)

    def reset(self) -> None:
        """Forget all faces; ids are not given again."""
        for memory in (self._smoother, self._steady, self._meter, self._poses, self._places):
            memory.reset()
        self.finder.reset()
        self._engagement.reset()

    def _read(self, face: Found, crop: np.ndarray, probabilities: np.ndarray, now: float):
        """What is to be said of a face: smoothed probabilities, label, quality and its flags."""
        flags, restless = self._meter.read(
            face.track_id, face.detection.box.width, crop, face.pose, face.points, now
        )
        # What a mouth does while it talks comes and goes with each syllable; the mean does not.
        slowly = STEADY if flags & Flag.TALKING else 0.0
        smoothed, emotion = self._smoother.update(face.track_id, probabilities, now, slowly)
        steady, _ = self._steady.update(face.track_id, probabilities, now)
        likely = smoothed.argmax() if emotion == UNCERTAIN else emotion
        confidence = smoothed[likely]
        if restless:  # what comes and goes with mouth or head is not sure
            confidence = min(confidence, steady[likely])
        quality = quality_of(float(confidence), flags)
        minimum = self.options.min_quality
        if minimum < 0:
            minimum = self._smoother.uncertain_below
        if not is_trusted(quality, flags, minimum):
            emotion = UNCERTAIN
        return smoothed, emotion, quality, flags

    def _calm(
        self, faces: Sequence[FaceEmotion], camera: CameraModel | None, now: float
    ) -> tuple[FaceEmotion, ...]:
        """The faces with smoothed angles and places. Last of all, since facing, engagement and
        quality go by what was seen in this image.
        """
        if not self.options.pose_smoothing:
            return tuple(faces)
        result = []
        for face in faces:
            angles = self._poses.update(face.track_id, np.array(face.pose), now)
            place = None
            if camera and math.isfinite(face.distance):
                centre = face_corners(face, camera).mean(axis=0)
                place = self._places.update(face.track_id, centre, now)
            result.append(replace(face, pose=HeadPose(*angles.tolist()), place=place))
        return tuple(result)

    def _crop(self, upright: np.ndarray, face: Found) -> np.ndarray:
        """What the classifier is to see of a face in the upright image."""
        framing = FRAMING if face.by_mesh else self.detector.framing
        framing = framing._replace(side=framing.side * self.classifier.card.margin)
        size, channels = self.classifier.card.crop.size, self.classifier.card.crop.channels
        return crop_face(upright, face.detection, framing, size, channels)
