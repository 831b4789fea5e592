# SPDX-License-Identifier: Apache-2.0
"""What comes in at one moment: an image, when, and what distances in it are measured by."""

from dataclasses import dataclass

import numpy as np

from fer_ros.images.camera_model import CameraModel
from fer_ros.images.depth import DepthImage


@dataclass(frozen=True, eq=False)
class Observation:
    """One image with all that is known of it.

    Attributes:
        image: BGR, uint8 [H, W, 3].
        stamp: seconds, when it was taken; 0 for none.
        receipt: seconds of any steady clock, when it came in; used where stamps are zero or stand
            still.
        camera: by which distances and directions are measured; None where not calibrated.
        depth: of the same view; None without.
    """

    image: np.ndarray
    stamp: float = 0.0
    receipt: float | None = None
    camera: CameraModel | None = None
    depth: DepthImage | None = None
