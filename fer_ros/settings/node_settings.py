# SPDX-License-Identifier: Apache-2.0
"""The parameters of the other nodes."""

from dataclasses import replace

from fer_ros.settings.emotion_settings import of_emotion_node
from fer_ros.settings.setting import Setting

EXPRESSION_NODE = (
    *of_emotion_node("autostart", "exit_on_failure", "model", "threads", "max_image_megapixels"),
    Setting(
        "max_faces", 16, "At most this many faces, those followed longest.", (1, 256), live=True
    ),
    *of_emotion_node(
        "smoothing_time_constant",
        "hysteresis",
        "uncertain_threshold",
        "diagnostics_period",
        "age_warn",
        "age_error",
    ),
)
"""The parameters of expression_node: most are emotion_node's."""

_VIDEO_SOURCE = (
    Setting(
        "source",
        "sample",
        "Camera index, video file, folder of pictures, stream URL, or the built-in `sample`.",
    ),
    Setting("rate", 0.0, "Images a second, Hz; 0: the source's own.", range=(0, 1000)),
    Setting("width", 0, "Width to resize to, pixels; 0: the source's own.", range=(0, 16384)),
    Setting("height", 0, "Height to resize to, pixels; 0: the source's own.", range=(0, 16384)),
    Setting("loop", True, "Begin again at the end of a file or folder; false: exit there."),
    Setting(
        "encoding",
        "bgr8",
        "Encoding of image_raw.",
        choices=("bgr8", "rgb8", "bgra8", "rgba8", "mono8"),
    ),
    Setting("jpeg_quality", 80, "Quality of image_raw/compressed.", range=(1, 100)),
    Setting("frame_id", "camera", "Frame in the header of the images."),
    Setting(
        "start_when_subscribed",
        False,
        "Wait for the first subscriber before the first image, so that none is missed.",
    ),
)
VIDEO_SOURCE = tuple(replace(setting, read_only=True) for setting in _VIDEO_SOURCE)
"""The parameters of video_source, all read once, at the start."""

WEB_VIEW = (
    Setting(
        "host",
        "127.0.0.1",
        "Address to listen on; with any but this machine's own (127.0.0.1, ::1, localhost), such "
        "as 0.0.0.0 for all, visitors need the token.",
        read_only=True,
    ),
    Setting("port", 8080, "Port to listen on; 0: a free one.", (0, 65535), read_only=True),
    Setting(
        "token_file",
        "",
        "File that holds the token visitors need; readable by this node's user alone.",
        read_only=True,
    ),
    Setting(
        "token",
        "",
        "The token itself, for a trial: a parameter can be read on the bus. Empty: made and "
        "printed at each start where `host` demands one.",
        read_only=True,
    ),
    Setting(
        "allowed_hosts",
        "",
        "Further names by which browsers may call this machine, with commas between.",
        read_only=True,
    ),
    Setting("max_viewers", 10, "Pages open at the same time, at most.", (1, 100), read_only=True),
    Setting(
        "allow_changes",
        False,
        "Let viewers change the live parameters of the node that they look at.",
        read_only=True,
    ),
    Setting("node", "emotion_node", "Name of the node that is looked at.", read_only=True),
    Setting(
        "image_transport",
        "auto",
        "Images to show: JPEG or PNG as they come, or raw ones made JPEG here; auto: compressed "
        "where someone publishes them.",
        choices=("auto", "raw", "compressed"),
        read_only=True,
    ),
    Setting(
        "rotate",
        -1,
        "Turn the image clockwise, degrees; -1: as the node does.",
        choices=(-1, 0, 90, 180, 270),
        live=True,
    ),
    Setting(
        "max_rate", 15.0, "Images shown each second at most, Hz; -1: all.", (-1, 1000), live=True
    ),
    Setting("jpeg_quality", 80, "Quality of the JPEG made of raw images.", (1, 100), live=True),
    *of_emotion_node("max_image_megapixels", "max_compressed_megabytes"),
)
"""The parameters of web_view."""
