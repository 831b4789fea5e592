# SPDX-License-Identifier: Apache-2.0
"""Which of a bag's topics is the camera, known from its metadata alone."""

from pathlib import Path
from typing import NamedTuple

import yaml

from fer_ros.bags.image_topics import TRANSPORTS, BagError, image_topic, type_name
from fer_ros.images.topic_names import base_of, camera_info_of


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
        text = (path / "metadata.yaml").read_text("utf-8")
        listed = yaml.safe_load(text)["rosbag2_bagfile_information"]["topics_with_message_count"]
        return {
            entry["topic_metadata"]["name"]: (
                type_name(entry["topic_metadata"]["type"]),
                int(entry["message_count"]),
            )
            for entry in listed
        }
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
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
