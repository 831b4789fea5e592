# SPDX-License-Identifier: Apache-2.0
"""``emotion_markers``: a box and a label for RViz where a face is in space."""

import math

from geometry_msgs.msg import Point, Quaternion, Vector3
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from fer_ros.emotions.classes import COLOURS
from fer_ros.face_geometry import face_corners, face_orientation, up
from fer_ros.nodes.lifetime import Lifetime
from fer_ros.nodes.publishers import publisher
from fer_ros.nodes.sinks.base import Sink
from fer_ros.result import Result

SHORTEST = 0.5  # seconds in which a face that is gone fades by itself; longer with a slow camera


class MarkersSink(Sink):
    """Publishes while someone listens and the camera is calibrated."""

    def __init__(self, node, ids):
        super().__init__(node, ids)
        self._publisher = publisher(node, "emotion_markers")
        self._lifetime = Lifetime(SHORTEST)

    def publish(self, header, result):
        self._lifetime.note(result.now)
        if not self._publisher.get_subscription_count():
            return
        if self.is_placed(header, result):
            markers = face_markers(header, result, self.values.face_width)
            lifetime = self._lifetime.duration()
            for marker in markers.markers:
                marker.lifetime = lifetime
            self._publisher.publish(markers)


def face_markers(header: Header, result: Result, face_width: float) -> MarkerArray:
    """A box, a text and, where it is known, an arrow to where it looks, for each face, in the
    frame of the image.

    ``result``: of a calibrated camera; ``face_width``: in metres, what lines and letters go by.
    """
    assert result.camera
    markers = []
    for face in result.faces:
        if not math.isfinite(face.distance):
            continue
        corners = face_corners(face, result.camera)
        red, green, blue = (c / 255 for c in COLOURS[face.label])
        box = _marker(header, face, "box", Marker.LINE_STRIP, ColorRGBA(r=red, g=green, b=blue))
        box.scale.x = face_width / 20
        box.points = [Point(x=x, y=y, z=z) for x, y, z in (*corners, corners[0])]
        text = _marker(header, face, "label", Marker.TEXT_VIEW_FACING, box.color)
        text.text = f"{face.track_id}: {face.label} {face.confidence:.0%}"
        text.scale.z = face_width / 3
        text.scale.x = text.scale.z / 2  # RViz draws a blank that wide, whatever z is
        centre, top = corners.mean(axis=0), up(result.rotate)
        above = max((corners - centre) @ top) + face_width / 4
        x, y, z = centre + above * top
        text.pose.position = Point(x=x, y=y, z=z)
        markers += [box, text]
        turn = face_orientation(face.pose, centre, result.rotate)
        if turn:
            look = _marker(header, face, "look", Marker.ARROW, box.color)
            look.pose.position = Point(x=centre[0], y=centre[1], z=centre[2])
            x, y, z, w = turn
            look.pose.orientation = Quaternion(x=x, y=y, z=z, w=w)
            look.scale = Vector3(x=face_width, y=face_width / 10, z=face_width / 10)
            markers.append(look)
    return MarkerArray(markers=markers)


def _marker(header, face, namespace, kind, colour):
    colour.a = 1.0
    marker = Marker(header=header, ns=namespace, id=face.track_id, type=kind, action=Marker.ADD)
    marker.pose.orientation.w = 1.0
    marker.color = colour
    return marker
