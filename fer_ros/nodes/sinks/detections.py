# SPDX-License-Identifier: Apache-2.0
"""The faces as vision_msgs/Detection2DArray, the seven expressions as hypotheses of each."""

from rclpy.node import Node
from std_msgs.msg import Header

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.nodes.optional import messages, passing_publisher
from fer_ros.result import FaceEmotion


class Detections:
    """Publishes ``detections`` until ``close``. Raises RuntimeError without vision_msgs."""

    def __init__(self, node: Node):
        self._node = node
        self._vision = messages("vision_msgs", "detections")
        self._publisher = passing_publisher(node, self._vision.Detection2DArray, "detections")

    def publish(self, header: Header, faces: list[FaceEmotion]) -> None:
        """Publish the faces of one image."""
        self._publisher.publish(detection_array(self._vision, header, faces))

    def close(self) -> None:
        """Take the topic away."""
        self._node.destroy_publisher(self._publisher)


def detection_array(vision, header: Header, faces: list[FaceEmotion]):
    """The message; ``vision``: the module of vision_msgs' messages."""
    return vision.Detection2DArray(
        header=header, detections=[_detection(vision, header, face) for face in faces]
    )


def _detection(vision, header, face):
    x, y, width, height = face.box
    detection = vision.Detection2D(header=header, id=str(face.track_id))
    detection.bbox.center.position.x = x + width / 2
    detection.bbox.center.position.y = y + height / 2
    detection.bbox.size_x, detection.bbox.size_y = float(width), float(height)
    for label, probability in zip(EMOTIONS, face.probabilities, strict=True):
        result = vision.ObjectHypothesisWithPose()
        result.hypothesis.class_id, result.hypothesis.score = label, float(probability)
        detection.results.append(result)
    return detection
