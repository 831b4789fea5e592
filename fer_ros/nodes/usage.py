# SPDX-License-Identifier: Apache-2.0
"""What ``--help`` of a node says, from the tables of its topics and parameters."""

import sys
import textwrap
from pathlib import Path

from ament_index_python.packages import get_package_share_directory

from fer_ros import parameters
from fer_ros.nodes import topics

WIDTH = 100

NODES = {
    "emotion_node": (
        "Finds the faces in a camera's images and says which expression each of them shows.",
        parameters.EMOTION_NODE,
        "-r image_raw:=/camera/image_raw",
        "-p detector:=haar -p max_faces:=3",
    ),
    "expression_node": (
        "Says which expression the faces show that another node finds (REP 155, ROS4HRI).",
        parameters.EXPRESSION_NODE,
        "-p uncertain_threshold:=0.5",
        "-p model:=/path/my_model.tflite",
    ),
    "video_source": (
        "Publishes the images of a camera, a video, a folder, a stream or the built-in sample.",
        parameters.VIDEO_SOURCE,
        "-p source:=0",
        "-p source:=party.mp4 -p loop:=false -r image_raw:=/camera/image_raw",
    ),
    "web_view": (
        "Shows the camera's image with the faces found, live, in a browser: http://127.0.0.1:8080.",
        parameters.WEB_VIEW,
        "-r image_raw:=/camera/image_raw",
        "-p host:=0.0.0.0 -p token_file:=/home/me/.fer_ros_token",
    ),
}
"""For each node: what it is for, its parameters, and two examples of arguments."""


def usage(node: str) -> str:
    """The text of ``--help`` of a node by its name in NODES."""
    purpose, table, *examples = NODES[node]
    program = Path(sys.argv[0]).name
    if program != f"fer_ros-{node}":
        program = f"ros2 run fer_ros {node}"
    rows = [row for row in topics.TABLES[node] if isinstance(row, topics.Topic)]
    inputs, outputs = ([t for t in rows if t.is_input == i] for i in (True, False))
    live = f"* takes effect at once: ros2 param set /{node} PARAMETER VALUE"
    share = _share()
    parts = [
        f"usage: {program} [--ros-args -p PARAMETER:=VALUE ... -r TOPIC:=OTHER ...]",
        purpose,
        "\n".join(f"  {program} --ros-args {example}" for example in examples),
        _section("subscribes to", map(_topic, inputs)),
        _section("publishes", map(_topic, outputs)),
        _section("services", map(_service, topics.TABLES.get(f"{node} services", ()))),
        _section("parameters and their defaults", map(_parameter, table)),
        live if any(row.live for row in table) else "",
        f"A file of all parameters, to copy and hand over by --ros-args --params-file my.yaml:\n"
        f"  {share}/config/emotion.yaml\n"
        f"Documentation:\n"
        f"  {share}/docs/README.md",
    ]
    return "\n\n".join(filter(None, parts))


def _topic(topic):
    needs = ", ".join(f"{name}:={str(value).lower()}" for name, value in topic.needs)
    return topic.name, f"{topic.kind}{needs and f', with {needs}'}. {topic.description}"


def _service(service):
    return service.name, f"{service.kind}. {service.description}"


def _parameter(row):
    text = row.described
    if row.choices:
        text += f" ({', '.join(map(str, row.choices))})"
    elif row.range:
        text += " ({} to {})".format(*row.range)
    default = str(row.default)
    if isinstance(row.default, bool):
        default = default.lower()
    if len(default) > WIDTH // 4:  # beside its description there would be no room
        text, default = f"{text} Default: {default}", "..."
    return f"{'*' if row.live else ' '} {row.name} = {default or repr('')}", text


def _section(title, rows):
    """Two columns under a title, the right one wrapped; nothing where there are no rows."""
    rows = list(rows)
    left = 4 + max((len(name) for name, _ in rows), default=0)
    lines = [
        textwrap.fill(
            text.replace("`", ""), WIDTH,
            initial_indent=f"  {name}".ljust(left), subsequent_indent=" " * left,
        )
        for name, text in rows
    ]  # fmt: skip
    return "\n".join([f"{title}:", *lines]) if lines else ""


def _share():
    try:
        return get_package_share_directory("fer_ros")
    except (LookupError, OSError):  # from wheels, without AMENT_PREFIX_PATH
        return f"{sys.prefix}/share/fer_ros"
