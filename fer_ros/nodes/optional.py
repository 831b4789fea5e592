# SPDX-License-Identifier: Apache-2.0
"""Message packages that are used where they are installed, and imported only when asked for."""

import os
from importlib import import_module
from types import ModuleType


def messages(package: str, asked_by: str) -> ModuleType:
    """The module of a package's messages.

    Args:
        package: such as "hri_msgs".
        asked_by: the parameter or node that wants it, for the error.

    Raises:
        RuntimeError: the package is absent; one line that says how to install it.
    """
    try:
        return import_module(f"{package}.msg")
    except ImportError:
        apt = f"ros-{os.environ.get('ROS_DISTRO', 'jazzy')}-{package.replace('_', '-')}"
        raise RuntimeError(
            f"{asked_by} needs {package}, which is not installed: sudo apt install {apt}"
        ) from None
