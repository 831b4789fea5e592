# SPDX-License-Identifier: Apache-2.0
"""Topics into a bag, byte for byte, whatever their type."""

import importlib
import re
from contextlib import suppress
from pathlib import Path

DEPTH = 100


class TopicRecorder:
    """Writes what is published on topics into a bag, byte for byte, at the node's time.

    ``node``: an rclpy node; ``writer``: a BagWriter; ``namespace``: taken off the topics' names in
    the bag. ``failure`` is the OSError that ended the
    recording, ``count`` the messages in the bag. Under simulated time, the first messages wait in
    memory until there is a clock, and bear its first time.
    """

    def __init__(self, node, writer, namespace="/"):
        self._node, self._writer = node, writer
        self._namespace = namespace.rstrip("/")
        self._subscriptions = {}
        self._asked: dict[str, tuple[bool, bool]] = {}
        self._kinds: dict[str, str] = {}
        self._others: set[tuple[str, str]] = set()
        self._waiting: list[tuple[str, bytes]] = []
        self.failure: OSError | None = None
        self.count = 0

    def add(self, topic: str) -> bool:
        """Record a topic from now on, by its resolved name; False while nobody publishes it."""
        from fer_ros.bags.salvage import BagTopic
        from fer_ros.bags.types import qos

        if topic in self._subscriptions:
            return True
        publishers = self._node.get_publishers_info_by_topic(topic)
        if not publishers:
            return False
        kind = self._kinds[topic] = publishers[0].topic_type
        reliable, latched = _offered([p for p in publishers if p.topic_type == kind])
        message = message_class(kind)
        text = definition(kind) if message else ""
        described = BagTopic(self._named(topic), kind, 0, text, [qos(reliable, DEPTH, latched)])
        if message is None or not self._writer.add_topic(described):
            self._node.get_logger().error(f"{topic} is not recorded: {kind} is not known here")
            self._subscriptions[topic] = None
            return True
        self._subscriptions[topic] = self._subscribe(topic, message, (reliable, latched))
        self._asked[topic] = reliable, latched
        return True

    def check(self) -> None:
        """Subscribe anew where the publishers of now offer less, or more, than those before; tell
        of those that publish another type there, which a bag has no place for.
        """
        for topic, old in list(self._subscriptions.items()):
            publishers = self._node.get_publishers_info_by_topic(topic)
            same = [p for p in publishers if p.topic_type == self._kinds[topic]]
            if old is None and publishers and not same:
                del self._subscriptions[topic]
                self.add(topic)
                continue
            self._tell_others(topic, {p.topic_type for p in publishers})
            if not old or not same or self._asked[topic] == _offered(same):
                continue
            self._asked[topic] = _offered(same)
            new = self._subscribe(topic, old.msg_type, self._asked[topic])
            self._subscriptions[topic] = new
            self._node.destroy_subscription(old)

    def _tell_others(self, topic, kinds):
        for kind in kinds - {self._kinds[topic]}:
            if (topic, kind) not in self._others:
                self._others.add((topic, kind))
                self._node.get_logger().error(
                    f"{topic} is recorded as {self._kinds[topic]}: what is {kind} there is left "
                    "out; end this recording and begin another for it"
                )

    def _subscribe(self, topic, message, asked):
        from rclpy.event_handler import SubscriptionEventCallbacks
        from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

        reliable, latched = asked
        profile = QoSProfile(
            depth=DEPTH,
            reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
            durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
        )
        return self._node.create_subscription(
            message, topic, lambda data: self._write(topic, data), profile, raw=True,
            # rclpy's own says that nothing will come of another quality of service: see check().
            event_callbacks=SubscriptionEventCallbacks(use_default_callbacks=False),
        )  # fmt: skip

    def _named(self, topic):
        """A topic's name in the bag."""
        is_within = topic.startswith(f"{self._namespace}/")
        return topic[len(self._namespace) :] if is_within else topic

    @property
    def has_clock(self) -> bool:
        """Whether the time is known: simulated time is 0 until /clock arrives."""
        return self._node.get_clock().now().nanoseconds > 0

    def flush(self) -> None:
        """Hand what waits in memory to the disk: after a power cut, so much is missing."""
        self._guarded(self._writer.flush)

    def _write(self, topic, data):
        self._waiting.append((topic, data))
        if not self.has_clock:
            del self._waiting[:-DEPTH]
            return
        now = self._node.get_clock().now().nanoseconds
        waiting, self._waiting = self._waiting, []
        for each, message in waiting:
            self.count += self.failure is None
            name = self._named(each)
            self._guarded(lambda n=name, m=message: self._writer.write(n, now, m))

    def _guarded(self, action):
        if self.failure is None:
            try:
                action()
            except OSError as error:
                self.failure = error


def _offered(publishers) -> tuple[bool, bool]:
    """Whether all publishers are reliable, and all latched: to ask for more would not match."""
    from rclpy.qos import DurabilityPolicy, ReliabilityPolicy

    offers = [p.qos_profile for p in publishers]
    return (
        all(o.reliability == ReliabilityPolicy.RELIABLE for o in offers),
        all(o.durability == DurabilityPolicy.TRANSIENT_LOCAL for o in offers),
    )


def message_class(kind: str):
    """The class of ``package/msg/Name``, None where the package is not installed."""
    if not re.fullmatch(r"[a-z]\w*/msg/[A-Z]\w*", kind, re.ASCII):
        return None  # another program's on the bus
    package, _, name = kind.split("/")
    try:
        return getattr(importlib.import_module(f"{package}.msg"), name)
    except (ImportError, AttributeError):
        return None


def definition(kind: str) -> str:
    """The type's text as bags hold it: its own, then that of each type within; empty where the
    installed package does not bring it.
    """
    from ament_index_python.packages import get_package_share_directory

    kinds, texts = [kind], []
    with suppress(LookupError, OSError):
        for each in kinds:  # grows while it is gone through
            package, _, name = each.split("/")
            file = Path(get_package_share_directory(package), "msg", f"{name}.msg")
            texts.append(f"MSG: {package}/{name}\n{file.read_text('utf-8')}")
            fields = " ".join(message_class(each).get_fields_and_field_types().values())
            within = (f"{p}/msg/{n}" for p, n in re.findall(r"(\w+)/(\w+)", fields))
            kinds += [k for k in dict.fromkeys(within) if k not in kinds]
        return f"\n{'=' * 80}\n".join(texts).partition("\n")[2]
    return ""
