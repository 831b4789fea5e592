# SPDX-License-Identifier: Apache-2.0
"""From a camera's calibration to where its pixels look: sensor_msgs/CameraInfo as image_geometry
understands it (REP 104), with binning, region of interest, distortion, and rectified images.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from fer_ros.images.topic_names import is_rectified

OTHER_SHAPE = 0.02
"""By how much the ratio of an image's sides may differ from the calibration's."""
FOCAL = (0.05, 100.0)
"""What a focal length may be over the width of the sensor, both in pixels: views of 170 and of half
a degree are none of a camera that sees faces."""
FARTHEST = 1e6  # pixels, of a principal point: any window of any sensor
UNDONE = 0.05
"""By how much of the focal length a pixel may differ from where its undistorted ray is seen: near
the border a polynomial may have no inverse, and OpenCV's iterations give a ray from anywhere."""
COEFFICIENTS = {"plumb_bob": (4, 5), "rational_polynomial": (8, 12, 14), "equidistant": (4,)}
"""How many distortion coefficients a model of CameraInfo has."""


class CalibrationError(ValueError):
    """A CameraInfo that cannot be used; the message is one line that says why."""


class NotCalibratedError(CalibrationError):
    """The driver says that there is no calibration yet: no fault."""


@dataclass(frozen=True, eq=False)
class CameraModel:
    """Where the pixels of images of one size look: x right, y down, z forward (REP 103).

    Attributes:
        matrix: intrinsic, float64 [3, 3].
        distortion: coefficients of ``kind``, float64; empty without, as for rectified images.
        kind: a distortion model of CameraInfo.
    """

    matrix: np.ndarray
    distortion: np.ndarray | tuple[()] = ()
    kind: str = "plumb_bob"

    def rays(self, pixels) -> np.ndarray:
        """Where pixels lie in the plane 1 m before the camera.

        Args:
            pixels: x, y of each, [N, 2].

        Returns:
            x, y, z in m in the image's frame, float64 [N, 3]; NaN for x and y where the distortion
            cannot be undone.
        """
        points: np.ndarray = np.asarray(pixels, np.float64).reshape(-1, 1, 2)
        focal = self.matrix.diagonal()[:2]
        if len(self.distortion) == 0:
            points = (points - self.matrix[:2, 2]) / focal
        else:
            points, seen = self._undistorted(points)
            points[(np.abs(seen) > UNDONE * focal).any(axis=2)] = np.nan
        return np.c_[points.reshape(-1, 2), np.ones(len(points))]

    def _undistorted(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The rays of pixels, and how far from these they are seen, both [N, 1, 2]."""
        distortion, still = np.asarray(self.distortion), np.zeros(3)
        camera = cv2.fisheye if self.kind == "equidistant" else cv2
        points = camera.undistortPoints(pixels, self.matrix, distortion)
        places = cv2.convertPointsToHomogeneous(points)
        seen, _ = camera.projectPoints(places, still, still, self.matrix, distortion)
        return points, seen.reshape(pixels.shape) - pixels


def camera_model(info, shape: tuple[int, ...], rectified: bool = False) -> CameraModel:
    """The model for images of a shape, scaled where the calibration is of another size.

    Args:
        info: any object with the fields of sensor_msgs/CameraInfo.
        shape: of the images, [H, W, ...].
        rectified: the images are; then P holds, and no distortion.

    Raises:
        CalibrationError: drivers leave it zero until it is known; it may be wrong, too.
    """
    matrix = np.reshape(np.asarray(info.k, np.float64), (3, 3))
    if rectified and info.p[0]:
        matrix = np.reshape(np.asarray(info.p, np.float64), (3, 4))[:, :3]
    across, down, roi = max(info.binning_x, 1), max(info.binning_y, 1), info.roi
    if max(roi.x_offset, roi.y_offset) > FARTHEST:
        raise CalibrationError("its region of interest lies on no sensor")
    _check(matrix, info.width or shape[1] * across + roi.x_offset)
    columns = (roi.width or info.width) / across or shape[1]
    rows = (roi.height or info.height) / down or shape[0]
    x, y = shape[1] / columns, shape[0] / rows
    if abs(x / y - 1) > OTHER_SHAPE:  # cut, or another camera
        raise CalibrationError(
            f"it belongs to images of {columns:g}x{rows:g}, not of {shape[1]}x{shape[0]}"
        )
    offset = np.array([[0, 0, roi.x_offset], [0, 0, roi.y_offset], [0, 0, 0]])
    matrix = np.diag((x / across, y / down, 1.0)) @ (matrix - offset)
    if rectified:
        return CameraModel(matrix)
    distortion = np.asarray(info.d, np.float64)
    if not distortion.any():
        return CameraModel(matrix)
    kind = info.distortion_model or "plumb_bob"
    if len(distortion) not in COEFFICIENTS.get(kind, ()) or not np.isfinite(distortion).all():
        raise CalibrationError(
            f"distortion {kind[:40]!r} with {len(distortion)} coefficients is not known"
        )
    return CameraModel(matrix, distortion, kind)


def means_rectified(choice: str, image_topic: str) -> bool:
    """Whether the images of a topic are rectified, by the parameter ``image_rectified``."""
    return is_rectified(image_topic) if choice == "auto" else choice == "yes"


def _check(matrix: np.ndarray, width: float) -> None:
    if not matrix.any():
        raise NotCalibratedError("the camera is not calibrated, its matrix is zero")
    (fx, _, cx), (skew, fy, cy), last = matrix
    sound = np.isfinite(matrix).all() and skew == 0 and (last == (0, 0, 1)).all()
    sound = sound and max(abs(cx), abs(cy)) <= FARTHEST
    if not (sound and all(FOCAL[0] <= focal / width <= FOCAL[1] for focal in (fx, fy))):
        raise CalibrationError("its matrix is not that of a camera: calibrate it again")
