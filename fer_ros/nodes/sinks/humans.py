# SPDX-License-Identifier: Apache-2.0
"""The faces as REP 155 (ROS4HRI) has them: ``humans/faces/tracked`` and topics for each face."""

import math
from collections.abc import Collection

import numpy as np
from rclpy.duration import Duration
from rclpy.node import Node
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from fer_ros.nodes.messages import image_message
from fer_ros.nodes.optional import messages, passing_publisher
from fer_ros.result import FaceEmotion
from fer_ros.ros4hri import EXPRESSIONS, FaceIds, cut_out, normalized

TRACKED = "humans/faces/tracked"
DELIVERY = Duration(seconds=0.5)


class HumansFaces:
    """Publishes until ``close``. Raises RuntimeError where hri_msgs is not installed.

    The names are relative: without a namespace they are REP 155's own, and in the namespaces of
    two cameras they do not mix.
    """

    def __init__(self, node: Node, ids: FaceIds):
        self._hri = messages("hri_msgs", "ros4hri")
        self._node = node
        self._ids = ids
        self._faces: dict[int, _FaceTopics] = {}
        self._header: Header | None = None
        self._tracked = passing_publisher(node, self._hri.IdsList, TRACKED)

    def publish(
        self,
        header: Header,
        bgr: np.ndarray,
        faces: list[FaceEmotion],
        followed: Collection[int],
        rotate: int,
    ) -> None:
        """Publish the faces of one image, uint8 [H, W, 3]. A face that is not in ``followed``, the
        ids that live on, loses its topics; ``rotate``: degrees that make the image upright.
        """
        self._header = header
        for track_id in set(self._faces) - set(followed):
            self._faces.pop(track_id).close()
        for face in faces:
            if face.track_id not in self._faces:
                base = f"humans/faces/{self._ids.of(face.track_id)}"
                self._faces[face.track_id] = _FaceTopics(self._node, self._hri, base)
        # After the topics, so that whoever hears of an id finds them.
        self._publish_tracked()
        for face in faces:
            self._faces[face.track_id].publish(header, bgr, face, rotate)

    def close(self) -> None:
        """Say that no face is followed, and take all topics away."""
        for face in self._faces.values():
            face.close()
        self._faces.clear()
        if self._header and self._node.context.ok():
            self._publish_tracked()
            self._tracked.wait_for_all_acked(DELIVERY)
        self._node.destroy_publisher(self._tracked)

    def _publish_tracked(self):
        ids = [self._ids.of(track_id) for track_id in sorted(self._faces)]
        self._tracked.publish(self._hri.IdsList(header=self._header, ids=ids))


class _FaceTopics:
    """The topics of one face."""

    def __init__(self, node, hri, base):
        self._node, self._hri = node, hri
        self._roi = passing_publisher(node, hri.NormalizedRegionOfInterest2D, f"{base}/roi")
        self._cropped = passing_publisher(node, Image, f"{base}/cropped", 1)
        self._expression = passing_publisher(node, hri.Expression, f"{base}/expression")

    def publish(self, header, bgr, face, rotate):
        xmin, ymin, xmax, ymax = normalized(face.box, bgr.shape)
        score = min(max(face.detection_score, 0.0), 1.0)
        self._roi.publish(
            self._hri.NormalizedRegionOfInterest2D(
                header=header, xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax, c=score
            )
        )
        message = expression_message(self._hri, header, face.label, face.confidence)
        if message:
            self._expression.publish(message)
        if self._cropped.get_subscription_count():
            self._cropped.publish(image_message(header, cut_out(bgr, face.box, rotate)))

    def close(self):
        for publisher in (self._roi, self._cropped, self._expression):
            self._node.destroy_publisher(publisher)


def expression_message(hri, header: Header, label: str, confidence: float):
    """hri_msgs/Expression of a label, or None for ``uncertain``, for which it has no word.

    Valence and arousal are not known, so NaN: 0 would say neither pleasant nor unpleasant.
    """
    if label not in EXPRESSIONS:
        return None
    return hri.Expression(
        header=header,
        expression=EXPRESSIONS[label],
        valence=math.nan,
        arousal=math.nan,
        confidence=confidence,
    )
