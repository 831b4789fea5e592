# SPDX-License-Identifier: Apache-2.0
"""From process start to a clean end, alike for every node."""

import signal
import sys
from collections.abc import Callable

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node


def run_node(create: Callable[[], Node], args=None) -> int:
    """Create the node, call its ``start()`` and spin until Ctrl-C or SIGTERM.

    Returns the exit status: 0, or 1 after one line when arguments or parameters are wrong.
    """
    try:
        rclpy.init(args=args)
    except Exception as error:  # rcl's own kinds, for arguments it does not understand
        return _fail(error)
    node = None
    try:
        node = create()
        node.start()
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except ParameterException as error:
        return _fail(error)
    finally:
        # Under ros2 launch, Ctrl-C comes twice: from the terminal, and from launch.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if node:
            node.destroy_node()
        rclpy.try_shutdown()
    return 0


def _fail(error: Exception) -> int:
    print(f"fer_ros: {' '.join(str(error).split())}", file=sys.stderr)
    return 1
