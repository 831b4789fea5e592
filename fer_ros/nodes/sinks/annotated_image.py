# SPDX-License-Identifier: Apache-2.0
"""``image_annotated``, raw and JPEG, while someone listens."""

from fer_ros.drawing import annotate
from fer_ros.nodes.messages import image_message, jpeg_message
from fer_ros.nodes.publishers import publisher
from fer_ros.nodes.sinks.base import Sink


class AnnotatedImageSink(Sink):
    """Draws the faces on a copy of the upright image."""

    def __init__(self, node, ids):
        super().__init__(node, ids)
        self._raw = publisher(node, "image_annotated")
        self._jpeg = publisher(node, "image_annotated/compressed")

    def publish(self, header, result):
        raw, jpeg = (p.get_subscription_count() > 0 for p in (self._raw, self._jpeg))
        if not (raw or jpeg):
            return
        drawn = annotate(result)
        if raw:
            self._raw.publish(image_message(header, drawn))
        if jpeg:
            self._jpeg.publish(jpeg_message(header, drawn, self.values.jpeg_quality))
