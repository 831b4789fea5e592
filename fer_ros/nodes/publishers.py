# SPDX-License-Identifier: Apache-2.0
"""Publishers as the tables of topics have them."""

from importlib import import_module

from rclpy.event_handler import PublisherEventCallbacks
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions

from fer_ros.nodes.optional import messages
from fer_ros.nodes.topics import EMOTION_NODE_TOPICS


def publisher(node: Node, name: str, face_id: str = "", table=EMOTION_NODE_TOPICS) -> Publisher:
    """The publisher of a topic by its row.

    What is always there is published on only while the node is active. What comes and goes may be
    made and destroyed by any thread while the node is spun: without event callbacks the executor
    never waits for it.

    Args:
        node: publishes.
        name: as in the row.
        face_id: in the place of ``ID``.
        table: the node's topics.

    Raises:
        RuntimeError: one line, where its messages are not installed.
    """
    row = next(t for t in table if t.name == name and not t.is_input)
    package, kind = row.kind.split("/")
    module = messages(package, row.needs[0][0]) if row.needs else import_module(f"{package}.msg")
    message = getattr(module, kind)
    topic = name.replace("ID", face_id)
    base, compressed, _ = topic.partition("/compressed")
    if compressed:  # under the image's name, whatever that was remapped to
        topic = f"{node.resolve_topic_name(base)}{compressed}"
    qos = QoSProfile(depth=row.depth)
    if row.comes_and_goes or not hasattr(node, "create_lifecycle_publisher"):
        silent = PublisherEventCallbacks(use_default_callbacks=False)
        return node.create_publisher(message, topic, qos, event_callbacks=silent)
    return node.create_lifecycle_publisher(
        message, topic, qos, qos_overriding_options=QoSOverridingOptions.with_default_policies()
    )
