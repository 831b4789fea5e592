# SPDX-License-Identifier: Apache-2.0
"""``/tf``: a frame for each face, and one for where it looks."""

from typing import Any

import numpy as np
from geometry_msgs.msg import Quaternion, Transform, TransformStamped, Vector3
from std_msgs.msg import Header

from fer_ros.face_geometry import face_centres, face_orientation, quaternion
from fer_ros.nodes.publishers import publisher
from fer_ros.nodes.sinks.base import Sink

GAZE = quaternion(np.array([[0, 0, 1], [-1, 0, 0], [0, -1, 0]]))
"""The axes of REP 155's ``gaze_`` frame in those of the face."""


class FaceFramesSink(Sink):
    """Publishes where the faces are, once the camera is calibrated.

    A frame's axes are those of REP 155: x out of the face, y to the person's left, z up; the image
    frame's while it is not known where the face looks. With ``ros4hri`` a frame ``gaze_ID`` on it
    has z forward, x to the person's right, y down: the head's direction, not the eyes'.
    """

    def __init__(self, node, ids):
        super().__init__(node, ids)
        self._publisher: Any = None

    def open(self, values):
        super().open(values)
        self._publisher = publisher(self.node, "/tf")
        space = self.node.get_namespace().strip("/")
        self._prefix = f"{space}/" if space else ""
        self._name = self.ids.of if values.ros4hri else str

    def publish(self, header, result):
        if not (self.is_placed(header, result) and result.faces):
            return
        transforms = []
        poses = {face.track_id: face.pose for face in result.faces}
        for track_id, centre in face_centres(result, result.camera).items():
            name = self._name(track_id)
            turn = face_orientation(poses[track_id], centre, result.rotate)
            frame = f"{self._prefix}face_{name}"
            transforms.append(transform(header, frame, centre, turn or (0.0, 0.0, 0.0, 1.0)))
            if turn and self.values.ros4hri:
                on_face = Header(stamp=header.stamp, frame_id=frame)
                transforms.append(
                    transform(on_face, f"{self._prefix}gaze_{name}", (0.0, 0.0, 0.0), GAZE)
                )
        self._publisher.publish(self._publisher.msg_type(transforms=transforms))

    def close(self):
        if self._publisher:
            self.node.destroy_publisher(self._publisher)
        self._publisher = None


def transform(header: Header, child: str, place, turn) -> TransformStamped:
    """A frame ``child`` in the header's: ``place`` x, y, z in m, ``turn`` quaternion x, y, z, w."""
    x, y, z = place
    qx, qy, qz, qw = turn
    return TransformStamped(
        header=header,
        child_frame_id=child,
        transform=Transform(
            translation=Vector3(x=float(x), y=float(y), z=float(z)),
            rotation=Quaternion(x=qx, y=qy, z=qz, w=qw),
        ),
    )
