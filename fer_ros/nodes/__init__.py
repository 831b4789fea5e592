# SPDX-License-Identifier: Apache-2.0
"""The ROS 2 nodes: the only part of fer_ros that imports ROS."""
