# SPDX-License-Identifier: Apache-2.0
"""What a bag's metadata.yaml says, checked: rosbags takes numbers, names and files as they come."""

from pathlib import Path
from typing import Any, NamedTuple

from fer_ros.bags.image_topics import type_name
from fer_ros.runtime.settings_files import SettingsError, load, parsed, yaml

SUFFIXES = (".mcap", ".db3")
LARGEST = 1 << 63


class Metadata(NamedTuple):
    """``files``: their names, within the bag's folder; ``topics``: type and number of messages by
    the name of each.
    """

    files: list[str]
    topics: dict[str, tuple[str, int]]


def read_metadata(folder: Path) -> Metadata:
    """The metadata of the bag in a folder. Raises OSError; SettingsError for what no recorder
    writes.
    """
    content = load(folder / "metadata.yaml", yaml)
    try:
        content = content["rosbag2_bagfile_information"]
        files = [Path(name).name for name in content["relative_file_paths"]]
        topics = dict(map(_listed, content["topics_with_message_count"]))
        for number in (
            content["message_count"],
            content["duration"]["nanoseconds"],
            content["starting_time"]["nanoseconds_since_epoch"],
        ):
            _count(number)
    except (KeyError, TypeError, AttributeError) as error:
        raise SettingsError(f"not the metadata of a bag: {type(error).__name__}: {error}") from None
    if len(set(files)) < len(files) or not all(map(is_storage, map(Path, files))):
        raise SettingsError("its files are not those of a bag")
    return Metadata(files, topics)


def is_storage(file: Path) -> bool:
    """Whether a file holds messages, by its name."""
    return (file.with_suffix("") if file.suffix == ".zstd" else file).suffix in SUFFIXES


def _listed(entry: Any) -> tuple[str, tuple[str, int]]:
    topic = entry["topic_metadata"]
    name, kind, offered = topic["name"], topic["type"], topic.get("offered_qos_profiles", [])
    if not isinstance(name, str) or not isinstance(kind, str):
        raise SettingsError(f"a topic's name or type is {name!r:.60}, {kind!r:.60}: no text")
    if isinstance(offered, str):
        parsed(offered, yaml)
    return name, (type_name(kind), _count(entry["message_count"]))


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < LARGEST:
        raise SettingsError(f"{value!r:.60} is not a number of messages or nanoseconds")
    return value
