# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from fer_ros.images.rotation import rotate_image
from fer_ros.result import Box


@pytest.mark.parametrize("degrees", [0, 90, 180, 270, -90, 360])
def test_a_box_follows_its_pixels(degrees):
    image = np.zeros((40, 60), np.uint8)
    box = Box(5, 8, 20, 10)
    image[8:18, 5:25] = 255
    moved = box.rotated(image.shape, degrees)
    x, y, w, h = moved
    turned = rotate_image(image, degrees)
    assert turned[y : y + h, x : x + w].min() == 255
    assert turned.sum() == 255 * w * h
    assert moved.rotated(turned.shape, -degrees) == box
