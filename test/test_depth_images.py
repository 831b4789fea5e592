# SPDX-License-Identifier: Apache-2.0
"""A depth stream beside the images: over DDS, with noise, and when it is not what it should be."""

import math

import numpy as np
import pytest
from fer_ros.msg import EngagementArray
from node_helpers import (
    REPOSITORY,
    astronaut,
    header,
    image_message,
    parameters,
    raw,
    stamped,
)
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from test_topics import has, hold
from visualization_msgs.msg import MarkerArray

from fer_ros.nodes import topics

TOPIC = "/camera/depth"
INFO = CameraInfo(width=640, height=480, k=[600.0, 0.0, 320.0, 0.0, 600.0, 240.0, 0.0, 0.0, 1.0])
BOX = (slice(151, 272), slice(265, 387))  # of the astronaut's face


def person(distance=1.5, wall=4.0, size=(480, 640)):
    """Somebody where the astronaut is, before a wall: float32 [480, 640], m."""
    values = np.full(size, wall, np.float32)
    values[BOX] = distance
    return values


def depth_message(values, head: Header | None = None) -> Image:
    """As mm where the values are whole numbers, else as m."""
    encoding = "16UC1" if values.dtype == np.uint16 else "32FC1"
    rows, columns = values.shape
    return Image(
        header=head or header(), height=rows, width=columns, encoding=encoding,
        step=columns * values.itemsize, data=values.tobytes(),
    )  # fmt: skip


@pytest.fixture
def play(bench):
    """Publishes the astronaut with what goes for her depth; the distance that the node tells."""
    bench.start(depth_topic=TOPIC)
    camera, depth = bench.publisher(), bench.publisher(topic=TOPIC)
    info = bench.node.create_publisher(CameraInfo, "camera_info", QoSProfile(depth=1))
    inputs = bench.emotion_node.inputs.depth
    images, subscription = inputs._recent, inputs._subscription
    bench.until(lambda: subscription.policy == subscription.wanted(), "a settled subscription")
    bench.until(info.get_subscription_count, "a subscriber of camera_info")

    def run(message=None, number=1):
        known = len(images)
        if message:
            depth.publish(message)
            bench.until(lambda: len(images) > known or len(images) == images.maxlen, "the depth")
        info.publish(INFO)
        bench.until(lambda: bench.emotion_node.inputs.calibration._info, "camera_info")
        return bench.process(camera, raw(header(number), astronaut())).faces[0].distance

    return run


BY_WIDTH = pytest.approx(600 * 0.16 / 122, rel=0.05)


@pytest.mark.parametrize("unit", ["mm", "m"])
def test_depth_tells_the_distance(bench, play, unit):
    values = person()
    found = play(depth_message((values * 1000).astype(np.uint16) if unit == "mm" else values))
    assert found == pytest.approx(1.5, rel=0.01)
    status, _ = bench.report()
    assert "depth" not in status.message


def test_noise_and_holes_change_little(play):
    random = np.random.default_rng(1)
    values = person() + random.normal(0, 0.03, (480, 640)).astype(np.float32)
    values[random.random(values.shape) < 0.5] = 0
    values[random.random(values.shape) < 0.05] = np.nan
    assert play(depth_message(values)) == pytest.approx(1.5, rel=0.02)


def test_the_nearest_of_several_by_stamp(play):
    for i in range(5):
        play(depth_message(person(1.0 + i), header(1 + i)), number=1 + i)
    assert play(number=3) == pytest.approx(3.0, rel=0.01)


def test_another_size_and_a_stamp_a_little_beside(play):
    small = person()[::2, ::2].copy()
    assert play(depth_message(small, header(1, 90_000_000))) == pytest.approx(1.5, rel=0.01)


BROKEN = {
    "bears another stamp": (depth_message(person(), header(9)), "8.0 s beside the images"),
    "is torn": (depth_message(person()), "torn"),
    "is empty": (depth_message(np.zeros((480, 640), np.uint16)), "no depth at all"),
    "is not a number": (depth_message(person() * np.float32(np.nan)), "no depth at all"),
    "is of another view": (depth_message(np.ones((480, 848), np.uint16)), "of another view"),
    "is a picture": (image_message(header(), astronaut()), "'bgr8' is not depth"),
    "never came": (None, "nothing comes"),
}
BROKEN["is torn"][0].data = BROKEN["is torn"][0].data[:100]


@pytest.mark.parametrize("fault", BROKEN)
def test_falls_back_and_says_so(bench, play, fault):
    message, reason = BROKEN[fault]
    assert play(message) == BY_WIDTH
    known = []

    def told(status, values):
        if reason in status.message:
            known.append(status)
        else:
            play(message)
        return known

    status, _ = bench.report(told)
    assert "by face_width" in status.message
    assert status.level == status.WARN


def test_a_face_without_depth_is_told_by_its_width(bench, play):
    values = person()
    values[BOX] = 0
    assert play(depth_message(values)) == BY_WIDTH


def test_recovers(play):
    assert play() == BY_WIDTH
    assert play(depth_message(person())) == pytest.approx(1.5, rel=0.01)


def test_topics_with_depth(bench):
    node = bench.start(detector="haar", depth_topic="depth")
    hold(bench, node, has(topics.EMOTION_NODE_TOPICS, image_transport="raw", depth_topic="depth"))


def test_two_processes_at_two_rates(meet, start):
    """Depth at a third of the images' rate, best effort, beside a node in its own process: markers
    and engagement are where it says.
    """
    profile = {"FASTRTPS_DEFAULT_PROFILES_FILE": str(REPOSITORY / "config/fastdds.xml")}
    values = parameters(depth_topic=TOPIC, depth_tolerance=0.5, diagnostics_period=0.2)
    node = start("emotion_node", *values, **profile)
    node.wait_for("listening")
    bench = meet()
    told, drawn = [], []
    bench.node.create_subscription(EngagementArray, "engagement", told.append, 10)
    bench.node.create_subscription(MarkerArray, "emotion_markers", drawn.append, 1)
    depth = bench.publisher(topic=TOPIC, reliability="best_effort")
    camera = bench.publisher()
    info = bench.node.create_publisher(
        CameraInfo, "camera_info", QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
    )
    number = iter(range(10**6))

    def place(distance):
        """Whether the topics have somebody there, after another image."""
        i = next(number)
        message = stamped(astronaut(), 1000 + i // 10, i % 10 * 10**8)
        info.publish(INFO)
        if i % 3 == 0:
            mm = (person(distance) * 1000).astype(np.uint16)
            depth.publish(depth_message(mm, message.header))
        bench.process(camera, message)
        last = told[-1].faces if told else ()
        near = [face for face in last if math.isclose(face.distance, distance, rel_tol=0.02)]
        points = [m.points[0].z for array in drawn[-1:] for m in array.markers if m.ns == "box"]
        return near and points and math.isclose(points[0], distance, rel_tol=0.05) and near[0]

    assert bench.until(lambda: place(1.0), "somebody 1 m away")
    assert bench.until(lambda: place(3.5), "and 3.5 m").label
    found = bench.until(
        lambda: (face := place(3.5)) and face.label == "disengaged" and face,
        "too far to be engaged",
    )
    assert found.facing
