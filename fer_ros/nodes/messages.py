# SPDX-License-Identifier: Apache-2.0
"""Results and images to ROS messages."""

from array import array
from functools import partial

import numpy as np
from sensor_msgs.msg import CompressedImage, Image, RegionOfInterest
from std_msgs.msg import Header

from fer_ros import emotion_message, msg
from fer_ros.images.codec import encode_image, encode_jpeg

TYPES = {
    emotion_message.EMOTION_ARRAY: msg.EmotionArray,
    "fer_ros/msg/FaceEmotion": msg.FaceEmotion,
    "sensor_msgs/msg/RegionOfInterest": RegionOfInterest,
}
emotion_array = partial(emotion_message.emotion_array, TYPES)
"""``fer_ros.emotion_message.emotion_array`` with ROS's classes."""


def image_message(header: Header, bgr: np.ndarray, encoding: str = "bgr8") -> Image:
    """A picture as sensor_msgs/Image.

    Args:
        header: of the image that it was made of.
        bgr: BGR, uint8 [H, W, 3].
        encoding: one of those that ``fer_ros.images.codec.encode_image`` writes.
    """
    data, step = encode_image(bgr, encoding)
    height, width = bgr.shape[:2]
    return Image(
        header=header, height=height, width=width, encoding=encoding, step=step, data=_bytes(data)
    )


def jpeg_message(header: Header, bgr: np.ndarray, quality: int) -> CompressedImage:
    """A picture as JPEG in sensor_msgs/CompressedImage.

    Args:
        header: of the image that it was made of.
        bgr: BGR, uint8 [H, W, 3].
        quality: 1 to 100.
    """
    data = _bytes(encode_jpeg(bgr, quality))
    return CompressedImage(header=header, format="bgr8; jpeg compressed bgr8", data=data)


def _bytes(data: np.ndarray) -> array:
    # rclpy takes this type as it is; it checks every byte of any other, 90 ms for 640x480.
    values = array("B")
    values.frombytes(data.data)
    return values
