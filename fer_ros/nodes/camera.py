# SPDX-License-Identifier: Apache-2.0
"""Where in space a face is, by the calibration of the camera.

Pinhole model of REP 104's CameraInfo; x right, y down, z forward in the image's frame (REP 103).
"""

import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo

from fer_ros.result import FaceEmotion, Result


class Camera:
    """Listens to the ``camera_info`` beside the node's image topic, from ``open`` to ``close``."""

    def __init__(self, node: Node):
        self._node = node
        self._info: CameraInfo | None = None
        self._subscription = None

    def open(self) -> None:
        """Begin to listen."""
        topic = f"{self._node.resolve_topic_name('image_raw').rpartition('/')[0]}/camera_info"
        qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._subscription = self._node.create_subscription(CameraInfo, topic, self._set, qos)

    def close(self) -> None:
        """Stop listening, forget the calibration."""
        if self._subscription:
            self._node.destroy_subscription(self._subscription)
        self._info = self._subscription = None

    def intrinsics(self, shape: tuple[int, ...]) -> np.ndarray | None:
        """The intrinsic matrix, float64 [3, 3], for images of ``shape``; None, told once, while it
        is not known.
        """
        matrix = self._info and intrinsics(self._info, shape)
        if matrix is None:
            self._node.get_logger().warning(
                "no markers, no frames: camera_info is missing, is of images of another shape, or "
                "says that the camera is not calibrated",
                once=True,
            )
        return matrix

    def _set(self, info):
        self._info = info


def intrinsics(info: CameraInfo, shape: tuple[int, ...]) -> np.ndarray | None:
    """The intrinsic matrix, float64 [3, 3], for images of ``shape``, [H, W, ...].

    Scaled where the calibration is that of larger or smaller images. None where it cannot be used:
    drivers leave it zero until it is known.
    """
    matrix = np.reshape(info.k, (3, 3)).astype(np.float64)
    if not np.isfinite(matrix).all() or min(matrix.diagonal()) <= 0:
        return None
    if not (info.width and info.height):
        return matrix
    across, down = shape[1] / info.width, shape[0] / info.height
    if abs(across / down - 1) > 0.02:  # another shape: cut, or another camera
        return None
    return np.diag((across, down, 1.0)) @ matrix


def face_corners(
    face: FaceEmotion, matrix: np.ndarray, face_width: float, rotate: int = 0
) -> np.ndarray:
    """The box's corners in metres, float64 [4, 3], as far away as the upright face's width says.

    ``matrix``: intrinsic, [3, 3]; ``face_width`` in metres; ``rotate``: degrees clockwise that make
    the image upright.
    """
    x, y, width, height = face.box
    pixels = np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])
    across, focal = (height, matrix[1, 1]) if rotate % 180 else (width, matrix[0, 0])
    rays = np.linalg.solve(matrix, np.c_[pixels, np.ones(4)].T).T
    return rays * focal * face_width / max(across, 1)


def face_centres(result: Result, matrix: np.ndarray, face_width: float) -> dict[int, np.ndarray]:
    """The middle of each face by its id, [x, y, z] in metres, float64, in the image's frame."""
    return {
        face.track_id: face_corners(face, matrix, face_width, result.rotate).mean(axis=0)
        for face in result.faces
    }
