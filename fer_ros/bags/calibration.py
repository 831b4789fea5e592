# SPDX-License-Identifier: Apache-2.0
"""What a bag says of the calibration of its camera."""

from typing import Any

from fer_ros.bags.types import type_store
from fer_ros.images.camera_model import (
    CalibrationError,
    CameraModel,
    camera_model,
    means_rectified,
)
from fer_ros.images.topic_names import camera_info_of

CAMERA_INFO = "sensor_msgs/msg/CameraInfo"


class Calibration:
    """The last camera_info beside an image topic, as emotion_node would have received it.

    ``rectified``: the parameter ``image_rectified``.
    """

    def __init__(self, image_topic: str, rectified: str = "auto"):
        self._topic = camera_info_of(image_topic)
        self._rectified = means_rectified(rectified, image_topic)
        self._info: Any = None

    def take(self, message) -> None:
        """Look at a message of the bag; one that is torn leaves what was known."""
        if message.topic == self._topic:
            try:
                self._info = type_store().deserialize_cdr(message.data, CAMERA_INFO)
            except Exception:  # whatever a damaged bag brings
                return

    def model(self, shape: tuple[int, ...]) -> CameraModel | None:
        """The camera for images of ``shape``; None while unknown."""
        try:
            return camera_model(self._info, shape, self._rectified) if self._info else None
        except CalibrationError:
            return None
