# SPDX-License-Identifier: Apache-2.0
"""The demo's ears: hands what the two nodes publish to a recording."""

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage

from fer_ros.msg import EmotionArray
from fer_ros.tools.recording import Recording

COUNTS = ("received", "processed", "superseded")


class Recorder(Node):
    """Subscribes to results, annotated images, ``/diagnostics`` and the source's ``camera_info``.

    That counts the images sent: one comes with each, far smaller than the image.
    """

    def __init__(self, recording: Recording):
        super().__init__("recorder")
        self.recording = recording
        self.state = ""
        """emotion_node's state, as it last told it."""
        self.problem = ""
        """What emotion_node reports as an error, else empty."""
        self.reports = 0
        """How many messages came on ``/diagnostics``."""
        annotated = f"{self.resolve_topic_name('image_annotated')}/compressed"
        depth = QoSProfile(depth=30)
        self.create_subscription(CameraInfo, "camera_info", self._sent, depth)
        self.create_subscription(EmotionArray, "emotions", self._result, depth)
        self.create_subscription(CompressedImage, annotated, recording.add_annotated, depth)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._report, depth)

    def is_listened_to(self) -> bool:
        """Whether someone, that is emotion_node, waits for images."""
        return self.state == "active" and self.count_subscribers("image_raw") > 0

    def _sent(self, _):
        self.recording.sent += 1

    def _result(self, message):
        self.recording.add_result(message, self.get_clock().now().nanoseconds * 1e-9)

    def _report(self, message):
        for status in message.status:
            values = {v.key: v.value for v in status.values}
            if not set(COUNTS) <= set(values):
                continue
            self.reports += 1
            self.state = values.get("state", "")
            self.problem = status.message if status.level == DiagnosticStatus.ERROR else ""
            self.recording.counts = {name: int(values[name]) for name in COUNTS}
