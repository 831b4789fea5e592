# SPDX-License-Identifier: Apache-2.0
"""Which of a bag's topics are a camera's, by their names and types."""

import re
from collections.abc import Mapping
from pathlib import Path

from fer_ros.images.topic_names import OTHER_TRANSPORTS
from fer_ros.lines import LineError

TRANSPORTS = {
    "sensor_msgs/msg/Image": "raw",
    "sensor_msgs/msg/CompressedImage": "compressed",
}
"""How images travel, by the type of their message."""


NOT_A_CAMERA = re.compile(r"(?:^|_)(?:depth|disparity|annotated|debug|mask|confidence)(?:_|$)")
"""In the last part of a topic's name, or the one before: no picture of what the camera sees."""
A_CAMERA = re.compile(r"cam(?:era)?\d*$")
"""A name that ends so is a device's, such as depth_camera, and says nothing of the image."""


class BagError(LineError, RuntimeError):
    """The bag cannot be used; the message is one line that says why and what to do."""


def type_name(name: str) -> str:
    """A message's type as ROS 2 spells it; some recorders write ``sensor_msgs/Image``."""
    package, _, message = name.partition("/")
    return f"{package}/msg/{message}" if message and "/" not in message else name


def shows_other_than_a_camera(topic: str) -> bool:
    """Whether depth, or something drawn, by the last parts of the name, not the device's before; or
    of a transport that is not read here.
    """
    if topic.endswith(OTHER_TRANSPORTS):
        return True
    parts = topic.lower().removesuffix("/compressed").split("/")[-2:]
    return any(NOT_A_CAMERA.search(p) and not A_CAMERA.search(p) for p in parts)


def image_topic(path: Path, topics: Mapping[str, tuple[str, int]], name: str, option: str) -> str:
    """The topic of that name, or, without one, the only camera.

    A compressed topic beside its raw one is no camera of its own, nor are depth and annotated
    images, unless there is nothing else. Raises BagError that names the topics; ``option``: how to
    choose one.
    """
    images = [n for n, (kind, count) in topics.items() if type_name(kind) in TRANSPORTS and count]
    listed = ", ".join(images) or "none"
    if name:
        for candidate in (name, f"/{name.lstrip('/')}"):
            if candidate in images:
                return candidate
        raise BagError(f"{path}: no images on {name}; image topics: {listed}; choose by {option}")
    own = [n for n in images if n.rpartition("/")[0] not in images]
    cameras = [n for n in own if not shows_other_than_a_camera(n)] or own
    if len(cameras) == 1:
        return cameras[0]
    if cameras:
        raise BagError(f"{path}: several image topics: choose by {option}: {listed}")
    others = ", ".join(f"{n} ({kind})" for n, (kind, _) in topics.items())
    raise BagError(f"{path}: no image topic; it holds {others}")
