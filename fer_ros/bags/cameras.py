# SPDX-License-Identifier: Apache-2.0
"""Which of a bag's topics is the camera, known from its metadata alone."""

from pathlib import Path
from typing import NamedTuple

from fer_ros.bags.image_topics import TRANSPORTS, BagError, image_topic
from fer_ros.bags.metadata import read_metadata
from fer_ros.images.topic_names import base_of, camera_info_of
from fer_ros.runtime.settings_files import SettingsError


class BagCamera(NamedTuple):
    """``topic``: as the bag has it; ``base``: the name of its raw images, published or not;
    ``info``: the topic of its CameraInfo, empty where the bag has none.
    """

    topic: str
    transport: str
    base: str
    info: str


def metadata_topics(path: Path) -> dict[str, tuple[str, int]]:
    """Type and number of messages by the name of each topic.

    From metadata.yaml; where that is absent or damaged, from the messages. Raises BagError.
    """
    try:
        return read_metadata(path).topics
    except (OSError, SettingsError, ImportError):
        try:
            from fer_ros.bags.reading import Bag
        except ImportError:
            raise BagError(f"{path}: no metadata.yaml: ros2 bag reindex makes it") from None
        with Bag(path) as bag:
            return {name: (topic.type, topic.count) for name, topic in bag.topics.items()}


def camera(path: Path, name: str = "", transport: str = "") -> BagCamera:
    """The camera of the bag: that of the (raw or compressed) topic ``name``, or the only one.

    ``transport``: "raw" or "compressed"; empty: raw where both are recorded. Raises BagError.
    """
    topics = metadata_topics(path)
    name = f"/{name.lstrip('/')}" if name else image_topic(path, topics, "", "image_topic:=")
    base = base_of(name)
    candidates = list(dict.fromkeys((base, name, f"{base}/compressed")))
    found = [n for n in candidates if n in topics and topics[n][0] in TRANSPORTS and topics[n][1]]
    wanted = [n for n in found if transport in ("", TRANSPORTS[topics[n][0]])]
    if not wanted:
        image_topic(path, topics, found[0] if found else name, "image_topic:=")
        raise BagError(f"{path}: no {transport} images of {base}: leave out image_transport:=")
    info = camera_info_of(base)
    transport = TRANSPORTS[topics[wanted[0]][0]]
    return BagCamera(wanted[0], transport, base, info if info in topics else "")
