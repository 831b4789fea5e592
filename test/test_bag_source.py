# SPDX-License-Identifier: Apache-2.0
"""Bags as recorders leave them: of both storages, in one file or several, compressed, damaged."""

import re
import shutil
import sqlite3
import tracemalloc

import numpy as np
import pytest
import zstandard
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


def test_messages_outside_the_times_of_the_metadata_are_read(recorded, tmp_path):
    bag = shutil.copytree(recorded, tmp_path / "bag")
    metadata = bag / "metadata.yaml"
    content = metadata.read_text()
    assert content.count(str(START + DELAY)) == 2
    later = str(START + DELAY + 5 * STEP)
    metadata.write_text(
        re.sub(r"(duration:\s+nanoseconds: )\d+", rf"\g<1>{3 * STEP}", content).replace(
            str(START + DELAY), later
        )
    )
    found, said = read(bag)
    assert len(found[RAW]) == 20
    assert not said


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


def write_chunks(path, compression="NONE"):
    """An MCAP of thirty messages of 304 bytes in chunks of four; what describes their topic stands
    in the first chunk and in the summary.
    """
    from mcap.writer import CompressionType
    from mcap.writer import Writer as McapWriter

    with path.open("wb") as file:
        writer = McapWriter(file, chunk_size=1000, compression=CompressionType[compression])
        writer.start(profile="ros2")
        schema = writer.register_schema("std_msgs/msg/String", "ros2msg", b"string data\n")
        channel = writer.register_channel(CHATTER, "cdr", schema)
        for i in range(30):
            data = b"\0\1\0\0" + np.random.default_rng(i).bytes(300)
            writer.add_message(channel, START + i, data, START + i)
        writer.finish()
    return path


def chunks_of(path):
    """Where the chunks of an MCAP lie, and how many messages each has."""
    from mcap.reader import make_reader

    with path.open("rb") as file:
        summary = make_reader(file).get_summary()
        return [
            (c.chunk_start_offset, c.chunk_length, c.message_end_time - c.message_start_time + 1)
            for c in summary.chunk_indexes
        ]


@pytest.mark.parametrize("compression", ["NONE", "LZ4", "ZSTD"])
@pytest.mark.parametrize("which", [0, 3, -1])
def test_a_bad_spot_in_mcap_costs_its_chunk(tmp_path, compression, which):
    path = write_chunks(tmp_path / "spot.mcap", compression)
    begin, length, count = chunks_of(path)[which]
    lost = sum(n for _, _, n in chunks_of(path)[:which]) if which >= 0 else 30 - count
    data = bytearray(path.read_bytes())
    data[begin + length // 2] ^= 255
    path.write_bytes(data)
    found, said = read(path)
    times = [m.time - START for m in found[CHATTER]]
    assert times == [i for i in range(30) if not lost <= i < lost + count]
    assert "damaged at" in said[0]


def test_a_torn_length_does_not_hide_the_chunks_behind_it(tmp_path):
    path = write_chunks(tmp_path / "spot.mcap")
    chunks = chunks_of(path)
    data = bytearray(path.read_bytes())
    data[chunks[1][0] + 4] ^= 255
    data[chunks[3][0] + chunks[3][1] // 2] ^= 255
    path.write_bytes(data)
    found, _ = read(path)
    times = [m.time - START for m in found[CHATTER]]
    assert times == sorted(set(times))
    assert 30 - chunks[1][2] - chunks[3][2] <= len(times) < 30
    assert {0, 29} <= set(times)


def test_without_index_the_chunks_behind_a_bad_one_are_read(tmp_path):
    whole = write_chunks(tmp_path / "whole.mcap")
    chunks = chunks_of(whole)
    data = bytearray(whole.read_bytes())
    data[chunks[2][0] + chunks[2][1] // 2] ^= 255
    path = tmp_path / "cut.mcap"
    path.write_bytes(data[: chunks[-1][0]])
    found, _ = read(path)
    assert len(found[CHATTER]) == 30 - chunks[2][2] - chunks[-1][2]


def spoil_message(bag, number, change):
    """Apply ``change`` to the bytes of one message of an sqlite3 bag, counted from 1."""
    database = sqlite3.connect(storage_file(bag))
    query = "SELECT data FROM messages WHERE id = ?"
    (data,) = database.execute(query, (number,)).fetchone()
    new = (change(bytes(data)), number)
    database.execute("UPDATE messages SET data = ? WHERE id = ?", new)
    database.commit()
    database.close()


def broken(data):
    """Half of it."""
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    ("change", "metadata"),
    [
        (broken, True),
        (broken, False),
        (lambda _: b"", True),  # without metadata, nothing says that it was a compressed one
        (lambda _: b"\x28\xb5\x2f\xfdzstd?", True),
        (lambda _: b"\x28\xb5\x2f\xfdzstd?", False),
    ],
)
def test_a_broken_compressed_message_is_left_out(tmp_path, change, metadata):
    path = make_bag(tmp_path / "bag", frames(5), storage="sqlite3", compress="message")
    if not metadata:
        (path / "metadata.yaml").unlink()
    spoil_message(path, 4, change)
    found, said = read(path)
    assert [m.time for m in found[JPEG]] == [START + i * STEP + DELAY for i in (0, 1, 3, 4)]
    assert f"bag: {JPEG} at 0.2 s left out" in said[-1]


def test_many_broken_messages_take_two_lines(tmp_path):
    path = make_bag(tmp_path / "bag", frames(5), storage="sqlite3", compress="message")
    for number in (3, 4, 5):
        spoil_message(path, number, broken)
    found, said = read(path)
    assert len(found[JPEG]) == 2
    assert len(said) == 2
    assert said[1] == "bag: 3 messages in all left out"


@pytest.mark.parametrize("says", [True, False])
def test_a_message_that_unpacks_to_gigabytes_is_left_out(tmp_path, says, monkeypatch):
    """Before it is unpacked where it says so, at the limit where it does not."""
    monkeypatch.setattr("fer_ros.bags.limits.MAX_UNPACKED", 10_000_000)
    bomb = zstandard.ZstdCompressor(write_content_size=says).compress(bytes(200_000_000))
    path = make_bag(tmp_path / "bag", frames(3), storage="sqlite3", compress="message")
    spoil_message(path, 2, lambda _: bomb)
    tracemalloc.start()
    found, said = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000_000
    assert [(topic, len(messages)) for topic, messages in found.items()] == [(JPEG, 3)]
    assert "left out" in said[0]


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
        ("notes.txt", b"", "not a bag: expected a folder, or a .mcap or .db3 file$"),
        ("video.mp4", b"", "a .mcap or .db3 file; fer_ros-predict reads pictures and videos"),
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
