# SPDX-License-Identifier: Apache-2.0
"""What emotion_node publishes for an image: the result always, drawings while someone listens."""

from collections.abc import Collection
from types import SimpleNamespace

import numpy as np
from rclpy.lifecycle import LifecycleNode
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from fer_ros.annotate import annotate
from fer_ros.face_emotion import FaceEmotion
from fer_ros.msg import EmotionArray
from fer_ros.nodes.events import EmotionEvents
from fer_ros.nodes.markers import FaceMarkers
from fer_ros.nodes.messages import emotion_array, image_message, jpeg_message


class Outputs:
    """The lifecycle publishers of the node, made once: rclpy never lets go of one."""

    def __init__(self, node: LifecycleNode):
        self._node = node
        self.jpeg_quality = 85
        self.face_width = 0.16
        annotated = node.resolve_topic_name("image_annotated")
        self._emotions = self._publisher(EmotionArray, "emotions", 10)
        self._annotated = self._publisher(Image, annotated, 1)
        self._annotated_jpeg = self._publisher(CompressedImage, f"{annotated}/compressed", 1)
        self._markers = FaceMarkers(node)
        self._events = EmotionEvents(node)

    def tune(self, values: SimpleNamespace) -> None:
        """Take up the parameters that may change between two images."""
        self.jpeg_quality = values.jpeg_quality
        self.face_width = values.face_width
        self._events.hold = values.event_hold

    def open(self, image_topic: str) -> None:
        """Listen to the calibration of the camera behind ``image_topic``."""
        self._markers.open(image_topic)

    def close(self) -> None:
        """Stop listening."""
        self._markers.close()

    def reset(self) -> None:
        """Forget all faces."""
        self._events.reset()

    def publish(
        self,
        header: Header,
        shape: tuple[int, ...],
        model: str,
        faces: list[FaceEmotion],
        followed: Collection[int],
    ) -> None:
        """Publish the result for an image of ``shape`` [H, W, ...]; ``followed``: the ids that
        live on, whether seen in it or not.
        """
        self._emotions.publish(emotion_array(header, shape, model, faces))
        self._events.publish(header, faces, followed)

    def draw(self, header: Header, bgr: np.ndarray, faces: list[FaceEmotion], rotate: int) -> None:
        """Publish image, uint8 [H, W, 3], and markers, as far as someone listens."""
        self._markers.publish(header, faces, self.face_width)
        raw = self._annotated.get_subscription_count() > 0
        jpeg = self._annotated_jpeg.get_subscription_count() > 0
        if not (raw or jpeg):
            return
        image = annotate(bgr, faces, rotate)
        if raw:
            self._annotated.publish(image_message(header, image))
        if jpeg:
            self._annotated_jpeg.publish(jpeg_message(header, image, self.jpeg_quality))

    def _publisher(self, kind, topic, depth) -> Publisher:
        return self._node.create_lifecycle_publisher(
            kind,
            topic,
            QoSProfile(depth=depth),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
