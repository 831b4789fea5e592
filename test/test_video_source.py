# SPDX-License-Identifier: Apache-2.0
"""The node in a process of its own, heard over DDS."""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from fer_ros.image_codec import decode_compressed, decode_image

REPOSITORY = Path(__file__).parents[1]
WAIT = 20.0  # seconds; only a broken node comes near it


class Source:
    """A video_source process and a node that listens to it."""

    def __init__(self, folder, *arguments, listen=(("image_raw", Image),), ros=()):
        self.context = rclpy.Context()
        self.context.init(args=[])
        self.node = rclpy.create_node("listener", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.heard = {topic: [] for topic, _ in listen}
        for topic, kind in listen:
            self.node.create_subscription(
                kind, topic, self.heard[topic].append, QoSProfile(depth=100)
            )
        self.log = folder / "video_source.log"
        words = [word for argument in arguments for word in ("-p", argument)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "fer_ros.nodes.video_source", "--ros-args", *words, *ros],
                cwd=REPOSITORY,
                stderr=log,
            )

    def until(self, condition):
        end = time.monotonic() + WAIT
        while not condition():
            assert time.monotonic() < end, self.words()
            self.executor.spin_once(timeout_sec=0.05)

    def until_ended(self):
        self.until(lambda: self.process.poll() is not None)
        self.executor.spin_once(timeout_sec=0.2)
        return self.process.returncode

    def words(self):
        return self.log.read_text()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.executor.shutdown()
        self.node.destroy_node()
        self.context.try_shutdown()


@pytest.fixture
def source(tmp_path):
    folder, opened = tmp_path / "source", []
    folder.mkdir()

    def start(*arguments, **options):
        opened.append(Source(folder, *arguments, **options))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


@pytest.fixture
def pictures(tmp_path):
    """Twelve grey pictures that tell their number by their shade."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(12):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((48, 64, 3), 10 * number, np.uint8))
    return folder


def seconds(message):
    return message.header.stamp.sec + message.header.stamp.nanosec * 1e-9


def test_plays_every_picture_once_to_the_first_subscriber_and_ends(source, pictures):
    listen = (("image_raw", Image), ("image_raw/compressed", CompressedImage),
              ("camera_info", CameraInfo))  # fmt: skip
    node = source(
        f"source:={pictures}",
        "loop:=false",
        "rate:=20.0",
        "start_when_subscribed:=true",
        "frame_id:=head",
        listen=listen,
    )
    assert node.until_ended() == 0, node.words()
    raw, compressed, info = (node.heard[topic] for topic, _ in listen)
    shades = [int(decode_image(m)[0, 0, 0]) for m in raw]
    assert shades == [10 * n for n in range(12)]
    assert [m.header for m in raw] == [m.header for m in compressed] == [m.header for m in info]
    assert {m.header.frame_id for m in raw} == {"head"}
    assert decode_compressed(compressed[3]).shape == (48, 64, 3)
    assert (info[0].height, info[0].width) == (48, 64)
    assert not any(info[0].k)
    assert info[0].distortion_model == ""
    gaps = np.diff([seconds(m) for m in raw])
    assert np.median(gaps) == pytest.approx(0.05, rel=0.2)
    assert abs(time.time() - seconds(raw[-1])) < WAIT
    assert "has ended after 12 images" in node.words()
    assert "Traceback" not in node.words()


def test_loops_resizes_converts_and_is_renamed(source, pictures):
    node = source(
        f"source:={pictures}",
        "rate:=50.0",
        "width:=32",
        "encoding:=mono8",
        listen=(
            ("eye/image", Image),
            ("eye/image/compressed", CompressedImage),
            ("eye/camera_info", CameraInfo),
        ),
        ros=("-r", "image_raw:=eye/image"),
    )
    node.until(lambda: len(node.heard["eye/image"]) > 15 and all(node.heard.values()))
    image = node.heard["eye/image"][0]
    assert (image.height, image.width, image.encoding, image.step) == (24, 32, "mono8", 32)
    assert len(image.data) == 24 * 32


def test_qos_can_be_overridden(source, pictures):
    name = "qos_overrides./image_raw.publisher.reliability"
    node = source(f"source:={pictures}", ros=("-p", f"{name}:=best_effort"))

    def offered():
        return [
            p.qos_profile.reliability.name
            for p in node.node.get_publishers_info_by_topic("/image_raw")
        ]

    node.until(offered)
    assert offered() == ["BEST_EFFORT"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_is_stopped_without_a_word(source, number):
    node = source("source:=sample")
    node.until(lambda: len(node.heard["image_raw"]) > 2)
    image = node.heard["image_raw"][0]
    assert (image.height, image.width, image.encoding) == (480, 640, "bgr8")
    node.process.send_signal(number)
    assert node.process.wait(WAIT) == 0
    assert len(node.words().splitlines()) == 1


def test_a_damaged_picture_is_skipped_and_named_once(source, pictures):
    (pictures / "5.png").write_bytes(b"torn")
    node = source(f"source:={pictures}", "rate:=100.0")
    node.until(lambda: len(node.heard["image_raw"]) > 30)
    assert node.words().count("5.png is not a readable picture: skipped") == 1


def test_ends_in_one_line_when_its_pictures_go(source, pictures):
    node = source(f"source:={pictures}", "rate:=50.0")
    node.until(lambda: node.heard["image_raw"])
    shutil.rmtree(pictures)
    assert node.until_ended() == 1
    assert node.words().splitlines()[-1].endswith(f"no readable picture in {pictures}: 12 damaged")


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("source:=nowhere.mp4", "no such file or folder: nowhere.mp4"),
        ("source:=97", "/dev/video97 is absent"),
        ("source:=http://127.0.0.1:9/x", "no images from http://127.0.0.1:9/x"),
        ("rate:=-1.0", "rate"),
        ("encoding:=cmyk", "choose bgr8, rgb8"),
        ("loop:=perhaps", "loop"),
    ],
)
def test_cannot_start_in_one_line(argument, message):
    command = [sys.executable, "-m", "fer_ros.nodes.video_source", "--ros-args", "-p", argument]
    done = subprocess.run(
        command, check=False, cwd=REPOSITORY, capture_output=True, text=True, timeout=WAIT
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
