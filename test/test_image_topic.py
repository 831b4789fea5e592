# SPDX-License-Identifier: Apache-2.0
"""An image topic of another name or type than expected: what to type, and that it works."""

import re

import numpy as np
import pytest
import rclpy
from node_helpers import astronaut, header, jpeg, raw
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import String

from fer_ros.images.topic_names import COMPRESSED_IMAGE, arguments_for


@pytest.fixture
def camera():
    """Another process's publisher: DDS takes no two types on one topic within one."""
    context = rclpy.Context()
    context.init()
    node = rclpy.create_node("camera", context=context)
    yield lambda kind, topic: node.create_publisher(kind, topic, 1)
    node.destroy_node()
    context.try_shutdown()


@pytest.mark.parametrize(
    ("kind", "topic", "typed"),
    [
        (CompressedImage, "/cam/image_raw/compressed", "image_raw:=/cam/image_raw/compressed"),
        (CompressedImage, "/cam/image_raw/compressed",
         "image_raw:=/cam/image_raw/compressed -p image_transport:=compressed"),
        (CompressedImage, "/esp32/jpeg", "image_raw:=/esp32/jpeg"),
        (CompressedImage, "/esp32/jpeg", "image_raw:=/esp32/jpeg -p image_transport:=compressed"),
        (CompressedImage, "/esp32/jpeg", "image_raw/compressed:=/esp32/jpeg"
         " -r image_raw:=/esp32/jpeg"),
        (Image, "/thermal/compressed", "image_raw:=/thermal -p image_transport:=compressed"),
    ],
)  # fmt: skip
def test_what_is_advised_works(bench, camera, kind, topic, typed):
    publisher = camera(kind, topic)
    node = bench.start("--ros-args", "-r", *typed.split(), no_image_warn=0.2)
    status, _ = bench.report(lambda status, _: "--ros-args" in status.message)
    assert "look at the camera" not in status.message
    advice = re.search(r"--ros-args (-r \S+ -p \S+)", status.message)[1]
    node.destroy_node()
    bench.start("--ros-args", *advice.split())
    message = raw(header(), astronaut()) if kind is Image else jpeg(header(), astronaut())
    assert bench.process(publisher, message).faces


def test_what_is_no_image(bench, camera):
    camera(String, "/image_raw")
    bench.start(no_image_warn=0.2)
    status, _ = bench.report(lambda status, _: "std_msgs/msg/String" in status.message)
    assert "remap image_raw" in status.message


@pytest.mark.parametrize("transport", ["theora", "zstd", "ffmpeg"])
def test_what_comes_in_another_transport_alone(bench, camera, transport):
    camera(CompressedImage if transport == "zstd" else String, f"/cam/image_raw/{transport}")
    bench.start("--ros-args", "-r", "image_raw:=/cam/image_raw", no_image_warn=0.2)
    status, _ = bench.report(lambda status, _: transport in status.message)
    assert "nobody publishes" not in status.message
    assert "publish raw or compressed images" in status.message


@pytest.mark.parametrize(
    ("arguments", "topic"),
    [
        (["-r", "image_raw:=/cam/image"], "/cam/image"),
        (["-r", "image_raw:=/cam/image", "-p", "image_transport:=compressed"],
         "/cam/image/compressed"),
        (["-r", "image_raw/compressed:=/esp32/jpeg", "-p", "image_transport:=compressed"],
         "/esp32/jpeg"),
    ],
)  # fmt: skip
def test_the_resolved_topic_is_named(bench, arguments, topic):
    node = bench.start("--ros-args", *arguments)
    assert node.inputs.images.topic == topic
    assert bench.report()[1]["topic"] == topic


def test_no_arguments_for_what_is_no_image():
    assert arguments_for("/words", "std_msgs/msg/String") == ""
    assert arguments_for("/cam/image_raw/compressedDepth", COMPRESSED_IMAGE) == ""


def test_infrared_of_10_bits(bench):
    """In the lower bits of mono16, as RealSense, Orbbec and thermal cameras send it."""
    bench.start()
    grey = astronaut().mean(axis=2)
    data = (grey * 1023 / 255).astype("<u2").tobytes()
    message = Image(header=header(), height=480, width=640, step=1280, encoding="mono16")
    message.data.frombytes(data)
    assert bench.process(bench.publisher(), message).faces


def test_dark_images_are_told(bench):
    bench.start()
    message = raw(header(), np.zeros((120, 160, 3), np.uint8))
    bench.process(bench.publisher(), message)
    assert "all dark" in bench.report(lambda status, _: "dark" in status.message)[0].message


@pytest.mark.parametrize("encoding", ["16UC1", "32FC1"])
def test_depth_in_the_place_of_pictures_is_told(bench, encoding):
    bench.start()
    size = 2 if encoding == "16UC1" else 4
    message = Image(header=header(), height=48, width=64, step=64 * size, encoding=encoding)
    message.data.frombytes(bytes([7]) * (48 * 64 * size))
    publisher = bench.publisher()
    bench.until(publisher.get_subscription_count)
    publisher.publish(message)
    told = bench.report(lambda status, _: "depth" in status.message)[0].message
    assert "remap image_raw to a camera" in told
