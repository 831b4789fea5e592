# SPDX-License-Identifier: Apache-2.0
"""The node's diagnostics as text in RViz, which has no display for /diagnostics of its own."""

import textwrap

from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import Point
from rclpy.node import Node
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker

from fer_ros.face_geometry import up
from fer_ros.nodes.lifetime import KEPT, Lifetime

COLOURS = {  # RGB; told apart by people with red-green blindness too
    DiagnosticStatus.OK: (0, 158, 115),
    DiagnosticStatus.WARN: (230, 159, 0),
    DiagnosticStatus.ERROR: (213, 94, 0),
}
ABOVE, AWAY = 0.55, 1.0  # metres from the camera's axis and from the camera: above a face
COLUMNS = 60
FIGURES = ("rate (Hz)", "age median (ms)", "dropped share")


class StatusMarker:
    """Publishes ``status_marker`` while someone listens, also when the node is not active.

    ``frame_id``: the frame to stand in, that of the last image; ``period``: seconds between two
    reports, three of which the text outlives the node.
    """

    def __init__(self, node: Node, period: float):
        self.frame_id = "camera"  # the fixed frame of config/emotion.rviz
        self._clock = node.get_clock()
        self._lifetime = Lifetime(KEPT * period)
        self._publisher = node.create_publisher(Marker, "status_marker", 1)

    def publish(self, status: DiagnosticStatus, rotate: int) -> None:
        """Show what is said on /diagnostics; ``rotate``: degrees that make the images upright."""
        self._lifetime.note(self._clock.now().nanoseconds * 1e-9)
        if self._publisher.get_subscription_count():
            marker = status_marker(status, self.frame_id, rotate)
            marker.lifetime = self._lifetime.duration()
            self._publisher.publish(marker)


def status_marker(status: DiagnosticStatus, frame_id: str, rotate: int = 0) -> Marker:
    """Level, message and the most telling figures as a text above the faces."""
    values = {v.key: v.value for v in status.values}
    figures = ", ".join(f"{key} {values[key]}" for key in FIGURES if key in values)
    marker = Marker(ns="status", type=Marker.TEXT_VIEW_FACING, action=Marker.ADD)
    marker.header.frame_id = frame_id  # without a stamp: wherever the frame is now
    marker.text = "\n".join([*textwrap.wrap(f"{status.name}: {status.message}", COLUMNS), figures])
    x, y, _ = ABOVE * up(rotate)
    marker.pose.position, marker.pose.orientation.w = Point(x=x, y=y, z=AWAY), 1.0
    marker.scale.z = 0.04
    marker.scale.x = marker.scale.z / 2  # RViz draws a blank that wide, whatever z is
    red, green, blue = (c / 255 for c in COLOURS[status.level])
    marker.color = ColorRGBA(r=red, g=green, b=blue, a=1.0)
    return marker
