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

from fer_ros.drawing import annotate
from fer_ros.msg import EmotionArray
from fer_ros.nodes.messages import emotion_array, image_message, jpeg_message
from fer_ros.nodes.sinks.detections import Detections
from fer_ros.nodes.sinks.emotion_events import EmotionEvents
from fer_ros.nodes.sinks.face_frames import FaceFrames
from fer_ros.nodes.sinks.humans import HumansFaces
from fer_ros.nodes.sinks.markers import FaceMarkers
from fer_ros.nodes.sinks.status_marker import StatusMarker
from fer_ros.result import FaceEmotion
from fer_ros.ros4hri import FaceIds


class Outputs:
    """The lifecycle publishers of the node, made once: rclpy never lets go of one. Topics of
    messages that need not be installed come and go with ``open`` and ``close``.
    """

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
        self.status = StatusMarker(node)
        self._humans: HumansFaces | None = None
        self._detections: Detections | None = None

    def tune(self, values: SimpleNamespace) -> None:
        """Take up the parameters that may change between two images."""
        self.jpeg_quality = values.jpeg_quality
        self.face_width = values.face_width
        self._events.hold = values.event_hold

    def open(self, values: SimpleNamespace) -> None:
        """Begin, with what the parameters ask for. Raises RuntimeError when its messages are not
        installed.
        """
        node, ids = self._node, FaceIds()
        if values.ros4hri:
            self._humans = HumansFaces(node, ids)
        if values.detections:
            self._detections = Detections(node)
        if values.face_frames:
            space = node.get_namespace().strip("/")
            prefix = f"{space}/face_" if space else "face_"
            name = ids.of if values.ros4hri else str
            self._markers.frames = FaceFrames(node, lambda track_id: prefix + name(track_id))
        self._markers.open(node.resolve_topic_name("image_raw"))

    def close(self) -> None:
        """End what ``open`` began, also when it did not come to its end."""
        self._markers.close()
        for sink in (self._humans, self._detections):
            if sink:
                sink.close()
        self._humans = self._detections = None

    def reset(self) -> None:
        """Forget all faces."""
        self._events.reset()

    def publish(
        self,
        header: Header,
        bgr: np.ndarray,
        model: str,
        faces: list[FaceEmotion],
        followed: Collection[int],
        rotate: int,
    ) -> None:
        """Publish the result for an image, uint8 [H, W, 3]. ``followed``: the ids that live on,
        whether seen in it or not; ``rotate``: degrees clockwise that make it upright.
        """
        self._emotions.publish(emotion_array(header, bgr.shape, model, faces))
        self._events.publish(header, faces, followed)
        if self._humans:
            self._humans.publish(header, bgr, faces, followed, rotate)
        if self._detections:
            self._detections.publish(header, faces)

    def draw(self, header: Header, bgr: np.ndarray, faces: list[FaceEmotion], rotate: int) -> None:
        """Publish image, uint8 [H, W, 3], and markers, as far as someone listens."""
        self.status.frame_id = header.frame_id
        self._markers.publish(header, faces, self.face_width, rotate)
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
