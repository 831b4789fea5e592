# SPDX-License-Identifier: Apache-2.0
"""Bags that others can read, also when the disk was full."""

import errno
import io
import json
import os
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from bag_helpers import CHATTER, START, header
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from result_helpers import result_of
from rosbags.rosbag2 import Reader

from fer_ros.bags import writing
from fer_ros.bags.reading import Bag
from fer_ros.bags.salvage import BagTopic
from fer_ros.bags.types import EMOTION_ARRAY, emotion_array_cdr, qos, type_store
from fer_ros.bags.writing import BagWriter, DiskFullError, remove_bag
from fer_ros.result import Box, FaceEmotion

WORDS = BagTopic(CHATTER, "std_msgs/msg/String", 0, "", [qos()])


def emotion_array() -> bytes:
    raw = np.array([0.1, 0.05, 0.05, 0.5, 0.1, 0.1, 0.1], np.float32)
    faces = [
        FaceEmotion(7, Box(1, 2, 30, 40), 0.875, 3, raw[::-1].copy(), raw),
        FaceEmotion(8, Box(5, 6, 20, 20), 0.5, 255, raw, raw),
    ]
    return emotion_array_cdr(header(3), result_of(*faces, model="net@01234567"))


def test_emotion_array_is_what_ros_reads():
    """The same message by rosbags and by ROS itself, and back to the same bytes."""
    from fer_ros.msg import EmotionArray
    from rclpy.serialization import deserialize_message, serialize_message

    message = deserialize_message(emotion_array(), EmotionArray)
    assert (message.image_width, message.image_height) == (640, 480)
    assert message.header.frame_id == "camera"
    first, second = message.faces
    assert (first.track_id, first.label, first.emotion) == (7, "joy", 3)
    assert (first.roi.x_offset, first.roi.y_offset, first.roi.width, first.roi.height) == (
        1, 2, 30, 40,
    )  # fmt: skip
    assert first.probabilities[0] == first.raw_probabilities[6]
    assert (second.label, second.confidence) == ("uncertain", 0.5)
    again = type_store().deserialize_cdr(serialize_message(message), EMOTION_ARRAY)
    assert bytes(type_store().serialize_cdr(again, EMOTION_ARRAY)) == emotion_array()


def test_the_type_is_the_one_that_ros_knows():
    """Its hash (REP 2016) is that of the compiled message: bags carry it."""
    generated = Path(sys.prefix, "share/fer_ros/msg/EmotionArray.json")
    if not generated.is_file():
        pytest.skip("fer_ros is not installed into this environment")
    known = json.loads(generated.read_text())["type_hashes"]
    hashes = {entry["type_name"]: entry["hash_string"] for entry in known}
    assert type_store().hash_rihs01(EMOTION_ARRAY) == hashes[EMOTION_ARRAY]


def test_mcap_reads_it_too(tmp_path):
    with BagWriter(tmp_path / "bag") as bag:
        assert bag.add_topic(BagTopic("/emotions", EMOTION_ARRAY, 0, "", [qos()]))
        for i in range(3):
            bag.write("/emotions", START + i, emotion_array())
    with (tmp_path / "bag" / "bag.mcap").open("rb") as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()])
        assert reader.get_header().profile == "ros2"
        read = list(reader.iter_decoded_messages())
    assert [message.log_time for _, _, message, _ in read] == [START, START + 1, START + 2]
    schema, channel, _, message = read[0]
    assert (schema.name, channel.topic) == (EMOTION_ARRAY, "/emotions")
    assert [f.label for f in message.faces] == ["joy", "uncertain"]


def test_a_definition_from_elsewhere_is_kept(tmp_path):
    with BagWriter(tmp_path / "bag") as bag:
        own = BagTopic("/own", "my_msgs/msg/Own", 0, "int32 a\nstring b\n", [])
        assert bag.add_topic(own)
        assert not bag.add_topic(BagTopic("/foreign", "my_msgs/msg/Foreign", 0, "", []))
        bag.write("/own", START, b"\0\1\0\0" + bytes(9))
    with Reader(tmp_path / "bag") as reader:
        (connection,) = reader.connections
        assert connection.msgdef.data == own.definition
        assert connection.digest.startswith("RIHS01_")


@pytest.mark.parametrize(("environment", "expected"), [("", "jazzy"), ("kilted", "kilted")])
def test_the_bag_names_its_ros(tmp_path, monkeypatch, environment, expected):
    """In its metadata, by file and within the MCAP: what ``ros2 bag info`` shows."""
    monkeypatch.setenv("ROS_DISTRO", environment)
    path = tmp_path / "bag"
    with BagWriter(path) as bag:
        bag.add_topic(WORDS)
        bag.write(CHATTER, START, b"\0\1\0\0")
    with (path / "bag.mcap").open("rb") as file:
        (record,) = make_reader(file).iter_metadata()
    for text in ((path / "metadata.yaml").read_text(), record.metadata["serialized_metadata"]):
        (line,) = (part for part in text.splitlines() if "ros_distro" in part)
        assert line.strip() == f"ros_distro: {expected}"
    with Reader(path) as reader:
        assert reader.message_count == 1


def test_nothing_is_overwritten(tmp_path):
    with BagWriter(tmp_path / "bag"):
        pass
    with pytest.raises(FileExistsError):
        BagWriter(tmp_path / "bag")


def test_only_own_bags_are_removed(tmp_path):
    remove_bag(tmp_path / "absent")
    with BagWriter(tmp_path / "bag") as bag:
        bag.add_topic(WORDS)
    (tmp_path / "bag" / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError):
        remove_bag(tmp_path / "bag")
    (tmp_path / "bag" / "notes.txt").unlink()
    remove_bag(tmp_path / "bag")
    assert not (tmp_path / "bag").exists()
    (tmp_path / "bag").mkdir()
    (tmp_path / "bag" / "bag.mcap").write_bytes(b"somebody else's")
    with pytest.raises(FileExistsError):
        remove_bag(tmp_path / "bag")


class FullDisk(io.RawIOBase):
    """A file on a disk with room for so many bytes, and for more once the reserve is gone."""

    def __init__(self, path, room):
        self._file, self._room, self._folder = path.open("xb", 0), room, path.parent

    def write(self, data):
        reserved = (self._folder / writing._MARK_NAME).exists()  # goes with the reserve
        free = self._room - self._file.tell() if reserved else len(data)
        if free <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._file.write(bytes(data[:free]))  # in part, as a real disk does

    def writable(self):
        return True

    def seekable(self):
        return True

    def seek(self, *position):
        return self._file.seek(*position)

    def tell(self):
        return self._file.tell()

    def truncate(self, size=None):
        return self._file.truncate(size)

    def close(self):
        if not self.closed:
            self._file.close()
        super().close()


@pytest.mark.parametrize("room", [1_100_000, 2_345_678, 3_000_000])
@pytest.mark.parametrize("flushes", [False, True])
def test_a_full_disk_ends_the_bag_and_leaves_it_whole(tmp_path, room, flushes, monkeypatch):
    message = b"\0\1\0\0" + bytes(50_000)
    open_it = Path.open

    def open_on_full_disk(path, mode="r", *rest, **options):
        if (path.name, mode) == ("bag.mcap", "xb") and not rest:
            return io.BufferedWriter(FullDisk(path, room))
        return open_it(path, mode, *rest, **options)

    monkeypatch.setattr(Path, "open", open_on_full_disk)
    bag = BagWriter(tmp_path / "bag")
    bag.add_topic(WORDS)
    written = 0

    def write_until_full():
        nonlocal written
        while written < 1000:  # or a disk that never fills would fill the real one
            written += 1
            bag.write(CHATTER, START + written, message)
            if flushes and written % 7 == 0:
                bag.flush()

    with pytest.raises(DiskFullError) as error:
        write_until_full()
    bag.close()
    assert error.value.errno == errno.ENOSPC
    assert room / 50_000 - 2 < written < room / 50_000 + 25
    with Reader(tmp_path / "bag") as reader:
        assert reader.message_count == written
        assert [time for _, time, _ in reader.messages()] == list(
            range(START + 1, START + written + 1)
        )
    with (tmp_path / "bag" / "bag.mcap").open("rb") as file:
        assert sum(1 for _ in make_reader(file).iter_messages()) == written
    assert {f.name for f in (tmp_path / "bag").iterdir()} == {"bag.mcap", "metadata.yaml"}


def test_no_room_to_begin_with(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(writing.os, "posix_fallocate", refuse)
    with pytest.raises(OSError, match="No space left"):
        BagWriter(tmp_path / "bag")
    assert not (tmp_path / "bag").exists()


def test_flushed_messages_survive_a_kill(tmp_path):
    """What was handed over is read from the unclosed file."""
    bag = BagWriter(tmp_path / "bag")
    bag.add_topic(WORDS)
    write = partial(bag.write, CHATTER, data=b"\0\1\0\0" + bytes(9))
    write(START)
    write(START + 1)
    bag.flush()
    bag.flush()
    write(START + 2)
    killed = tmp_path / "killed.mcap"
    killed.write_bytes((tmp_path / "bag" / "bag.mcap").read_bytes())
    bag.close()
    with Bag(killed, lambda _: None) as read:
        assert [m.time for m in read.messages()] == [START, START + 1]
