# SPDX-License-Identifier: Apache-2.0
"""Results as ``fer_ros/msg/EmotionArray``, of ROS's classes or of rosbags' alike."""

from collections.abc import Mapping

from fer_ros.result import FACE_FIELDS, FaceEmotion, Result

EMOTION_ARRAY = "fer_ros/msg/EmotionArray"


def emotion_array(types: Mapping[str, type], header, result: Result):
    """The message for the image with this header; ``types``: classes by their names in ROS."""
    return types[EMOTION_ARRAY](
        header=header,
        image_width=result.shape[1],
        image_height=result.shape[0],
        model=result.model,
        faces=[_face(types, f) for f in result.faces],
    )


def _face(types, face: FaceEmotion):
    fields = {name: getattr(face, name) for name in FACE_FIELDS}
    region = types["sensor_msgs/msg/RegionOfInterest"]
    fields["roi"] = region(**face.roi._asdict(), do_rectify=False)
    return types["fer_ros/msg/FaceEmotion"](**fields)
