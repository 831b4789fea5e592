# SPDX-License-Identifier: Apache-2.0
"""How far away a face is: by depth inside it, else by its width and the camera's calibration."""

import math
from dataclasses import dataclass

import numpy as np

from fer_ros.images.depth import DepthImage
from fer_ros.result import Box


@dataclass(frozen=True)
class Ranging:
    """What is known of one image that tells distances in it.

    ``matrix``: the camera's intrinsic one, float64 [3, 3], None where it is not calibrated;
    ``depth``: of the same view, None without; ``face_width``: m, that of a usual face; ``rotate``:
    degrees clockwise that make the image upright.
    """

    matrix: np.ndarray | None = None
    depth: DepthImage | None = None
    face_width: float = 0.16
    rotate: int = 0

    def distance(self, box: Box, shape: tuple[int, ...]) -> float:
        """From the camera to a face.

        Without a calibration depth is taken as it is: along the camera's axis, which is up to a
        seventh less at the border of a usual image.

        Args:
            box: of the face, in pixels of the image.
            shape: of the image, [H, W, ...].

        Returns:
            m; NaN where unknown.
        """
        along = self.depth.median(box, shape) if self.depth else math.nan
        if self.matrix is None:
            return along
        if math.isnan(along):
            turned = self.rotate % 180
            across = box.height if turned else box.width
            focal = self.matrix[1, 1] if turned else self.matrix[0, 0]
            along = focal * self.face_width / max(across, 1)
        return float(along * np.linalg.norm(rays(self.matrix, [box.centre])[0]))


def rays(matrix: np.ndarray, pixels) -> np.ndarray:
    """Where pixels lie in the plane 1 m before the camera.

    Args:
        matrix: intrinsic, float64 [3, 3].
        pixels: x, y of each, [N, 2].

    Returns:
        x, y, z in m in the image's frame, float64 [N, 3].
    """
    pixels = np.asarray(pixels, np.float64)
    return np.linalg.solve(matrix, np.c_[pixels, np.ones(len(pixels))].T).T


def intrinsics(info, shape: tuple[int, ...]) -> np.ndarray | None:
    """The intrinsic matrix for images of a shape, scaled where the calibration is of another size.

    Args:
        info: the calibration (REP 104).
        shape: of the images, [H, W, ...].

    Returns:
        float64 [3, 3]; None where it cannot be used: drivers leave it zero until it is known.
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
