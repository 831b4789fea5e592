# SPDX-License-Identifier: Apache-2.0
"""The parameters of the other nodes."""

from dataclasses import replace

from fer_ros.parameters.emotion_parameters import EMOTION_NODE
from fer_ros.parameters.options import ExpressionNodeOptions, VideoSourceOptions, WebViewOptions
from fer_ros.parameters.parameter import Parameter, taken_by

EXPRESSION_NODE = (
    *taken_by(ExpressionNodeOptions, EMOTION_NODE),
    Parameter(
        "max_faces",
        16,
        "Maximum number of faces; those followed longest are kept.",
        ExpressionNodeOptions,
        range=(1, 256),
        live=True,
    ),
)
"""The parameters of expression_node: all but the last are emotion_node's."""

_VIDEO_SOURCE = (
    Parameter(
        "source",
        "sample",
        "Camera index, video file, folder of pictures, stream URL, `@FILE` "
        "that holds one, or the built-in `sample`.",
        VideoSourceOptions,
    ),
    Parameter(
        "rate",
        0.0,
        "Rate of the images; 0: the source's own.",
        VideoSourceOptions,
        "Hz",
        range=(0, 1000),
    ),
    Parameter(
        "width",
        0,
        "Width to resize to; 0: the source's own.",
        VideoSourceOptions,
        "pixels",
        range=(0, 16384),
    ),
    Parameter(
        "height",
        0,
        "Height to resize to; 0: the source's own.",
        VideoSourceOptions,
        "pixels",
        range=(0, 16384),
    ),
    Parameter(
        "loop",
        True,
        "Start over at the end of a file or folder; false: exit there.",
        VideoSourceOptions,
    ),
    Parameter(
        "encoding",
        "bgr8",
        "Encoding of image_raw.",
        VideoSourceOptions,
        choices=("bgr8", "rgb8", "bgra8", "rgba8", "mono8"),
    ),
    Parameter(
        "jpeg_quality",
        80,
        "JPEG quality of image_raw/compressed, 1 to 100.",
        VideoSourceOptions,
        range=(1, 100),
    ),
    Parameter("frame_id", "camera", "Frame id of the images.", VideoSourceOptions),
    Parameter(
        "start_when_subscribed",
        False,
        "Wait for the first subscriber before the first image, so that no image is missed.",
        VideoSourceOptions,
    ),
)
VIDEO_SOURCE = tuple(replace(row, read_only=True) for row in _VIDEO_SOURCE)
"""The parameters of video_source, all read once, at the start."""

WEB_VIEW = (
    Parameter(
        "host",
        "127.0.0.1",
        "Address to listen on; with any address but this machine's own (127.0.0.1, ::1, "
        "localhost), such as 0.0.0.0 for all, visitors need the token.",
        WebViewOptions,
        read_only=True,
    ),
    Parameter(
        "port",
        8080,
        "Port to listen on; 0: a free one.",
        WebViewOptions,
        range=(0, 65535),
        read_only=True,
    ),
    Parameter(
        "token_file",
        "",
        "File with the token that visitors need; readable by this node's user only.",
        WebViewOptions,
        read_only=True,
    ),
    Parameter(
        "token",
        "",
        "Token that visitors need, for a trial only: anybody on the bus can read a "
        "parameter. Empty: one is made and printed at each start where `host` requires it.",
        WebViewOptions,
        read_only=True,
    ),
    Parameter(
        "allowed_hosts",
        "",
        "Further host names under which browsers may address this machine, separated by commas.",
        WebViewOptions,
        read_only=True,
    ),
    Parameter(
        "max_viewers",
        10,
        "Maximum number of open pages.",
        WebViewOptions,
        range=(1, 100),
        read_only=True,
    ),
    Parameter(
        "allow_changes",
        False,
        "Let viewers change the live parameters of the node they look at.",
        WebViewOptions,
        read_only=True,
    ),
    Parameter(
        "node",
        "emotion_node",
        "Name of the node to show.",
        WebViewOptions,
        read_only=True,
    ),
    Parameter(
        "image_transport",
        "auto",
        "Images to show: JPEG or PNG as received, or raw images encoded here as JPEG; "
        "auto: compressed if somebody publishes them.",
        WebViewOptions,
        choices=("auto", "raw", "compressed"),
        read_only=True,
    ),
    Parameter(
        "rotate",
        -1,
        "Clockwise rotation of the images shown; -1: the node's own.",
        WebViewOptions,
        "degrees",
        choices=(-1, 0, 90, 180, 270),
        live=True,
    ),
    Parameter(
        "max_rate",
        15.0,
        "Maximum rate of shown images; -1: no limit.",
        WebViewOptions,
        "Hz",
        (-1, 1000),
        live=True,
    ),
    Parameter(
        "jpeg_quality",
        80,
        "JPEG quality of encoded raw images, 1 to 100.",
        WebViewOptions,
        range=(1, 100),
        live=True,
    ),
    *taken_by(WebViewOptions, EMOTION_NODE),
)
"""The parameters of web_view."""
