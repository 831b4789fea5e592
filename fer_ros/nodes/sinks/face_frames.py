# SPDX-License-Identifier: Apache-2.0
"""A TF frame for each face."""

from collections.abc import Callable

import numpy as np
from geometry_msgs.msg import TransformStamped, Vector3
from rclpy.node import Node
from std_msgs.msg import Header

from fer_ros.nodes.optional import messages, passing_publisher


class FaceFrames:
    """Publishes on ``/tf`` until ``close``. Raises RuntimeError without tf2_msgs.

    ``name``: the frame of a track's id. Its axes are the image frame's: where a face looks is not
    measured.
    """

    def __init__(self, node: Node, name: Callable[[int], str]):
        self._node = node
        self._name = name
        self._tf2 = messages("tf2_msgs", "face_frames")
        self._publisher = passing_publisher(node, self._tf2.TFMessage, "/tf", 100)

    def publish(self, header: Header, centres: dict[int, np.ndarray]) -> None:
        """Publish where the faces of an image are: [x, y, z] in metres for each id. Without a
        frame of the image itself, which tf2 would refuse, nothing.
        """
        if not header.frame_id:
            self._node.get_logger().warning(
                "no face frames: the images name no frame; set the camera driver's frame_id",
                once=True,
            )
            return
        transforms = []
        for track_id, (x, y, z) in centres.items():
            frame = TransformStamped(header=header, child_frame_id=self._name(track_id))
            frame.transform.translation = Vector3(x=x, y=y, z=z)
            transforms.append(frame)
        if transforms:
            self._publisher.publish(self._tf2.TFMessage(transforms=transforms))

    def close(self) -> None:
        """Stop publishing."""
        self._node.destroy_publisher(self._publisher)
