# SPDX-License-Identifier: Apache-2.0
"""The floor of DDS: takes each image and at once publishes a result without faces.

Listens and publishes with the QoS of emotion_node, on the same topics, and does nothing between.
"""

import argparse
import contextlib

import rclpy
from fer_ros.msg import EmotionArray
from rclpy.executors import ExternalShutdownException
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image


def main():
    """Echo until told to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jpeg", action="store_true", help="CompressedImage instead of Image")
    parser.add_argument("--best-effort", action="store_true", help="QoS (default: reliable)")
    options = parser.parse_args()
    policy = ReliabilityPolicy
    reliability = policy.BEST_EFFORT if options.best_effort else policy.RELIABLE
    rclpy.init()
    node = rclpy.create_node("echo")
    publisher = node.create_publisher(EmotionArray, "emotions", 10)
    kind, topic = (
        (CompressedImage, "image_raw/compressed") if options.jpeg else (Image, "image_raw")
    )
    node.create_subscription(
        kind,
        topic,
        lambda image: publisher.publish(EmotionArray(header=image.header)),
        QoSProfile(depth=1, reliability=reliability),
    )
    with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(node)


if __name__ == "__main__":
    main()
