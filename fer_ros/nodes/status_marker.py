# SPDX-License-Identifier: Apache-2.0
"""The node's diagnostics as text in RViz, which has no display for /diagnostics of its own."""

import textwrap

from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import Point
from rclpy.node import Node
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker

COLOURS = {  # RGB; told apart by people with red-green blindness too
    DiagnosticStatus.OK: (0, 158, 115),
    DiagnosticStatus.WARN: (230, 159, 0),
    DiagnosticStatus.ERROR: (213, 94, 0),
}
PLACE = Point(x=0.0, y=-0.55, z=1.0)  # metres in the image's frame: above a face at arm's length
COLUMNS = 60
FIGURES = ("rate (Hz)", "age median (ms)", "dropped share")


class StatusMarker:
    """Publishes ``status_marker`` while someone listens, also when the node is not active.

    ``frame_id``: the frame to stand in, that of the last image.
    """

    def __init__(self, node: Node):
        self.frame_id = "camera"  # the fixed frame of config/emotion.rviz
        self._publisher = node.create_publisher(Marker, "status_marker", 1)

    def publish(self, status: DiagnosticStatus) -> None:
        """Show what is said on /diagnostics."""
        if self._publisher.get_subscription_count():
            self._publisher.publish(status_marker(status, self.frame_id))


def status_marker(status: DiagnosticStatus, frame_id: str) -> Marker:
    """Level, message and the most telling figures as a text."""
    values = {v.key: v.value for v in status.values}
    figures = ", ".join(f"{key} {values[key]}" for key in FIGURES if key in values)
    marker = Marker(ns="status", type=Marker.TEXT_VIEW_FACING, action=Marker.ADD)
    marker.header.frame_id = frame_id  # without a stamp: wherever the frame is now
    marker.text = "\n".join([*textwrap.wrap(f"{status.name}: {status.message}", COLUMNS), figures])
    marker.pose.position, marker.pose.orientation.w = PLACE, 1.0
    marker.scale.z = 0.04
    marker.scale.x = marker.scale.z / 2  # RViz draws a blank that wide, whatever z is
    red, green, blue = (c / 255 for c in COLOURS[status.level])
    marker.color = ColorRGBA(r=red, g=green, b=blue, a=1.0)
    return marker
