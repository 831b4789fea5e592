# SPDX-License-Identifier: Apache-2.0
"""The square that the classifier sees: place, size, turn, border and detail."""

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from photographs import photograph

from fer_ros.faces.crop import crop_face
from fer_ros.faces.detectors import Detection, Framing
from fer_ros.result import Box

WHOLE = Framing(1.0)


@pytest.fixture(scope="module")
def astronaut():
    return photograph("skimage", "data/astronaut.png")


FACE = Detection(Box(172, 68, 104, 104), 0.9, eyes=((203, 103), (248, 104)))


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def difference(a, b):
    return np.abs(a.astype(float) - b.astype(float)).mean()


def turned(image, detection, degrees, scale=1.0):
    """The image and its detection turned clockwise about the face."""
    centre = detection.box.centre
    matrix = cv2.getRotationMatrix2D(centre, -degrees, scale)
    eyes = tuple(tuple(matrix @ (*eye, 1)) for eye in detection.eyes)
    size = (image.shape[1], image.shape[0])
    image = cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    return image, replace(detection, eyes=eyes)


def test_a_box_of_48_pixels_is_copied():
    image = noise(100, 120)
    crop = crop_face(image, Detection(Box(30, 20, 48, 48), 1.0), WHOLE)
    assert crop.dtype == np.uint8
    np.testing.assert_array_equal(crop, image[20:68, 30:78])


def test_a_multiple_of_48_is_averaged_over_blocks():
    image = noise(300, 300)
    crop = crop_face(image, Detection(Box(10, 20, 240, 240), 1.0), WHOLE)
    blocks = image[20:260, 10:250].reshape(48, 5, 48, 5).mean((1, 3))
    assert np.abs(crop - blocks).max() <= 1


def test_detail_finer_than_the_crop_is_averaged_away():
    stripes = np.tile(np.array([0, 255], np.uint8), (400, 200))
    crop = crop_face(stripes, Detection(Box(33.3, 21.7, 311, 311), 1.0), WHOLE)
    assert np.ptp(crop.astype(int)) <= 40


def test_a_small_face_is_enlarged_without_a_shift():
    ramp = np.tile(np.arange(64, dtype=np.uint8) * 4, (64, 1))
    crop = crop_face(ramp, Detection(Box(20, 20, 24, 24), 1.0), WHOLE)
    wanted = 4 * (20 + (np.arange(48) + 0.5) / 2 - 0.5)
    assert np.abs(crop - wanted).max() <= 1


def test_side_and_down():
    image = noise(200, 200)
    crop = crop_face(image, Detection(Box(84, 60, 32, 40), 1.0), Framing(1.5, 0.25))
    np.testing.assert_array_equal(crop, image[64:112, 76:124])


def test_colour_gives_grey(astronaut):
    grey = cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY)
    colour = crop_face(astronaut, FACE, WHOLE)
    assert colour.shape == (48, 48)
    np.testing.assert_array_equal(colour, crop_face(grey, FACE, WHOLE))


@pytest.mark.parametrize("degrees", [0, -70, 33])
@pytest.mark.parametrize("side", [20, 48, 111, 420])
@pytest.mark.parametrize("place", ["inside", "over the left edge", "at the lower right"])
def test_no_pixel_that_the_crop_needs_is_left_out(degrees, side, place):
    """The same as from the whole image made grey, wherever the face lies."""
    image = noise(480, 640, 3)
    x, y = {
        "inside": (100.3, 30.7),
        "over the left edge": (-side / 2, 10),
        "at the lower right": (639 - side / 3, 479 - side / 3),
    }[place]
    face = Detection(Box(x, y, side, side), 1.0)
    direction = math.radians(degrees)
    eyes = ((x, y), (x + math.cos(direction), y + math.sin(direction)))
    face = replace(face, eyes=eyes)
    for framing in (WHOLE, Framing(0.99, 0.01), Framing(1.27, -0.03)):
        whole = crop_face(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), face, framing)
        part = crop_face(image, face, framing)
        assert np.abs(part.astype(int) - whole).max() <= 1


def test_colour_is_rgb(astronaut):
    colour = crop_face(astronaut, FACE, WHOLE, 112, channels=3)
    assert colour.shape == (112, 112, 3)
    grey = cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)
    assert difference(grey, crop_face(astronaut, FACE, WHOLE, 112)) < 1
    of_grey = crop_face(cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY), FACE, WHOLE, 112, channels=3)
    assert (of_grey[..., 0] == of_grey[..., 2]).all()


def test_another_size(astronaut):
    assert crop_face(astronaut, FACE, WHOLE, size=96).shape == (96, 96)


@pytest.mark.parametrize("degrees", [-40, -15, 10, 30])
def test_a_turned_face_gives_the_upright_crop(astronaut, degrees):
    straight = crop_face(astronaut, FACE, WHOLE)
    image, detection = turned(astronaut, FACE, degrees)
    assert difference(crop_face(image, detection, WHOLE), straight) < 4
    assert difference(crop_face(image, detection, WHOLE, upright=False), straight) > 10


def test_down_follows_the_face(astronaut):
    framing = Framing(0.9, 0.2)
    image, detection = turned(astronaut, FACE, 30)
    straight = crop_face(astronaut, FACE, framing)
    assert difference(crop_face(image, detection, framing), straight) < 3


@pytest.mark.parametrize("factor", [0.5, 0.75, 2.0, 3.7])
def test_the_same_face_at_another_size_gives_the_same_crop(astronaut, factor):
    image = cv2.resize(astronaut, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    eyes = tuple((x * factor, y * factor) for x, y in FACE.eyes)
    box = (v * factor for v in FACE.box)
    crop = crop_face(image, Detection(Box(*box), 0.9, eyes), WHOLE)
    assert difference(crop, crop_face(astronaut, FACE, WHOLE)) < 3


@pytest.mark.parametrize(("x", "y"), [(-24, 10), (86, 10), (30, -24), (30, 76)])
def test_outside_the_image_its_border_is_repeated(x, y):
    image = noise(100, 110)
    crop = crop_face(image, Detection(Box(x, y, 48, 48), 1.0), WHOLE)
    rows = np.clip(np.arange(y, y + 48), 0, 99)
    columns = np.clip(np.arange(x, x + 48), 0, 109)
    np.testing.assert_array_equal(crop, image[np.ix_(rows, columns)])


def test_the_image_is_left_alone(astronaut):
    before = astronaut.copy()
    crop_face(astronaut, FACE, WHOLE)
    np.testing.assert_array_equal(astronaut, before)


@pytest.mark.parametrize("box", [(-60, 10), (110, 10), (10, -50), (10, 100)])
def test_refuses_a_box_outside_the_image(box):
    with pytest.raises(ValueError, match="outside the image"):
        crop_face(noise(100, 110), Detection(Box(*box, 48, 48), 1.0), WHOLE)


@pytest.mark.parametrize("size", [(0, 48), (48, 0), (-5, 48), (math.nan, 48), (math.inf, 48)])
def test_refuses_a_box_without_area(size):
    with pytest.raises(ValueError, match="needs an area"):
        crop_face(noise(100, 110), Detection(Box(10, 10, *size), 1.0), WHOLE)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((0, 5), np.uint8),
        np.zeros((50, 50), np.float32),
        np.zeros((50, 50, 4), np.uint8),
        np.zeros(50, np.uint8),
    ],
    ids=["no pixels", "float", "four channels", "one row"],
)
def test_refuses_what_is_no_image(image):
    with pytest.raises(ValueError, match="a face crop needs"):
        crop_face(image, Detection(Box(10, 10, 20, 20), 1.0), WHOLE)
