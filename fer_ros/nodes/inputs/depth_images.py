# SPDX-License-Identifier: Apache-2.0
"""The depth image that belongs to a camera's image: the nearest by its stamp."""

from collections import Counter, deque

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.node import Node
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from fer_ros.images.codec import ImageError
from fer_ros.images.depth import DepthImage, decode_depth
from fer_ros.nodes.diagnostics import Problem
from fer_ros.nodes.inputs.image_subscription import ImageSubscription
from fer_ros.stamp_clock import seconds_of

KEPT = 8  # images: a quarter of a second at 30 Hz, for a pipeline that lags behind its camera
MANY = 0.5  # share of the images without depth from which that is reported


class DepthImages:
    """Listens to depth images from ``open`` to ``close``. Filled by the executor's thread, asked by
    the worker's.
    """

    def __init__(self, node: Node):
        self._node = node
        self._subscription: ImageSubscription | None = None
        self._recent: deque[Image] = deque(maxlen=KEPT)
        self._faults: Counter[str] = Counter()
        """Of the images since the last report, the sound ones under the empty text."""

    def open(self, topic: str) -> None:
        """Begin to listen; without a topic do nothing.

        Raises:
            Exception: rclpy's own, for a name that no topic can bear.
        """
        if topic:
            self._subscription = ImageSubscription(
                self._node, "raw", "auto", lambda message, _: self._recent.append(message), topic
            )

    def close(self) -> None:
        """Stop listening, forget all images."""
        if self._subscription:
            self._subscription.close()
        self._subscription = None
        self._recent.clear()
        self._faults.clear()

    def nearest(
        self, header: Header, shape: tuple[int, ...], tolerance: float
    ) -> DepthImage | None:
        """The depth that goes with an image.

        Args:
            header: the image's.
            shape: the image's, [H, W, ...].
            tolerance: seconds by which the stamps may differ.

        Returns:
            None where there is none that can be used.
        """
        if not (subscription := self._subscription):
            return None
        depth, fault = self._find(subscription.topic, seconds_of(header.stamp), shape, tolerance)
        self._faults[fault] += 1
        return depth

    def problems(self) -> list[Problem]:
        """What hinders it, if it did for most of the images since the last call."""
        if self._subscription:
            self._subscription.check()
        faults, self._faults = self._faults, Counter()
        sound, images = faults.pop("", 0), faults.total()
        if not images or images < MANY * (images + sound):
            return []
        ((fault, _),) = faults.most_common(1)
        text = f"no depth: {fault}, distances go by face_width meanwhile"
        return [Problem(DiagnosticStatus.WARN, text)]

    def _find(self, topic, stamp, shape, tolerance) -> tuple[DepthImage | None, str]:
        """The depth, or why there is none."""
        recent = list(self._recent)[::-1]
        if not recent:
            return None, f"nothing comes on {topic}, start the camera's aligned depth"
        message = min(recent, key=lambda m: abs(seconds_of(m.header.stamp) - stamp))
        gap = abs(seconds_of(message.header.stamp) - stamp)
        if gap > tolerance:
            remedy = "look at its rate, its stamps and depth_tolerance"
            return None, f"{topic} is {gap:.1f} s beside the images, {remedy}"
        try:
            depth = decode_depth(message)
        except ImageError as error:
            return None, f"{topic}: {error}"
        if not depth.fits(shape):
            size = f"{message.width}x{message.height} beside {shape[1]}x{shape[0]}"
            return None, f"{topic} is of another view, {size}, take the one aligned to the images"
        if depth.is_empty():
            return None, f"{topic} holds no depth at all, look at the camera"
        return depth, ""
