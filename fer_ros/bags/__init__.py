# SPDX-License-Identifier: Apache-2.0
"""rosbag2 recordings without ROS: read, salvaged, written."""
