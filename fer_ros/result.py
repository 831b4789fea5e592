# SPDX-License-Identifier: Apache-2.0
"""What is said of one image: where the faces are and which expression each of them shows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from fer_ros.emotions.classes import EMOTIONS, UNCERTAIN, label_of, valence_of
from fer_ros.images.camera_model import CameraModel


class Box(NamedTuple):
    """An upright rectangle in pixels of an image, from its upper left corner (``x``, ``y``).

    It may stick out of the image. ``shape`` below is that of an image, [H, W, ...].

    Attributes:
        x: pixels to the right of the image's left border.
        y: pixels under its upper border.
        width: pixels.
        height: pixels.
    """

    x: float
    y: float
    width: float
    height: float

    @property
    def area(self) -> float:
        """Square pixels; 0 where the box has no inside."""
        return max(self.width, 0) * max(self.height, 0)

    @property
    def centre(self) -> tuple[float, float]:
        """x, y of the middle."""
        return self.x + self.width / 2, self.y + self.height / 2

    def clipped(self, shape: tuple[int, ...]) -> "Box":
        """The part within the image, in whole pixels; without an area where there is none."""
        height, width = shape[:2]
        left, right = np.clip((self.x, self.x + self.width), 0, width).round()
        top, bottom = np.clip((self.y, self.y + self.height), 0, height).round()
        return Box(int(left), int(top), int(right - left), int(bottom - top))

    def rotated(self, shape: tuple[int, ...], degrees: int) -> "Box":
        """Where it lies once the image is turned clockwise by 0, 90, 180 or 270 degrees (modulo
        360), as ``fer_ros.images.rotation.rotate_image`` does.
        """
        x, y, w, h = self
        height, width = shape[:2]
        return {
            0: self,
            90: Box(height - y - h, x, h, w),
            180: Box(width - x - w, height - y - h, w, h),
            270: Box(y, width - x - w, h, w),
        }[degrees % 360]

    def shared(self, other: "Box") -> float:
        """Area that both cover, square pixels."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        return max(width, 0) * max(height, 0)

    def overlap(self, other: "Box") -> float:
        """Intersection over union, 0 to 1."""
        shared = self.shared(other)
        return shared / (self.area + other.area - shared) if shared else 0.0

    def has(self, point: tuple[float, float]) -> bool:
        """Whether a point (x, y) lies within."""
        x, y = point
        return self.x <= x < self.x + self.width and self.y <= y < self.y + self.height


class HeadPose(NamedTuple):
    """How a head is turned: fixed-axis angles in rad (REP 103) of a face's axes as in REP 155, x
    out of the face, y to the person's left, z up.

    All zero: it looks at the camera, along the line from face to camera. NaN: not known.

    Attributes:
        roll: the head leans to the person's right.
        pitch: it looks down.
        yaw: it turns to the person's left.
    """

    roll: float
    pitch: float
    yaw: float

    @property
    def away(self) -> float:
        """Angle between where the face looks and the line to the camera, 0 to pi."""
        return math.acos(min(max(math.cos(self.pitch) * math.cos(self.yaw), -1.0), 1.0))

    def matrix(self) -> np.ndarray:
        """The face's axes as columns, in those of a face that looks at the camera: [3, 3]."""
        (sr, sp, sy), (cr, cp, cy) = np.sin(self), np.cos(self)
        return np.array(
            [
                [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
                [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
                [-sp, cp * sr, cp * cr],
            ]
        )


UNKNOWN_POSE = HeadPose(math.nan, math.nan, math.nan)


FACE_FIELDS = (
    *("track_id", "roi", "detection_score", "emotion", "label", "confidence", "probabilities"),
    *("raw_probabilities", "roll", "pitch", "yaw", "facing", "quality", "quality_flags", "valence"),
    *("distance", "engagement"),
)
"""The fields of ``fer_ros/msg/FaceEmotion``, in its order."""


class Region(NamedTuple):
    """A box as ``sensor_msgs/RegionOfInterest`` has it, in whole pixels."""

    x_offset: int
    y_offset: int
    width: int
    height: int


def face_to_dict(face, digits: int | None = None) -> dict[str, Any]:
    """A face by the fields of its message, as JSON has it: numbers, texts, lists, None for NaN.

    Args:
        face: a FaceEmotion, or the message.
        digits: to which numbers are rounded; None: not at all.
    """
    found = {name: plain(getattr(face, name), digits) for name in FACE_FIELDS if name != "roi"}
    roi = {name: int(getattr(face.roi, name)) for name in Region._fields}
    return {name: roi if name == "roi" else found[name] for name in FACE_FIELDS}


def plain(value, digits: int | None = None) -> Any:
    """A field of a message as JSON has it."""
    if isinstance(value, np.ndarray):
        return [plain(float(number), digits) for number in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return value if digits is None else round(value, digits)
    return value.item() if isinstance(value, np.generic) else value


@dataclass(frozen=True, repr=False)
class FaceEmotion:
    """One face of one image; the fields of ``fer_ros/msg/FaceEmotion``.

    ``box``: in whole pixels of the image given, clipped to it; ``probabilities`` (smoothed) and
    ``raw_probabilities`` (this image alone): float32 [7]; ``pose``: of the head in the upright
    image, NaN where unknown, and ``facing``, whether it looks at the camera; ``distance``: m, NaN
    where unknown; ``engagement``: one of ``fer_ros.interaction.engagement.LEVELS``; ``points``:
    float32 [468, 3] of the face mesh in pixels of the upright image, where it looked at this face;
    ``place``: of its middle in the image's frame, smoothed, float64 [3] in m, where it is known.
    """

    track_id: int
    box: Box
    detection_score: float
    emotion: int
    probabilities: np.ndarray
    raw_probabilities: np.ndarray
    pose: HeadPose = UNKNOWN_POSE
    facing: bool = False
    quality: float = math.nan
    quality_flags: int = 0
    distance: float = math.nan
    engagement: int = 0
    points: np.ndarray | None = field(default=None, compare=False)
    place: np.ndarray | None = field(default=None, compare=False)

    def __repr__(self):
        x, y, width, height = self.box
        who = f"{self.track_id}: " if self.track_id else ""
        what = f"{who}{self.label} {self.confidence:.0%}"
        return f"FaceEmotion({what}, {width:g}x{height:g} at {x:g},{y:g})"

    def to_dict(self) -> dict[str, Any]:
        """The fields of the message as JSON has them, None for NaN."""
        return face_to_dict(self)

    @property
    def roi(self) -> Region:
        """The box, as the message has it."""
        return Region(*map(int, self.box))

    @property
    def roll(self) -> float:
        """Of the pose, rad."""
        return self.pose.roll

    @property
    def pitch(self) -> float:
        """Of the pose, rad."""
        return self.pose.pitch

    @property
    def yaw(self) -> float:
        """Of the pose, rad."""
        return self.pose.yaw

    @property
    def valence(self) -> float:
        """How pleasant the expression looks, -1 to 1, by the smoothed probabilities."""
        return valence_of(self.probabilities)

    @property
    def label(self) -> str:
        """``anger`` to ``neutral``, or ``uncertain``."""
        return label_of(self.emotion)

    @property
    def confidence(self) -> float:
        """Probability of the label; the largest of all for ``uncertain``."""
        chosen = self.probabilities.argmax() if self.emotion == UNCERTAIN else self.emotion
        return float(self.probabilities[chosen])


@dataclass(frozen=True, repr=False)
class Result:
    """What the pipeline says of one image.

    Attributes:
        faces: those seen in this very image, the largest first.
        shape: of the image given, [H, W, 3].
        upright: that image turned by ``rotate`` degrees clockwise, BGR, uint8; not to be written
            to.
        rotate: 0, 90, 180 or 270.
        followed: ids that live on, seen in this image or not.
        model: the classifier's name@sha256.
        restart: why all faces were forgotten before this image, else empty.
        now: seconds on a time line of stamps that never goes back.
        camera: that of the image given; None where it is not calibrated.
        timings: seconds that each stage took.
    """

    faces: tuple[FaceEmotion, ...]
    shape: tuple[int, ...]
    upright: np.ndarray
    rotate: int = 0
    followed: frozenset[int] = frozenset()
    model: str = ""
    restart: str = ""
    now: float = 0.0
    camera: CameraModel | None = None
    timings: Mapping[str, float] = field(default_factory=dict)

    def __repr__(self):
        faces = ", ".join(f"{face.label} {face.confidence:.0%}" for face in self.faces) or "no face"
        return f"Result({faces}; {self.shape[1]}x{self.shape[0]})"

    def to_dict(self) -> dict[str, Any]:
        """The fields of ``fer_ros/msg/EmotionArray`` but its header, as JSON has them: equal for
        equal images, whatever they took.
        """
        return {
            "image_width": self.shape[1],
            "image_height": self.shape[0],
            "model": self.model,
            "faces": [face.to_dict() for face in self.faces],
        }

    def to_records(self) -> list[dict[str, Any]]:
        """A flat row for each face, such as pandas takes: its box as x, y, width, height, its
        probabilities by their names, the raw ones with ``raw_`` before that.
        """
        return [_record(face.to_dict()) for face in self.faces]

    def upright_box(self, face: FaceEmotion) -> Box:
        """Where a face lies in ``upright``."""
        return face.box.rotated(self.shape, self.rotate)


def _record(face: dict[str, Any]) -> dict[str, Any]:
    roi, smoothed = face.pop("roi"), face.pop("probabilities")
    raw = zip(EMOTIONS, face.pop("raw_probabilities"), strict=True)
    place = {"x": roi["x_offset"], "y": roi["y_offset"]}
    place |= {side: roi[side] for side in ("width", "height")}
    probabilities = dict(zip(EMOTIONS, smoothed, strict=True))
    return {
        "track_id": face.pop("track_id"),
        **place,
        **face,
        **probabilities,
        **{f"raw_{name}": value for name, value in raw},
    }
