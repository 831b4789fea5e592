# SPDX-License-Identifier: Apache-2.0
"""What is whole in a damaged bag file: MCAP or sqlite3, cut off, unclosed or with bad spots.

A recorder that loses its power leaves a file without index. Both readers here go through the
file from its beginning and give what can be read, in the order it was recorded.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import zstandard
from rosbags.rosbag2.metadata import parse_qos

_ZSTD = b"\x28\xb5\x2f\xfd"  # no CDR message begins so


class Topic(NamedTuple):
    """A topic of a bag; ``count`` of messages; ``definition`` is empty where the bag has none;
    ``qos``: rosbags' Qos of each publisher.
    """

    name: str
    type: str
    count: int
    definition: str
    qos: list


class Message(NamedTuple):
    """``time``: nanoseconds, when it was recorded; ``data``: CDR."""

    topic: str
    time: int
    data: bytes


class Salvage:
    """The readable part of one file; ``topics``, ``start_time`` and ``end_time`` (ns, inclusive)
    are those of that part. ``complaint`` says where reading ended, and is empty at a proper end.
    """

    def __init__(self, path: Path):
        self.complaint = ""
        self._path = path
        found: dict[str, Topic] = {}
        times = []
        for topic, message in self._walk():
            known = found.get(topic.name, topic)
            found[topic.name] = known._replace(count=known.count + 1)
            times = [min([message.time, *times]), max([message.time, *times])]
        self.topics = list(found.values())
        self.start_time, self.end_time = times or (0, 0)

    def messages(self, start: int, stop: int) -> Iterator[Message]:
        """Those recorded at ``start`` ns or later and before ``stop`` ns."""
        for _, message in self._walk():
            if start <= message.time < stop:
                data = message.data
                if data[:4] == _ZSTD:
                    data = zstandard.decompress(data)
                yield message._replace(data=data)

    def _walk(self) -> Iterator[tuple[Topic, Message]]:
        try:
            if self._path.suffix == ".mcap":
                yield from _mcap_records(self._path, self._complain)
            else:
                yield from _sqlite_records(self._path)
        except Exception as error:  # damaged bytes raise what the parsers stumble over
            self._complain(error)

    def _complain(self, error: Exception) -> None:
        text = " ".join(str(error).split())
        self.complaint = f"{type(error).__name__}{': ' * bool(text)}{text}"


def _mcap_records(path, complain) -> Iterator[tuple[Topic, Message]]:
    """Every message of an MCAP file up to its end or first broken record; a broken chunk is left
    out.
    """
    from mcap import records
    from mcap.stream_reader import StreamReader, breakup_chunk

    schemas: dict[int, records.Schema] = {}
    channels: dict[int, Topic] = {}

    def take(record):
        if isinstance(record, records.Schema):
            schemas[record.id] = record
        elif isinstance(record, records.Channel):
            schema = schemas.get(record.schema_id)
            offered = parse_qos(record.metadata.get("offered_qos_profiles", ""))
            definition = schema.data.decode() if schema else ""
            name = schema.name if schema else ""
            channels[record.id] = Topic(record.topic, name, 0, definition, offered)
        elif isinstance(record, records.Message):
            topic = channels[record.channel_id]
            yield topic, Message(topic.name, record.log_time, record.data)

    size = path.stat().st_size
    with path.open("rb") as file:
        # No record is larger than its file: a torn length must not ask for that much memory.
        reader = StreamReader(file, emit_chunks=True, record_size_limit=size)
        for record in reader.records:
            if not isinstance(record, records.Chunk):
                yield from take(record)
                continue
            try:
                parts = breakup_chunk(record, validate_crc=True)
            except Exception as error:
                complain(error)
                continue
            for part in parts:
                yield from take(part)


def _sqlite_records(path) -> Iterator[tuple[Topic, Message]]:
    """Every message of a database, its write-ahead log included, up to its first broken page."""
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        # Else sqlite refuses a file shorter than its header says. Nothing is written: mode=ro.
        database.execute("PRAGMA writable_schema = ON")
        columns = {row[1] for row in database.execute("PRAGMA table_info(topics)")}
        offered = "offered_qos_profiles" if "offered_qos_profiles" in columns else "''"
        topics = {
            number: Topic(name, kind, 0, "", parse_qos(profiles))
            for number, name, kind, profiles in database.execute(
                f"SELECT id, name, type, {offered} FROM topics"
            )
        }
        for number, time, data in database.execute(
            "SELECT topic_id, timestamp, data FROM messages ORDER BY id"
        ):
            yield topics[number], Message(topics[number].name, time, data)
