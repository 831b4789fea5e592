# SPDX-License-Identifier: Apache-2.0
"""The camera of a bag, by its metadata."""

import pytest
from bag_helpers import JPEG, RAW, frames, make_bag, storage_file

from fer_ros.bags.cameras import camera, metadata_topics
from fer_ros.bags.image_topics import BagError


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
