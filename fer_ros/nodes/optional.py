# SPDX-License-Identifier: Apache-2.0
"""Message packages that are used where they are installed, and imported only when asked for."""

import os
from importlib import import_module
from types import ModuleType


def messages(package: str, asked_by: str) -> ModuleType:
    """The module of a package's messages. Raises RuntimeError, one line, where it is absent."""
    try:
        return import_module(f"{package}.msg")
    except ImportError:
        apt = f"ros-{os.environ.get('ROS_DISTRO', 'jazzy')}-{package.replace('_', '-')}"
        raise RuntimeError(
            f"{asked_by} needs {package}, which is not installed: sudo apt install {apt}"
        ) from None
