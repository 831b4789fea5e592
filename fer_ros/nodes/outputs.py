# SPDX-License-Identifier: Apache-2.0
"""All that emotion_node publishes for an image: a list of sinks, made from the table of topics."""

import time
from collections.abc import Callable
from importlib import import_module

import numpy as np
from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import Header

from fer_ros.faces.distance import Ranging
from fer_ros.nodes.camera import Camera
from fer_ros.nodes.depth_images import DepthImages
from fer_ros.nodes.diagnostics import Problem
from fer_ros.nodes.sinks.base import FaceIds, Scene, Sink
from fer_ros.nodes.topics import EMOTION_NODE
from fer_ros.parameters.options import EmotionNodeOptions
from fer_ros.result import Result


class Outputs:
    """The sinks, in the order of the table.

    Args:
        node: publishes; its topics are made here.
        complain: told, by name and exception, of a sink that could not publish; the others do.
    """

    _values: EmotionNodeOptions

    def __init__(self, node: LifecycleNode, complain: Callable[[str, Exception], None]):
        self._scene = Scene(Camera(node))
        self._depth = DepthImages(node)
        self._complain = complain
        self._all = [(t, _sink(t.sink)(node, self._scene)) for t in EMOTION_NODE if t.sink]
        self._open: dict[str, Sink] = {}

    def open(self, values: EmotionNodeOptions) -> None:
        """Begin with what the parameters ask for.

        Raises:
            Exception: what a sink raises; then all is closed.
        """
        self._scene.ids = FaceIds()
        try:
            self._scene.camera.open()
            self._depth.open(values.depth_topic)
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
        self._depth.close()
        self._scene.camera.close()

    def tune(self, values: EmotionNodeOptions) -> None:
        """Take up the parameters that may change between two images."""
        self._values = values
        for _, sink in self._all:
            sink.values = values

    def reset(self) -> None:
        """Forget all faces. For any thread."""
        for _, sink in self._all:
            sink.reset()

    def ranging(self, header: Header, shape: tuple[int, ...]) -> Ranging:
        """What tells distances in the image of ``shape`` with this header."""
        values = self._values
        depth = self._depth.nearest(header, shape, values.depth_tolerance)
        return Ranging(self._scene.camera.matrix(shape), depth, values.face_width, values.rotate)

    def problems(self) -> list[Problem]:
        """What /diagnostics is to say of them. Called by the executor's thread."""
        return self._depth.problems()

    def publish(self, header: Header, image: np.ndarray, result: Result) -> dict[str, float]:
        """Publish what is said of an image.

        Args:
            header: the image's.
            image: BGR, uint8 [H, W, 3].
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
                sink.publish(header, image, result)
            except Exception as error:  # whatever one stumbles over, the others are served
                self._complain(name, error)
            seconds[name] = time.perf_counter() - began
        return seconds


def _sink(path: str) -> type[Sink]:
    module, name = path.split(".")
    return getattr(import_module(f"fer_ros.nodes.sinks.{module}"), name)
