# SPDX-License-Identifier: Apache-2.0
"""Stands in for ``ros2 bag play``, whose C++ does not come as a wheel: the options that
replay.launch.py gives it, its service, its clock and its qualities of service.
"""

import argparse
import sys
import time
from importlib import import_module
from pathlib import Path

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.qos import QoSProfile
from rosbag2_interfaces.srv import Resume
from rosgraph_msgs.msg import Clock

from fer_ros.bags.reading import Bag


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bag", type=Path)
    parser.add_argument("--clock", action="store_true")
    parser.add_argument("--rate", type=float, default=1.0)
    parser.add_argument("--start-paused", action="store_true")
    parser.add_argument("--disable-keyboard-controls", action="store_true")
    parser.add_argument("--loop", action="store_true")
    parser.add_argument("--remap", nargs="+", default=[])
    parser.add_argument("--topics", nargs="+", default=[])
    options = parser.parse_args(sys.argv[3:])  # after "bag play"
    print("CALLED", *sys.argv[1:], flush=True)
    rclpy.init()
    node = rclpy.create_node("rosbag2_player")
    names = dict(pair.split(":=") for pair in options.remap)
    with Bag(options.bag) as bag:
        publishers = {}
        for name, topic in bag.topics.items():
            if name in options.topics:
                package, _, kind = topic.type.split("/")
                kind = getattr(import_module(f"{package}.msg"), kind)
                publishers[name] = node.create_publisher(
                    kind, names.get(name, name), QoSProfile(depth=10)
                )
        clock = node.create_publisher(Clock, "/clock", 10)
        now = [bag.start_time]

        def tick():
            clock.publish(Clock(clock=rclpy.time.Time(nanoseconds=now[0]).to_msg()))

        node.create_timer(1 / 40, tick)
        resumed = []
        node.create_service(Resume, "~/resume", lambda _, answer: resumed.append(1) or answer)
        while options.start_paused and not resumed:
            rclpy.spin_once(node)
        begin, sent = time.monotonic(), 0
        while True:
            for message in bag.messages():
                if message.topic not in publishers:
                    continue
                due = begin + (message.time - bag.start_time) / 1e9 / options.rate
                while (left := due - time.monotonic()) > 0:
                    rclpy.spin_once(node, timeout_sec=left)
                now[0] = message.time
                tick()
                publishers[message.topic].publish(message.data)
                sent += 1
            if not options.loop:
                break
            begin = time.monotonic()
    print(f"SENT {sent}", flush=True)
    for publisher in publishers.values():
        publisher.wait_for_all_acked()
    rclpy.try_shutdown()


if __name__ == "__main__":
    try:
        main()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
