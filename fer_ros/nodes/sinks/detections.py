# SPDX-License-Identifier: Apache-2.0
"""``detections``: vision_msgs/Detection2DArray, the seven expressions as hypotheses of each."""

from typing import Any

from std_msgs.msg import Header

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.nodes.optional import messages
from fer_ros.nodes.publishers import publisher
from fer_ros.nodes.sinks.base import Sink
from fer_ros.result import Result


class DetectionsSink(Sink):
    """Publishes once for each image, also without a face."""

    def __init__(self, node, ids):
        super().__init__(node, ids)
        self._publisher: Any = None

    def open(self, values):
        super().open(values)
        self._publisher = publisher(self.node, "detections")
        self._vision = messages("vision_msgs", "detections")

    def publish(self, header, result):
        self._publisher.publish(detection_array(self._vision, header, result))

    def close(self):
        if self._publisher:
            self.node.destroy_publisher(self._publisher)
        self._publisher = None


def detection_array(vision, header: Header, result: Result):
    """The message; ``vision``: the module of vision_msgs' messages."""
    return vision.Detection2DArray(
        header=header, detections=[_detection(vision, header, face) for face in result.faces]
    )


def _detection(vision, header, face):
    detection = vision.Detection2D(header=header, id=str(face.track_id))
    centre = detection.bbox.center.position
    centre.x, centre.y = face.box.centre
    detection.bbox.size_x = float(face.box.width)
    detection.bbox.size_y = float(face.box.height)
    for label, probability in zip(EMOTIONS, face.probabilities, strict=True):
        result = vision.ObjectHypothesisWithPose()
        result.hypothesis.class_id, result.hypothesis.score = label, float(probability)
        detection.results.append(result)
    return detection
