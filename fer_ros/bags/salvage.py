# SPDX-License-Identifier: Apache-2.0
"""What is whole in a damaged bag file: MCAP or sqlite3, cut off, unclosed or with bad spots.

A recorder that loses its power leaves a file without index. An MCAP that has one is read chunk by
chunk through it; all else from its beginning. What can be read comes in the order of the file.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import zstandard
from rosbags.rosbag2.metadata import parse_qos

from fer_ros.runtime.settings_files import parsed, yaml

MAX_UNPACKED = 1 << 30
"""Bytes that one compressed message or chunk may become; larger ones are taken for damage."""
MAX_PACKED = 200
"""Times its size that a whole compressed file may become."""
_ZSTD = b"\x28\xb5\x2f\xfd"  # no CDR message begins so


class BagTopic(NamedTuple):
    """A topic of a bag; ``count`` of messages; ``definition`` is empty where the bag has none;
    ``qos``: rosbags' Qos of each publisher.
    """

    name: str
    type: str
    count: int  # type: ignore[assignment]  # hides tuple's method, which nobody needs
    definition: str
    qos: list


class Message(NamedTuple):
    """``time``: nanoseconds, when it was recorded; ``data``: CDR."""

    topic: str
    time: int
    data: bytes


def is_packed(data: bytes) -> bool:
    """Whether a message is compressed, by its first bytes."""
    return data[:4] == _ZSTD


def unpack(data: bytes, expected: int | None = None) -> bytes:
    """What a zstd frame holds. Raises ValueError or zstandard.ZstdError for damage, and, before
    anything is unpacked, for one that says to hold more than MAX_UNPACKED or ``expected`` bytes.
    """
    limit = _limit(expected)
    size = zstandard.frame_content_size(data)  # -1: it does not say
    if size > limit:
        raise ValueError(f"unpacks to {size} bytes, the limit is {limit}")
    return zstandard.decompress(data, max_output_size=limit)


def unpack_lz4(data: bytes, expected: int | None = None) -> bytes:
    """What an LZ4 frame holds, its first MAX_UNPACKED or ``expected`` bytes."""
    from lz4.frame import LZ4FrameDecompressor

    return LZ4FrameDecompressor().decompress(data, _limit(expected))


def check_packed_file(path: Path) -> None:
    """Look what a bag file in zstd would become, without keeping any of it.

    Raises ValueError for one that becomes over MAX_PACKED times its size (and over 64 MiB);
    zstandard.ZstdError for damage.
    """
    limit, size = max(MAX_PACKED * path.stat().st_size, 64 << 20), 0
    with (
        path.open("rb") as file,
        zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(
            file, read_across_frames=True
        ) as unpacked,
    ):
        while block := unpacked.read(1 << 20):
            size += len(block)
            if size > limit:
                raise ValueError(f"unpacks to over {limit >> 20} MiB, {MAX_PACKED} times its size")


def _limit(expected: int | None) -> int:
    return MAX_UNPACKED if expected is None else min(expected, MAX_UNPACKED)


class Salvage:
    """The readable part of one file; ``topics``, ``start_time`` and ``end_time`` (ns, inclusive)
    are those of that part. ``fault`` says where reading ended, and is empty at a proper end.
    """

    def __init__(self, path: Path):
        self.fault = ""
        self._path = path
        found: dict[str, BagTopic] = {}
        times: list[int] = []
        for topic, message in self._walk():
            known = found.get(topic.name, topic)
            found[topic.name] = known._replace(count=known.count + 1)
            times = [min([message.time, *times]), max([message.time, *times])]
        self.topics = list(found.values())
        self.start_time, self.end_time = times or (0, 0)

    def messages(self, start: int | None, stop: int | None) -> Iterator[Message]:
        """Those recorded at ``start`` ns or later and before ``stop`` ns, as they are stored; None:
        no limit.
        """
        for _, message in self._walk():
            late = start is None or start <= message.time
            if late and (stop is None or message.time < stop):
                yield message

    def _walk(self) -> Iterator[tuple[BagTopic, Message]]:
        try:
            if self._path.suffix == ".mcap":
                yield from _mcap_records(self._path, self._note_fault)
            else:
                yield from _sqlite_records(self._path, self._note_fault)
        except Exception as error:  # damaged bytes raise what the parsers stumble over
            self._note_fault(error)

    def _note_fault(self, error: Exception) -> None:
        text = " ".join(str(error).split())
        self.fault = f"{type(error).__name__}{': ' * bool(text)}{text}"


def _mcap_records(path, note_fault) -> Iterator[tuple[BagTopic, Message]]:
    """Every message of an MCAP file; a broken chunk is left out. Without an index, up to its end or
    first broken record.
    """
    from mcap import records
    from mcap.stream_reader import StreamReader, breakup_chunk

    channels = _Channels(note_fault)
    size = path.stat().st_size
    with path.open("rb") as file:
        known, chunks = _mcap_index(file, size)
        for record in known:
            yield from channels.take(record)
        file.seek(0)
        # No record is larger than its file: a torn length must not ask for that much memory.
        reader = StreamReader(file, emit_chunks=True, record_size_limit=size)
        for record in _at(file, size, chunks, note_fault) if chunks else reader.records:
            if not isinstance(record, records.Chunk):
                yield from channels.take(record)
                continue
            try:
                parts = breakup_chunk(_unpacked(record), validate_crc=True)
            except Exception as error:
                note_fault(error)
                continue
            for part in parts:
                yield from channels.take(part)


class _Channels:
    """The topics of an MCAP file by the numbers that stand for them in it."""

    def __init__(self, note_fault):
        self._note_fault = note_fault
        self._schemas, self._topics = {}, {}

    def take(self, record) -> Iterator[tuple[BagTopic, Message]]:
        """Learn of a topic, or give the message that the record is."""
        from mcap import records

        if isinstance(record, records.Schema):
            self._schemas[record.id] = record
        elif isinstance(record, records.Channel):
            schema = self._schemas.get(record.schema_id)
            offered = _offered(record.metadata.get("offered_qos_profiles", ""))
            kind, definition = (
                (schema.name, schema.data.decode(errors="replace")) if schema else ("", "")
            )
            self._topics[record.id] = BagTopic(record.topic, kind, 0, definition, offered)
        elif isinstance(record, records.Message):
            topic = self._topics.get(record.channel_id)
            if topic:
                yield topic, Message(topic.name, record.log_time, record.data)
            else:  # its description lay in a broken chunk
                self._note_fault(LookupError(f"what channel {record.channel_id} is, is not told"))


def _mcap_index(file, size) -> tuple[list, list[int]]:
    """Schemas and channels by the summary of an MCAP file, and where its chunks begin; nothing of
    each where the summary is absent or damaged.
    """
    from mcap.reader import SeekingReader

    try:
        summary = SeekingReader(file, record_size_limit=size).get_summary()
    except Exception:  # damaged bytes raise what the parser stumbles over
        summary = None
    if summary is None:
        return [], []
    known = [*summary.schemas.values(), *summary.channels.values()]
    return known, sorted(chunk.chunk_start_offset for chunk in summary.chunk_indexes)


def _at(file, size, offsets, note_fault) -> Iterator:
    """The records of an MCAP file that begin there; a broken one is left out."""
    from mcap.stream_reader import StreamReader

    for offset in offsets:
        try:
            file.seek(offset)
            reader = StreamReader(file, skip_magic=True, emit_chunks=True, record_size_limit=size)
            record = next(reader.records)
        except Exception as error:  # see above
            note_fault(error)
        else:
            yield record


def _unpacked(chunk):
    """An MCAP chunk without its compression; mcap itself unpacks without a limit."""
    if chunk.compression == "zstd":
        data = unpack(chunk.data, chunk.uncompressed_size)
    elif chunk.compression == "lz4":
        data = unpack_lz4(chunk.data, chunk.uncompressed_size)
    else:
        return chunk
    return replace(chunk, data=data, compression="")


def is_message(time: object, data: object) -> bool:
    """Whether these are of a message: a database holds anything in any column."""
    return type(time) is int and 0 <= time < 1 << 63 and isinstance(data, bytes | memoryview)


_TABLES = ("messages", "topics", "schema", "metadata", "message_definitions")
_ODD = """SELECT 1 FROM messages WHERE typeof(timestamp) != 'integer' OR timestamp < 0
    OR typeof(data) != 'blob' OR topic_id NOT IN (SELECT id FROM topics) LIMIT 1"""


def has_odd_rows(path: Path) -> bool:
    """Whether a database has messages that are none; rosbags would end with them.

    Raises sqlite3.Error.
    """
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as it:
        return it.execute(_ODD).fetchone() is not None


def check_database(path: Path) -> None:
    """Look that topics and messages are plain tables, whose size is the file's: a view, a virtual
    table or a computed column has as many rows and bytes as its author likes.

    Raises ValueError; sqlite3.Error for what is no database.
    """
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as it:
        it.execute("PRAGMA writable_schema = ON")
        for name, kind, text in it.execute(
            f"SELECT name, type, sql FROM sqlite_master WHERE lower(name) IN {_TABLES}"
        ):
            if kind != "table" or not re.match(r"\s*CREATE\s+TABLE\b", f"{text}", re.IGNORECASE):
                raise ValueError(f"{name} is not a plain table and is not read")
            if any(row[6] for row in it.execute(f"PRAGMA table_xinfo({name})")):
                raise ValueError(f"{name} has computed columns and is not read")


def _offered(profiles) -> list:
    try:
        return parse_qos(parsed(profiles, yaml))
    except Exception:  # a topic without known qualities of service is as good
        return []


def _sqlite_records(path, note_fault) -> Iterator[tuple[BagTopic, Message]]:
    """Every message of a database, its write-ahead log included, up to its first broken page; rows
    that are none are left out.
    """
    check_database(path)
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        # Else sqlite refuses a file shorter than its header says. Nothing is written: mode=ro.
        database.execute("PRAGMA writable_schema = ON")
        columns = {row[1] for row in database.execute("PRAGMA table_info(topics)")}
        offered = "offered_qos_profiles" if "offered_qos_profiles" in columns else "''"
        topics = {
            number: BagTopic(name, kind, 0, "", _offered(profiles))
            for number, name, kind, profiles in database.execute(
                f"SELECT id, name, type, {offered} FROM topics"
            )
            if isinstance(name, str) and isinstance(kind, str)
        }
        for number, time, data in database.execute(
            "SELECT topic_id, timestamp, data FROM messages ORDER BY id"
        ):
            if number in topics and is_message(time, data):
                yield topics[number], Message(topics[number].name, time, data)
            else:
                note_fault(ValueError("rows that are not messages are left out"))
