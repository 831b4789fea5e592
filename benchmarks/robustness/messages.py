# SPDX-License-Identifier: Apache-2.0
"""Hostile messages on every topic that the nodes listen to, over DDS, to nodes as processes.

Fields that contradict each other, numbers that are none, damaged serialised messages. After every
25 a proper image must have its result, within ten seconds; memory is the nodes'.

    python -m benchmarks.robustness.messages [--seconds 90] [--seed 1]
"""

import importlib
import math
import os
import re
import sys
import time

from benchmarks.robustness.rounds import Round, damaged, judged, run

EVERY, WITHIN = 25, 10.0
IMAGES = "image_raw/compressed"
TOPICS = {
    IMAGES: ("sensor_msgs", "CompressedImage"),
    "camera_info": ("sensor_msgs", "CameraInfo"),
    "emotions": ("fer_ros", "EmotionArray"),
    "emotion_events": ("fer_ros", "EmotionEvent"),
    "/diagnostics": ("diagnostic_msgs", "DiagnosticArray"),
}
NUMBERS = (math.nan, math.inf, -math.inf, 1e300, -1e300, 0.0, -0.0, 1e-320)
WHOLE = (0, 1, -1, 127, 255, 256, 65_535, 2**31 - 1, 2**31, 2**32 - 1, -(2**31), 2**63 - 1)
TEXTS = ("", "camera", "\N{GRINNING FACE}", "x" * 5000, "\n\x1b[2J", "<b>", "jpeg", "NaN", "/")


def _fill(message, random):
    """A message of the kind with hostile values in every field."""
    for name, kind in message.get_fields_and_field_types().items():
        value = getattr(message, name)
        if hasattr(value, "get_fields_and_field_types"):
            _fill(value, random)
        elif kind.startswith("sequence<") and "/" in kind:
            package, _, inner = re.split("[<>,]", kind)[1].partition("/")
            each = getattr(importlib.import_module(f"{package}.msg"), inner)
            count = int(random.choice([0, 1, 3, 200]))
            setattr(message, name, [_fill(each(), random) for _ in range(count)])
        elif "[" in kind or kind.startswith("sequence<"):
            count = len(value) or int(random.choice([0, 1, 5, 3000]))
            setattr(message, name, [_value(kind, random) for _ in range(count)])
        elif not isinstance(value, bool | bytes):
            setattr(message, name, _value(kind, random))
    return message


def _value(kind, random):
    """One for a field of that kind."""
    if "string" in kind:
        return str(random.choice(TEXTS))
    if not (whole := re.search(r"(u?)int(\d+)", kind)):
        wide = "double" in kind
        return float(random.choice([n for n in NUMBERS if wide or not 1e38 < abs(n) < math.inf]))
    bits = int(whole[2])
    low, high = (0, 2**bits - 1) if whole[1] else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return int(random.choice([number for number in WHOLE if low <= number <= high]))


class _Nodes:
    """emotion_node and web_view, and what is said to them."""

    def __init__(self, folder, stack):
        os.environ.setdefault("ROS_DOMAIN_ID", str(os.getpid() % 100 + 1))
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
        import rclpy
        from rclpy.executors import SingleThreadedExecutor

        from fer_ros.cli.node_process import NodeProcess
        from fer_ros.images.codec import encode_jpeg
        from fer_ros.sources.sample import Sample

        namespace = f"/fuzz_{os.getpid()}"
        given = {"emotion_node": {"image_transport": "compressed"}, "web_view": {"port": 0}}
        self.nodes = [
            stack.enter_context(NodeProcess(n, v, folder, namespace)) for n, v in given.items()
        ]
        rclpy.init()
        stack.callback(rclpy.try_shutdown)
        node = rclpy.create_node("fuzz", namespace=namespace)
        self._clock, self._executor = node.get_clock(), SingleThreadedExecutor()
        self._executor.add_node(node)
        self._answers: list = []
        self.kinds = {}
        for topic, (package, name) in TOPICS.items():
            self.kinds[topic] = getattr(importlib.import_module(f"{package}.msg"), name)
        node.create_subscription(self.kinds["emotions"], "emotions", self._answers.append, 10)
        self._publishers = {
            topic: node.create_publisher(kind, topic, 10) for topic, kind in self.kinds.items()
        }
        data = encode_jpeg(Sample()[0]).tobytes()
        self.image = self.kinds[IMAGES](format="jpeg", data=data)

    def publish(self, topic, message):
        self._publishers[topic].publish(message)
        self._executor.spin_once(0.0)

    def now(self):
        return self._clock.now().to_msg()

    def check(self, within=WITHIN):
        """A proper image has its result."""
        end, stamps = time.monotonic() + within, []
        while time.monotonic() < end:
            self.image.header.stamp = self.now()
            stamps.append(self.image.header.stamp)
            self.publish(IMAGES, self.image)
            self._executor.spin_once(0.1)
            if any(answer.header.stamp in stamps for answer in self._answers):
                self._answers.clear()
                return
            for node in self.nodes:
                assert node.status is None, f"{node.name} died: {node.last_line()}"
        raise AssertionError(f"no result within {within:g} s: {self.nodes[0].last_line()}")

    def check_logs(self):
        """No node has met what it did not expect."""
        for node in self.nodes:
            log = node.log.read_text(errors="replace")
            assert "Traceback" not in log, log[log.index("Traceback") :][:2000]


def start(folder, stack):
    """What tries an input on the nodes."""
    from rclpy.serialization import serialize_message

    nodes = _Nodes(folder, stack)
    nodes.check(within=90.0)
    judged[:] = [node.pid for node in nodes.nodes]
    data = bytes(nodes.image.data)

    def once(number, random):
        topic = list(TOPICS)[number % len(TOPICS)]
        message = _fill(nodes.kinds[topic](), random)
        if topic == IMAGES:
            message.data = damaged(data, random)
            message.header.stamp = nodes.now()
        word = "sent"
        if random.random() < 0.3:
            message, word = damaged(serialize_message(message), random), "sent damaged"
        nodes.publish(topic, message)
        time.sleep(0.01)
        if number % EVERY == EVERY - 1:
            nodes.check()
            nodes.check_logs()
        return word

    return once


ROUNDS = [Round("messages", start, patience=40.0)]

if __name__ == "__main__":
    sys.exit(run("messages", __doc__, ROUNDS, seconds=90.0))
