# SPDX-License-Identifier: Apache-2.0
"""The recorder as a user starts it: what it stores, what it never stores, how it ends."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fer_ros.msg import EmotionArray, FaceEmotion
from node_helpers import REPOSITORY, WAIT, blank, header, jpeg, raw
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import String

from fer_ros.tools import record
from fer_ros.tools.bag_source import Bag


class Recorder:
    """The recorder in a process of its own, as ``ros2 run`` starts it."""

    def __init__(self, folder: Path, *words):
        self.out = folder / "bag"
        self.log = folder / "record.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "fer_ros.tools.record", "--out", str(self.out), *words],
                cwd=REPOSITORY, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def words(self):
        return self.log.read_text(errors="replace")

    def wait_for(self, text):
        end = time.monotonic() + WAIT
        while text not in self.words():
            assert self.process.poll() is None, self.words()
            assert time.monotonic() < end, self.words()
            time.sleep(0.05)

    def end(self, number=signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(WAIT)


@pytest.fixture
def start(tmp_path):
    recorders = []

    def run(*words, folder=tmp_path):
        recorders.append(Recorder(folder, *words))
        recorders[-1].wait_for("recording into")
        return recorders[-1]

    yield run
    for recorder in recorders:
        if recorder.process.poll() is None:
            recorder.process.kill()
            recorder.process.wait()


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_results_and_never_images(start, meet, number):
    recorder = start("--topics", "chatter")
    bench = meet()
    images = bench.node.create_publisher(Image, "image_raw", 10)
    words = publish_until_heard(bench, String, "chatter")
    results = publish_until_heard(bench, EmotionArray, "emotions")
    for i in range(5):
        results.publish(result(i))
        images.publish(raw(header(i), blank()))
        words.publish(String(data="hello"))
    bench.until(lambda: len(bench.results) == 5, "the results")
    bench.spin(1.0)
    assert images.get_subscription_count() == 0
    assert recorder.end(number) == 0
    found = recorded(recorder.out)
    assert found.keys() == {"/emotions", "/chatter"}
    assert [deserialize_message(data, EmotionArray) for data in found["/emotions"]] == [
        result(i) for i in range(5)
    ]
    assert "10 messages in" in recorder.words()
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


def test_nothing_published_leaves_nothing(start):
    recorder = start()
    assert recorder.end() == 0
    assert "nothing was recorded: nobody published on /emotions" in recorder.words()
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
        while recorder.process.poll() is None:
            images.publish(picture)
            bench.spin(0.02)
            assert time.monotonic() < end, recorder.words()
        assert recorder.process.returncode == 1
        (line,) = [w for w in recorder.words().splitlines() if "ERROR" in w]
        assert "recording ended: No space left on device" in line
        found = recorded(recorder.out)
        assert f"{len(found['/image_raw'])} messages are in" in line
        assert len(found["/image_raw"]) >= 3
        assert "Traceback" not in recorder.words()


def test_refuses_a_folder_that_is_there(tmp_path, capfd):
    (tmp_path / "bag").mkdir()
    assert run_here("--out", str(tmp_path / "bag")) == 1
    assert "File exists" in capfd.readouterr().err


def run_here(*words) -> int:
    process = subprocess.run(
        [sys.executable, "-m", "fer_ros.tools.record", *words],
        cwd=REPOSITORY, env=os.environ, timeout=WAIT, check=False,
    )  # fmt: skip
    return process.returncode


def test_a_type_that_is_not_known_is_told_once(bench):
    class Writer:
        def add_topic(self, topic):
            return False

    bench.node.create_publisher(String, "chatter", 10)
    recorder = record.TopicRecorder(bench.node, Writer())
    bench.until(lambda: bench.node.count_publishers("/chatter"), "the publisher")
    assert recorder.add("/chatter")
    assert recorder.add("/chatter")
    assert not recorder.add("/silence")
    assert record._message_class("no_such_msgs/msg/Thing") is None


def test_help_teaches(capsys):
    with pytest.raises(SystemExit) as end:
        record.main(["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    for word in ("--all", "mind the people", "ros2 bag play", "--topics"):
        assert word in text
