# SPDX-License-Identifier: Apache-2.0
"""The example's behaviour: by hand-made messages, and reacting to the sample over DDS."""

import importlib
import math
import signal

import pytest
from builtin_interfaces.msg import Time
from fer_ros.msg import (
    EmotionArray,
    EmotionEvent,
    EngagementArray,
    FaceEmotion,
    FaceEngagement,
)
from geometry_msgs.msg import Twist
from node_helpers import REPOSITORY, astronaut, parameters, stamped
from sensor_msgs.msg import RegionOfInterest
from std_msgs.msg import Header, String
from turned_faces import turned_astronaut

SCRIPT = REPOSITORY / "examples/social_robot.py"


@pytest.fixture
def robot(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    return importlib.import_module("social_robot")


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help_explains_and_starts_nothing(start, word):
    process = start(str(SCRIPT), word)
    assert process.wait() == 0
    for wanted in ("cmd_vel", "back_off", "emotion_events", "engagement"):
        assert wanted in process.words()


def event(emotion, sec, **fields):
    return EmotionEvent(
        header=Header(stamp=Time(sec=sec)), track_id=1, to_emotion=emotion, **fields
    )


def engagement(sec, *faces):
    """The message of these faces: id, level and, unless unknown, distance."""
    listed = [
        FaceEngagement(track_id=track_id, engagement=level, distance=(*rest, math.nan)[0])
        for track_id, level, *rest in faces
    ]
    return EngagementArray(header=Header(stamp=Time(sec=sec)), faces=listed)


def image(sec, *columns):
    """Faces around these columns of an image 640 wide."""
    faces = [FaceEmotion(roi=RegionOfInterest(x_offset=c - 50, width=100)) for c in columns]
    return EmotionArray(header=Header(stamp=Time(sec=sec)), image_width=640, faces=faces)


def test_turns_to_the_largest_face(robot):
    behaviour = robot.Behaviour()
    assert behaviour.drive(image(1, 540, 100)).angular.z < 0  # at the right: turn right
    assert behaviour.drive(image(1, 100, 540)).angular.z > 0
    assert abs(behaviour.drive(image(1, 50)).angular.z) <= robot.TURN
    assert behaviour.drive(image(1, 330)).angular.z == 0  # near enough to the middle
    assert behaviour.drive(image(1)) == Twist()


@pytest.mark.parametrize(
    ("level", "turns"),
    [("UNKNOWN", True), ("DISENGAGED", False), ("ENGAGING", True), ("ENGAGED", True)],
)
def test_turns_to_who_wants_something_of_it(robot, level, turns):
    seen = image(1, 540)
    names = {"UNKNOWN": "ENGAGEMENT_UNKNOWN"}
    seen.faces[0].engagement = getattr(FaceEmotion, names.get(level, level))
    assert bool(robot.Behaviour().drive(seen).angular.z) == turns


ENGAGED = FaceEmotion.ENGAGED


@pytest.mark.parametrize("level", ["ENGAGEMENT_UNKNOWN", "DISENGAGED", "ENGAGING", "DISENGAGING"])
def test_greets_nobody_who_is_not_engaged(robot, level):
    assert robot.Behaviour().welcome(engagement(1, (1, getattr(FaceEmotion, level), 1.0))) == 0


def test_greets_each_face_once(robot):
    behaviour = robot.Behaviour(rest=5.0)
    assert [behaviour.welcome(engagement(s, (1, ENGAGED, 1.0))) for s in (1, 2, 30)] == [1, 0, 0]
    assert behaviour.welcome(engagement(31, (1, ENGAGED, 1.0), (2, ENGAGED, 1.5))) == 2


def test_greets_the_next_one_after_a_rest(robot):
    behaviour = robot.Behaviour(rest=5.0)
    both = ((1, ENGAGED, 1.0), (2, ENGAGED, 1.5))
    found = [behaviour.welcome(engagement(sec, *both)) for sec in (10, 12, 14, 15, 20)]
    assert found == [1, 0, 0, 2, 0]


def test_greets_who_approaches_once_near(robot):
    behaviour = robot.Behaviour(near=2.0)
    away = [3.0, 2.5, 2.1, 1.9, 1.5]
    found = [behaviour.welcome(engagement(i, (1, ENGAGED, d))) for i, d in enumerate(away)]
    assert found == [0, 0, 0, 1, 0]


def test_greets_where_distances_are_not_known(robot):
    assert robot.Behaviour().welcome(engagement(1, (1, ENGAGED))) == 1


def test_backs_off_at_anger_for_a_while(robot):
    behaviour = robot.Behaviour(rest=5.0, back_off=2.0)
    assert behaviour.drive(image(9, 320)).linear.x == 0
    assert behaviour.shies(event(FaceEmotion.ANGER, 10))
    assert [behaviour.drive(image(s, 320)).linear.x < 0 for s in (10, 11, 12)] == [
        True,
        True,
        False,
    ]
    assert not behaviour.shies(event(FaceEmotion.ANGER, 12))


@pytest.mark.parametrize(
    ("yaw", "facing", "shies"), [(0.1, True, True), (1.0, False, False), (math.nan, False, True)]
)
def test_backs_off_from_who_faces_it_where_that_is_known(robot, yaw, facing, shies):
    """A face that is turned to a monitor easily looks angry."""
    behaviour = robot.Behaviour()
    faces = [FaceEmotion(track_id=1, yaw=yaw, facing=facing)]
    behaviour.drive(EmotionArray(image_width=640, faces=faces))
    assert behaviour.shies(event(FaceEmotion.ANGER, 10, facing=facing)) == shies


def test_one_reaction_does_not_hinder_another(robot):
    behaviour = robot.Behaviour()
    assert behaviour.welcome(engagement(10, (1, ENGAGED))) == 1
    assert behaviour.shies(event(FaceEmotion.ANGER, 11))


@pytest.mark.parametrize(
    "emotion", ["UNCERTAIN", "NEUTRAL", "SADNESS", "FEAR", "DISGUST", "SURPRISE", "JOY"]
)
def test_ignores(robot, emotion):
    behaviour = robot.Behaviour()
    assert not behaviour.shies(event(getattr(FaceEmotion, emotion), 10, facing=True))
    assert behaviour.drive(image(10)) == Twist()


def test_ignores_who_is_only_angrier_than_usual(robot):
    assert not robot.Behaviour().shies(event(FaceEmotion.ANGER, 10, facing=True, relative=True))


def test_stamps_that_go_back_do_not_silence_it(robot):
    behaviour = robot.Behaviour()
    assert behaviour.welcome(engagement(1000, (1, ENGAGED)))
    assert behaviour.welcome(engagement(10, (2, ENGAGED)))
    behaviour.shies(event(FaceEmotion.ANGER, 1000))
    assert behaviour.drive(image(10)).linear.x == 0


def test_greets_only_who_faces_it(meet, start):
    """The robot and emotion_node, each a process of its own."""
    robot = start(str(SCRIPT))
    node = start("emotion_node")
    node.wait_for("listening")
    bench = meet()
    said, told = [], []
    bench.node.create_subscription(String, "say", said.append, 10)
    bench.node.create_subscription(EngagementArray, "engagement", told.append, 10)
    bench.until(lambda: bench.node.count_publishers("say"), "the robot")
    camera = bench.publisher()

    def show(picture, begin, seconds=4):
        for i in range(10 * seconds):
            bench.process(camera, stamped(picture, begin + i // 10, i % 10 * 10**8))

    show(turned_astronaut(), 1000)
    bench.until(lambda: told and told[-1].faces, "a face")
    assert {face.label for message in told for face in message.faces} == {"disengaged"}
    bench.spin(1.0)
    assert not said
    show(astronaut(), 1005)
    bench.until(lambda: said, "a greeting")
    assert [words.data for words in said] == ["Hello!"]
    assert "is engaged: greet" in robot.words()


def test_reacts_to_the_sample(meet, start):
    """Camera, emotion_node and robot, each a process of its own."""
    profile = {"FASTRTPS_DEFAULT_PROFILES_FILE": str(REPOSITORY / "config/fastdds.xml")}
    robot = start(str(SCRIPT), **profile)
    node = start("emotion_node", **profile)
    node.wait_for("listening")
    bench = meet()
    said, driven = [], []
    bench.node.create_subscription(String, "say", said.append, 10)
    bench.node.create_subscription(Twist, "cmd_vel", driven.append, 10)
    bench.until(lambda: bench.node.count_publishers("say"), "the robot")
    bench.spin(1.0)  # until the robot has heard of its listener too
    camera = start("video_source", *parameters(rate=10.0), **profile)
    bench.until(lambda: said, "a greeting")
    assert said[0].data == "Hello!"
    assert "is engaged: greet" in robot.words()
    bench.until(lambda: any(t.angular.z for t in driven), "a turn")
    camera.signal(signal.SIGINT)
    assert camera.wait() == 0
    bench.until(lambda: driven[-1] == Twist(), "standing still when the camera is gone")
    robot.signal(signal.SIGTERM)
    assert robot.wait() == 0, robot.words()
    assert "Traceback" not in robot.words()
