# SPDX-License-Identifier: Apache-2.0
"""``record``: what emotion_node says into a bag (MCAP); images only when they are asked for.

Exit status: 0; 1 after one line that says what failed, such as a full disk; 2 for wrong arguments.
Whatever ends it, the bag is closed and can be read; after SIGKILL or a power cut it is not closed,
and evaluate_bag reads it all the same.
"""

if __name__ == "__main__":  # before the imports below: they take a second, and signals are obeyed
    from fer_ros.start import record

    raise SystemExit(record())

import argparse
import importlib
import re
import sys
import time
from contextlib import suppress
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path

from fer_ros import start
from fer_ros.runtime.private import add_shared, private

LOOK, FLUSH = 0.5, 2.0  # seconds between two looks for topics, and two hand-overs to the disk
MESSAGES = ("emotions", "emotion_events", "detections", "/diagnostics")
"""Topics that are always recorded, once they are there: what emotion_node says in words."""
DEPTH = 100
PRIVACY = (
    "recording images: who is in them can be recognised. Tell the people concerned, keep the bag "
    "safe and delete it when it has served"
)
EXAMPLES = """examples:
  %(prog)s                                     results alone, into recordings/emotions_DATE_TIME
  %(prog)s --out visit-12                      into the folder visit-12
  %(prog)s --all                               with the images: mind the people in them
  %(prog)s --topics /tf /tf_static             and these
  %(prog)s --all --ros-args -r image_raw:=/camera/color/image_raw

The bag is read by ros2 bag play, Foxglove and evaluate_bag."""


class TopicRecorder:
    """Writes what is published on topics into a bag, byte for byte, at the node's time.

    ``node``: an rclpy node; ``writer``: a BagWriter. ``failure`` is the OSError that ended the
    recording, ``count`` the messages in the bag. Under simulated time, the first messages wait in
    memory until there is a clock, and bear its first time.
    """

    def __init__(self, node, writer):
        self._node, self._writer = node, writer
        self._subscriptions = {}
        self._asked: dict[str, tuple[bool, bool]] = {}
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
        kind = publishers[0].topic_type
        reliable, latched = _offered(publishers)
        message = message_class(kind)
        text = definition(kind) if message else ""
        described = BagTopic(topic, kind, 0, text, [qos(reliable, DEPTH, latched)])
        if message is None or not self._writer.add_topic(described):
            self._node.get_logger().error(f"{topic} is not recorded: {kind} is not known here")
            self._subscriptions[topic] = None
            return True
        self._subscriptions[topic] = self._subscribe(topic, message, (reliable, latched))
        self._asked[topic] = reliable, latched
        return True

    def check(self) -> None:
        """Subscribe anew where the publishers of now offer less, or more, than those before."""
        for topic, old in self._subscriptions.items():
            publishers = self._node.get_publishers_info_by_topic(topic)
            if not old or not publishers or self._asked[topic] == _offered(publishers):
                continue
            self._asked[topic] = _offered(publishers)
            new = self._subscribe(topic, old.msg_type, self._asked[topic])
            self._subscriptions[topic] = new
            self._node.destroy_subscription(old)

    def _subscribe(self, topic, message, asked):
        from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

        reliable, latched = asked
        profile = QoSProfile(
            depth=DEPTH,
            reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
            durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
        )
        return self._node.create_subscription(
            message, topic, lambda data: self._write(topic, data), profile, raw=True
        )

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
            self._guarded(lambda t=each, m=message: self._writer.write(t, now, m))

    def _guarded(self, action):
        if self.failure is None:
            try:
                action()
            except OSError as error:
                self.failure = error


def main(argv=None) -> int:
    """Record until told to stop; see ``--help``."""
    missing = [name for name in ("rosbags", "mcap") if find_spec(name) is None]
    if missing:
        return _fail(f"missing: pip install {' '.join(missing)}")
    import rclpy
    from rclpy._rclpy_pybind11 import RCLError
    from rclpy.utilities import remove_ros_args

    from fer_ros.nodes.initialisation import init

    argv = sys.argv if argv is None else ["record", *argv]
    options = _parse(remove_ros_args(argv)[1:])
    # A note, not an exception: Ctrl-C comes at any moment, under ros2 launch twice, and must not
    # keep the bag from its end.
    start.note()
    try:
        init(argv)
        with private(options.shared):
            return _record(options, rclpy.create_node("recorder"), start.received)
    except OSError as error:
        return _fail(f"cannot write to {options.out}: {error.strerror or error}")
    except (RCLError, RuntimeError, ValueError) as error:  # arguments, names that ROS refuses
        return _fail(" ".join(str(error).split()))
    finally:
        rclpy.try_shutdown()


def _parse(argv):
    parser = argparse.ArgumentParser(
        prog="fer_ros-record",
        description=f"Record what emotion_node says into a bag: {', '.join(MESSAGES)}.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    name = datetime.now().strftime("emotions_%Y-%m-%d_%H-%M-%S")
    add = parser.add_argument
    add("--out", type=Path, default=Path("recordings", name), help="new folder for the bag")
    add_shared(parser)
    add("--all", action="store_true", help="images and camera_info too")
    add("--topics", nargs="+", default=[], metavar="NAME", help="further topics")
    return parser.parse_args(argv)


def _record(options, node, should_stop) -> int:
    """Record until told to stop or the disk is full.

    Raises OSError when the bag cannot be made or closed.
    """
    from rclpy.executors import SingleThreadedExecutor

    from fer_ros.bags.writing import BagWriter, remove_bag

    executor = SingleThreadedExecutor()
    executor.add_node(node)
    log = node.get_logger()
    with BagWriter(options.out) as writer:
        recorder = TopicRecorder(node, writer)
        if options.all:
            log.warning(PRIVACY)
        log.info(f"recording into {options.out}")
        wanted = _Wanted(node, options)
        next_look = next_flush = 0.0
        while recorder.failure is None and not should_stop():
            now = time.monotonic()
            if now >= next_look:
                wanted.look(recorder)
                recorder.check()
                next_look = now + LOOK
            if now >= next_flush:
                recorder.flush()
                next_flush = now + FLUSH
            executor.spin_once(timeout_sec=LOOK)
    if recorder.failure:
        reason = recorder.failure.strerror
        log.error(
            f"recording ended: {reason}. {recorder.count} messages are in {options.out}, closed "
            "and readable; free some space, then record again"
        )
        return 1
    if not recorder.has_clock:
        remove_bag(options.out)
        return _fail("use_sim_time is set but /clock is silent: play the bag with --clock")
    if not recorder.count:
        remove_bag(options.out)
        log.warning(f"nothing was recorded: nobody published on {', '.join(wanted.names)}")
        return 0
    log.info(f"{recorder.count} messages in {options.out}")
    return 0


class _Wanted:
    """The topics to record, by their resolved names."""

    def __init__(self, node, options):
        self._node = node
        self.names = [node.resolve_topic_name(name) for name in (*MESSAGES, *options.topics)]
        self._image = ""
        if options.all:
            from fer_ros.images.topic_names import camera_info_of

            self._image = node.resolve_topic_name("image_raw")
            self.names.append(camera_info_of(self._image))
        self._raw_checks = 0

    def look(self, recorder: TopicRecorder) -> None:
        """Begin to record those that are published by now."""
        for name in self.names:
            recorder.add(name)
        if not self._image:
            return
        # JPEG where the camera offers it, at a tenth of the size; raw once that is certain.
        if recorder.add(f"{self._image}/compressed"):
            self._image = ""
        elif self._node.count_publishers(self._image):
            self._raw_checks += 1
            if self._raw_checks > 2 and recorder.add(self._image):
                self._image = ""


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


def _fail(reason: str) -> int:
    print(f"record: {reason}", file=sys.stderr)
    return 1
