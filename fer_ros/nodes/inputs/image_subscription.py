# SPDX-License-Identifier: Apache-2.0
"""The subscription to the camera: raw or compressed, as reliable as its publishers are."""

from collections.abc import Callable
from pathlib import Path

from rcl_interfaces.msg import SetParametersResult
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage, Image

from fer_ros.images.topic_names import COMPRESSED_IMAGE, IMAGE, OTHER_TRANSPORTS, arguments_for
from fer_ros.runtime.health import one_line

RECEIVE_LIMIT = Path("/proc/sys/net/core/rmem_max")


class ImageSubscription:
    """Subscribes to ``base``, or to ``compressed`` under its resolved name.

    Args:
        node: subscribes, and is spun by one thread.
        transport: "raw" or "compressed".
        reliability: "reliable", "best_effort", or "auto": reliable while every publisher offers
            it, else best effort, which receives from all; checked again when publishers come
            or go.
        callback: gets each message, and how many were published since the one before that never
            came: lost on the way, or written over in the middleware by a newer one.

    Raises:
        Exception: of rcl's kinds, where it refuses the topic or its QoS.
    """

    def __init__(
        self,
        node: Node,
        transport: str,
        reliability: str,
        callback: Callable,
        base: str = "image_raw",
    ):
        self._node = node
        self._callback = callback
        self._reliability = reliability
        self._type = CompressedImage if transport == "compressed" else Image
        raw = node.resolve_topic_name(base)
        # The compressed name follows from the raw one's, and may be remapped by itself too.
        topics = node.resolve_topic_name(f"{raw}/compressed"), raw
        self._raw = raw
        self.topic, self._other = topics if transport == "compressed" else topics[::-1]
        self.policy: ReliabilityPolicy | None = None
        """What is asked for now."""
        self._subscription: Subscription | None = None
        self.has_received = False
        """Whether an image has come in."""
        self._number: int | None = None
        self._publishers: set[bytes] = set()
        self.failure = ""
        """Why the subscription could not be replaced by one that suits the publishers; empty when
        it could."""
        self.check()
        # Publishers are discovered inside a callback of the subscription itself, where it must not
        # be replaced; the guard condition does that a moment later.
        self._guard = node.create_guard_condition(self.check)

    @property
    def is_compressed(self) -> bool:
        """Whether the images are JPEG or PNG."""
        return self._type is CompressedImage

    def reliabilities(self) -> tuple[ReliabilityPolicy, ...]:
        """What each publisher of the topic offers."""
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        return tuple(p.qos_profile.reliability for p in publishers)

    def mismatch(self) -> str:
        """What to type where nobody publishes what is asked for, but something else is there under
        its name, or an image that does not suit the other transport's; else empty.
        """
        wrong = ""
        for topic, wanted in ((self.topic, self._type), (self._other, None)):
            for info in self._node.get_publishers_info_by_topic(topic):
                kind = info.topic_type
                if wanted and kind == (IMAGE if wanted is Image else COMPRESSED_IMAGE):
                    return ""
                if not wanted and kind == (COMPRESSED_IMAGE if self._type is Image else IMAGE):
                    continue  # the other transport is what suits
                typed = arguments_for(topic, kind)
                remedy = f"type --ros-args {typed}" if typed else "remap image_raw to an image"
                wrong = wrong or f"{topic} is of type {kind}: {remedy}"
        return wrong or ("" if self.other_topic() else self._unread())

    def _unread(self) -> str:
        """What there is in a transport that is not read here; called where nothing else is."""
        for topic in (f"{self._raw}{transport}" for transport in OTHER_TRANSPORTS):
            if self._node.count_publishers(topic):
                remedy = "have the camera publish raw or compressed images too"
                return f"only {topic} is published, which is not read here, {remedy}"
        return ""

    def other_topic(self) -> str:
        """The topic of the other transport if someone publishes there, else empty."""
        return self._other if self._node.count_publishers(self._other) else ""

    def close(self) -> None:
        """Unsubscribe."""
        self._node.destroy_guard_condition(self._guard)
        if self._subscription:
            self._node.destroy_subscription(self._subscription)

    def check(self) -> None:
        """Subscribe anew where the publishers of now ask for another reliability.

        Keeps the old subscription when that fails; the next call tries again. Raises what rclpy
        does when there is none yet.
        """
        infos = self._node.get_publishers_info_by_topic(self.topic)
        publishers = {bytes(info.endpoint_gid) for info in infos}
        if publishers != self._publishers:
            self._publishers, self._number = publishers, None  # who is new numbers from anew
        policy = self.wanted()
        if policy == self.policy:
            return
        try:
            subscription = self._subscribe(policy)
        except Exception as error:  # rcl's own kinds
            if self._subscription is None:
                raise
            self.failure = one_line(error)
            return
        old, self._subscription, self.policy = self._subscription, subscription, policy
        self.failure = ""
        if old:
            self._node.destroy_subscription(old)

    def _subscribe(self, policy):
        # A replaced subscription finds the override's parameter declared by its predecessor: that
        # holds the system default unless the user chose, and so leaves the choice to us.
        def choose(qos):
            if qos.reliability == ReliabilityPolicy.SYSTEM_DEFAULT:
                qos.reliability = policy
            return SetParametersResult(successful=True)

        return self._node.create_subscription(
            self._type,
            self.topic,
            self._receive,  # type: ignore[arg-type]  # rclpy's annotation forgets MessageInfo
            QoSProfile(
                history=HistoryPolicy.KEEP_LAST,
                depth=1,
                reliability=ReliabilityPolicy.SYSTEM_DEFAULT,
            ),
            event_callbacks=SubscriptionEventCallbacks(matched=lambda _: self._guard.trigger()),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(callback=choose),
        )

    def wanted(self) -> ReliabilityPolicy:
        """What suits the parameter and the publishers of now."""
        if self._reliability == "reliable":
            return ReliabilityPolicy.RELIABLE
        reliable = {ReliabilityPolicy.RELIABLE}
        if self._reliability == "auto" and set(self.reliabilities()) == reliable:
            return ReliabilityPolicy.RELIABLE
        return ReliabilityPolicy.BEST_EFFORT

    def _receive(self, message, info):
        if not self.has_received:
            self.has_received = True
            if not self.is_compressed:
                self._check_socket(len(message.data))
        self._callback(message, self._gap(info["publication_sequence_number"]))

    def _gap(self, number):
        """Messages between the last one and this; 0 where the middleware does not number them."""
        last, self._number = self._number, number
        if not number or not last or number <= last + 1:
            return 0
        # Several publishers number each for himself.
        return 0 if self._node.count_publishers(self.topic) > 1 else number - last - 1

    def _check_socket(self, size):
        try:
            limit = int(RECEIVE_LIMIT.read_text())
        except (OSError, ValueError):
            return
        if size > limit:
            self._node.get_logger().warning(
                f"images of {size} bytes exceed this machine's socket buffers ({limit} bytes), so "
                "raw images may be lost: sudo sysctl -w net.core.rmem_max=4194304 "
                "net.core.wmem_max=4194304, or use image_transport:=compressed"
            )
