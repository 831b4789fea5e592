# SPDX-License-Identifier: Apache-2.0
"""The camera of a bag, by its metadata."""

from pathlib import Path

import pytest
from bag_helpers import JPEG, RAW, frames, make_bag, storage_file

from fer_ros.bags.cameras import camera, metadata_topics
from fer_ros.bags.image_topics import BagError, image_topic
from fer_ros.bags.reading import bag_files


@pytest.mark.parametrize("name", ["", RAW, RAW[1:], JPEG])
def test_camera_of_raw_images(tmp_path, name):
    bag = make_bag(tmp_path / "bag", frames(2), topics=(RAW,))
    if name == JPEG:  # the base of a compressed name will do
        assert camera(bag, name).topic == RAW
        return
    found = camera(bag, name)
    assert (found.topic, found.transport, found.base) == (RAW, "raw", RAW)


def test_transport_is_that_of_the_bag(tmp_path):
    bag = make_bag(tmp_path / "bag", frames(2), topics=(JPEG,))
    for name in ("", RAW, JPEG):
        found = camera(bag, name)
        assert (found.topic, found.transport, found.base) == (JPEG, "compressed", RAW)
    with pytest.raises(BagError, match="no raw images of /camera/image_raw"):
        camera(bag, RAW, "raw")


def test_raw_where_both_are_recorded_unless_asked_otherwise(tmp_path):
    bag = make_bag(tmp_path / "bag", frames(2), topics=(RAW, JPEG))
    assert camera(bag).topic == RAW
    assert camera(bag, transport="compressed").topic == JPEG


def test_says_what_there_is_instead(tmp_path):
    bag = make_bag(tmp_path / "bag", frames(2), topics=(RAW,))
    with pytest.raises(BagError, match=f"no images on /eye; image topics: {RAW}"):
        camera(bag, "/eye")


def test_without_metadata_the_messages_are_read(tmp_path):
    bag = make_bag(tmp_path / "bag", frames(2), topics=(RAW,))
    listed = metadata_topics(bag)
    assert metadata_topics(storage_file(bag)) == listed
    (bag / "metadata.yaml").write_text("torn: [")
    assert metadata_topics(bag)[RAW] == listed[RAW]


def topics(*names, kind="sensor_msgs/msg/Image"):
    return dict.fromkeys(names, (kind, 3))


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["/depth_camera/image_raw"], "/depth_camera/image_raw"),
        (
            ["/depth_camera/image_raw", "/depth_camera/depth/image_raw"],
            "/depth_camera/image_raw",
        ),
        (["/depthai/rgb/image", "/depthai/stereo/depth"], "/depthai/rgb/image"),
        (
            ["/camera/color/image_raw", "/camera/aligned_depth_to_color/image_raw"],
            "/camera/color/image_raw",
        ),
        (["/k4a/rgb/image_raw", "/k4a/depth_to_rgb/image_raw"], "/k4a/rgb/image_raw"),
        (["/zed/left/image_rect", "/zed/depth/depth_registered"], "/zed/left/image_rect"),
        (["/image_raw", "/image_annotated"], "/image_raw"),
        (["/annotated_lab/cam0/image_raw"], "/annotated_lab/cam0/image_raw"),
        (["/depth/image_raw"], "/depth/image_raw"),  # the only one is never dropped
        (["/cam/image_raw", "/cam/image_raw/compressed"], "/cam/image_raw"),
        (["/cam/rgb/compressed", "/cam/stereo/compressedDepth"], "/cam/rgb/compressed"),
        (["/cam/image_raw/zstd", "/cam/image_raw/compressed"], "/cam/image_raw/compressed"),
    ],
)
def test_the_camera_is_told_by_the_last_parts_of_the_name(names, chosen):
    assert image_topic(Path("bag"), topics(*names), "", "--topic") == chosen


@pytest.mark.parametrize("kind", ["sensor_msgs/Image", "sensor_msgs/CompressedImage"])
def test_types_as_other_recorders_spell_them(kind):
    assert image_topic(Path("bag"), topics("/eye", kind=kind), "", "--topic") == "/eye"


def test_several_cameras_are_asked_for_by_the_option():
    with pytest.raises(BagError, match=r"choose by --topic: /a/image_raw, /b/image_raw"):
        image_topic(Path("bag"), topics("/a/image_raw", "/b/image_raw"), "", "--topic")


def test_ros_1_bags_in_a_folder_are_named_with_the_command(tmp_path):
    (tmp_path / "walk.bag").write_bytes(b"#ROSBAG V2.0\n")
    command = f"rosbags-convert --src {tmp_path}/walk.bag --dst {tmp_path}/walk"
    for path in (tmp_path, tmp_path / "walk.bag"):
        with pytest.raises(BagError, match=command):
            bag_files(path)
