# SPDX-License-Identifier: Apache-2.0
"""``emotions``: the result for each image."""

from fer_ros.nodes.messages import emotion_array
from fer_ros.nodes.publishers import publisher
from fer_ros.nodes.sinks.base import Sink


class EmotionArraySink(Sink):
    """Publishes once for each image, also without a face."""

    def __init__(self, node, ids):
        super().__init__(node, ids)
        self._publisher = publisher(node, "emotions")

    def publish(self, header, result):
        self._publisher.publish(emotion_array(header, result))
