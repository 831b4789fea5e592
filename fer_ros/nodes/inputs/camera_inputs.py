# SPDX-License-Identifier: Apache-2.0
"""All that emotion_node subscribes to, joined into one observation for each image."""

from collections.abc import Callable

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from fer_ros.images.bit_depth import BitDepth, is_dark
from fer_ros.images.codec import decode_compressed, decode_image
from fer_ros.images.depth import is_depth
from fer_ros.nodes.diagnostics import WARN, Problem
from fer_ros.nodes.inputs.camera_calibration import CameraCalibration
from fer_ros.nodes.inputs.depth_images import DepthImages
from fer_ros.nodes.inputs.image_subscription import ImageSubscription
from fer_ros.observation import Observation
from fer_ros.parameters.options import EmotionNodeOptions
from fer_ros.stamp_clock import seconds_of


class CameraInputs:
    """Subscribes to images, calibration and depth from ``open`` to ``close``.

    Args:
        node: subscribes.
        callback: gets each image message, and how many of those before it never came in.
    """

    values: EmotionNodeOptions
    """Replaced between two images."""

    def __init__(self, node: Node, callback: Callable[[Image | CompressedImage, int], None]):
        self._node, self._callback = node, callback
        self.images: ImageSubscription | None = None
        self.calibration = CameraCalibration(node)
        self.depth = DepthImages(node)
        self._bit_depth = BitDepth()
        self._is_dark = self._is_depth = False

    def open(self, values: EmotionNodeOptions) -> str:
        """Begin with what the parameters ask for; returns the topic of the images.

        Raises:
            Exception: rclpy's own, for what it cannot subscribe to; then call ``close``.
        """
        self.calibration.open(values.image_rectified)
        self.depth.open(values.depth_topic)
        self._bit_depth, self._is_dark, self._is_depth = BitDepth(), False, False
        self.images = ImageSubscription(
            self._node, values.image_transport, values.image_reliability, self._callback
        )
        return self.images.topic

    def close(self) -> None:
        """End what ``open`` began, also when it did not come to its end."""
        if self.images:
            self.images.close()
            self.images = None
        self.depth.close()
        self.calibration.close()

    def problems(self) -> list[Problem]:
        """What /diagnostics is to say of them. Called by the executor's thread."""
        problems = self.depth.problems()
        if self._is_depth:
            remedy = "remap image_raw to a camera, or have its driver say mono16"
            problems.append(Problem(WARN, f"these are depth images, not pictures: {remedy}"))
        if self._is_dark:
            remedy = "look at the lens cap, the exposure, the light, and the driver's pixel format"
            problems.append(Problem(WARN, f"the images are all dark: {remedy}"))
        return problems

    def observe(self, message: Image | CompressedImage, receipt: float) -> Observation:
        """An image with what distances in it are measured by. Called by the worker's thread.

        Args:
            message: the image's.
            receipt: seconds of a steady clock, when it came in.

        Raises:
            ImageError: it cannot be decoded.
        """
        values = self.values
        self._is_depth = is_depth(message)
        if isinstance(message, CompressedImage):
            limits = values.max_pixels, values.max_bytes
            bgr = decode_compressed(message, *limits, self._bit_depth)
        else:
            bgr = decode_image(message, values.max_pixels, self._bit_depth)
        self._is_dark = is_dark(bgr)
        return Observation(
            bgr,
            seconds_of(message.header.stamp),
            receipt,
            self.calibration.model(bgr.shape),
            self.depth.nearest(message.header, bgr.shape, values.depth_tolerance),
        )
