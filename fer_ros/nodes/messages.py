# SPDX-License-Identifier: Apache-2.0
"""Results and images to ROS messages."""

from array import array

import numpy as np
from sensor_msgs.msg import CompressedImage, Image, RegionOfInterest
from std_msgs.msg import Header

from fer_ros import msg
from fer_ros.face_emotion import FaceEmotion
from fer_ros.image_codec import encode_image, encode_jpeg


def emotion_array(
    header: Header, shape: tuple[int, ...], model: str, faces: list[FaceEmotion]
) -> msg.EmotionArray:
    """The message for an image of ``shape`` [H, W, ...] with that image's header."""
    return msg.EmotionArray(
        header=header,
        image_width=shape[1],
        image_height=shape[0],
        model=model,
        faces=[_face(f) for f in faces],
    )


def image_message(header: Header, bgr: np.ndarray, encoding: str = "bgr8") -> Image:
    """BGR, uint8 [H, W, 3], as sensor_msgs/Image."""
    data, step = encode_image(bgr, encoding)
    height, width = bgr.shape[:2]
    return Image(
        header=header, height=height, width=width, encoding=encoding, step=step, data=_bytes(data)
    )


def jpeg_message(header: Header, bgr: np.ndarray, quality: int) -> CompressedImage:
    """BGR, uint8 [H, W, 3], as JPEG in sensor_msgs/CompressedImage."""
    data = _bytes(encode_jpeg(bgr, quality))
    return CompressedImage(header=header, format="bgr8; jpeg compressed bgr8", data=data)


def _bytes(data: np.ndarray) -> array:
    # rclpy takes this type as it is; it checks every byte of any other, 90 ms for 640x480.
    values = array("B")
    values.frombytes(data)
    return values


def _face(face: FaceEmotion) -> msg.FaceEmotion:
    x, y, width, height = face.box
    return msg.FaceEmotion(
        track_id=face.track_id,
        roi=RegionOfInterest(x_offset=x, y_offset=y, width=width, height=height),
        detection_score=face.detection_score,
        emotion=face.emotion,
        label=face.label,
        confidence=face.confidence,
        probabilities=face.probabilities,
        raw_probabilities=face.raw_probabilities,
    )
