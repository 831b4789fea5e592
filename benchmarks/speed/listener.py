# SPDX-License-Identifier: Apache-2.0
"""Notes every result with the time of its receipt, and what the node reports of itself.

Says "ready" when it listens, "first" at the first result, and the node's state ("active") whenever
that changes; once its standard input is closed it says all it noted and ends. What it says are
lines of JSON.
"""

import contextlib
import json
import sys
import threading
import time

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from fer_ros.msg import EmotionArray
from rclpy.executors import ExternalShutdownException

results: list[tuple[float, float, int]] = []  # stamp, receipt, faces
reports: list[dict] = []


def result(message: EmotionArray) -> None:
    """Note a result."""
    now, stamp = time.time(), message.header.stamp
    if not results:
        print(json.dumps({"event": "first", "receipt": now}), flush=True)
    results.append((stamp.sec + stamp.nanosec * 1e-9, now, len(message.faces)))


def report(message: DiagnosticArray) -> None:
    """Note the values of emotion_node."""
    for status in message.status:
        if "emotion_node" in status.name:
            values = {v.key: v.value for v in status.values}
            if not reports or values["state"] != reports[-1]["state"]:
                print(json.dumps({"event": values["state"]}), flush=True)
            reports.append(values)


def main():
    """Listen until standard input is closed."""
    rclpy.init()
    node = rclpy.create_node("listener")
    node.create_subscription(EmotionArray, "emotions", result, 100)
    node.create_subscription(DiagnosticArray, "/diagnostics", report, 10)
    thread = threading.Thread(target=_spin, args=[node], daemon=True)
    thread.start()
    print(json.dumps({"event": "ready"}), flush=True)
    sys.stdin.read()
    rclpy.shutdown()
    thread.join()
    print(json.dumps({"event": "noted", "results": results, "reports": reports}), flush=True)


def _spin(node):
    with contextlib.suppress(ExternalShutdownException):
        rclpy.spin(node)


if __name__ == "__main__":
    main()
