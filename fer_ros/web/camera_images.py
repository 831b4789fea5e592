# SPDX-License-Identifier: Apache-2.0
"""The camera's images, raw or compressed, whichever is published, while somebody looks."""

from collections.abc import Callable

from rclpy.node import Node

from fer_ros.images.bit_depth import BitDepth
from fer_ros.nodes.inputs.image_subscription import ImageSubscription


class CameraImages:
    """Subscribes to ``image_raw`` or to ``compressed`` under its resolved name.

    Args:
        node: subscribes, and is spun by one thread.
        callback: gets each message, as from ImageSubscription.
        closed: called when what was subscribed to is left.
    """

    def __init__(self, node: Node, callback: Callable, closed: Callable[[], None]):
        self._node, self._callback, self._closed = node, callback, closed
        self._images: ImageSubscription | None = None
        self.bit_depth = BitDepth()
        """Of the topic's 16-bit images."""

    @property
    def topic(self) -> str:
        """What is subscribed to; empty: nothing."""
        return self._images.topic if self._images else ""

    def follow(self, looking: bool, transport: str) -> None:
        """Subscribe while somebody looks; called each second.

        Args:
            looking: whether somebody does.
            transport: "raw", "compressed", or "auto": what is published, compressed before raw.
        """
        base = self._node.resolve_topic_name("image_raw")
        compressed = self._node.resolve_topic_name(f"{base}/compressed")
        if transport == "auto":
            # What is subscribed to stays, as long as anybody publishes it.
            if self._images and self._node.count_publishers(self._images.topic):
                wanted = self._images.topic
            else:
                wanted = compressed if self._node.count_publishers(compressed) else base
        else:
            wanted = base if transport == "raw" else compressed
        if self._images and (not looking or self._images.topic != wanted):
            self._images.close()
            self._images = None
            self._closed()
        if self._images:
            self._images.check()
        elif looking:
            kind = "compressed" if wanted == compressed else "raw"
            self.bit_depth = BitDepth()
            self._images = ImageSubscription(self._node, kind, "auto", self._callback)
