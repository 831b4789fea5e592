# SPDX-License-Identifier: Apache-2.0
"""Writes MCAP bags that ``ros2 bag play`` and Foxglove read, also when the disk runs full."""

import atexit
import errno
import os
import re
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Literal

from rosbags.interfaces import Connection
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.rosbag2.errors import WriterError
from rosbags.rosbag2.storage_mcap import McapWriter
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from fer_ros.bags.salvage import BagTopic
from fer_ros.bags.types import type_store
from fer_ros.start import uninterrupted

RESERVE = 16 << 20
"""Bytes kept free beside a bag while it is written, so that there is room to close it."""
DISTRO = "jazzy"
"""Whose types a bag holds where no ROS is, as ``fer_ros.bags.types`` has them."""
_MARK_NAME = ".being-written-by-fer_ros"
"""Lies in a bag until it is closed."""
_MARK = "fer_ros"
# What Jazzy writes is 9; 8 differs in how qualities of service are written, and older ROS reads it.
_VERSION: Literal[8] = 8


class DiskFullError(OSError):
    """Nothing more can be written; all that was written before is in the bag."""

    def __init__(self, path: Path, cause: OSError):
        super().__init__(cause.errno, cause.strerror or str(cause), str(path))


class BagWriter:
    """A new bag in the folder ``path``: context manager; whatever ends it, the bag is closed.

    Raises OSError when it cannot be made, also for a folder that is there already.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        self._topics: dict[str, Connection] = {}
        try:
            self.path.absolute().name.encode()  # metadata.yaml names the file, which is called so
        except UnicodeEncodeError:
            reason = "the name of a bag has to be UTF-8"
            raise OSError(errno.EILSEQ, reason, str(self.path)) from None
        try:
            self._writer = _Writer(self.path, version=_VERSION, storage_plugin=StoragePlugin.MCAP)
            self._writer.set_custom_data(_MARK, "written by fer_ros")
            self._writer.open()
        except WriterError:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        except OSError:
            remove_bag(self.path)
            raise
        self._storage: Any = self._writer.storage  # a _McapWriter
        atexit.register(self.close)  # where an interrupt came in the very moment before it

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def topics(self) -> set[str]:
        """Names of the topics added so far."""
        return set(self._topics)

    def add_topic(self, topic: BagTopic) -> bool:
        """Prepare for a topic's messages; False when its type is unknown and it has no definition
        that could be stored.
        """
        definition, digest = _describe(topic)
        if not definition:
            return False
        try:
            self._topics[topic.name] = self._writer.add_connection(
                topic.name,
                topic.type,
                msgdef=definition,
                rihs01=digest,
                offered_qos_profiles=topic.qos,
            )
        except WriterError:  # one of that name and type is there
            return False
        return True

    def write(self, topic: str, time: int, data: bytes) -> None:
        """Append a message, CDR, recorded at ``time``, ns.

        Raises DiskFullError when the disk is full; the bag holds this message too and is to be
        closed.
        """
        self._writer.write(self._topics[topic], time, data)
        if self._storage.failure:
            raise DiskFullError(self.path, self._storage.failure)

    def flush(self) -> None:
        """Hand to the system what waits in memory. Raises DiskFullError."""
        self._storage.close_chunk()
        if self._storage.failure:
            raise DiskFullError(self.path, self._storage.failure)

    def close(self) -> None:
        """Write index and metadata. Raises OSError; the bag's end is then missing."""
        if self._writer.storage is None:
            return
        with uninterrupted():
            atexit.unregister(self.close)
            self._storage.free_reserve()
            try:
                self._writer.close()
            except OSError:
                self._writer.abort()
                raise


class _McapWriter(McapWriter):
    """rosbags' writer, which on a full disk frees its reserve and tries the last chunk again."""

    def __init__(self, path, compression):
        self.failure: OSError | None = None
        self._mark = path / _MARK_NAME
        self._mark.touch()
        # Without a name, so that a process that is killed leaves nothing of that size behind.
        self._reserve = TemporaryFile(dir=path)  # noqa: SIM115 - closed by free_reserve
        os.posix_fallocate(self._reserve.fileno(), 0, RESERVE)
        super().__init__(path, compression)

    def close_chunk(self):
        if not self.chunk.msgs:
            return
        chunk, index, begin = self.chunk, len(self.chunks), self.bio.tell()
        try:
            super().close_chunk()
            self.bio.flush()
        except OSError as error:
            self.failure = error
            self.free_reserve()
            self.chunk = chunk
            del self.chunks[index:]
            self.bio.seek(begin)
            self.bio.truncate()
            super().close_chunk()
            self.bio.flush()

    def close(self, version, metadata):
        super().close(version, _with_distro(metadata))

    def free_reserve(self):
        self._reserve.close()
        self._mark.unlink(missing_ok=True)


class _Writer(Writer):
    STORAGE_PLUGINS = {StoragePlugin.MCAP: _McapWriter}  # noqa: RUF012 - as rosbags has it

    def close(self):
        super().close()
        draft = self.metapath.with_suffix(".yaml.tmp")
        draft.write_text(_with_distro(self.metapath.read_text("utf-8")), "utf-8")
        draft.replace(self.metapath)


def _with_distro(metadata: str) -> str:
    """A bag's metadata, YAML, with the ROS whose types are written instead of rosbags' own name."""
    distro = os.environ.get("ROS_DISTRO") or DISTRO
    return re.sub(r"(?m)^(\s*ros_distro: )rosbags$", lambda found: found[1] + distro, metadata)


def remove_bag(path: Path) -> None:
    """Remove a bag that BagWriter has made, finished or not.

    Raises FileExistsError for anything else, and leaves it as it is.
    """
    if path.exists():
        for name in check_bag(path):
            (path / name).unlink(missing_ok=True)
        path.rmdir()


def check_bag(path: Path) -> set[str]:
    """The names of the files of a bag that BagWriter has made; none where nothing is.

    Raises FileExistsError for anything else.
    """
    if not path.exists():
        return set()
    storage, metadata, mark = path / f"{path.name}.mcap", path / "metadata.yaml", _MARK_NAME
    names = {storage.name, metadata.name, mark}
    is_ours = (path / mark).exists()
    with suppress(OSError):
        is_ours = is_ours or f"{_MARK}: written by fer_ros" in metadata.read_text("utf-8")
    if not is_ours or not path.is_dir() or {f.name for f in path.iterdir()} - names:
        raise FileExistsError(errno.EEXIST, "exists and was not written by fer_ros", str(path))
    return names


def _describe(topic: BagTopic) -> tuple[str, str]:
    """The definition of a topic's type and its hash (REP 2016); empty when unknown, or no message
    definition.
    """
    store = type_store()
    if topic.definition and not topic.definition.startswith("=" * 80):
        own = get_typestore(Stores.EMPTY)
        with suppress(Exception):  # whatever a recorder took for one raises anything
            own.register(get_types_from_msg(topic.definition, topic.type))
            return topic.definition, own.hash_rihs01(topic.type)
    if topic.type in store.fielddefs:
        return store.generate_msgdef(topic.type, ros_version=2)[0], store.hash_rihs01(topic.type)
    return "", ""
