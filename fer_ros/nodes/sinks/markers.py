# SPDX-License-Identifier: Apache-2.0
"""Faces in space, for RViz: a box and a label where a face of usual width would have to be.

Pinhole model of REP 104's CameraInfo; x right, y down, z forward in the image's frame (REP 103).
"""

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from fer_ros.emotions.classes import COLOURS
from fer_ros.nodes.sinks.face_frames import FaceFrames
from fer_ros.result import FaceEmotion

LIFETIME = Duration(nanosec=500_000_000)  # a face that is gone fades by itself


class FaceMarkers:
    """Publishes ``emotion_markers`` while someone listens and the camera is calibrated.

    The calibration comes on ``camera_info`` beside the image topic. ``frames``: where to publish
    the places of the faces as TF frames, if that is wanted.
    """

    def __init__(self, node: LifecycleNode):
        self._node = node
        self.frames: FaceFrames | None = None
        self._camera: CameraInfo | None = None
        self._subscription = None
        self._publisher = node.create_lifecycle_publisher(MarkerArray, "emotion_markers", 1)

    def open(self, image_topic: str) -> None:
        """Listen to the calibration of the camera behind ``image_topic``, the raw one."""
        topic = f"{image_topic.rpartition('/')[0]}/camera_info"
        qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._subscription = self._node.create_subscription(CameraInfo, topic, self._set, qos)

    def close(self) -> None:
        """Stop listening."""
        if self._subscription:
            self._node.destroy_subscription(self._subscription)
        if self.frames:
            self.frames.close()
        self._camera = self._subscription = self.frames = None

    def publish(
        self, header: Header, faces: list[FaceEmotion], face_width: float, rotate: int = 0
    ) -> None:
        """Publish the faces of one image, if that is wanted and can be done. ``rotate``: degrees
        clockwise that make it upright.
        """
        watched = self._publisher.get_subscription_count() > 0
        if not (watched or self.frames):
            return
        if self._camera is None or not is_calibrated(self._camera):
            self._node.get_logger().warning(
                "no markers, no frames: camera_info is missing, or says that the camera is not "
                "calibrated",
                once=True,
            )
            return
        if watched:
            self._publisher.publish(face_markers(header, faces, self._camera, face_width, rotate))
        if self.frames:
            self.frames.publish(header, face_centres(faces, self._camera, face_width, rotate))

    def _set(self, camera):
        self._camera = camera


def is_calibrated(camera: CameraInfo) -> bool:
    """Whether the intrinsic matrix can be used; drivers leave it zero until it is known."""
    fx, _, _, _, fy, _, _, _, scale = camera.k
    return bool(np.isfinite(camera.k).all()) and min(fx, fy, scale) > 0


def face_markers(
    header: Header,
    faces: list[FaceEmotion],
    camera: CameraInfo,
    face_width: float,
    rotate: int = 0,
) -> MarkerArray:
    """A box and a text for each face, in the frame of the image; ``face_width`` in metres."""
    markers = []
    for face in faces:
        corners = _corners(face, camera, face_width, rotate)
        red, green, blue = (c / 255 for c in COLOURS[face.label])
        box = _marker(header, face, "box", Marker.LINE_STRIP, ColorRGBA(r=red, g=green, b=blue))
        box.scale.x = face_width / 20
        box.points = [Point(x=x, y=y, z=z) for x, y, z in (*corners, corners[0])]
        text = _marker(header, face, "label", Marker.TEXT_VIEW_FACING, box.color)
        text.text = f"{face.track_id}: {face.label} {face.confidence:.0%}"
        text.scale.z = face_width / 3
        text.pose.position = Point(
            x=corners[:, 0].mean(), y=corners[0, 1] - face_width / 4, z=corners[0, 2]
        )
        markers += [box, text]
    return MarkerArray(markers=markers)


def face_centres(
    faces: list[FaceEmotion], camera: CameraInfo, face_width: float, rotate: int = 0
) -> dict[int, np.ndarray]:
    """The middle of each face by its id, [x, y, z] in metres, float64, in the image's frame."""
    return {f.track_id: _corners(f, camera, face_width, rotate).mean(axis=0) for f in faces}


def _corners(face, camera, face_width, rotate):
    """The box's corners in metres, float64 [4, 3], as far away as the upright face's width says."""
    intrinsics = np.reshape(camera.k, (3, 3))
    x, y, width, height = face.box
    pixels = np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])
    across, focal = (height, intrinsics[1, 1]) if rotate % 180 else (width, intrinsics[0, 0])
    distance = focal * face_width / max(across, 1)
    rays = np.linalg.solve(intrinsics, np.c_[pixels, np.ones(4)].T).T
    return rays * distance


def _marker(header, face, namespace, kind, colour):
    colour.a = 1.0
    marker = Marker(header=header, ns=namespace, id=face.track_id, type=kind, action=Marker.ADD)
    marker.pose.orientation.w = 1.0
    marker.color, marker.lifetime = colour, LIFETIME
    return marker
