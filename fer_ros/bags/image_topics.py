# SPDX-License-Identifier: Apache-2.0
"""Which of a bag's topics are a camera's, by their names and types."""

from collections.abc import Mapping
from pathlib import Path

TRANSPORTS = {
    "sensor_msgs/msg/Image": "raw",
    "sensor_msgs/msg/CompressedImage": "compressed",
}
"""How images travel, by the type of their message."""


class BagError(RuntimeError):
    """The bag cannot be used; the message is one line that says why and what to do."""


def image_topic(path: Path, topics: Mapping[str, tuple[str, int]], name: str, option: str) -> str:
    """The topic of that name, or, without one, the only camera.

    A compressed topic beside its raw one, depth images and annotated images are no camera of
    their own. Raises BagError that names the topics; ``option``: how to choose one.
    """
    images = [n for n, (kind, count) in topics.items() if kind in TRANSPORTS and count]
    listed = ", ".join(images) or "none"
    if name:
        for candidate in (name, f"/{name.lstrip('/')}"):
            if candidate in images:
                return candidate
        raise BagError(f"{path}: no images on {name}; image topics: {listed}")
    cameras = [
        n
        for n in images
        if "depth" not in n.lower() and "annotated" not in n and n.rpartition("/")[0] not in images
    ]
    if len(cameras) == 1:
        return cameras[0]
    if cameras:
        raise BagError(f"{path}: several image topics: choose by {option}: {listed}")
    others = ", ".join(f"{n} ({kind})" for n, (kind, _) in topics.items())
    raise BagError(f"{path}: no image topic; it holds {others}")
