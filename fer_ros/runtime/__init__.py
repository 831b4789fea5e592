# SPDX-License-Identifier: Apache-2.0
"""What a process that works on a stream of images needs, without ROS."""
