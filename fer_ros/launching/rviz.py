# SPDX-License-Identifier: Apache-2.0
"""RViz beside emotion_node, with a fixed frame in which there is something to see."""

import asyncio
from contextlib import suppress
from pathlib import Path

from launch.actions import OpaqueCoroutine, OpaqueFunction, RegisterEventHandler
from launch.event import Event
from launch.event_handler import EventHandler
from launch.logging import get_logger
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
    words = ["-d", str(config), "-f", frame]
    remappings = []
    if namespace != "/":
        words += ["-t", f"{namespace} - RViz"]
        remappings = [(f"/{topic}", f"{namespace}/{topic}") for topic in TOPICS]
    return Node(
        package="rviz2",
        executable="rviz2",
        namespace=namespace,
        arguments=words,
        output="screen",
        additional_env=environment,
        parameters=[{"use_sim_time": use_sim_time}],
        remappings=remappings,
    )
