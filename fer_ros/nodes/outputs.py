# SPDX-License-Identifier: Apache-2.0
"""All that emotion_node publishes for an image: a list of sinks, made from the table of topics."""

import time
from collections.abc import Callable
from importlib import import_module

from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import Header

from fer_ros.nodes.sinks.base import FaceIds, Sink
from fer_ros.nodes.topics import EMOTION_NODE_TOPICS
from fer_ros.parameters.options import EmotionNodeOptions
from fer_ros.result import Result


class Outputs:
    """The sinks, in the order of the table.

    Args:
        node: publishes; its topics are made here.
        failed: called with the name and the exception of a sink that could not publish; the others
            do.
    """

    def __init__(self, node: LifecycleNode, failed: Callable[[str, Exception], None]):
        self._ids = FaceIds()
        self._failed = failed
        self._all = [(t, _sink(t.sink)(node, self._ids)) for t in EMOTION_NODE_TOPICS if t.sink]
        self._open: dict[str, Sink] = {}

    def open(self, values: EmotionNodeOptions) -> None:
        """Begin with what the parameters ask for.

        Raises:
            Exception: what a sink raises; then all is closed.
        """
        self._ids.renew()
        try:
            for topic, sink in self._all:
                if all(getattr(values, name) == value for name, value in topic.needs):
                    self._open[topic.name] = sink
                    sink.open(values)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End what ``open`` began, also when it did not come to its end."""
        while self._open:
            self._open.popitem()[1].close()

    def tune(self, values: EmotionNodeOptions) -> None:
        """Take up the parameters that may change between two images."""
        for _, sink in self._all:
            sink.values = values

    def reset(self) -> None:
        """Forget all faces. For any thread."""
        for _, sink in self._all:
            sink.reset()

    def publish(self, header: Header, result: Result) -> dict[str, float]:
        """Publish what is said of an image.

        Args:
            header: the image's.
            result: what the pipeline says of it.

        Returns:
            The seconds that each topic took, in their order.
        """
        if result.restart:
            self.reset()
        seconds = {}
        for name, sink in list(self._open.items()):
            began = time.perf_counter()
            try:
                sink.publish(header, result)
            except Exception as error:  # whatever one stumbles over, the others are served
                self._failed(name, error)
            seconds[name] = time.perf_counter() - began
        return seconds


def _sink(path: str) -> type[Sink]:
    module, name = path.split(".")
    return getattr(import_module(f"fer_ros.nodes.sinks.{module}"), name)
