# SPDX-License-Identifier: Apache-2.0
"""Packages of others that a launch file starts nodes of."""

import os

from ament_index_python.packages import PackageNotFoundError, get_package_prefix


def require(package: str, way_out: str = "") -> None:
    """Raise RuntimeError, a line with what to type, where a package is not installed."""
    try:
        get_package_prefix(package)
    except PackageNotFoundError:
        apt = f"ros-{os.environ.get('ROS_DISTRO', 'jazzy')}-{package.replace('_', '-')}"
        reason = f"{package} is not installed: apt install {apt}"
        raise RuntimeError(", ".join(filter(None, [reason, way_out]))) from None
