# SPDX-License-Identifier: Apache-2.0
"""Where a head is turned, on real portraits and by the axes' conventions."""

import math

import cv2
import numpy as np
import pytest
from photographs import photograph

from fer_ros.faces.detectors import create_detector
from fer_ros.faces.mesh import FaceMesh, square_of
from fer_ros.faces.pose import faces_camera, head_pose
from fer_ros.result import UNKNOWN_POSE, HeadPose


def portrait(package, path):
    image = photograph(package, path)
    return cv2.copyMakeBorder(image, 60, 60, 60, 60, cv2.BORDER_REPLICATE)


PORTRAITS = {
    "astronaut": portrait("skimage", "data/astronaut.png"),
    "hopper": portrait("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
}


@pytest.fixture(scope="module")
def pose_of():
    detector, mesh = create_detector("blazeface"), FaceMesh()

    def measure(image):
        square = square_of(detector.detect(image)[0])
        for _ in range(3):
            look = mesh.look(image, square)
            square = look.square
        return head_pose(look), detector.detect(image)[0].box.centre

    return measure


@pytest.fixture(params=PORTRAITS)
def image(request):
    return PORTRAITS[request.param]


def test_a_straight_portrait_looks_at_the_camera(pose_of, image):
    pose, _ = pose_of(image)
    assert np.degrees(pose) == pytest.approx([0, 0, 0], abs=8)
    assert pose.away < math.radians(10)


@pytest.mark.parametrize("degrees", [10, 20, 30, 40, -10, -20, -30, -40])
def test_an_image_that_is_turned_turns_roll(pose_of, image, degrees):
    straight, centre = pose_of(image)
    matrix = cv2.getRotationMatrix2D(centre, degrees, 1)  # counter-clockwise
    size = image.shape[1::-1]
    rolled, _ = pose_of(cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE))
    # The person's left, which the image shows at the right, goes up.
    assert math.degrees(rolled.roll - straight.roll) == pytest.approx(degrees, abs=3)
    assert math.degrees(rolled.yaw - straight.yaw) == pytest.approx(0, abs=6)


def test_a_mirrored_face_changes_the_sign_of_yaw_and_roll(pose_of, image):
    _, centre = pose_of(image)
    matrix = cv2.getRotationMatrix2D(centre, 15, 1)
    turned = cv2.warpAffine(image, matrix, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    one, _ = pose_of(turned)
    other, _ = pose_of(np.ascontiguousarray(turned[:, ::-1]))
    assert math.degrees(one.roll) > 10
    assert math.degrees(one.roll + other.roll) == pytest.approx(0, abs=4)
    assert math.degrees(one.yaw + other.yaw) == pytest.approx(0, abs=5)
    assert math.degrees(one.pitch - other.pitch) == pytest.approx(0, abs=5)


def test_yaw_of_turned_heads(pose_of, shared):
    """Heads turned clearly to one side, in a picture and in its mirror image."""
    seen = []
    for path in sorted((shared / "data" / "photos").glob("*.jpg")):
        image = cv2.imread(str(path))
        one, other = (pose_of(np.ascontiguousarray(i))[0] for i in (image, image[:, ::-1]))
        if abs(one.yaw) > math.radians(10):
            seen.append(np.sign(one.yaw) != np.sign(other.yaw))
            assert math.degrees(one.yaw + other.yaw) == pytest.approx(0, abs=7)
    assert len(seen) >= 2
    assert all(seen)


@pytest.mark.parametrize("angles", [(0.3, -0.2, 0.5), (0, 0, 0), (-1.2, 0.4, -0.9)])
def test_the_matrix_has_the_axes_of_the_angles(angles):
    matrix = HeadPose(*angles).matrix()
    assert matrix @ matrix.T == pytest.approx(np.eye(3))
    assert np.linalg.det(matrix) == pytest.approx(1)
    roll, pitch, yaw = angles
    assert matrix[:, 0] == pytest.approx(
        [math.cos(yaw) * math.cos(pitch), math.sin(yaw) * math.cos(pitch), -math.sin(pitch)]
    )
    assert math.atan2(matrix[2, 1], matrix[2, 2]) == pytest.approx(roll)
    assert HeadPose(*angles).away == pytest.approx(math.acos(matrix[0, 0]))


def test_facing_has_hysteresis():
    assert faces_camera(HeadPose(1.0, 0.0, 0.3), 0.35, before=False), "roll does not matter"
    assert not faces_camera(HeadPose(0.0, 0.0, 0.4), 0.35, before=False)
    assert faces_camera(HeadPose(0.0, 0.0, 0.4), 0.35, before=True)
    assert not faces_camera(HeadPose(0.0, 0.3, 0.4), 0.35, before=True)
    assert not faces_camera(UNKNOWN_POSE, 0.35, before=True)
