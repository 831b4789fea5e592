# SPDX-License-Identifier: Apache-2.0
"""Damaged and hostile recordings: MCAP and sqlite3, whole files, their metadata, their rows.

python -m benchmarks.robustness.bags [--seconds 90] [--seed 1]
"""

import contextlib
import re
import shutil
import sqlite3
import sys

import numpy as np

from benchmarks.robustness.rounds import Round, damaged, one_line, run
from fer_ros.bags.cameras import camera
from fer_ros.bags.decoder import Decoder
from fer_ros.bags.reading import Bag, BagError
from fer_ros.bags.types import qos, type_store
from fer_ros.images.codec import ImageError, encode_jpeg
from fer_ros.images.topic_names import COMPRESSED_IMAGE, IMAGE
from fer_ros.sources.sample import Sample

VALUES = (
    ".inf", "-1", "1e400", "99999999999999999999", "null", "[]", "{}", "2024-13-45", "'/a'", "7",
    "/dev/zero", "../../x", "*a", "&a [*a]", "[" * 2000, "!!binary x", "zstd", "file", "yes",
)  # fmt: skip
ROWS = ("'text'", "NULL", "-1", "9223372036854775807", "1.5", "x'00'", "zeroblob(100000)", "7")


def _bag(folder, storage, compression=""):
    """Ten images, raw and JPEG, and a topic of words."""
    from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

    store, image = type_store(), Sample()[300][::2, ::2]
    types = store.types
    writer = Writer(folder / "bag", version=9, storage_plugin=StoragePlugin[storage])
    if compression:
        writer.set_compression(CompressionMode[compression], CompressionFormat.ZSTD)
    with writer:
        raw, packed, words = (
            writer.add_connection(n, k, typestore=store, offered_qos_profiles=[qos()])
            for n, k in (
                ("/image_raw", IMAGE),
                ("/image_raw/compressed", COMPRESSED_IMAGE),
                ("/words", "std_msgs/msg/String"),
            )
        )
        for i in range(10):
            time = 1_700_000_000_000_000_000 + i * 100_000_000
            stamp = types["builtin_interfaces/msg/Time"](time // 10**9, time % 10**9)
            header = types["std_msgs/msg/Header"](stamp, "camera")
            size = {"height": image.shape[0], "width": image.shape[1], "step": image.shape[1] * 3}
            flat = np.ascontiguousarray(image).reshape(-1)
            one = types[IMAGE](header=header, encoding="bgr8", is_bigendian=0, data=flat, **size)
            two = types[COMPRESSED_IMAGE](header, "jpeg", encode_jpeg(image).reshape(-1))
            word = types["std_msgs/msg/String"](f"word {i}")
            for connection, message in ((raw, one), (packed, two), (words, word)):
                data = store.serialize_cdr(message, connection.msgtype)
                writer.write(connection, time, data)
    return folder / "bag"


def _read(path) -> str:
    """All of it, as evaluate_bag and replay do. Raises nothing but what they tell."""
    store, lines, word = type_store(), [], "used"
    with contextlib.suppress(BagError):
        if path.is_dir():
            camera(path)
    try:
        with Bag(path, lines.append) as bag:
            decoders = {n: Decoder(t.type) for n, t in bag.topics.items() if "Image" in t.type}
            word = "used in part" if bag.damage else word
            for message in bag.messages():
                if decode := decoders.get(message.topic):
                    kind = bag.topics[message.topic].type
                    with contextlib.suppress(ImageError):
                        try:
                            fields = store.deserialize_cdr(message.data, kind)
                        except Exception:
                            continue
                        decode(fields)
    except BagError as error:
        return one_line(error, 2000)
    for line in lines:
        one_line(ValueError(line), 2000)
    return word


def whole(folder, stack, storage, compression=""):
    """The storage file, damaged."""
    path = _bag(folder, storage, compression)
    (file,) = (f for f in path.iterdir() if f.name != "metadata.yaml")
    data = file.read_bytes()

    def once(number, random):
        file.write_bytes(damaged(data, random))
        return _read(path if random.random() < 0.7 else file)

    return once


def metadata(folder, stack):
    """metadata.yaml: values of other kinds, names of other files, damage."""
    path = _bag(folder, "MCAP")
    file = path / "metadata.yaml"
    text = file.read_text()

    def once(number, random):
        if random.random() < 0.3:
            file.write_bytes(damaged(text.encode(), random))
        else:
            lines = text.splitlines()
            for _ in range(int(random.integers(1, 4))):
                at = int(random.integers(len(lines)))
                value = str(random.choice(VALUES))
                lines[at] = re.sub(r"((?:- |: ))\S.*$", lambda m, v=value: m[1] + v, lines[at])
            file.write_text("\n".join(lines))
        return _read(path)

    return once


def rows(folder, stack):
    """Rows and tables of a database that no recorder writes."""
    path = _bag(folder, "SQLITE3")
    (file,) = path.glob("*.db3")
    kept = folder / "kept.db3"
    shutil.copy(file, kept)

    def once(number, random):
        shutil.copy(kept, file)
        with contextlib.closing(sqlite3.connect(file)) as database:
            for _ in range(int(random.integers(1, 4))):
                column = ("timestamp", "data", "topic_id", "id")[int(random.integers(4))]
                table = "messages"
                if random.random() < 0.4:
                    table = "topics"
                    column = ("name", "type", "serialization_format", "offered_qos_profiles", "id")[
                        int(random.integers(5))
                    ]
                value = str(random.choice(ROWS))
                row = int(random.integers(1, 30 if table == "messages" else 4))
                with contextlib.suppress(sqlite3.Error):
                    database.execute(f"UPDATE {table} SET {column} = {value} WHERE id = {row}")
            database.commit()
        return _read(path)

    return once


ROUNDS = [
    Round("mcap", whole, ("MCAP",)),
    Round("mcap, messages in zstd", whole, ("MCAP", "MESSAGE")),
    Round("db3", whole, ("SQLITE3",)),
    Round("db3, the file in zstd", whole, ("SQLITE3", "FILE")),
    Round("metadata.yaml", metadata),
    Round("rows of a db3", rows),
]

if __name__ == "__main__":
    sys.exit(run("bags", __doc__, ROUNDS, seconds=90.0))
