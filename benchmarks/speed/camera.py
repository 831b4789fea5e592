# SPDX-License-Identifier: Apache-2.0
"""A camera for the benchmarks: images made beforehand, published on time, counted.

Waits for a subscriber, publishes `--warmup` seconds, says "measuring", publishes `--seconds` more,
says what it sent and stays until its standard input is closed. What it says are lines of JSON.

    python -m benchmarks.speed.camera --rate 30 --seconds 10
"""

import argparse
import contextlib
import json
import sys
import time

import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from benchmarks.frames import SIZES, make_frames
from fer_ros.nodes.messages import image_message, jpeg_message

SETTLE = 1.0  # seconds from the first sign of a subscriber until it is connected on its side too
JPEG_QUALITY = 80


def log(**values) -> None:
    """Write one line of JSON."""
    print(json.dumps(values), flush=True)


def wait_for_subscriber(publisher) -> None:
    """Return once somebody has listened for a moment."""
    while not publisher.get_subscription_count():
        time.sleep(0.05)
    time.sleep(SETTLE)


def stream(publisher, messages, rate: float, seconds: float, first: int = 0) -> tuple[int, float]:
    """Publish for `seconds`, each message stamped when it goes; return how many went, and the
    share of them that went more than half a period late.
    """
    began, late, count = time.monotonic(), 0, round(rate * seconds)
    for i in range(count):
        ahead = began + i / rate - time.monotonic()
        late += ahead < -0.5 / rate
        time.sleep(max(0.0, ahead))
        message = messages[(first + i) % len(messages)]
        stamp = time.time_ns()
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 10**9)
        publisher.publish(message)
    return count, late / max(count, 1)


def parse():
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=float, default=30.0, help="Hz (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="default: %(default)s")
    parser.add_argument("--warmup", type=float, default=2.0, help="seconds (default: %(default)s)")
    parser.add_argument("--size", default="640x480", choices=SIZES, help="default: %(default)s")
    parser.add_argument("--faces", type=int, default=1, choices=(0, 1, 4, 8))
    parser.add_argument("--jpeg", action="store_true", help="CompressedImage instead of Image")
    parser.add_argument("--best-effort", action="store_true", help="QoS (default: reliable)")
    parser.add_argument("--depth", type=int, default=5, help="QoS (default: %(default)s)")
    parser.add_argument("--no-wait", action="store_true", help="publish though nobody listens")
    return parser.parse_args()


def main():
    """Publish as told."""
    options = parse()
    header = Header(frame_id="camera")
    images = make_frames(options.faces, options.size)
    if options.jpeg:
        messages = [jpeg_message(header, image, JPEG_QUALITY) for image in images]
    else:
        messages = [image_message(header, image) for image in images]
    rclpy.init()
    node = rclpy.create_node("camera")
    reliability = ReliabilityPolicy.RELIABLE
    if options.best_effort:
        reliability = ReliabilityPolicy.BEST_EFFORT
    qos = QoSProfile(depth=options.depth, reliability=reliability)
    kind, topic = (
        (CompressedImage, "image_raw/compressed") if options.jpeg else (Image, "image_raw")
    )
    publisher = node.create_publisher(kind, topic, qos)
    if not options.no_wait:
        wait_for_subscriber(publisher)
    warmed, _ = stream(publisher, messages, options.rate, options.warmup)
    log(event="measuring", stamp=time.time())
    sent, late = stream(publisher, messages, options.rate, options.seconds, warmed)
    log(event="done", stamp=time.time(), sent=sent, warmed=warmed, late=late)
    sys.stdin.read()
    node.destroy_node()
    rclpy.shutdown()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
