# SPDX-License-Identifier: Apache-2.0
"""Results made by hand, for what takes one in."""

import numpy as np

from fer_ros.images.rotation import rotate_image
from fer_ros.result import Result


def result_of(*faces, image=None, rotate=0, **fields) -> Result:
    """The Result of these faces, in an image of 640x480 unless given."""
    image = np.full((480, 640, 3), 90, np.uint8) if image is None else image
    return Result(faces, image.shape, rotate_image(image, rotate), rotate, **fields)
