# SPDX-License-Identifier: Apache-2.0
"""The node in a process of its own, heard over DDS."""

import shutil
import signal
import time

import cv2
import numpy as np
import pytest
from node_helpers import WAIT, parameters
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from fer_ros.images.codec import decode_compressed, decode_image


@pytest.fixture
def source(meet, start):
    """Starts video_source where a bench listens already; gives the bench, what it hears by topic,
    and the process.
    """

    def run(*words, listen=(("image_raw", Image),), **values):
        bench = meet()
        heard = {topic: [] for topic, _ in listen}
        for topic, kind in listen:
            bench.node.create_subscription(kind, topic, heard[topic].append, 100)
        return bench, heard, start("video_source", *parameters(**values), *words)

    return run


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
    values = {"loop": False, "rate": 20.0, "start_when_subscribed": True, "frame_id": "head"}
    bench, heard, node = source(source=pictures, listen=listen, **values)
    bench.until(node.has_ended)
    bench.until(lambda: all(len(messages) == 12 for messages in heard.values()), "all images")
    assert node.wait() == 0, node.words()
    raw, compressed, info = (heard[topic] for topic, _ in listen)
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
    assert "ended after 12 images" in node.words()
    assert "Traceback" not in node.words()


def test_loops_resizes_converts_and_is_renamed(source, pictures):
    listen = (("eye/image", Image), ("eye/image/compressed", CompressedImage),
              ("eye/camera_info", CameraInfo))  # fmt: skip
    renamed = ("-r", "image_raw:=eye/image")
    values = {"rate": 50.0, "width": 32, "encoding": "mono8"}
    bench, heard, _ = source(*renamed, source=pictures, listen=listen, **values)
    bench.until(lambda: len(heard["eye/image"]) > 15 and all(heard.values()))
    image = heard["eye/image"][0]
    assert (image.height, image.width, image.encoding, image.step) == (24, 32, "mono8", 32)
    assert len(image.data) == 24 * 32


def test_a_parameter_that_would_do_nothing_is_refused(source, pictures):
    bench, _, node = source(source=pictures)
    node.wait_for("image_raw")
    for name, value in (("rate", 10.0), ("source", "sample"), ("loop", False)):
        request = SetParameters.Request(
            parameters=[Parameter(name, value=value).to_parameter_msg()]
        )
        (result,) = bench.call(SetParameters, "video_source/set_parameters", request).results
        assert not result.successful
        assert "read-only" in result.reason
    assert "no parameter" not in node.words()


def test_an_unknown_parameter_is_named(source, pictures):
    _, _, node = source(source=pictures, raet=10.0)
    node.wait_for("no parameter raet: did you mean rate?")


def test_qos_can_be_overridden(source, pictures):
    name = "qos_overrides./image_raw.publisher.reliability"
    bench, _, _ = source(source=pictures, **{name: "best_effort"})

    def offered():
        publishers = bench.node.get_publishers_info_by_topic("/image_raw")
        return [p.qos_profile.reliability.name for p in publishers]

    bench.until(offered)
    assert offered() == ["BEST_EFFORT"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_is_stopped_without_a_word(source, number):
    bench, heard, node = source(source="sample")
    bench.until(lambda: len(heard["image_raw"]) > 2)
    image = heard["image_raw"][0]
    assert (image.height, image.width, image.encoding) == (480, 640, "bgr8")
    node.signal(number)
    assert node.wait() == 0
    assert len(node.words().splitlines()) == 1


def test_a_damaged_picture_is_skipped_and_named_once(source, pictures):
    (pictures / "5.png").write_bytes(b"torn")
    bench, heard, node = source(source=pictures, rate=100.0)
    bench.until(lambda: len(heard["image_raw"]) > 30)
    assert node.words().count("5.png: not a picture that can be read: skipped") == 1


def test_ends_in_one_line_when_its_pictures_go(source, pictures):
    bench, heard, node = source(source=pictures, rate=50.0)
    bench.until(lambda: heard["image_raw"])
    shutil.rmtree(pictures)
    assert node.wait() == 1
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
def test_cannot_start_in_one_line(start, argument, message):
    node = start("video_source", "--ros-args", "-p", argument)
    assert node.wait() == 1
    (line,) = node.words().splitlines()
    assert message in line
