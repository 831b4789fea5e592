# SPDX-License-Identifier: Apache-2.0
"""The recorder as a user starts it: what it stores, what it never stores, how it ends."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from fer_ros.msg import EmotionArray, EmotionEvent, FaceEmotion
from node_helpers import PYTHONPATH, REPOSITORY, WAIT, Command, blank, header, jpeg, raw
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import String

from fer_ros.bags.reading import Bag
from fer_ros.bags.types import type_store
from fer_ros.bags.writing import remove_bag
from fer_ros.cli import topic_recorder


class Recorder(Command):
    """The recorder as ``ros2 run`` starts it."""

    def __init__(self, folder: Path, *words):
        self.out = folder / "bag"
        module = ("-m", "fer_ros.cli.record")
        super().__init__(folder / "record.log", sys.executable, *module, "--out", self.out, *words)

    def end(self, number=signal.SIGINT) -> int:
        """Its exit status after the signal."""
        self.signal(number)
        return self.wait()


@pytest.fixture
def start(tmp_path):
    recorders = []

    def run(*words, folder=tmp_path):
        recorders.append(Recorder(folder, *words))
        recorders[-1].wait_for("recording into")
        return recorders[-1]

    yield run
    for recorder in recorders:
        recorder.close()


def test_two_cameras_that_begin_in_the_same_second_have_a_folder_each(tmp_path):
    recorders = []
    for name in ("left", "right"):
        words = ("-m", "fer_ros.cli.record", "--ros-args", "-r", f"__ns:=/robot/{name}")
        environment = {"PYTHONPATH": PYTHONPATH}
        log = tmp_path / f"{name}.log"
        recorders.append(Command(log, sys.executable, *words, cwd=tmp_path, **environment))
    try:
        for recorder, name in zip(recorders, ("left", "right"), strict=True):
            recorder.wait_for("recording into recordings/emotions_")
            assert re.search(rf"_\d\d-\d\d-\d\d_robot_{name}\n", recorder.words())
            assert (tmp_path / recorder.words().split("into ")[1].split()[0]).is_dir()
    finally:
        for recorder in recorders:
            recorder.close()


def result(number) -> EmotionArray:
    faces = [FaceEmotion(track_id=1, label="joy", emotion=3, confidence=0.5)]
    return EmotionArray(header=header(number), model="net@01234567", faces=faces)


def recorded(path) -> dict:
    """Bytes of the messages by topic."""
    found = {}
    with Bag(path) as bag:
        assert not bag.damage
        for message in bag.messages():
            found.setdefault(message.topic, []).append(message.data)
    return found


def publish_until_heard(bench, kind, topic):
    """A publisher that the recorder listens to."""
    publisher = bench.node.create_publisher(kind, topic, 10)
    heard = lambda: publisher.get_subscription_count() > (topic == "emotions")  # noqa: E731
    bench.until(heard, f"the recorder on {topic}")  # the bench listens to emotions itself
    return publisher


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_results_and_never_images(start, meet, number):
    recorder = start("--topics", "chatter")
    bench = meet()
    images = bench.node.create_publisher(Image, "image_raw", 10)
    words = publish_until_heard(bench, String, "chatter")
    events = publish_until_heard(bench, EmotionEvent, "emotion_events")
    results = publish_until_heard(bench, EmotionArray, "emotions")
    for i in range(5):
        events.publish(EmotionEvent(header=header(i), to_label="joy"))
        results.publish(result(i))
        images.publish(raw(header(i), blank()))
        words.publish(String(data="hello"))
    bench.until(lambda: len(bench.results) == 5, "the results")
    bench.spin(1.0)
    assert images.get_subscription_count() == 0
    assert recorder.end(number) == 0
    found = recorded(recorder.out)
    assert found.keys() == {"/emotions", "/emotion_events", "/chatter"}
    assert [deserialize_message(data, EmotionEvent) for data in found["/emotion_events"]] == [
        EmotionEvent(header=header(i), to_label="joy") for i in range(5)
    ]
    assert [deserialize_message(data, EmotionArray) for data in found["/emotions"]] == [
        result(i) for i in range(5)
    ]
    assert "15 messages in" in recorder.words()
    assert "recognised" not in recorder.words()


@pytest.mark.parametrize("compressed", [True, False])
def test_all_stores_images_and_warns(start, meet, compressed):
    recorder = start("--all")
    bench = meet()
    infos = publish_until_heard(bench, CameraInfo, "camera_info")
    if compressed:
        bench.node.create_publisher(Image, "image_raw", 10)
        images = publish_until_heard(bench, CompressedImage, "image_raw/compressed")
        images.publish(jpeg(header(1), blank()))
    else:
        images = publish_until_heard(bench, Image, "image_raw")
        images.publish(raw(header(1), blank()))
    infos.publish(CameraInfo(header=header(1)))
    bench.spin(1.0)
    assert recorder.end() == 0
    image = "/image_raw/compressed" if compressed else "/image_raw"
    assert recorded(recorder.out).keys() == {image, "/camera_info"}
    assert "Tell the people concerned" in recorder.words()


def test_simulated_time_begins_with_the_clock(start, meet):
    """What comes before /clock is kept, and nothing is stamped with the year 1970."""
    recorder = start("--ros-args", "-p", "use_sim_time:=true")
    bench = meet()
    results = publish_until_heard(bench, EmotionArray, "emotions")
    clock = bench.node.create_publisher(Clock, "/clock", 1)
    for i in range(3):
        results.publish(result(i))
    bench.until(lambda: len(bench.results) == 3, "the results")
    bench.until(clock.get_subscription_count, "the recorder on /clock")
    bench.spin(1.0)
    for second in range(10, 15):
        clock.publish(Clock(clock=Time(sec=1_700_000_000 + second)))
        bench.spin(0.3)
        results.publish(result(second))
    bench.until(lambda: len(bench.results) == 8, "the results")
    bench.spin(1.0)
    assert recorder.end() == 0
    with Bag(recorder.out) as bag:
        assert bag.topics["/emotions"].count == 8
        assert 1_700_000_010 <= bag.start_time / 1e9 <= bag.end_time / 1e9 <= 1_700_000_014


def test_a_clock_that_never_comes_is_an_error(start, meet):
    recorder = start("--ros-args", "-p", "use_sim_time:=true")
    bench = meet()
    publish_until_heard(bench, EmotionArray, "emotions").publish(result(1))
    bench.until(lambda: bench.results, "the result")
    assert recorder.end() == 1
    assert "use_sim_time is set but /clock is silent" in recorder.words()
    assert not recorder.out.exists()


def test_nothing_published_leaves_nothing(start):
    recorder = start()
    assert recorder.end() == 0
    assert "nothing was recorded: no publisher on /emotions, /emotion_events" in recorder.words()
    assert not recorder.out.exists()


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int):
    """A file system of that size at ``folder``; skips where it may not be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no small disk to fill: mounting a tmpfs takes root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_ends_the_recording_with_a_line(start, meet, tmp_path):
    with small_disk(tmp_path / "small", 24) as disk:
        recorder = start("--all", folder=disk)
        bench = meet()
        images = publish_until_heard(bench, Image, "image_raw")
        picture = raw(header(1), blank(600, 800))
        end = time.monotonic() + WAIT
        while not recorder.has_ended():
            images.publish(picture)
            bench.spin(0.02)
            assert time.monotonic() < end, recorder.words()
        assert recorder.wait() == 1
        (line,) = [w for w in recorder.words().splitlines() if "ERROR" in w]
        assert "recording stopped: No space left on device" in line
        found = recorded(recorder.out)
        assert f"{len(found['/image_raw'])} messages are in" in line
        assert len(found["/image_raw"]) >= 3
        assert "Traceback" not in recorder.words()


def test_refuses_a_folder_that_is_there(tmp_path, capfd):
    (tmp_path / "bag").mkdir()
    assert run_here("--out", str(tmp_path / "bag")) == 1
    assert "bag is there already: choose another --out" in capfd.readouterr().err


def run_here(*words) -> int:
    process = subprocess.run(
        [sys.executable, "-m", "fer_ros.cli.record", *words],
        cwd=REPOSITORY, env=os.environ, timeout=WAIT, check=False,
    )  # fmt: skip
    return process.returncode


def test_a_type_that_is_not_known_is_told_once(bench):
    class Writer:
        def add_topic(self, topic):
            return False

    bench.node.create_publisher(String, "chatter", 10)
    recorder = topic_recorder.TopicRecorder(bench.node, Writer())
    bench.until(lambda: bench.node.count_publishers("/chatter"), "the publisher")
    assert recorder.add("/chatter")
    assert recorder.add("/chatter")
    assert not recorder.add("/silence")
    assert topic_recorder.message_class("no_such_msgs/msg/Thing") is None


@pytest.mark.parametrize("message", [EmotionArray, EmotionEvent, CameraInfo, DiagnosticArray])
def test_definitions_are_those_that_are_installed(monkeypatch, message):
    monkeypatch.setenv("AMENT_PREFIX_PATH", sys.prefix)
    kind = f"{message.__module__.partition('.')[0]}/msg/{message.__name__}"
    text = topic_recorder.definition(kind)
    own = get_typestore(Stores.EMPTY)
    own.register(get_types_from_msg(text, kind))
    assert own.hash_rihs01(kind) == type_store().hash_rihs01(kind)
    assert text.count("MSG: std_msgs/Header\n") == 1


def test_a_type_that_only_its_package_knows(start, meet, message_package, monkeypatch):
    detections = message_package("vision_msgs").Detection2DArray
    prefixes = os.environ.get("FER_ROS_MESSAGES"), os.environ.get("AMENT_PREFIX_PATH", sys.prefix)
    monkeypatch.setenv("AMENT_PREFIX_PATH", os.pathsep.join(filter(None, prefixes)))
    recorder = start()
    bench = meet()
    published = publish_until_heard(bench, detections, "detections")
    published.publish(detections(header=header(1)))
    bench.spin(1.0)
    assert recorder.end() == 0
    (data,) = recorded(recorder.out)["/detections"]
    assert deserialize_message(data, detections).header == header(1)


@pytest.mark.parametrize("first", [ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT])
def test_a_publisher_that_returns_with_another_reliability(start, meet, first):
    recorder = start()
    bench = meet()
    for policy in (first, *({ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT} - {first})):
        profile = QoSProfile(depth=10, reliability=policy)
        publisher = bench.node.create_publisher(EmotionEvent, "emotion_events", profile)
        bench.until(publisher.get_subscription_count, "the recorder")
        for i in range(5):  # not at once: what comes while it subscribes anew may be lost
            publisher.publish(EmotionEvent(header=header(i), from_label=policy.name))
            bench.spin(0.4)
        bench.node.destroy_publisher(publisher)
        bench.until(lambda: not bench.node.count_publishers("emotion_events"))
    assert recorder.end() == 0
    events = [
        deserialize_message(d, EmotionEvent) for d in recorded(recorder.out)["/emotion_events"]
    ]
    assert {e.from_label for e in events} == {"RELIABLE", "BEST_EFFORT"}


def test_a_publisher_that_returns_with_another_type_is_told_and_heard_again_as_before(start, meet):
    recorder = start("--topics", "chatter")
    bench = meet()
    for kind in (String, EmotionEvent, String):
        publisher = bench.node.create_publisher(kind, "chatter", 10)
        if kind is String:
            bench.until(publisher.get_subscription_count, "the recorder")
            publisher.publish(String(data="hello"))
            bench.spin(1.0)
        else:
            recorder.wait_for("what is fer_ros/msg/EmotionEvent there is left out")
        bench.node.destroy_publisher(publisher)
        bench.until(lambda: not bench.node.count_publishers("chatter"))
    assert recorder.end() == 0
    assert len(recorded(recorder.out)["/chatter"]) == 2
    assert recorder.words().count("left out") == 1


def test_a_type_that_was_not_known_is_taken_once_it_is(bench):
    class Writer:
        def add_topic(self, topic):
            return topic.type.startswith("std_msgs")

    recorder = topic_recorder.TopicRecorder(bench.node, Writer())
    for kind in (EmotionEvent, String):
        publisher = bench.node.create_publisher(kind, "chatter", 10)
        bench.until(lambda: bench.node.count_publishers("/chatter"), "the publisher")
        assert recorder.add("/chatter")
        recorder.check()
        bench.spin(0.3)
        assert publisher.get_subscription_count() == (kind is String)
        bench.node.destroy_publisher(publisher)
        bench.until(lambda: not bench.node.count_publishers("/chatter"), "its end")


def test_a_killed_recorder_leaves_no_reserve(start, meet, tmp_path):
    recorder = start()
    bench = meet()
    events = publish_until_heard(bench, EmotionEvent, "emotion_events")
    events.publish(EmotionEvent(header=header(1)))
    bench.spin(0.5)
    assert recorder.end(signal.SIGKILL) == -signal.SIGKILL
    assert sum(file.stat().st_blocks * 512 for file in recorder.out.iterdir()) < 1_000_000
    remove_bag(recorder.out)
    assert not recorder.out.exists()
