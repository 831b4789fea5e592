# SPDX-License-Identifier: Apache-2.0
"""ROS begins in a process, also where its log cannot be written."""

import os
import sys
import tempfile
from collections.abc import Sequence
from functools import partial

import rclpy
from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from rclpy.logging import get_logging_directory
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from fer_ros.lines import fault
from fer_ros.runtime.private import lasting_folder


def init(args: Sequence[str]) -> None:
    """``rclpy.init`` without its signal handlers. Raises rcl's own errors, and ValueError."""
    _find_log_folder()
    rclpy.init(args=list(args), signal_handler_options=SignalHandlerOptions.NO)


def refuse_malformed(node: Node) -> None:
    """Have a node's parameter services refuse what rclpy raises of, such as a type that there is
    not: from a service that escapes to ``rclpy.spin``, and any member of the bus may ask.
    """
    for service in node.services:
        if service.srv_type in (SetParameters, SetParametersAtomically):
            service.callback = partial(_refusing, node.get_logger(), service.callback)


def _refusing(logger, callback, request, response):
    try:
        return callback(request, response)
    except Exception as error:
        refusal = SetParametersResult(successful=False, reason=fault(error))
        logger.warning(f"parameters refused: {refusal.reason}", once=True)
        if isinstance(response, SetParametersAtomically.Response):
            response.result = refusal
        else:
            response.results = [refusal] * len(request.parameters)
        return response


def _find_log_folder() -> None:
    """Have ROS log where that can be written: as a user without a home, in a container."""
    folder = get_logging_directory()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        other = lasting_folder("ros-log")
        print(f"fer_ros: logs go to {other}: {folder} cannot be written", file=sys.stderr)
        os.environ["ROS_LOG_DIR"] = str(other)
