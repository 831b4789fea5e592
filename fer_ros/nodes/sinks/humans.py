# SPDX-License-Identifier: Apache-2.0
"""The faces as REP 155 (ROS4HRI) has them: ``humans/faces/tracked`` and topics for each face.

The names are relative: without a namespace they are REP 155's own, and in the namespaces of two
cameras they do not mix. https://www.ros.org/reps/rep-0155.html
"""

import math
from typing import Any

from rclpy.duration import Duration
from std_msgs.msg import Header

from fer_ros.emotions.classes import HRI_EXPRESSIONS
from fer_ros.faces.crop import cut_out
from fer_ros.faces.landmarks import landmarks
from fer_ros.faces.mesh import cut_level
from fer_ros.nodes.messages import image_message
from fer_ros.nodes.optional import messages
from fer_ros.nodes.publishers import publisher
from fer_ros.nodes.sinks.base import Sink
from fer_ros.nodes.topics import FACE, TRACKED
from fer_ros.result import Box, FaceEmotion, Result

DELIVERY = Duration(seconds=0.5)
CROP_SIZE = 128  # pixels, REP 155's default


class HumansSink(Sink):
    """Publishes until ``close``, which says that no face is followed and takes all topics away.

    A face counts from the second image on in which it is seen: who listens is not to be busied by
    what was taken for one in a single image.
    """

    def __init__(self, node, ids):
        super().__init__(node, ids)
        self._faces: dict[int, _FaceTopics] = {}
        self._seen: frozenset[int] = frozenset()
        self._header: Header | None = None
        self._tracked: Any = None

    def open(self, values):
        super().open(values)
        self._hri = messages("hri_msgs", "ros4hri")
        self._tracked = publisher(self.node, TRACKED)

    def publish(self, header, result):
        self._header = header
        for track_id in set(self._faces) - result.followed:
            self._faces.pop(track_id).close()
        again = [face for face in result.faces if face.track_id in self._seen]
        self._seen = (self._seen | {face.track_id for face in result.faces}) & result.followed
        for face in again:
            if face.track_id not in self._faces:
                face_id = self.ids.of(face.track_id)
                self._faces[face.track_id] = _FaceTopics(self.node, self._hri, face_id)
        # After the topics, so that whoever hears of an id finds them.
        self._publish_tracked()
        for face in again:
            self._faces[face.track_id].publish(header, result, face)

    def close(self):
        for face in self._faces.values():
            face.close()
        self._faces.clear()
        self._seen = frozenset()
        if self._header and self.node.context.ok():
            self._publish_tracked()
            self._tracked.wait_for_all_acked(DELIVERY)
        if self._tracked:
            self.node.destroy_publisher(self._tracked)
        self._tracked = self._header = None

    def _publish_tracked(self):
        ids = [self.ids.of(track_id) for track_id in sorted(self._faces)]
        self._tracked.publish(self._hri.IdsList(header=self._header, ids=ids))


class _FaceTopics:
    """The topics of one face."""

    def __init__(self, node, hri, face_id):
        self._node, self._hri = node, hri
        self._roi = publisher(node, f"{FACE}/roi", face_id)
        self._cropped = publisher(node, f"{FACE}/cropped", face_id)
        self._aligned = publisher(node, f"{FACE}/aligned", face_id)
        self._expression = publisher(node, f"{FACE}/expression", face_id)
        self._landmarks = publisher(node, f"{FACE}/landmarks", face_id)

    def publish(self, header, result, face):
        rows, columns = result.shape[:2]
        x, y, width, height = face.box
        self._roi.publish(
            self._hri.NormalizedRegionOfInterest2D(
                header=header,
                xmin=x / columns,
                ymin=y / rows,
                xmax=(x + width) / columns,
                ymax=(y + height) / rows,
                c=min(max(face.detection_score, 0.0), 1.0),
            )
        )
        message = expression_message(self._hri, header, face.label, face.confidence, face.valence)
        if message:
            self._expression.publish(message)
        if face.points is not None:
            self._landmarks.publish(landmarks_message(self._hri, header, result, face))
        if self._cropped.get_subscription_count():
            crop = cut_out(result.upright, result.upright_box(face), CROP_SIZE)
            self._cropped.publish(image_message(header, crop))
        if face.points is not None and self._aligned.get_subscription_count():
            crop = cut_level(result.upright, result.upright_box(face), face.points, CROP_SIZE)
            self._aligned.publish(image_message(header, crop))

    def close(self):
        topics = (self._roi, self._cropped, self._aligned, self._expression, self._landmarks)
        for each in topics:
            self._node.destroy_publisher(each)


def landmarks_message(hri, header: Header, result: Result, face: FaceEmotion):
    """hri_msgs/FacialLandmarks of a face that the mesh looked at; points outside the image are
    moved to its border, with a confidence of 0.

    Args:
        hri: the module hri_msgs.msg.
        header: the image's.
        result: of the image.
        face: one of the result's.
    """
    assert face.points is not None
    rows, columns = result.shape[:2]
    found = []
    for across, down in landmarks(face.points)[:, :2].tolist():
        place = Box(across, down, 0.0, 0.0).rotated(result.upright.shape, -result.rotate)
        inside = 0 <= place.x <= columns and 0 <= place.y <= rows
        x, y = min(max(place.x / columns, 0.0), 1.0), min(max(place.y / rows, 0.0), 1.0)
        found.append(hri.NormalizedPointOfInterest2D(x=x, y=y, c=float(inside)))
    return hri.FacialLandmarks(header=header, landmarks=found, height=rows, width=columns)


def expression_message(hri, header: Header, label: str, confidence: float, valence: float):
    """hri_msgs/Expression of a label, or None for ``uncertain``, for which it has no word.

    Arousal is not known, so NaN: the seven classes hardly tell it.

    Args:
        hri: the module hri_msgs.msg.
        header: of the image that the label was given.
        label: one of the seven, or ``uncertain``.
        confidence: 0 to 1.
        valence: -1 to 1.
    """
    if label not in HRI_EXPRESSIONS:
        return None
    return hri.Expression(
        header=header,
        expression=HRI_EXPRESSIONS[label],
        valence=valence,
        arousal=math.nan,
        confidence=confidence,
    )
