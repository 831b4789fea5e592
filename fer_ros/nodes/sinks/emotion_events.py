# SPDX-License-Identifier: Apache-2.0
"""Events and the dominant expression, as topic and service of emotion_node."""

import threading
from collections.abc import Collection

from builtin_interfaces.msg import Time
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from std_msgs.msg import Header

from fer_ros.emotions.classes import label_of
from fer_ros.msg import EmotionEvent
from fer_ros.reactions.events import Event, EventDetector, ExpressionHistory
from fer_ros.result import FaceEmotion
from fer_ros.srv import DominantEmotion

SECOND = 10**9


class EmotionEvents:
    """Publishes ``emotion_events`` and answers ``~/dominant_emotion``.

    ``hold``, in seconds, may be changed between two images.
    """

    def __init__(self, node: LifecycleNode):
        self._events = EventDetector()
        self._history = ExpressionHistory()
        self._lock = threading.Lock()  # images come on the worker's thread, questions do not
        self._publisher = node.create_lifecycle_publisher(
            EmotionEvent,
            "emotion_events",
            QoSProfile(depth=10),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
        node.create_service(DominantEmotion, "~/dominant_emotion", self._answer)

    @property
    def hold(self) -> float:
        """Seconds for which an expression must hold to make an event."""
        return self._events.hold

    @hold.setter
    def hold(self, seconds: float) -> None:
        self._events.hold = seconds

    def publish(self, header: Header, faces: list[FaceEmotion], followed: Collection[int]) -> None:
        """Publish the events of one image; ``followed``: the ids that live on."""
        stamp = header.stamp.sec * SECOND + header.stamp.nanosec
        with self._lock:
            self._history.add(faces, stamp)
            events = self._events.update(faces, followed, stamp)
        for event in events:
            self._publisher.publish(event_message(header, event))

    def reset(self) -> None:
        """Forget all faces."""
        with self._lock:
            self._events.reset()
            self._history.reset()

    def _answer(self, request, response):
        try:
            with self._lock:
                dominant = self._history.dominant(request.window, request.track_id)
        except ValueError as error:
            response.message = str(error)
            return response
        if dominant is None:
            who = f"face {request.track_id}" if request.track_id else "no face"
            seen = "not seen" if request.track_id else "seen"
            response.message = f"{who} {seen} in the last {request.window:g} s"
            return response
        response.success = True
        response.emotion, response.label = dominant.emotion, label_of(dominant.emotion)
        response.share, response.observations = dominant.share, dominant.observations
        response.probabilities = dominant.probabilities
        return response


def event_message(header: Header, event: Event) -> EmotionEvent:
    """The message for an event that the image with this header brought."""
    return EmotionEvent(
        header=header,
        track_id=event.track_id,
        from_emotion=event.from_emotion,
        from_label=label_of(event.from_emotion),
        to_emotion=event.to_emotion,
        to_label=label_of(event.to_emotion),
        onset=Time(sec=event.onset // SECOND, nanosec=event.onset % SECOND),
        confidence=event.confidence,
        duration=event.duration / SECOND,
    )
