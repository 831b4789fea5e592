# SPDX-License-Identifier: Apache-2.0
"""The demo's node, which subscribes: hands what the two nodes publish to a demo_recording."""

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.task import Future
from sensor_msgs.msg import CameraInfo, CompressedImage

from fer_ros.cli.demo_recording import COUNTS, Recording
from fer_ros.msg import EmotionArray


class Recorder(Node):
    """Subscribes to results, annotated images, ``/diagnostics`` and the source's ``camera_info``.

    Of all that it hears what the nodes in ``namespace`` say, alone.

    That counts the images sent: one comes with each, far smaller than the image.
    """

    def __init__(self, recording: Recording, namespace: str = "/"):
        super().__init__("recorder", namespace=namespace)
        self.recording = recording
        self.problem = ""
        """Why emotion_node cannot work at all, else empty."""
        self.reports = 0
        """How many times emotion_node has spoken on ``/diagnostics``."""
        self._reporter = f"{namespace}/emotion_node".lstrip("/")  # as diagnostics name it
        self._lifecycle = self.create_client(ChangeState, "emotion_node/change_state")
        self._annotated = f"{self.resolve_topic_name('image_annotated')}/compressed"
        depth = QoSProfile(depth=30)
        self.create_subscription(CameraInfo, "camera_info", recording.add_sent, depth)
        self.create_subscription(EmotionArray, "emotions", self._result, depth)
        self.create_subscription(CompressedImage, self._annotated, recording.add_annotated, depth)
        self.create_subscription(DiagnosticArray, "/diagnostics", self.add_diagnostics, depth)

    def has_found_source(self) -> bool:
        """Whether the source's messages can reach this node."""
        return self.count_publishers("camera_info") > 0

    def has_found_emotion_node(self) -> bool:
        """Whether emotion_node can be called, and its messages can reach this node."""
        return (
            self._lifecycle.service_is_ready()
            and self.count_publishers("emotions") > 0
            and self.count_publishers(self._annotated) > 0
            and self.reports > 0
        )

    def change_state(self, transition: str) -> Future:
        """Ask emotion_node to "configure" or "activate"; the future is done when it has."""
        number = getattr(Transition, f"TRANSITION_{transition.upper()}")
        request = ChangeState.Request(transition=Transition(id=number))
        return self._lifecycle.call_async(request)

    def _result(self, message):
        self.recording.add_result(message, self.get_clock().now().nanoseconds * 1e-9)

    def add_diagnostics(self, message: DiagnosticArray) -> None:
        """Note what emotion_node says of itself: its counts, and whether it cannot work."""
        for status in message.status:
            if status.name != self._reporter:
                continue
            values = {v.key: v.value for v in status.values}
            try:
                counts = {name: int(values[name]) for name in COUNTS}
            except (KeyError, ValueError):  # before its first image
                continue
            self.reports += 1
            # While active, an error is one of the camera or of speed, and results go on.
            stopped = status.level == DiagnosticStatus.ERROR and values.get("state") != "active"
            self.problem = status.message if stopped else ""
            self.recording.counts = counts
