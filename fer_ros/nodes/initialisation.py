# SPDX-License-Identifier: Apache-2.0
"""ROS begins in a process, also where its log cannot be written."""

import os
import sys
import tempfile
from collections.abc import Sequence

import rclpy
from rclpy.logging import get_logging_directory
from rclpy.signals import SignalHandlerOptions

from fer_ros.runtime.private import lasting_folder


def init(args: Sequence[str]) -> None:
    """``rclpy.init`` without its signal handlers. Raises rcl's own errors, and ValueError."""
    _find_log_folder()
    rclpy.init(args=list(args), signal_handler_options=SignalHandlerOptions.NO)


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
