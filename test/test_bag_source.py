# SPDX-License-Identifier: Apache-2.0
"""Bags as recorders leave them: of both storages, in one file or several, compressed, damaged."""

import shutil
import sqlite3

import pytest
from bag_helpers import CHATTER, DELAY, JPEG, RAW, START, STEP, frames, make_bag, storage_file

from fer_ros.bags.reading import Bag, BagError, bag_files

STORAGES = ("mcap", "sqlite3")


@pytest.fixture(scope="module", params=STORAGES)
def recorded(request, tmp_path_factory):
    """Twenty raw images of 640x480, and two words."""
    path = tmp_path_factory.mktemp("bags") / request.param
    return make_bag(path, frames(20), storage=request.param, topics=(RAW,))


def read(path, **limits):
    """Messages by topic, and what was said about damage."""
    said, found = [], {}
    with Bag(path, said.append) as bag:
        for message in bag.messages(**limits):
            found.setdefault(message.topic, []).append(message)
    assert said == bag.damage
    return found, said


def cut(source, target, share):
    """The first part of a file."""
    data = source.read_bytes()
    target.write_bytes(data[: int(len(data) * share)])
    return target


@pytest.mark.parametrize("part", ["folder", "file"])
def test_reads_all_in_order(recorded, part):
    found, said = read(recorded if part == "folder" else storage_file(recorded))
    assert [m.time for m in found[RAW]] == [START + i * STEP + DELAY for i in range(20)]
    assert len(found[CHATTER]) == 2
    assert not said


def test_topics_and_times(recorded):
    with Bag(recorded) as bag:
        assert {t.name: (t.type, t.count) for t in bag.topics.values()} == {
            RAW: ("sensor_msgs/msg/Image", 20),
            CHATTER: ("std_msgs/msg/String", 2),
        }
        assert (bag.start_time, bag.end_time) == (START + DELAY, START + 19 * STEP + DELAY)


def test_a_range_has_its_start_but_not_its_end(recorded):
    found, _ = read(recorded, start=START + 5 * STEP + DELAY, stop=START + 8 * STEP + DELAY)
    assert [m.time for m in found[RAW]] == [START + i * STEP + DELAY for i in (5, 6, 7)]


@pytest.mark.parametrize("compress", ["message", "file"])
def test_compressed(tmp_path, compress):
    path = make_bag(tmp_path / "bag", frames(3), storage="sqlite3", compress=compress)
    found, said = read(path)
    assert len(found[JPEG]) == 3
    assert not said


@pytest.mark.parametrize("storage", STORAGES)
def test_a_recorder_that_was_killed_leaves_no_metadata(tmp_path, storage):
    path = make_bag(tmp_path / "bag", frames(3), storage=storage)
    (path / "metadata.yaml").unlink()
    found, said = read(path)
    assert len(found[JPEG]) == 3
    assert "metadata" in said[0]
    assert "can be read" in said[1]


def test_messages_compressed_one_by_one_are_read_without_metadata_too(tmp_path):
    path = make_bag(tmp_path / "bag", frames(3), storage="sqlite3", compress="message")
    (path / "metadata.yaml").unlink()
    with Bag(path, lambda _: None) as bag, Bag(make_bag(tmp_path / "plain", frames(3))) as plain:
        assert [m.data for m in bag.messages()] == [m.data for m in plain.messages()]


def test_several_files_without_metadata_are_one_recording(tmp_path):
    folder = tmp_path / "bag"
    folder.mkdir()
    for i in (2, 10):  # 10 comes after 2
        whole = make_bag(tmp_path / f"bag_{i}", frames(i))
        shutil.copy(storage_file(whole), folder)
    assert [f.name for f in bag_files(folder)] == ["bag_2.mcap", "bag_10.mcap"]
    assert len(read(folder)[0][JPEG]) == 12


@pytest.mark.parametrize("share", [0.3, 0.6, 0.98])
def test_cut_off(recorded, tmp_path, share):
    """What lies before the cut is read, byte for byte, and the rest is reported missing."""
    file = storage_file(recorded)
    found, said = read(cut(file, tmp_path / f"cut{file.suffix}", share))
    whole = read(recorded)[0][RAW]
    kept = found[RAW]
    # MCAP is written in chunks, here of two images: one of them may be torn.
    assert 20 * share - 4 < len(kept) < 20
    assert kept == whole[: len(kept)]
    assert "damaged or not closed" in said[0]
    assert f"cut{file.suffix}: " in said[1]


def test_a_bad_spot_in_mcap_is_skipped(tmp_path):
    """One chunk of a checked file is broken: the others are read."""
    from mcap.writer import CompressionType
    from mcap.writer import Writer as McapWriter

    path = tmp_path / "spot.mcap"
    with path.open("wb") as file:
        writer = McapWriter(file, chunk_size=1000, compression=CompressionType.NONE)
        writer.start(profile="ros2")
        schema = writer.register_schema("std_msgs/msg/String", "ros2msg", b"string data\n")
        channel = writer.register_channel(CHATTER, "cdr", schema)
        for i in range(30):
            writer.add_message(channel, START + i, b"\0\1\0\0" + bytes([i]) * 300, START + i)
        writer.finish()
    data = bytearray(path.read_bytes())
    data[data.index(bytes([12]) * 300) + 100] ^= 255
    path.write_bytes(data)
    found, said = read(path)
    times = [m.time - START for m in found[CHATTER]]
    assert times == sorted(set(times))
    assert set(range(30)) - set(times) <= {10, 11, 12, 13, 14}
    assert 12 not in times
    assert {0, 29} <= set(times)
    assert "damaged at" in said[0]


def test_a_bad_page_in_sqlite_ends_what_can_be_read(tmp_path):
    path = make_bag(tmp_path / "bag", frames(20), storage="sqlite3")
    file = storage_file(path)
    data = bytearray(file.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 40_000] = b"\xff" * 40_000
    file.write_bytes(data)
    found, said = read(path)
    assert 5 <= len(found[JPEG]) < 20
    assert any("malformed" in line for line in said)


def test_a_write_ahead_log_that_was_not_merged_is_read(tmp_path):
    """A recorder that was killed leaves its last seconds in FILE.db3-wal."""
    source = storage_file(make_bag(tmp_path / "bag", frames(4), storage="sqlite3"))
    live = tmp_path / "live.db3"
    shutil.copy(source, live)
    database = sqlite3.connect(live)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("INSERT INTO messages SELECT id + 9, topic_id, timestamp, data FROM messages")
    database.commit()
    killed = tmp_path / "killed"
    killed.mkdir()
    for file in (live, tmp_path / "live.db3-wal"):
        shutil.copy(file, killed)
    database.close()
    assert len(read(killed)[0][JPEG]) == 8


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.mcap", b"", "nothing in it can be read"),
        ("empty.db3", b"", "nothing in it can be read"),
        ("text.mcap", b"hello, I am no bag", "nothing in it can be read"),
        ("text.db3", b"hello, I am no bag", "nothing in it can be read"),
        ("old.bag", b"#ROSBAG V2.0", "a ROS 1 bag; rosbags-convert"),
        ("video.mp4", b"", "not a bag: expected a folder, or a .mcap or .db3 file"),
    ],
)
def test_refuses_what_is_no_bag(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BagError, match=words) as error:
        Bag(path, lambda _: None)
    assert name in str(error.value)
    assert "\n" not in str(error.value)


def test_refuses_a_path_that_is_not_there_and_a_folder_without_a_bag(tmp_path):
    with pytest.raises(BagError, match="no such bag"):
        Bag(tmp_path / "absent")
    with pytest.raises(BagError, match=r"no \.mcap or \.db3 file in it"):
        Bag(tmp_path)


def test_refuses_a_bag_without_messages(tmp_path):
    with pytest.raises(BagError, match="it holds no message"):
        Bag(make_bag(tmp_path / "bag", []))


def test_the_only_camera_is_found(tmp_path):
    drawn = ("/image_annotated", "/image_annotated/compressed")
    topics = (RAW, JPEG, "/camera/depth/image_raw", *drawn)
    with Bag(make_bag(tmp_path / "bag", frames(1), topics=topics)) as bag:
        assert bag.image_topic().name == RAW
        assert bag.image_topic(JPEG).name == JPEG
        assert bag.image_topic("camera/image_raw").name == RAW
        with pytest.raises(BagError, match=f"no images on /other; image topics: {RAW}, {JPEG}"):
            bag.image_topic("/other")


def test_two_cameras_need_a_choice(tmp_path):
    path = make_bag(tmp_path / "bag", frames(1), topics=("/left/image_raw", "/right/image_raw"))
    with Bag(path) as bag, pytest.raises(BagError, match=r"--topic: /left/image_raw, /right"):
        bag.image_topic()


def test_a_bag_without_images_tells_what_it_holds(tmp_path):
    path = make_bag(tmp_path / "bag", frames(1), topics=())
    with Bag(path) as bag, pytest.raises(BagError, match=r"no image topic; .*/chatter \(std_msgs"):
        bag.image_topic()
