# SPDX-License-Identifier: Apache-2.0
"""What camera_info says of directions and distances: as image_geometry understands it."""

import math
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from fer_ros.faces.distance import Ranging
from fer_ros.images.camera_model import (
    CalibrationError,
    CameraModel,
    camera_model,
    means_rectified,
)
from fer_ros.images.topic_names import base_of, camera_info_of
from fer_ros.result import Box

K = [600.0, 0.0, 320.0, 0.0, 600.0, 240.0, 0.0, 0.0, 1.0]
MATRIX = np.reshape(K, (3, 3))
SHAPE = (480, 640, 3)
# usb_cam's own calibration, of the camera that it ships an example for.
USB_CAM = {
    "k": [438.783367, 0.0, 305.593336, 0.0, 437.302876, 243.738352, 0.0, 0.0, 1.0],
    "d": [-0.361976, 0.110510, 0.001014, 0.000505, 0.0],
    "p": [393.653800, 0.0, 322.797939, 0.0, 0.0, 393.241210, 241.090902, 0.0, 0.0, 0.0, 1.0, 0.0],
}


def roi(x=0, y=0, width=0, height=0):
    return SimpleNamespace(x_offset=x, y_offset=y, width=width, height=height)


def info(width=640, height=480, **changes):
    """The fields of a sensor_msgs/CameraInfo."""
    fields = {
        "width": width, "height": height, "k": K, "d": [], "p": [0.0] * 12, "roi": roi(),
        "distortion_model": "plumb_bob", "binning_x": 0, "binning_y": 0,
    }  # fmt: skip
    return SimpleNamespace(**fields | changes)


def degrees_aside(camera, *pixel):
    x, y, z = camera.rays([pixel])[0]
    return math.degrees(math.atan2(math.hypot(x, y), z))


@pytest.mark.parametrize(
    ("size", "scale"), [((0, 0), 1), ((640, 480), 1), ((1280, 960), 0.5), ((640, 360), None)]
)
def test_a_calibration_of_other_images(size, scale):
    """Scaled to larger and smaller ones, refused where they are of another shape."""
    if scale is None:
        with pytest.raises(CalibrationError, match="to images of 640x360, not of 640x480"):
            camera_model(info(*size), SHAPE)
    else:
        found = camera_model(info(*size), SHAPE).matrix
        np.testing.assert_allclose(found, np.diag([scale, scale, 1]) @ MATRIX)


def window():
    """A window of 640x480 in the middle right of a sensor of 1280x960."""
    k = [1200.0, 0.0, 640.0, 0.0, 1200.0, 480.0, 0.0, 0.0, 1.0]
    return info(1280, 960, k=k, roi=roi(640, 240, 640, 480))


def test_a_window_of_the_sensor():
    camera = camera_model(window(), SHAPE)
    box = Box(-48 + 27, 192, 96, 96)  # straight ahead but for 27 pixels
    assert Ranging(camera).distance(box, SHAPE) == pytest.approx(2.0, rel=0.01)
    assert degrees_aside(camera, *box.centre) == pytest.approx(1.3, abs=0.05)


def test_a_window_may_have_its_middle_outside():
    camera = camera_model(window(), SHAPE)
    np.testing.assert_allclose(camera.matrix[:2, 2], [0, 240])


@pytest.mark.parametrize("size", [(240, 320, 3), (480, 640, 3)])
def test_a_binned_window(size):
    """Two by two; the images may be resized once more."""
    binned = window()
    binned.binning_x = binned.binning_y = 2
    scale = size[1] / 640
    camera = camera_model(binned, size)
    np.testing.assert_allclose(
        camera.matrix, [[1200 * scale, 0, 0], [0, 1200 * scale, 240 * scale], [0, 0, 1]]
    )


@pytest.mark.parametrize(
    ("kind", "d"),
    [
        ("plumb_bob", USB_CAM["d"]),
        ("plumb_bob", USB_CAM["d"][:4]),
        ("", USB_CAM["d"]),
        ("rational_polynomial", [-0.36, 0.11, 0.001, 0.0005, 0.0, 0.01, 0.0, 0.0]),
        ("equidistant", [-0.02, 0.01, -0.001, 0.0]),
    ],
)
def test_distortion_is_undone(kind, d):
    """As OpenCV, which calibrates cameras for ROS, projects points."""
    camera = camera_model(info(k=USB_CAM["k"], d=d, distortion_model=kind), SHAPE)
    points = np.array([[0.6, 0.4, 1], [-0.5, 0.3, 1], [0.0, 0.0, 1], [0.2, -0.45, 1]])
    matrix, zero = np.reshape(USB_CAM["k"], (3, 3)), np.zeros(3)
    if kind == "equidistant":
        seen, _ = cv2.fisheye.projectPoints(points[:, None], zero, zero, matrix, np.array(d))
    else:
        seen, _ = cv2.projectPoints(points, zero, zero, matrix, np.array(d))
    np.testing.assert_allclose(camera.rays(seen.reshape(-1, 2)), points, atol=2e-3)


def test_the_border_of_usb_cam():
    """A pinhole would say five degrees less."""
    camera = camera_model(info(**USB_CAM), SHAPE)
    assert degrees_aside(camera, 0, 240) > degrees_aside(CameraModel(camera.matrix), 0, 240) + 5


def test_rectified_images_go_by_p_and_have_no_distortion():
    camera = camera_model(info(**USB_CAM), SHAPE, rectified=True)
    assert camera.matrix[0, 0] == pytest.approx(393.6538)
    assert len(camera.distortion) == 0
    found = Ranging(camera).distance(Box(322.8 - 48, 193, 96, 96), SHAPE)
    assert found == pytest.approx(393.6538 * 0.16 / 96, rel=0.01)


@pytest.mark.parametrize(
    ("choice", "topic", "expected"),
    [
        ("auto", "/camera/image_raw", False),
        ("auto", "/camera/image_rect", True),
        ("auto", "/camera/image_rect_color/compressed", True),
        ("auto", "/image_rect/image_raw", False),
        ("yes", "/camera/image_raw", True),
        ("no", "/camera/image_rect", False),
    ],
)
def test_which_images_are_rectified(choice, topic, expected):
    assert means_rectified(choice, topic) == expected


def changed(at, value):
    return [*K[:at], value, *K[at + 1 :]]


@pytest.mark.parametrize(
    "changes",
    [
        {"k": [0.0] * 9},
        {"k": [math.nan] * 9},
        {"k": changed(0, -600.0)},
        {"k": changed(0, math.inf)},
        {"k": changed(0, 1e45)},
        {"k": changed(4, 1e-9)},
        {"k": changed(2, math.inf)},
        {"k": changed(2, 1e300)},
        {"k": changed(8, 0.0)},
        {"k": [600.0, 600.0, 320.0, 600.0, 600.0, 320.0, 0.0, 0.0, 1.0]},  # singular
        {"d": [0.1, math.nan, 0.0, 0.0, 0.0]},
        {"d": [0.1, 0.2]},
        {"roi": roi(2**31, 0)},
        {"d": [0.1] * 4, "distortion_model": "of_mine"},
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(changes):
    with pytest.raises(CalibrationError) as refused:
        camera_model(info(**changes), SHAPE)
    assert "\n" not in str(refused.value)


def test_names_of_topics():
    assert camera_info_of("/left/image_raw/compressed") == "/left/camera_info"
    assert camera_info_of("/image") == "/camera_info"
    assert base_of("/left/image_raw/compressed") == base_of("/left/image_raw") == "/left/image_raw"


@pytest.mark.parametrize(
    ("kind", "d"),
    [("plumb_bob", [-0.4, 0.2, 0.0, 0.0, -0.05]), ("equidistant", [-0.3, 0.1, -0.05, 0.01])],
)
def test_a_distortion_that_has_no_inverse_at_the_border(kind, d):
    """A face there was a million metres away, on the other side."""
    k = [300.0, 0.0, 320.0, 0.0, 300.0, *K[5:]]
    camera = camera_model(info(k=k, d=d, distortion_model=kind), SHAPE)
    rays = camera.rays([(0, 0), (320, 240), (400, 300)])
    assert np.isnan(rays[0, :2]).all()
    assert np.isfinite(rays[1:]).all()
    at_border, inside = Box(0, 0, 60, 60), Box(290, 210, 60, 60)
    assert math.isnan(Ranging(camera).distance(at_border, SHAPE))
    assert Ranging(camera).distance(inside, SHAPE) == pytest.approx(300 * 0.16 / 60, rel=0.02)
