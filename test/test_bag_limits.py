# SPDX-License-Identifier: Apache-2.0
"""Bag files of a few kilobytes that would unpack to gigabytes, or give rows without end."""

import contextlib
import shutil
import sqlite3
import struct
import tracemalloc

import pytest
from bag_helpers import frames, make_bag, storage_file

from fer_ros.bags.reading import Bag, BagError

lz4 = pytest.importorskip("lz4.frame", reason="lz4 is not installed")
zstandard = pytest.importorskip("zstandard", reason="zstandard is not installed")
MCAP = b"\x89MCAP0\r\n"
SIZE = 300 << 20
PACKERS = {
    "zstd": zstandard.compress,
    "zstd, size not told": zstandard.ZstdCompressor(write_content_size=False).compress,
    "lz4": lz4.compress,
}


def mcap(packed: bytes, compression: str, told: int, closed: bool) -> bytes:
    """An MCAP file of one chunk, whose header says that it holds ``told`` bytes."""

    def text(words: str) -> bytes:
        return struct.pack("<I", len(words)) + words.encode()

    def record(kind: int, data: bytes) -> bytes:
        return struct.pack("<BQ", kind, len(data)) + data

    chunk = struct.pack("<QQQI", 1, 1, told, 0) + text(compression)
    begin = MCAP + record(1, text("ros2") + text(""))
    chunk = record(6, chunk + struct.pack("<Q", len(packed)) + packed)
    index = struct.pack("<QQQQIQ", 1, 1, len(begin), len(chunk), 0, 0) + text(compression)
    index = record(8, index + struct.pack("<QQ", len(packed), told))
    end = record(2, struct.pack("<QQI", len(begin) + len(chunk), 0, 0)) + MCAP
    return begin + chunk + (index + end if closed else b"")


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "torn"])
@pytest.mark.parametrize("told", [SIZE, 1 << 62])
@pytest.mark.parametrize("packer", PACKERS)
def test_a_chunk_that_would_fill_the_memory(tmp_path, packer, told, closed):
    packed = PACKERS[packer](bytes(SIZE))
    file = tmp_path / "visit.mcap"
    file.write_bytes(mcap(packed, packer.partition(",")[0], told, closed))
    tracemalloc.start()
    with pytest.raises(BagError, match="nothing in it can be read"):
        Bag(file, log=lambda _: None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < SIZE // 4


def test_an_index_that_names_one_chunk_again_and_again(tmp_path):
    """Each time is within what is allowed."""
    packed = zstandard.compress(struct.pack("<BQ", 0x80, (60 << 20) - 9).ljust(60 << 20, b"\0"))
    data = mcap(packed, "zstd", 60 << 20, closed=True)
    end = len(data) - 37  # of the index; the footer follows
    entry = data[data.rindex(b"\x08", 0, end - 40) : end]
    file = tmp_path / "visit.mcap"
    file.write_bytes(data[:end] + entry * 1000 + data[end:])
    with pytest.raises(BagError, match="nothing in it can be read"):
        Bag(file, log=lambda _: None)


def endless(path):
    """A database whose pages lead to each other: billions of rows in 3 MB."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        rows = [(1, 1 + i, bytes(60)) for i in range(40_000)]
        database.execute("DELETE FROM messages")
        database.executemany(
            "INSERT INTO messages (topic_id, timestamp, data) VALUES (?, ?, ?)", rows
        )
        database.commit()
        (size,) = database.execute("PRAGMA page_size").fetchone()
        (root,) = database.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'messages'"
        ).fetchone()
    data = bytearray(path.read_bytes())

    def slots(page):
        at = (page - 1) * size
        count = struct.unpack_from(">H", data, at + 3)[0]
        cells = struct.unpack_from(f">{count}H", data, at + 12)
        return [at + 8, *(at + cell for cell in cells)]

    def lead(page, to):
        for slot in slots(page):
            struct.pack_into(">I", data, slot, to)

    def below(page):
        return [struct.unpack_from(">I", data, slot)[0] for slot in slots(page)]

    inner = below(root)[0]
    leaf, *others = below(inner)[:4]
    lead(inner, leaf)
    for page in others:
        data[(page - 1) * size : page * size] = data[(inner - 1) * size : inner * size]
        lead(page, inner)
        inner = page
    lead(root, inner)
    path.write_bytes(data)


def test_a_database_without_end(tmp_path):
    bag = make_bag(tmp_path / "bag", frames(1), storage="sqlite3")
    endless(storage_file(bag))
    for path in (storage_file(bag), bag):
        with Bag(path, log=lambda _: None) as read:
            assert "more messages than its file can hold" in " ".join(read.damage)
            assert sum(1 for _ in read.messages()) < 60_000


def test_a_log_beside_a_database_that_makes_up_rows(tmp_path):
    """The file itself is a plain one, and damaged, so that its log is read too."""
    bag = make_bag(tmp_path / "bag", frames(2), storage="sqlite3")
    live, copy = storage_file(bag), tmp_path / "copy.db3"
    with contextlib.closing(sqlite3.connect(live)) as database:
        database.execute("UPDATE messages SET timestamp = 'noon' WHERE id = 1")
        database.commit()
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(
            "DROP TABLE messages; CREATE VIEW messages AS WITH RECURSIVE n(i) AS (SELECT 1 UNION "
            "ALL SELECT i + 1 FROM n) SELECT i AS id, 1 AS topic_id, i AS timestamp, "
            "zeroblob(1000) AS data FROM n"
        )
        for end in ("", "-wal"):
            shutil.copy(f"{live}{end}", f"{copy}{end}")
    with pytest.raises(BagError, match="nothing in it can be read"):
        Bag(copy, log=lambda _: None)
