# SPDX-License-Identifier: Apache-2.0
"""A rosbag2 recording, sqlite3 or MCAP, whole or damaged: its topics and its messages in order."""

import mimetypes
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rosbags.rosbag2 import Reader, storage_mcap

from fer_ros.bags.image_topics import BagError, image_topic, type_name
from fer_ros.bags.limits import (
    check_database,
    check_mcap,
    check_packed_file,
    is_message,
    is_packed,
    unpack,
    unpack_lz4,
)
from fer_ros.bags.metadata import SUFFIXES, is_storage, read_metadata
from fer_ros.bags.salvage import BagTopic, Message, Salvage
from fer_ros.lines import fault, shown

# rosbags sets no limit to what a chunk of an MCAP file may become, whatever its index says.
storage_mcap.DECOMPRESSORS |= {"zstd": unpack, "lz4": unpack_lz4}

Log = Callable[[str], None]


class Bag:
    """A context manager over a bag's folder or a single file of it.

    ``topics``: name to BagTopic; ``start_time`` and ``end_time``: of the first and last message,
    ns. Where the bag is damaged, ``log`` is called with one line and what is whole is read;
    ``damage`` collects these lines. Raises BagError when there is nothing to read.
    """

    def __init__(self, path: Path, log: Log = print):
        self.path = Path(path)
        self.damage: list[str] = []
        self._log = log
        self._files = bag_files(self.path)
        self._reader: Reader | None = None
        self._salvages: list[Salvage] = []
        self._all_packed = False
        try:
            for file in self._files:
                _check(file)
            if self.path.is_dir():
                read_metadata(self.path)
            self._reader = Reader(self.path)
            self._reader.open()
            self._leave_messages_packed(self._reader)
        except BagError:
            raise
        except Exception as error:  # rosbags lets through what damaged bytes raise
            self._reader = None
            why = fault(error)
            self._report(f"{self.path.name}: damaged or not closed ({why}): reading on")
            self._salvage()
        self.topics: dict[str, BagTopic] = {}
        for listed in self._list_topics():
            topic = listed._replace(type=type_name(listed.type))
            known = self.topics.get(topic.name)
            self.topics[topic.name] = (
                known._replace(count=known.count + topic.count) if known else topic
            )
        self.start_time, self.end_time = self._times()
        if not any(topic.count for topic in self.topics.values()):
            self.close()
            why = "nothing in it can be read" if self.damage else "it holds no message"
            raise BagError(f"{self.path}: {why}: record again")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        if self._reader:
            self._reader.close()
            self._reader = None

    def messages(self, start: int | None = None, stop: int | None = None) -> Iterator[Message]:
        """Messages recorded from ``start`` to before ``stop``, in ns; None: no limit, whatever the
        metadata say of the bag's times.

        After a damaged spot it goes on with what is whole behind it.
        """
        broken = 0
        for message in self._stored(start, stop):
            data = message.data
            if self._all_packed or is_packed(data):
                try:
                    data = unpack(data)
                except Exception as error:  # see above
                    broken += 1
                    if broken == 1:
                        place = f"{message.topic} at {self._seconds(message.time)}"
                        self._report(f"{self.path.name}: {place} left out ({fault(error)})")
                    continue
            yield message._replace(data=data)
        if broken > 1:
            self._report(f"{self.path.name}: {broken} messages in all left out")

    def _stored(self, start, stop) -> Iterator[Message]:
        """Messages as they are stored; after damage those behind it."""
        if self._reader:
            last = None
            try:
                for connection, time, data in self._reader.messages(start=start, stop=stop):
                    if not is_message(time, data):
                        raise ValueError("a row that is not a message")
                    last = time
                    yield Message(connection.topic, time, bytes(data))
                return
            except Exception as error:  # see above
                at = "its start" if last is None else self._seconds(last)
                self._report(f"{self.path.name}: damaged at {at} ({fault(error)}): reading on")
            self._salvage()
            start = start if last is None else last + 1
        for part in self._salvages:
            yield from part.messages(start, stop)

    def image_topic(self, name: str = "") -> BagTopic:
        """The topic of that name, or, without one, the only camera in the bag.

        Raises BagError that names the topics.
        """
        topics = {n: (t.type, t.count) for n, t in self.topics.items()}
        return self.topics[image_topic(self.path, topics, name, "--topic")]

    def _leave_messages_packed(self, reader):
        """Unpack messages here, one by one: rosbags would end with the first that is damaged, and
        sets no limit to what one may become.
        """
        self._all_packed = reader.compression_mode == "message"
        if self._all_packed:
            storage = reader.storage
            storage.metadata = storage.metadata._replace(compression_mode="")

    def _seconds(self, time: int) -> str:
        return f"{(time - self.start_time) / 1e9:.1f} s"

    def _salvage(self):
        self._salvages = [Salvage(file) for file in self._files]
        for file, part in zip(self._files, self._salvages, strict=True):
            count = sum(topic.count for topic in part.topics)
            fault = f" ({part.fault})" if part.fault else ""
            self._report(f"{file.name}: {count} messages can be read{fault}")

    def _report(self, line):
        line = shown(line)
        self.damage.append(line)
        self._log(line)

    def _list_topics(self) -> Iterator[BagTopic]:
        for part in self._salvages:
            yield from part.topics
        for c in self._reader.connections if self._reader else ():
            ext: Any = c.ext  # of a ROS 2 bag
            yield BagTopic(c.topic, c.msgtype, c.msgcount, c.msgdef.data, ext.offered_qos_profiles)

    def _times(self) -> tuple[int, int]:
        if self._reader:
            return self._reader.start_time, self._reader.end_time - 1
        parts = [p for p in self._salvages if p.topics]
        starts, ends = [p.start_time for p in parts], [p.end_time for p in parts]
        return min(starts, default=0), max(ends, default=0)


def bag_files(path: Path) -> list[Path]:
    """The storage files of a bag, in the order of their names.

    Raises BagError for a path that is no bag.
    """
    if not path.exists():
        raise BagError(f"no such bag: {path}")
    if not (path.is_dir() or path.is_file()):  # it may never give an end
        raise BagError(f"{path}: not a bag: a pipe or a device")
    if path.is_dir():
        files = [f for f in path.iterdir() if is_storage(f)]
        if files:
            return sorted(files, key=lambda f: (len(f.name), f.name))
        if old := sorted(path.glob("*.bag")):
            raise _ros_1(old[0], f"; {len(old)} such bags are in {path}" if old[1:] else "")
        raise BagError(f"{path}: not a bag: no {' or '.join(SUFFIXES)} file in it")
    if path.suffix == ".bag":
        raise _ros_1(path)
    if path.suffix not in SUFFIXES:
        kind = (mimetypes.guess_type(path.name)[0] or "").partition("/")[0]
        hint = "; fer_ros-predict reads pictures and videos" * (kind in {"image", "video"})
        wanted = f"expected a folder, or a {' or '.join(SUFFIXES)} file"
        raise BagError(f"{path}: not a bag: {wanted}{hint}")
    return [path]


def _ros_1(path: Path, more: str = "") -> BagError:
    command = f"rosbags-convert --src {path} --dst {path.with_suffix('')}"
    return BagError(f"{path}: a ROS 1 bag; {command} converts it{more}")


def _check(file: Path) -> None:
    """Look at a file before rosbags opens it. Raises BagError for one that would fill the disk, and
    what damaged bytes raise.
    """
    if file.suffix == ".db3":
        if check_database(file):
            raise ValueError("rows that are not messages")
    elif file.suffix == ".mcap":
        check_mcap(file)
    elif file.suffix == ".zstd":
        try:
            check_packed_file(file)
        except ValueError as error:
            raise BagError(f"{file}: {error}") from None
