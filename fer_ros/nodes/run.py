# SPDX-License-Identifier: Apache-2.0
"""From process start to a clean end, alike for every node."""

import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import rclpy
from rclpy._rclpy_pybind11 import RCLError
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException
from rclpy.signals import install_signal_handlers
from rclpy.utilities import remove_ros_args

from fer_ros import start
from fer_ros.nodes.initialisation import init, refuse_malformed
from fer_ros.nodes.usage import NODES, usage
from fer_ros.runtime.parameter_files import dropped_files

WAKE = 0.5  # seconds


def run_node(name: str, create: Callable[[], Any], args=None) -> int:
    """Create the node, call its ``start()`` and spin until Ctrl-C or SIGTERM; or say its usage.

    Args:
        name: the node's, as in ``fer_ros.nodes.usage``.
        create: makes the node.
        args: those of the process unless given, as for ``rclpy.init``, the program's name first.

    Returns:
        The exit status: 0, or 1 after one line when arguments or parameters are wrong, or the
        node's ``exit_status`` where it has one.
    """
    args = sys.argv if args is None else args
    if {"-h", "--help"}.intersection(args):
        print(usage(name))
        return 0
    # What hangs at the end is left: the camera or model that the node was told to end in.
    deadline = threading.Timer(start.PATIENCE, os._exit, (0,))
    deadline.daemon = True
    # Only noted until the node spins: a context that ends under its making gives errors instead.
    # Under ros2 launch, Ctrl-C comes twice: from the terminal, and from launch.
    start.note(deadline.start)
    try:
        unknown = remove_ros_args(args)[1:]  # which rclpy would pass over in silence
        if unknown:
            after = ": it goes behind --ros-args" * (unknown[0] in ("-p", "-r", "--params-file"))
            return _fail(f"{unknown[0]} is no argument of {name}{after}: see --help")
        init(args)
    except Exception as error:  # rcl's own kinds: some say by their name alone what is wrong
        return _fail(f"{type(error).__name__}: {error}")
    node = None
    try:
        node = create()
        for line in dropped_files(args, node.get_fully_qualified_name(), NODES.keys() - {name}):
            node.get_logger().warning(line)
        _work(node)
    except Exception as error:
        if start.received():
            return 0  # what broke, broke under the end
        if node or not isinstance(error, ParameterException | RuntimeError):
            raise
        return _fail(error)  # a value, a name or a QoS that rclpy or rcl refuses
    finally:
        _end(node)
        deadline.cancel()
    return getattr(node, "exit_status", 0)


def _work(node):
    """Start the node and spin until it is told to stop."""
    if start.received():
        return
    refuse_malformed(node)
    node.start()
    # Between a signal and the end of the context, rclpy may begin to wait again, and would
    # then wait for ever: a node that has no timer of its own needs this one to end.
    node.create_timer(WAKE, lambda: None, clock=Clock(clock_type=ClockType.STEADY_TIME))
    install_signal_handlers()  # rclpy's: they end the context, then call ours
    while rclpy.ok() and not start.received():
        try:
            rclpy.spin(node)
        except ExternalShutdownException:
            return
        except RCLError as error:
            # rclpy lets rcl's refusal of a single request escape, such as of a lifecycle
            # transition out of turn; or the context ended under a callback. Whatever else is
            # raised is a defect, and is to be seen.
            if rclpy.ok():
                node.get_logger().error(f"request ignored: {' '.join(str(error).split())}")


def _end(node):
    try:
        if node:
            node.destroy_node()
        rclpy.try_shutdown()
    except Exception:
        if not start.received():
            raise


def _fail(error: Exception | str) -> int:
    print(f"fer_ros: {' '.join(str(error).split())}", file=sys.stderr)
    return 1
