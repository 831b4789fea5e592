# SPDX-License-Identifier: Apache-2.0
import math
from dataclasses import replace

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import Point
from node_helpers import astronaut, header, parameters, raw
from result_helpers import result_of
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

from fer_ros.face_geometry import face_centres, face_orientation, quaternion
from fer_ros.faces.distance import Ranging
from fer_ros.images.camera_model import CameraModel
from fer_ros.nodes.sinks.markers import face_markers
from fer_ros.nodes.status_marker import status_marker
from fer_ros.result import UNKNOWN_POSE, Box, FaceEmotion, HeadPose

K = [600.0, 0.0, 320.0, 0.0, 600.0, 240.0, 0.0, 0.0, 1.0]
CAMERA = CameraModel(np.reshape(K, (3, 3)))
P = np.array([0.02, 0.02, 0.02, 0.86, 0.02, 0.03, 0.03], np.float32)


def face(box, track_id=4):
    """A face with its distance by this camera and a usual width."""
    distance = Ranging(CAMERA).distance(Box(*box), (480, 640, 3))
    return FaceEmotion(track_id, Box(*box), 0.9, 3, P, P, distance=distance)


def calibrated(*faces):
    return replace(result_of(*faces), camera=CAMERA)


def test_a_face_stands_where_its_width_puts_it():
    box, text = face_markers(
        Header(frame_id="camera"), calibrated(face((272, 192, 96, 96))), 0.16
    ).markers
    assert (box.type, text.type) == (Marker.LINE_STRIP, Marker.TEXT_VIEW_FACING)
    corners = np.array([(p.x, p.y, p.z) for p in box.points])
    assert corners[:, 2] == pytest.approx(1.0)  # 600 px * 0.16 m / 96 px
    assert np.ptp(corners[:, 0]) == pytest.approx(0.16)
    assert corners[:4].mean(axis=0)[:2] == pytest.approx([0, 0], abs=1e-9)
    assert (corners[0] == corners[-1]).all()
    assert text.text == "4: joy 86%"
    assert text.pose.position.y < corners[:, 1].min()
    assert isinstance(text.pose.position, Point)
    for marker in (box, text):
        assert marker.header.frame_id == "camera"
        assert (marker.id, marker.color.a) == (4, 1.0)


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_label_and_state_stand_above_the_face_whichever_way_the_camera_is_mounted(rotate):
    """Above as the face is up: TF makes that the world's up, where it knows the camera."""
    above = {0: (0, -1), 90: (-1, 0), 180: (0, 1), 270: (1, 0)}[rotate]
    result = replace(calibrated(face((272, 192, 96, 96))), rotate=rotate)
    _, text = face_markers(Header(), result, 0.16).markers
    place = text.pose.position
    assert (place.x, place.y) == pytest.approx(np.multiply(above, 0.08 + 0.04))
    state = status_marker(DiagnosticStatus(level=DiagnosticStatus.OK), "camera", rotate)
    place = state.pose.position
    assert (place.x, place.y) == pytest.approx(np.multiply(above, 0.55))


def test_half_the_size_is_twice_as_far():
    near, _, far, _ = face_markers(
        Header(), calibrated(face((100, 100, 96, 96)), face((400, 100, 48, 48), 5)), 0.16
    ).markers
    assert far.points[0].z == pytest.approx(2 * near.points[0].z)
    assert near.id != far.id


def test_no_face_no_marker():
    assert face_markers(Header(), calibrated(), 0.16).markers == []


def test_a_face_of_no_known_distance_stands_nowhere():
    """Such as at the border of a lens whose distortion cannot be undone there."""
    lost = replace(face((0, 0, 96, 96), 5), distance=math.nan)
    result = calibrated(lost, face((272, 192, 96, 96)))
    assert {marker.id for marker in face_markers(Header(), result, 0.16).markers} == {4}
    assert set(face_centres(result, CAMERA)) == {4}


def test_centre_of_a_face():
    centres = face_centres(calibrated(face((272, 192, 96, 96))), CAMERA)
    assert centres[4] == pytest.approx([0, 0, 1])


def test_a_face_stands_where_its_distance_says():
    beside = replace(face((572, 192, 96, 96)), distance=3.0)
    centre = face_centres(calibrated(beside), CAMERA)[4]
    assert np.linalg.norm(centre) == pytest.approx(3)
    assert centre / centre[2] == pytest.approx([0.5, 0, 1])


def axes(turn):
    """x, y, z of a frame as columns, by its quaternion x, y, z, w."""
    x, y, z, w = turn
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


STRAIGHT = HeadPose(0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("rotate", "left", "up"),
    [
        (0, (1, 0, 0), (0, -1, 0)),
        (90, (0, -1, 0), (-1, 0, 0)),
        (180, (-1, 0, 0), (0, 1, 0)),
        (270, (0, 1, 0), (1, 0, 0)),
    ],
)
def test_axes_of_a_face_that_looks_at_the_camera(rotate, left, up):
    found = axes(face_orientation(STRAIGHT, np.array([0, 0, 2.0]), rotate))
    assert pytest.approx(np.array([(0, 0, -1), left, up]), abs=1e-9) == found.T


def test_who_looks_at_the_camera_from_the_side_is_turned_by_the_ray():
    centre = np.array([2.0, 0.0, 2.0])
    found = axes(face_orientation(STRAIGHT, centre))
    assert found[:, 0] == pytest.approx(-centre / np.linalg.norm(centre))
    assert found[:, 2] == pytest.approx([0, -1, 0])


def test_yaw_turns_to_the_left_of_the_person_and_pitch_down():
    centre = np.array([0, 0, 2.0])
    assert axes(face_orientation(HeadPose(0, 0, 0.5), centre))[0, 0] > 0.4  # the image's right
    assert axes(face_orientation(HeadPose(0, 0.5, 0), centre))[1, 0] > 0.4  # down in the image
    assert axes(face_orientation(HeadPose(0.5, 0, 0), centre))[1, 1] < -0.4  # the left side goes up
    assert face_orientation(UNKNOWN_POSE, centre) is None


@pytest.mark.parametrize("turn", [(0.1, 3.1, -3.0), (3.1, 0.2, 0.1), (0, 0, math.pi)])
def test_quaternion_of_a_matrix(turn):
    matrix = HeadPose(*turn).matrix()
    found = quaternion(matrix)
    assert np.linalg.norm(found) == pytest.approx(1)
    assert axes(found) == pytest.approx(matrix, abs=1e-9)


def test_an_arrow_shows_where_a_face_looks():
    looking = replace(face((272, 192, 96, 96)), pose=HeadPose(0.0, 0.0, 0.3))
    _, _, arrow = face_markers(Header(), calibrated(looking), 0.16).markers
    assert arrow.type == Marker.ARROW
    turn = arrow.pose.orientation
    expected = face_orientation(looking.pose, np.array([0, 0, 1.0]))
    assert (turn.x, turn.y, turn.z, turn.w) == pytest.approx(expected)


def watched(meet, start, *given):
    """emotion_node, who watches it, the markers that come, publishers of calibration and images."""
    node = start("emotion_node", *given)
    node.wait_for("listening")
    bench = meet()
    markers = []
    bench.node.create_subscription(MarkerArray, "emotion_markers", markers.append, 1)
    info = bench.node.create_publisher(CameraInfo, "camera_info", 1)
    return node, bench, markers, info, bench.publisher()


def test_uncalibrated_camera_is_told_once(meet, start):
    node, bench, markers, info, publisher = watched(meet, start)

    def told():
        info.publish(CameraInfo(width=640, height=480))
        bench.process(publisher, raw(header(), astronaut()))
        return "no markers" in node.words()

    bench.until(told)
    told()
    assert node.words().count("no markers") == 1
    assert not markers


def test_camera_info_may_come_after_the_first_image(meet, start):
    node, bench, markers, info, publisher = watched(meet, start)
    bench.until(lambda: bench.node.count_publishers("emotion_markers"))
    bench.process(publisher, raw(header(), astronaut()))

    def shown():
        info.publish(CameraInfo(header=header(), width=640, height=480, k=K))
        bench.process(publisher, raw(header(), astronaut()))
        return markers

    bench.until(shown)
    assert "no markers" not in node.words()


def test_images_that_name_no_frame_are_told_once_and_the_state_is_shown_all_the_same(meet, start):
    """RViz drops whatever has no frame."""
    given = parameters(diagnostics_period=0.1)
    node, bench, markers, info, publisher = watched(meet, start, *given)
    states = []
    bench.node.create_subscription(Marker, "status_marker", states.append, 1)
    head = header()
    head.frame_id = ""

    def told():
        info.publish(CameraInfo(header=head, width=640, height=480, k=K))
        bench.process(publisher, raw(head, astronaut()))
        return "the images have no frame_id" in node.words()

    bench.until(told)
    told()
    states.clear()
    bench.until(lambda: states)
    assert node.words().count("have no frame_id") == 1
    assert states[-1].header.frame_id == "camera"
    assert not markers


def test_blanks_are_as_wide_as_letters_are():
    """RViz draws a blank as wide as scale.x says, by default that of letters of a metre."""
    marker = status_marker(DiagnosticStatus(level=DiagnosticStatus.OK), "camera")
    assert marker.scale.x == marker.scale.z / 2 > 0
