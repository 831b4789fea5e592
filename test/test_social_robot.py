# SPDX-License-Identifier: Apache-2.0
"""The example's behaviour: by hand-made messages, and reacting to the sample over DDS."""

import importlib
import math
import signal

import pytest
from builtin_interfaces.msg import Time
from fer_ros.msg import EmotionArray, EmotionEvent, FaceEmotion
from geometry_msgs.msg import Twist
from node_helpers import REPOSITORY, parameters
from sensor_msgs.msg import RegionOfInterest
from std_msgs.msg import Header, String

SCRIPT = REPOSITORY / "examples/social_robot.py"


@pytest.fixture
def robot(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    return importlib.import_module("social_robot")


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help_explains_and_starts_nothing(start, word):
    process = start(str(SCRIPT), word)
    assert process.wait() == 0
    for wanted in ("cmd_vel", "back_off", "emotion_events"):
        assert wanted in process.words()


def event(emotion, sec):
    return EmotionEvent(header=Header(stamp=Time(sec=sec)), track_id=1, to_emotion=emotion)


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


def test_greets_joy_and_not_too_often(robot):
    behaviour = robot.Behaviour(rest=5.0)
    shown = [behaviour.react(event(FaceEmotion.JOY, sec)) for sec in (10, 12, 14, 15, 19, 20)]
    assert shown == ["greet", "", "", "greet", "", "greet"]


@pytest.mark.parametrize(
    ("yaw", "facing", "greets"), [(0.1, True, True), (1.0, False, False), (math.nan, False, True)]
)
def test_greets_who_faces_it_where_that_is_known(robot, yaw, facing, greets):
    behaviour = robot.Behaviour()
    faces = [FaceEmotion(track_id=1, yaw=yaw, facing=facing)]
    behaviour.drive(EmotionArray(image_width=640, faces=faces))
    told = event(FaceEmotion.JOY, 10)
    told.facing = facing
    assert bool(behaviour.react(told)) == greets


def test_backs_off_at_anger_for_a_while(robot):
    behaviour = robot.Behaviour(rest=5.0, back_off=2.0)
    assert behaviour.drive(image(9, 320)).linear.x == 0
    assert behaviour.react(event(FaceEmotion.ANGER, 10)) == "back off"
    assert [behaviour.drive(image(s, 320)).linear.x < 0 for s in (10, 11, 12)] == [
        True,
        True,
        False,
    ]
    assert behaviour.react(event(FaceEmotion.ANGER, 12)) == ""


def test_one_reaction_does_not_hinder_another(robot):
    behaviour = robot.Behaviour()
    assert behaviour.react(event(FaceEmotion.JOY, 10)) == "greet"
    assert behaviour.react(event(FaceEmotion.ANGER, 11)) == "back off"


@pytest.mark.parametrize(
    "emotion", ["UNCERTAIN", "NEUTRAL", "SADNESS", "FEAR", "DISGUST", "SURPRISE"]
)
def test_ignores(robot, emotion):
    behaviour = robot.Behaviour()
    assert behaviour.react(event(getattr(FaceEmotion, emotion), 10)) == ""
    assert behaviour.drive(image(10)) == Twist()


def test_stamps_that_go_back_do_not_silence_it(robot):
    behaviour = robot.Behaviour()
    assert behaviour.react(event(FaceEmotion.JOY, 1000)) == "greet"
    assert behaviour.react(event(FaceEmotion.JOY, 10)) == "greet"
    behaviour.react(event(FaceEmotion.ANGER, 1000))
    assert behaviour.drive(image(10)).linear.x == 0


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
    assert "shows joy: greet" in robot.words()
    bench.until(lambda: any(t.angular.z for t in driven), "a turn")
    camera.signal(signal.SIGINT)
    assert camera.wait() == 0
    bench.until(lambda: driven[-1] == Twist(), "standing still when the camera is gone")
    robot.signal(signal.SIGTERM)
    assert robot.wait() == 0, robot.words()
    assert "Traceback" not in robot.words()
