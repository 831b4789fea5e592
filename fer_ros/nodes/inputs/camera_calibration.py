# SPDX-License-Identifier: Apache-2.0
"""The calibration of the camera, by the ``camera_info`` beside its images."""

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo

from fer_ros.images.camera_model import (
    CalibrationError,
    CameraModel,
    NotCalibratedError,
    camera_model,
    means_rectified,
)
from fer_ros.images.topic_names import camera_info_of


class CameraCalibration:
    """Subscribes to the ``camera_info`` beside the node's image topic, from ``open`` to ``close``.
    Filled by the executor's thread, asked by the worker's.
    """

    def __init__(self, node: Node):
        self._node = node
        self._subscription: Subscription | None = None
        self._info: CameraInfo | None = None
        self._known: tuple[tuple, CameraModel | None] | None = None
        self._logged: set[str] = set()

    def open(self, rectified: str = "auto") -> None:
        """Begin to listen; ``rectified``: the parameter ``image_rectified``."""
        images = self._node.resolve_topic_name("image_raw")
        self._rectified = means_rectified(rectified, images)
        qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._subscription = self._node.create_subscription(
            CameraInfo, camera_info_of(images), self._set, qos
        )

    def close(self) -> None:
        """Stop listening, forget the calibration."""
        if self._subscription:
            self._node.destroy_subscription(self._subscription)
        self._info = self._subscription = self._known = None
        self._logged.clear()

    def model(self, shape: tuple[int, ...]) -> CameraModel | None:
        """The camera for images of ``shape``; None while unknown. Why one that came cannot be used
        is logged once.
        """
        info = self._info
        if info is None:
            return None
        key = id(info), shape
        if self._known is None or self._known[0] != key:
            self._known = key, self._model(info, shape)
        return self._known[1]

    def _model(self, info, shape):
        try:
            return camera_model(info, shape, self._rectified)
        except CalibrationError as error:
            reason = f"no distances by camera_info: {error}"
            if reason not in self._logged:
                self._logged.add(reason)
                logger = self._node.get_logger()
                if isinstance(error, NotCalibratedError):
                    logger.info(reason)
                else:
                    logger.warning(reason)
            return None

    def _set(self, info):
        self._info = info
