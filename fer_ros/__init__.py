# SPDX-License-Identifier: Apache-2.0
"""Facial expression recognition for ROS 2: from a camera image to a published emotion.

The modules of this package are plain Python; only those of ``fer_ros.nodes`` import ROS.
``fer_ros.msg`` holds the message classes, which the build generates.
"""

from pkgutil import extend_path

__version__ = "1.0.0"

# The generated fer_ros.msg lies in the installed package. This line lets the source tree, when it
# comes first on the path, find it there.
__path__ = extend_path(__path__, __name__)
