# SPDX-License-Identifier: Apache-2.0
"""How far away a face is: by depth inside it, else by its width and the camera's calibration."""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np

from fer_ros.images.camera_model import CameraModel
from fer_ros.images.depth import DepthImage
from fer_ros.result import Box


@dataclass(frozen=True)
class Ranging:
    """What is known of one image that tells distances in it.

    ``camera``: None where it is not calibrated; ``depth``: of the same view, None without;
    ``face_width``: m, that of a usual face; ``rotate``: degrees clockwise that make the image
    upright.
    """

    camera: CameraModel | None = None
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
            m; NaN where unknown, also where the distortion at one of its corners cannot be undone.
        """
        along = self.depth.median(box, shape) if self.depth else math.nan
        if self.camera is None:
            return along
        x, y = box.centre
        far = box.x + box.width, box.y + box.height
        *corners, centre = self.camera.rays([*product(*zip(box[:2], far, strict=True)), (x, y)])
        if not np.isfinite(corners).all():
            return math.nan
        if math.isnan(along):
            turned = self.rotate % 180
            half = max(box.height if turned else box.width, 1) / 2
            ends = [(x, y - half), (x, y + half)] if turned else [(x - half, y), (x + half, y)]
            first, last = self.camera.rays(ends)
            width = float(np.linalg.norm(last - first))
            along = self.face_width / width if width > 0 else math.nan
        return float(along * np.linalg.norm(centre))
