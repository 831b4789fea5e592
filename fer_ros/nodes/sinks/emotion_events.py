# SPDX-License-Identifier: Apache-2.0
"""``emotion_events``, and ``~/dominant_emotion`` beside it."""

import threading

from builtin_interfaces.msg import Time
from std_msgs.msg import Header

from fer_ros.emotions.classes import label_of
from fer_ros.interaction.events import SECOND, Event, EventDetector, ExpressionHistory
from fer_ros.interaction.rules import read_rules
from fer_ros.msg import EmotionEvent
from fer_ros.nodes.publishers import publisher
from fer_ros.nodes.sinks.base import Sink
from fer_ros.srv import DominantEmotion
from fer_ros.stamp_clock import nanoseconds_of


class EmotionEventsSink(Sink):
    """Publishes what changed and held; remembers a minute for the service, in memory alone."""

    def __init__(self, node, ids):
        super().__init__(node, ids)
        self._events = EventDetector({})
        self._history = ExpressionHistory()
        self._lock = threading.Lock()  # images come on the worker's thread, questions do not
        self._publisher = publisher(node, "emotion_events")
        node.create_service(DominantEmotion, "~/dominant_emotion", self._answer)

    def publish(self, header, result):
        stamp = nanoseconds_of(header.stamp)
        with self._lock:
            self._events.rules = read_rules(self.values.event_rules, self.values.event_hold)
            self._events.relative = self.values.relative_events
            self._history.add(result.faces, stamp)
            events = self._events.update(result.faces, result.followed, stamp)
        for event in events:
            self._publisher.publish(event_message(header, event))

    def reset(self):
        with self._lock:
            self._events.reset()
            self._history.reset()

    def close(self):
        self.reset()

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
        facing=event.facing,
        relative=event.relative,
        quality=event.quality,
        valence=event.valence,
    )
