# SPDX-License-Identifier: Apache-2.0
"""RViz beside emotion_node, with a fixed frame in which there is something to see."""

import asyncio
from contextlib import suppress
from pathlib import Path

import yaml
from launch.actions import OpaqueCoroutine, OpaqueFunction, RegisterEventHandler
from launch.event import Event
from launch.event_handler import EventHandler
from launch.logging import get_logger, launch_config
from launch_ros.actions import Node
from launch_ros.ros_adapters import get_ros_node
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage, Image

from fer_ros.bags.image_topics import BagError
from fer_ros.msg import EmotionArray

TOPICS = ("image_annotated", "emotion_markers", "status_marker")
FRAME = "camera"  # the fixed frame of config/emotion.rviz, video_source's own
PATIENCE = 10.0  # seconds for the first image, then RViz opens all the same


class FrameKnown(Event):
    """The frame of a camera's images is known; each camera of a launch has its own event."""

    frame = FRAME


def actions(
    value: dict[str, str], namespace: str, config: Path, environment: dict[str, str]
) -> list:
    """To be launched: RViz at once where its fixed frame is given, else after the first image.

    ``value``: the launch's arguments ``rviz_frame``, ``frame_id``, ``use_sim_time``;
    ``namespace``: of the nodes, as ``arguments.namespace`` has it.
    """
    if is_robots(value["rviz_frame"]):
        config = robots_layout(config, Path(launch_config.log_dir))

    def node(frame):
        return _node(frame, value["use_sim_time"] == "true", namespace, config, environment)

    if frame := value["rviz_frame"] or value["frame_id"]:
        return [node(frame)]
    known = FrameKnown()
    open_it = OpaqueFunction(function=lambda _: [node(known.frame)])
    return [
        RegisterEventHandler(EventHandler(matcher=lambda event: event is known, entities=open_it)),
        OpaqueCoroutine(coroutine=_ask, args=[f"{namespace.rstrip('/')}/emotions", known]),
    ]


def is_robots(frame: str) -> bool:
    """Whether z is up in a frame: whether it is no camera's, by its name (REP 103)."""
    return frame.lstrip("/") not in ("", FRAME) and "optical" not in frame


def robots_layout(config: Path, folder: Path) -> Path:
    """A copy in the folder that opens with the first saved view, from behind the robot, and with
    the grid on the floor.
    """
    layout = yaml.safe_load(config.read_text("utf-8"))
    manager = layout["Visualization Manager"]
    manager["Views"]["Current"] = manager["Views"]["Saved"][0] | {"Name": "Current View"}
    manager["Displays"][0]["Plane"] = "XY"
    copy = folder / config.name
    copy.write_text(yaml.safe_dump(layout, sort_keys=False), "utf-8")
    return copy


def recorded_frame(bag: Path, topic: str, transport: str) -> str:
    """That of the first image on a topic of a bag; empty where the bag cannot be read here."""
    kind = CompressedImage if transport == "compressed" else Image
    try:
        from fer_ros.bags.reading import Bag

        with Bag(bag, log=lambda _: None) as recording:
            image = next(m.data for m in recording.messages() if m.topic == topic)
    except (ImportError, BagError, StopIteration):
        return ""
    return deserialize_message(image, kind).header.frame_id


async def _ask(context, topic, known):
    """Take the frame of the first result, whose header is the image's."""
    node = get_ros_node(context)
    heard: list[str] = []
    listener = node.create_subscription(
        EmotionArray, topic, lambda result: heard.append(result.header.frame_id), 1
    )
    with suppress(asyncio.CancelledError):  # launch ends; it takes a cancelled task for a fault
        now = asyncio.get_running_loop().time
        end = now() + PATIENCE
        while not heard and now() < end:
            await asyncio.sleep(0.1)
        if not heard:
            get_logger("fer_ros").warning(
                f"no result for {PATIENCE:.0f} s: RViz opens with the fixed frame {FRAME}; where "
                "the images have another, choose it there or by rviz_frame:="
            )
        node.destroy_subscription(listener)
        known.frame = next(filter(None, heard), FRAME)
        await context.emit_event(known)


def _node(frame, use_sim_time, namespace, config, environment):
    prefix = namespace.rstrip("/")
    return Node(
        package="rviz2",
        executable="rviz2",
        namespace=namespace,
        arguments=["-d", str(config), "-f", frame, "-t", f"{prefix}/emotions - RViz"],
        output="screen",
        additional_env=environment,
        parameters=[{"use_sim_time": use_sim_time}],
        remappings=[(f"/{topic}", f"{prefix}/{topic}") for topic in TOPICS] if prefix else [],
    )
