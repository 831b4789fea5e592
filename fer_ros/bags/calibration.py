# SPDX-License-Identifier: Apache-2.0
"""What a bag says of the calibration of its camera."""

from typing import Any

import numpy as np

from fer_ros.bags.types import type_store
from fer_ros.faces.distance import intrinsics

CAMERA_INFO = "sensor_msgs/msg/CameraInfo"


class Calibration:
    """The last camera_info beside an image topic, as emotion_node would have heard it."""

    def __init__(self, image_topic: str):
        base = image_topic.removesuffix("/compressed")
        self._topic = f"{base.rpartition('/')[0]}/camera_info"
        self._info: Any = None

    def take(self, message) -> None:
        """Look at a message of the bag; one that is torn leaves what was known."""
        if message.topic == self._topic:
            try:
                self._info = type_store().deserialize_cdr(message.data, CAMERA_INFO)
            except Exception:  # whatever a damaged bag brings
                return

    def matrix(self, shape: tuple[int, ...]) -> np.ndarray | None:
        """The intrinsic matrix for images of ``shape``, float64 [3, 3]; None while unknown."""
        return intrinsics(self._info, shape) if self._info else None
