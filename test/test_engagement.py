# SPDX-License-Identifier: Apache-2.0
"""Who wants the robot's attention: by hand-made faces, and on the topic of a running node."""

import math
from dataclasses import replace

import numpy as np
import pytest
from fer_ros.msg import EngagementArray
from fer_ros.msg import FaceEmotion as Message
from hypothesis import given
from hypothesis import strategies as st
from node_helpers import astronaut, blank, stamped, two_faces
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo
from turned_faces import turned_astronaut

from fer_ros.interaction.engagement import (
    DISENGAGED,
    DISENGAGING,
    ENGAGED,
    ENGAGING,
    LEVELS,
    UNKNOWN,
    EngagementTracker,
    visual_social_engagement,
)
from fer_ros.result import UNKNOWN_POSE, Box, FaceEmotion, HeadPose

P = np.full(7, 1 / 7, np.float32)
STRAIGHT = FaceEmotion(
    1, Box(0, 0, 9, 9), 0.9, 6, P, P, pose=HeadPose(0.0, 0.0, 0.0), facing=True, distance=1.0
)
AWAY = replace(STRAIGHT, pose=HeadPose(0.0, 0.0, 0.8), facing=False)
UNSEEN = None


def levels(faces, rate=10, tracker=None, start=0.0):
    """The level in each image of one face that is seen so, or of None where it is not."""
    tracker = tracker or EngagementTracker()
    images = [tracker.fill([f] if f else [], {1}, start + i / rate) for i, f in enumerate(faces)]
    return [image[0].engagement if image else None for image in images]


def steps(found):
    """Each level once, in their order."""
    return [level for i, level in enumerate(found) if i == 0 or level != found[i - 1]]


# The metric


def test_nearer_and_straighter_is_more():
    assert visual_social_engagement(0.0, 0.0, 4.0) == 1.0
    near, far = (visual_social_engagement(0.1, d, 4.0) for d in (1.0, 2.0))
    straight, beside = (visual_social_engagement(a, 1.0, 4.0) for a in (0.0, 0.3))
    assert near > far > 0
    assert straight > beside > 0


@pytest.mark.parametrize(
    ("away", "distance"), [(math.radians(60), 0.5), (2.0, 0.5), (0.0, 4.0), (math.nan, 0.5)]
)
def test_nothing_beyond_the_field_and_the_reach(away, distance):
    assert visual_social_engagement(away, distance, 4.0) == pytest.approx(0.0, abs=1e-9)


def test_without_a_distance_gaze_decides():
    assert visual_social_engagement(0.0, math.nan, 4.0) == 1.0


@given(st.floats(0, 3.2), st.floats(0, 20), st.floats(0.1, 20))
def test_between_0_and_1(away, distance, reach):
    assert 0 <= visual_social_engagement(away, distance, reach) <= 1


# Levels


def test_matches_hri_msgs(message_package):
    hri = message_package("hri_msgs").EngagementLevel
    assert [getattr(hri, name.upper()) for name in LEVELS] == list(range(5))


def test_matches_our_own_message():
    constants = [getattr(Message, name.upper()) for name in ("engagement_unknown", *LEVELS[1:])]
    assert constants == list(range(5))


def test_engaged_after_a_while():
    found = levels([STRAIGHT] * 30)
    assert steps(found) == [DISENGAGED, ENGAGING, ENGAGED]
    assert found.index(ENGAGING) == 7  # 0.3 of two seconds, and more
    assert found.index(ENGAGED) == 16


@pytest.mark.parametrize("rate", [0.2, 0.5, 1, 30, 100])
def test_never_by_one_image(rate):
    found = levels([AWAY, STRAIGHT, AWAY, AWAY, STRAIGHT, AWAY] * 20, rate)
    assert set(found) == {DISENGAGED}


def test_as_fast_at_any_rate():
    for rate in (5, 10, 30, 60):
        assert levels([STRAIGHT] * 4 * rate, rate).index(ENGAGED) / rate == pytest.approx(
            1.6, abs=0.2
        )


def test_who_looks_away_disengages_by_degrees():
    found = levels([STRAIGHT] * 30 + [AWAY] * 30)
    assert steps(found)[2:] == [ENGAGED, DISENGAGING, DISENGAGED]


def test_a_glance_aside_changes_nothing():
    found = levels([STRAIGHT] * 30 + [AWAY] * 3 + [STRAIGHT] * 30)
    assert steps(found) == [DISENGAGED, ENGAGING, ENGAGED]


def test_who_comes_back_is_engaged_again():
    found = levels([STRAIGHT] * 30 + [AWAY] * 10 + [STRAIGHT] * 20)
    assert steps(found)[2:] == [ENGAGED, DISENGAGING, ENGAGED]


def test_a_gaze_that_wanders_does_not_flicker():
    assert len(steps(levels(([STRAIGHT] * 6 + [AWAY] * 4) * 30))) <= 3


def test_too_far_away():
    assert set(levels([replace(STRAIGHT, distance=3.5)] * 60)) == {DISENGAGED}
    near = EngagementTracker(reach=8.0)
    assert levels([replace(STRAIGHT, distance=3.5)] * 60, tracker=near)[-1] == ENGAGED


def test_who_approaches_is_engaged_once_near():
    found = levels([replace(STRAIGHT, distance=6 - i * 0.05) for i in range(100)])
    near = next(i for i in range(100) if 6 - i * 0.05 < 2.8)
    assert found.index(ENGAGED) > near
    assert found[-1] == ENGAGED


def test_unknown_without_a_pose_and_known_for_ever_with_one():
    lost = replace(STRAIGHT, pose=UNKNOWN_POSE, facing=False)
    assert set(levels([lost] * 30)) == {UNKNOWN}
    assert steps(levels([STRAIGHT] * 30 + [lost] * 30))[-2:] == [DISENGAGING, DISENGAGED]


def test_time_unseen_is_not_time_of_looking():
    found = levels([STRAIGHT] * 3 + [UNSEEN] * 12 + [STRAIGHT] * 2)
    assert found[-1] == DISENGAGED


def test_a_time_that_stands_still_engages_nobody():
    tracker = EngagementTracker()
    assert {tracker.fill([STRAIGHT], {1}, 5.0)[0].engagement for _ in range(99)} == {DISENGAGED}


def test_forgets_who_is_followed_no_more():
    tracker = EngagementTracker()
    levels([STRAIGHT] * 30, tracker=tracker)
    tracker.fill([], set(), 3.0)
    assert levels([STRAIGHT], tracker=tracker, start=3.1) == [DISENGAGED]
    levels([STRAIGHT] * 30, tracker=tracker, start=4.0)
    tracker.reset()
    assert levels([STRAIGHT], tracker=tracker, start=7.1) == [DISENGAGED]


def test_two_faces_each_for_itself():
    tracker = EngagementTracker()
    other = replace(AWAY, track_id=2)
    for i in range(30):
        found = tracker.fill([STRAIGHT, other], {1, 2}, i / 10)
    assert [face.engagement for face in found] == [ENGAGED, DISENGAGED]


# The node


INFO = CameraInfo(width=640, height=480, k=[600.0, 0.0, 320.0, 0.0, 600.0, 240.0, 0.0, 0.0, 1.0])


def listen(bench):
    told = []
    bench.node.create_subscription(EngagementArray, "engagement", told.append, 100)
    bench.until(lambda: bench.node.count_publishers("engagement"))
    return told


def play(bench, publisher, images, start=1000):
    """Ten images a second by their stamps."""
    return [
        bench.process(publisher, stamped(bgr, start + i // 10, i % 10 * 10**8))
        for i, bgr in enumerate(images)
    ]


def calibrate(bench):
    """Until the node knows the camera's calibration."""
    info = bench.node.create_publisher(CameraInfo, "camera_info", QoSProfile(depth=1))

    def known():
        info.publish(INFO)
        return bench.emotion_node.inputs.calibration.model((480, 640, 3)) is not None

    bench.until(known, "camera_info")


def test_who_faces_the_robot_is_engaged_on_both_topics(bench):
    bench.start()
    told = listen(bench)
    publisher = bench.publisher()
    calibrate(bench)
    results = play(bench, publisher, [astronaut()] * 20)
    engaged = bench.until(lambda: [t for t in told if t.faces and t.faces[0].label == "engaged"])
    (last,) = engaged[0].faces
    (face,) = next(r for r in results if r.header == engaged[0].header).faces
    assert next(t.faces[0].label for t in told if t.faces) == "disengaged"
    assert face.engagement == last.engagement == Message.ENGAGED
    assert face.track_id == last.track_id
    assert last.facing
    expected = 600 * 0.16 / face.roi.width
    assert face.distance == pytest.approx(expected, rel=0.02)
    assert last.distance == pytest.approx(expected, rel=0.05)
    assert len(told) < len(results) / 2, "on changes and once a second, not for each image"


def test_who_is_turned_away_is_not(bench):
    bench.start()
    told = listen(bench)
    play(bench, bench.publisher(), [turned_astronaut()] * 20)
    bench.until(lambda: len(told) > 1)
    assert {face.label for t in told for face in t.faces} == {"disengaged"}
    assert not any(face.facing for t in told for face in t.faces)


def test_distance_is_unknown_without_calibration(bench):
    bench.start()
    told = listen(bench)
    (result,) = play(bench, bench.publisher(), [astronaut()])
    assert math.isnan(result.faces[0].distance)
    bench.until(lambda: told)
    assert math.isnan(told[0].faces[0].distance)


def test_unknown_without_the_mesh(bench):
    bench.start(face_mesh="off")
    told = listen(bench)
    play(bench, bench.publisher(), [astronaut()] * 20)
    bench.until(lambda: len(told) > 1)
    assert {face.label for t in told for face in t.faces} == {"unknown"}


def test_says_that_a_face_has_gone(bench):
    bench.start(max_gap=0.2)
    told = listen(bench)
    publisher = bench.publisher()
    play(bench, publisher, [two_faces()])
    bench.until(lambda: told)
    assert len(told[-1].faces) == 2
    play(bench, publisher, [blank(480, 640)] * 6, start=1001)
    bench.until(lambda: len(told) > 1 and not told[-1].faces)


def test_time_of_engagement_is_live(bench):
    bench.start(engagement_time=60.0)
    publisher = bench.publisher()
    assert play(bench, publisher, [astronaut()] * 20)[-1].faces[0].engagement == DISENGAGED
    assert bench.set("engagement_time", 1.0).successful
    assert play(bench, publisher, [astronaut()] * 3, 1002)[-1].faces[0].engagement != DISENGAGED
