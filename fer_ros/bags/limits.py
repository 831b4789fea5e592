# SPDX-License-Identifier: Apache-2.0
"""What a bag file may become: looked at before it is opened, since a few kilobytes can be made to
hold gigabytes, or rows without end.
"""

import re
import sqlite3
import struct
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import zstandard

MAX_UNPACKED = 1 << 30
"""Bytes that one compressed message or chunk may become; larger ones are taken for damage."""
MAX_PACKED = 200
"""Times its size that what is compressed may become, beyond ALWAYS."""
ALWAYS = 64 << 20
"""Bytes that it may become in any case: black images shrink to nothing."""
_ZSTD = b"\x28\xb5\x2f\xfd"  # no CDR message begins so
_CHUNK, _CHUNK_INDEX = 0x06, 0x08  # records of an MCAP file
_TABLES = ("messages", "topics", "schema", "metadata", "message_definitions")
LEAST_ROW = 8
"""Bytes of a message's row beside its data: its header, and its cell's pointer."""
_ODD = """SELECT 1 FROM messages WHERE typeof(timestamp) != 'integer' OR timestamp < 0
    OR typeof(data) != 'blob' OR topic_id NOT IN (SELECT id FROM topics) LIMIT 1"""


class Budget:
    """The bytes that a file of ``size`` bytes may become, over all that is compressed in it."""

    def __init__(self, size: int):
        self._limit = max(MAX_PACKED * size, ALWAYS)
        self._taken = 0

    def take(self, size: int) -> None:
        """So much more is to be unpacked. Raises ValueError where that is too much."""
        self._taken += size
        if self._taken > self._limit:
            raise ValueError(
                f"unpacks to over {self._limit >> 20} MiB, {MAX_PACKED} times its size"
            )


def is_packed(data: bytes) -> bool:
    """Whether a message is compressed, by its first bytes."""
    return data[:4] == _ZSTD


def unpack(data: bytes, expected: int | None = None) -> bytes:
    """What a zstd frame holds. Raises ValueError or zstandard.ZstdError for damage, and, before
    anything is unpacked, for one that says to hold more than ``expected`` bytes, or than is
    allowed.
    """
    limit = _limit(data, expected)
    size = zstandard.frame_content_size(data)  # -1: it does not say
    if size > limit:
        raise ValueError(f"unpacks to {size} bytes, the limit is {limit}")
    return zstandard.decompress(data, max_output_size=limit)


def unpack_lz4(data: bytes, expected: int | None = None) -> bytes:
    """What an LZ4 frame holds, its first ``expected`` bytes, or as many as are allowed."""
    from lz4.frame import LZ4FrameDecompressor

    return LZ4FrameDecompressor().decompress(data, _limit(data, expected))


def _limit(data: bytes, expected: int | None) -> int:
    most = min(max(MAX_PACKED * len(data), ALWAYS), MAX_UNPACKED)
    return most if expected is None else min(expected, most)


def check_packed_file(path: Path) -> None:
    """Look what a bag file in zstd would become, without keeping any of it.

    Raises ValueError for one that becomes too much; zstandard.ZstdError for damage.
    """
    budget = Budget(path.stat().st_size)
    with (
        path.open("rb") as file,
        zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(
            file, read_across_frames=True
        ) as unpacked,
    ):
        while block := unpacked.read(1 << 20):
            budget.take(len(block))


def check_mcap(path: Path) -> None:
    """Look what the chunks of an MCAP file would become, by their own words, which bind those who
    unpack them, and by those of its index. Raises OSError; ValueError for too much.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(-min(size, 28), 2)
        (summary,) = struct.unpack("<Q", file.read(8).ljust(8, b"\0"))
        for begin in (8, summary):  # behind the magic; the summary may lie anywhere
            budgets = {_CHUNK: Budget(size), _CHUNK_INDEX: Budget(size)}
            for kind, unpacked in _mcap_sizes(file, begin, size):
                budgets[kind].take(unpacked)


def _mcap_sizes(file: BinaryIO, at: int, end: int):
    """Kind and unpacked size of each chunk and each entry of the index, up to a broken record."""
    while 0 < at <= end - 9:
        file.seek(at)
        kind, length = struct.unpack("<BQ", file.read(9))
        at += 9 + length
        if kind in (_CHUNK, _CHUNK_INDEX) and length >= 24 and at <= end:
            file.seek(16 if kind == _CHUNK else length - 8, 1)
            yield kind, struct.unpack("<Q", file.read(8))[0]


def is_message(time: object, data: object) -> bool:
    """Whether these are of a message: a database holds anything in any column."""
    return type(time) is int and 0 <= time < 1 << 63 and isinstance(data, bytes | memoryview)


def check_database(path: Path) -> bool:
    """Look that a database's tables are plain, and hold no more than its file can; whether some of
    its messages are none, with which rosbags would end. Raises ValueError; sqlite3.Error for what
    is no database.
    """
    size, held = path.stat().st_size, 0
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as it:
        it.execute("PRAGMA writable_schema = ON")
        check_tables(it)
        # Pages that lead to each other have as many rows as their author likes.
        for (length,) in it.execute("SELECT length(data) FROM messages"):
            held += LEAST_ROW + (length or 0)
            if held > size:
                raise ValueError("more messages than its file can hold")
        return it.execute(_ODD).fetchone() is not None


def check_tables(database: sqlite3.Connection) -> None:
    """Look that topics and messages are plain tables, whose size is the file's: a view, a virtual
    table or a computed column has as many rows and bytes as its author likes. Raises ValueError;
    sqlite3.Error.
    """
    for name, kind, text in database.execute(
        f"SELECT name, type, sql FROM sqlite_master WHERE lower(name) IN {_TABLES}"
    ):
        if kind != "table" or not re.match(r"\s*CREATE\s+TABLE\b", f"{text}", re.IGNORECASE):
            raise ValueError(f"{name} is not a plain table and is not read")
        if any(row[6] for row in database.execute(f"PRAGMA table_xinfo({name})")):
            raise ValueError(f"{name} has computed columns and is not read")
