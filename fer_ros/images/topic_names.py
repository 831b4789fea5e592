# SPDX-License-Identifier: Apache-2.0
"""What image_transport's conventions say of a camera's topics by their names."""

IMAGE, COMPRESSED_IMAGE = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"

OTHER_TRANSPORTS = ("/compressedDepth", "/ffmpeg", "/rvl", "/theora", "/zstd")
"""What image_transport's other plugins add to a name, some with the type of compressed images."""


def arguments_for(topic: str, kind: str) -> str:
    """What to type after ``--ros-args`` so that a topic of that type is read; empty: no image."""
    if kind == IMAGE:
        return f"-r image_raw:={topic} -p image_transport:=raw"
    if kind != COMPRESSED_IMAGE or topic.endswith(OTHER_TRANSPORTS):
        return ""
    if topic.endswith("/compressed"):
        return f"-r image_raw:={base_of(topic)} -p image_transport:=compressed"
    return f"-r image_raw/compressed:={topic} -p image_transport:=compressed"


def base_of(image_topic: str) -> str:
    """The name of the raw images, by that of the raw or the compressed ones."""
    return image_topic.removesuffix("/compressed")


def camera_info_of(image_topic: str) -> str:
    """The topic of the calibration, beside that of the images, raw or compressed."""
    return f"{base_of(image_topic).rpartition('/')[0]}/camera_info"


def is_rectified(image_topic: str) -> bool:
    """Whether the images are rectified: ``image_rect``, ``image_rect_color`` and the like."""
    return base_of(image_topic).rpartition("/")[2].startswith("image_rect")
