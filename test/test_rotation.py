# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from fer_ros.images.rotation import rotate_box, rotate_image


@pytest.mark.parametrize("degrees", [0, 90, 180, 270, -90, 360])
def test_a_box_follows_its_pixels(degrees):
    image = np.zeros((40, 60), np.uint8)
    box = (5, 8, 20, 10)
    image[8:18, 5:25] = 255
    x, y, w, h = rotate_box(box, image.shape, degrees)
    turned = rotate_image(image, degrees)
    assert turned[y : y + h, x : x + w].min() == 255
    assert turned.sum() == 255 * w * h
    assert rotate_box((x, y, w, h), turned.shape, -degrees) == box
