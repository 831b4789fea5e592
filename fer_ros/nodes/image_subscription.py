# SPDX-License-Identifier: Apache-2.0
"""The subscription to the camera: raw or compressed, as reliable as its publishers are."""

from collections.abc import Callable

from rcl_interfaces.msg import SetParametersResult
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CompressedImage, Image


class ImageSubscription:
    """Subscribes to ``image_raw``, or to ``compressed`` under its resolved name.

    ``reliability``: "reliable", "best_effort", or "auto": reliable while every publisher offers
    it, else best effort, which hears all publishers; looked at again when publishers come or go.
    """

    def __init__(self, node: Node, transport: str, reliability: str, callback: Callable):
        self._node = node
        self._callback = callback
        self._reliability = reliability
        self._type = CompressedImage if transport == "compressed" else Image
        base = node.resolve_topic_name("image_raw")
        self.topic = f"{base}/compressed" if transport == "compressed" else base
        self._subscription = None
        self._policy = None
        self._check()
        # Publishers are heard of inside a callback of the subscription itself, where it must not
        # be replaced; the guard condition does that a moment later.
        self._guard = node.create_guard_condition(self._check)

    def close(self) -> None:
        """Unsubscribe."""
        self._node.destroy_guard_condition(self._guard)
        self._node.destroy_subscription(self._subscription)

    def _check(self):
        policy = self._wanted()
        if policy == self._policy:
            return
        if self._subscription:
            self._node.destroy_subscription(self._subscription)
        self._policy = policy

        # A replaced subscription finds the override's parameter declared by its predecessor: that
        # holds the system default unless the user chose, and so leaves the choice to us.
        def choose(qos):
            if qos.reliability == ReliabilityPolicy.SYSTEM_DEFAULT:
                qos.reliability = policy
            return SetParametersResult(successful=True)

        self._subscription = self._node.create_subscription(
            self._type,
            self.topic,
            self._callback,
            QoSProfile(
                history=HistoryPolicy.KEEP_LAST,
                depth=1,
                reliability=ReliabilityPolicy.SYSTEM_DEFAULT,
            ),
            event_callbacks=SubscriptionEventCallbacks(matched=lambda _: self._guard.trigger()),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(callback=choose),
        )

    def _wanted(self):
        if self._reliability == "reliable":
            return ReliabilityPolicy.RELIABLE
        if self._reliability == "auto":
            publishers = self._node.get_publishers_info_by_topic(self.topic)
            offers = {p.qos_profile.reliability for p in publishers}
            if offers == {ReliabilityPolicy.RELIABLE}:
                return ReliabilityPolicy.RELIABLE
        return ReliabilityPolicy.BEST_EFFORT
