# SPDX-License-Identifier: Apache-2.0
"""Message packages that are used where they are installed, and imported only when asked for."""

import os
from importlib import import_module
from types import ModuleType

from rclpy.event_handler import PublisherEventCallbacks
from rclpy.node import Node
from rclpy.publisher import Publisher


def messages(package: str, asked_by: str) -> ModuleType:
    """The module of a package's messages. Raises RuntimeError, one line, where it is absent."""
    try:
        return import_module(f"{package}.msg")
    except ImportError:
        apt = f"ros-{os.environ.get('ROS_DISTRO', 'jazzy')}-{package.replace('_', '-')}"
        raise RuntimeError(
            f"{asked_by} needs {package}, which is not installed: sudo apt install {apt}"
        ) from None


def passing_publisher(node: Node, kind: type, topic: str, depth: int = 10) -> Publisher:
    """A publisher that any thread may make and destroy while the node is spun.

    Without event callbacks the executor never waits for it. (rclpy keeps lifecycle publishers for
    good; who holds this one publishes only while the node is active.)
    """
    return node.create_publisher(
        kind, topic, depth, event_callbacks=PublisherEventCallbacks(use_default_callbacks=False)
    )
