# SPDX-License-Identifier: Apache-2.0
"""How far away a face is: by its width, by depth, and what depth images may be like."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from bag_helpers import CAMERA_INFO, INFO, calibration

from fer_ros.bags.calibration import Calibration
from fer_ros.bags.types import type_store
from fer_ros.faces.distance import Ranging
from fer_ros.images.camera_model import CameraModel
from fer_ros.images.codec import ImageError
from fer_ros.images.depth import DepthImage, decode_depth
from fer_ros.result import Box

CAMERA = CameraModel(np.array([[600.0, 0, 320], [0, 500.0, 240], [0, 0, 1]]))
SHAPE = (480, 640, 3)
MIDDLE = Box(272, 192, 96, 96)


def depth(values, unit=0.001):
    return DepthImage(values, unit)


def at_1_5():
    return np.full((480, 640), 1500, np.uint16)


def message(values, encoding="16UC1", pad=0, big=False):
    """A sensor_msgs/Image by its fields; ``pad``: bytes at the end of each row."""
    values = values.astype(values.dtype.newbyteorder(">" if big else "<"))
    rows, columns = values.shape
    row = columns * values.itemsize
    data = np.zeros((rows, row + pad), np.uint8)
    data[:, :row] = np.frombuffer(values.tobytes(), np.uint8).reshape(rows, row)
    return SimpleNamespace(
        height=rows, width=columns, encoding=encoding, is_bigendian=big, step=row + pad,
        data=data.tobytes(),
    )  # fmt: skip


# By its width


def test_by_the_width_of_a_face():
    assert Ranging(CAMERA).distance(MIDDLE, SHAPE) == pytest.approx(1.0)  # 600 * 0.16 / 96


@pytest.mark.parametrize("rotate", [90, 270])
def test_a_camera_on_its_side(rotate):
    box = Box(290, 192, 60, 96)  # its width is along y there
    found = Ranging(CAMERA, rotate=rotate).distance(box, SHAPE)
    assert found == pytest.approx(500 * 0.16 / 96)


def test_beside_the_axis_it_is_farther_than_it_is_deep():
    assert Ranging(CAMERA).distance(Box(572, 192, 96, 96), SHAPE) == pytest.approx(
        math.hypot(1, 0.5)
    )


def test_unknown_without_calibration_and_depth():
    assert math.isnan(Ranging().distance(MIDDLE, SHAPE))


# By depth


def test_depth_comes_before_width():
    found = Ranging(CAMERA, depth(at_1_5())).distance(MIDDLE, SHAPE)
    assert found == pytest.approx(1.5)


def test_depth_without_calibration():
    assert Ranging(None, depth(at_1_5())).distance(MIDDLE, SHAPE) == pytest.approx(1.5)


def test_depth_of_the_face_and_not_of_the_wall_behind():
    values = np.full((480, 640), 4000, np.uint16)
    values[200:280, 280:360] = 1500
    assert depth(values).median(MIDDLE, SHAPE) == pytest.approx(1.5)


def test_noise_and_holes():
    random = np.random.default_rng(0)
    values = random.normal(1.5, 0.05, (480, 640)).astype(np.float32)
    values[random.random(values.shape) < 0.4] = np.nan
    values[random.random(values.shape) < 0.1] = np.inf
    values[random.random(values.shape) < 0.1] = 9.0
    assert depth(values, 1.0).median(MIDDLE, SHAPE) == pytest.approx(1.5, abs=0.02)


@pytest.mark.parametrize(
    "values", [np.zeros((480, 640), np.uint16), np.full((480, 640), np.nan, np.float32)]
)
def test_without_values_the_width_decides(values):
    image = depth(values)
    assert image.is_empty()
    assert math.isnan(image.median(MIDDLE, SHAPE))
    assert Ranging(CAMERA, image).distance(MIDDLE, SHAPE) == pytest.approx(1.0)


def test_too_few_values_are_none():
    values = np.zeros((480, 640), np.uint16)
    values[235:240, 315:320] = 800
    assert math.isnan(depth(values).median(MIDDLE, SHAPE))
    values[216:264, 296:344] = 800
    assert depth(values).median(MIDDLE, SHAPE) == pytest.approx(0.8)


@pytest.mark.parametrize("size", [(240, 320), (960, 1280), (60, 80)])
def test_another_size_of_the_same_view(size):
    values = np.full(size, 4000, np.uint16)
    rows, columns = size
    values[rows * 200 // 480 : rows * 280 // 480, columns * 280 // 640 : columns * 360 // 640] = (
        1500
    )
    image = depth(values)
    assert image.fits(SHAPE)
    assert image.median(MIDDLE, SHAPE) == pytest.approx(1.5)


@pytest.mark.parametrize("size", [(480, 848), (640, 480), (1, 1)])
def test_another_view(size):
    assert not depth(np.ones(size, np.uint16)).fits(SHAPE)


@pytest.mark.parametrize("box", [Box(0, 0, 1, 1), Box(639, 479, 1, 1), Box(0, 0, 640, 480)])
def test_at_the_border(box):
    assert depth(at_1_5()).median(box, SHAPE) == pytest.approx(1.5)


# Messages


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("pad", [0, 6])
@pytest.mark.parametrize(
    ("encoding", "kind", "unit"), [("16UC1", np.uint16, 0.001), ("32FC1", np.float32, 1.0)]
)
def test_both_encodings(encoding, kind, unit, pad, big):
    values = np.arange(12).reshape(3, 4).astype(kind)
    found = decode_depth(message(values, encoding, pad, big))
    assert found.unit == unit
    np.testing.assert_array_equal(found.values, values)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"encoding": "bgr8"}, "not depth"),
        ({"data": b"12"}, "torn"),
        ({"step": 1}, "torn"),
        ({"width": 0}, "no pixels"),
        ({"height": 400}, "torn"),
    ],
)
def test_refuses(change, reason):
    broken = message(np.ones((3, 4), np.uint16))
    vars(broken).update(change)
    with pytest.raises(ImageError, match=reason):
        decode_depth(broken)


# Of a bag


def test_a_torn_camera_info_leaves_what_was_known():
    store = type_store()
    data = bytes(store.serialize_cdr(calibration(), CAMERA_INFO))
    known = Calibration("/camera/image_raw/compressed")
    assert known.model(SHAPE) is None
    for topic, part in (("/other/camera_info", data), (INFO, data), (INFO, data[:20])):
        known.take(SimpleNamespace(topic=topic, data=part))
        assert (known.model(SHAPE) is None) == (topic != INFO)
    assert known.model(SHAPE).matrix[0, 0] == 600
