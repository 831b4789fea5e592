# SPDX-License-Identifier: Apache-2.0
"""``/tf``: a frame for each face."""

from geometry_msgs.msg import TransformStamped, Vector3

from fer_ros.nodes.camera import face_centres
from fer_ros.nodes.sinks.base import Sink
from fer_ros.nodes.topics import publisher


class FaceFramesSink(Sink):
    """Publishes where the faces are, once the camera is calibrated.

    A frame's axes are the image frame's: where a face looks is not measured.
    """

    def __init__(self, node, scene):
        super().__init__(node, scene)
        self._publisher = None

    def open(self, values):
        super().open(values)
        self._publisher = publisher(self.node, "/tf")
        space = self.node.get_namespace().strip("/")
        self._prefix = f"{space}/face_" if space else "face_"
        self._name = self.scene.ids.of if values.ros4hri else str

    def publish(self, header, image, result):
        if not header.frame_id:  # tf2 would refuse it
            self.node.get_logger().warning(
                "no face frames: the images name no frame; set the camera driver's frame_id",
                once=True,
            )
            return
        matrix = self.scene.camera.intrinsics(result.shape)
        if matrix is None or not result.faces:
            return
        transforms = []
        for track_id, (x, y, z) in face_centres(result, matrix, self.values.face_width).items():
            name = f"{self._prefix}{self._name(track_id)}"
            frame = TransformStamped(header=header, child_frame_id=name)
            frame.transform.translation = Vector3(x=x, y=y, z=z)
            transforms.append(frame)
        self._publisher.publish(self._publisher.msg_type(transforms=transforms))

    def close(self):
        if self._publisher:
            self.node.destroy_publisher(self._publisher)
        self._publisher = None
