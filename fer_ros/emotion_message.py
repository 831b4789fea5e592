# SPDX-License-Identifier: Apache-2.0
"""Results as ``fer_ros/msg/EmotionArray``, of ROS's classes or of rosbags' alike."""

from collections.abc import Mapping

from fer_ros.result import FaceEmotion, Result

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
    x, y, width, height = face.box
    region = types["sensor_msgs/msg/RegionOfInterest"]
    return types["fer_ros/msg/FaceEmotion"](
        track_id=face.track_id,
        roi=region(x_offset=x, y_offset=y, width=width, height=height, do_rectify=False),
        detection_score=face.detection_score,
        emotion=face.emotion,
        label=face.label,
        confidence=face.confidence,
        probabilities=face.probabilities,
        raw_probabilities=face.raw_probabilities,
        roll=face.pose.roll,
        pitch=face.pose.pitch,
        yaw=face.pose.yaw,
        facing=face.facing,
        quality=face.quality,
        quality_flags=face.quality_flags,
        valence=face.valence,
        distance=face.distance,
        engagement=face.engagement,
    )
