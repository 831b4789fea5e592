# SPDX-License-Identifier: Apache-2.0
"""A plain node: a subscription with a queue of ten, detection and fer in the callback.

It publishes a result for each image, with that image's header, so that its age can be told.
"""

import argparse
import contextlib

import numpy as np
import rclpy
from fer.fer import FER
from fer_ros.msg import EmotionArray, FaceEmotion
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from sensor_msgs.msg import Image


class PlainNode(Node):
    """Subscribes to ``image_raw``, publishes ``emotions``."""

    def __init__(self, keras: bool):
        super().__init__("plain_node")
        self.detector = FER(use_tflite=not keras)
        self.publisher = self.create_publisher(EmotionArray, "emotions", 10)
        self.create_subscription(Image, "image_raw", self.callback, 10)

    def callback(self, message: Image) -> None:
        """Look for faces and publish what they show."""
        image = np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 3)
        result = EmotionArray(header=message.header)
        for face in self.detector.detect_emotions(image):
            label = max(face["emotions"], key=face["emotions"].get)
            result.faces.append(FaceEmotion(label=label, confidence=face["emotions"][label]))
        self.publisher.publish(result)


def main():
    """Run until told to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keras", action="store_true", help="fer with use_tflite=False")
    options = parser.parse_args()
    rclpy.init()
    node = PlainNode(options.keras)
    with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(node)


if __name__ == "__main__":
    main()
