# SPDX-License-Identifier: Apache-2.0
"""What is whole in a damaged bag file: MCAP or sqlite3, cut off, unclosed or with bad spots.

A recorder that loses its power leaves a file without index. An MCAP that has one is read chunk by
chunk through it; all else from its beginning. What can be read comes in the order of the file.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from rosbags.rosbag2.metadata import parse_qos

from fer_ros.bags.limits import LEAST_ROW, Budget, check_tables, is_message, unpack, unpack_lz4
from fer_ros.runtime.settings_files import parsed, yaml


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
    budget = Budget(size)
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
                budget.take(record.uncompressed_size)
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
    return known, sorted({chunk.chunk_start_offset for chunk in summary.chunk_indexes})


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


def _offered(profiles) -> list:
    try:
        return parse_qos(parsed(profiles, yaml))
    except Exception:  # a topic without known qualities of service is as good
        return []


def _sqlite_records(path, note_fault) -> Iterator[tuple[BagTopic, Message]]:
    """Every message of a database, its write-ahead log included, up to its first broken page; rows
    that are none are left out.
    """
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        # Else sqlite refuses a file shorter than its header says. Nothing is written: mode=ro.
        database.execute("PRAGMA writable_schema = ON")
        check_tables(database)
        columns = {row[1] for row in database.execute("PRAGMA table_info(topics)")}
        offered = "offered_qos_profiles" if "offered_qos_profiles" in columns else "''"
        topics = {
            number: BagTopic(name, kind, 0, "", _offered(profiles))
            for number, name, kind, profiles in database.execute(
                f"SELECT id, name, type, {offered} FROM topics"
            )
            if isinstance(name, str) and isinstance(kind, str)
        }
        log = path.with_name(f"{path.name}-wal")
        left = size = sum(file.stat().st_size for file in (path, log) if file.exists())
        # By the rows' own order, since sorted ones would first be stored, all of them.
        for number, time, data in database.execute(
            "SELECT topic_id, timestamp, CASE WHEN length(data) <= ? THEN data END FROM messages "
            "ORDER BY rowid",
            (size,),
        ):
            is_one = number in topics and is_message(time, data)
            left -= LEAST_ROW + (len(data) if is_one else 0)
            if left < 0:
                raise ValueError("more messages than its file can hold")
            if is_one:
                yield topics[number], Message(topics[number].name, time, data)
            else:
                note_fault(ValueError("rows that are not messages are left out"))
