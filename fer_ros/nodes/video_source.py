# SPDX-License-Identifier: Apache-2.0
"""The node: images of a camera, a stream, a file or the built-in sample onto ``image_raw``.

A stand-in for a camera driver. Images are converted and encoded only for those who listen;
``camera_info``, of an uncalibrated camera (REP 104), comes with each.
"""

if __name__ == "__main__":  # before the imports below: they take a second, and signals are obeyed
    from fer_ros.start import video_source

    raise SystemExit(video_source())

import sys
from collections.abc import Iterator

import numpy as np
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from fer_ros.images.topic_names import camera_info_of
from fer_ros.nodes.declaration import declare, read
from fer_ros.nodes.messages import image_message, jpeg_message
from fer_ros.nodes.run import run_node
from fer_ros.parameters import VIDEO_SOURCE
from fer_ros.parameters.options import VideoSourceOptions
from fer_ros.sources.address import SourceError, is_live, masked
from fer_ros.sources.live import Live
from fer_ros.sources.recorded import open_recorded, resize

IMAGE_DEPTH = 5
INFO_DEPTH = 30  # costs little, and is never lost to a subscriber that is busy for a moment
SETTLE = Duration(seconds=1.0)
DELIVERY = Duration(seconds=3.0)


class VideoSource(Node):
    """``video_source``; topics and parameters are in docs/.

    Args:
        **options: rclpy's for a node.
    """

    _live: Live | None = None

    def __init__(self, **options):
        super().__init__("video_source", **options)
        source, *others = VIDEO_SOURCE
        # A camera's index may be given as the number that it looks like: source:=0.
        self.declare_parameter(
            source.name,
            source.default,
            ParameterDescriptor(description=source.described, dynamic_typing=True, read_only=True),
        )
        declare(self, others)
        self._values = read(self, VIDEO_SOURCE, VideoSourceOptions)
        self._source = str(self._values.source)
        image_raw = self.resolve_topic_name("image_raw")
        self._raw = self._publisher(Image, image_raw, IMAGE_DEPTH)
        self._jpeg = self._publisher(CompressedImage, f"{image_raw}/compressed", IMAGE_DEPTH)
        self._info = self._publisher(CameraInfo, camera_info_of(image_raw), INFO_DEPTH)
        self._images: Iterator[np.ndarray] = iter(())
        self._waiting = self._values.start_when_subscribed
        self._subscribed_since = None
        self._count = 0

    def start(self) -> None:
        """Open the source and begin.

        Raises:
            SourceError: it cannot be opened; one line.
        """
        v = self._values
        if is_live(self._source):
            rate = self._open_live()
        else:
            self._recorded = open_recorded(self._source, self._log)
            self._images = iter(self._recorded)
            rate = v.rate or self._recorded.rate
        if rate:
            self.create_timer(1 / rate, self._tick)
        pace = f"{rate:g} Hz" if rate else "its own rate"
        self.get_logger().info(f"{masked(self._source)} at {pace} on {self._raw.topic_name}")

    def destroy_node(self):
        """Let go of the source first."""
        if self._live:
            self._live.close()
        super().destroy_node()

    def _open_live(self):
        """Open a camera or stream; the rate of the timer, or 0 to publish as images arrive."""
        v = self._values
        arrived = self.create_guard_condition(self._tick).trigger if not v.rate else lambda: None
        self._live = Live(self._source, (v.width, v.height), v.rate, arrived, self._log)
        return v.rate

    def _publisher(self, kind, topic, depth):
        return self.create_publisher(
            kind,
            topic,
            QoSProfile(depth=depth),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )

    def _log(self, line):
        self.get_logger().warning(masked(line))

    def _tick(self):
        if self._waiting and not self._has_subscriber():
            return
        self._waiting = False
        now = self.get_clock().now()
        if self._live:
            newest = self._live.take()
            if newest:
                self._publish(newest[0], now - Duration(seconds=newest[1]))
            return
        image = next(self._images, None)
        if image is None and self._values.loop:
            self._images = iter(self._recorded)
            image = next(self._images, None)
        if image is None:
            self._finish()
        self._publish(image, now)

    def _has_subscriber(self):
        """Whether a subscriber has been there long enough to be connected on its side too."""
        if not (self._raw.get_subscription_count() or self._jpeg.get_subscription_count()):
            return False
        now = self.get_clock().now()
        self._subscribed_since = self._subscribed_since or now
        return now - self._subscribed_since >= SETTLE

    def _publish(self, image, stamp):
        image = resize(image, self._values.width, self._values.height)
        header = Header(stamp=stamp.to_msg(), frame_id=self._values.frame_id)
        height, width = image.shape[:2]
        self._info.publish(CameraInfo(header=header, height=height, width=width))
        if self._raw.get_subscription_count():
            self._raw.publish(image_message(header, image, self._values.encoding))
        if self._jpeg.get_subscription_count():
            self._jpeg.publish(jpeg_message(header, image, self._values.jpeg_quality))
        self._count += 1

    def _finish(self):
        self.get_logger().info(f"{masked(self._source)} ended after {self._count} images")
        for publisher in (self._raw, self._jpeg, self._info):
            publisher.wait_for_all_acked(DELIVERY)
        raise _EndOfSource


class _EndOfSource(Exception):  # noqa: N818 - an end, not an error
    """The source has ended and shall not begin again."""


def main(args=None) -> int:
    """Run the node until it is told to stop or its source ends."""
    try:
        return run_node("video_source", VideoSource, args)
    except _EndOfSource:
        return 0
    except SourceError as error:
        print(f"fer_ros: {masked(error)}", file=sys.stderr)
        return 1
