# SPDX-License-Identifier: Apache-2.0
"""Stands in for ``ros2 bag play``, whose C++ does not come as a wheel: the options that
replay.launch.py gives it, its service, its clock and its qualities of service.
"""

import argparse
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import rclpy
from rclpy.duration import Duration
from rclpy.executors import ExternalShutdownException
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.time import Time
from rosbag2_interfaces.srv import Resume
from rosgraph_msgs.msg import Clock

from fer_ros.bags.reading import Bag


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("bag", type=Path)
    parser.add_argument("--rate", type=float, default=1.0)
    parser.add_argument("--wait-for-all-acked", type=int, metavar="MS")
    for switch in ("--clock", "--start-paused", "--disable-keyboard-controls", "--loop"):
        parser.add_argument(switch, action="store_true")
    for words in ("--remap", "--topics"):
        parser.add_argument(words, nargs="+", default=[])
    print("CALLED", *sys.argv[1:], flush=True)
    return parser.parse_args(sys.argv[3:])  # after "bag play"


class Player:
    """The bag's wanted topics on /clock's time, paused until told to go."""

    def __init__(self, options, bag):
        self._options, self._bag = options, bag
        self._node = rclpy.create_node("rosbag2_player")
        best_effort = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._clock = self._node.create_publisher(Clock, "/clock", best_effort)
        self._now, self._paused = bag.start_time, options.start_paused
        names = dict(pair.split(":=") for pair in options.remap)
        self._publishers = {
            name: self._node.create_publisher(message_class(topic.type), names.get(name, name), 10)
            for name, topic in bag.topics.items()
            if name in options.topics
        }
        self._node.create_timer(1 / 40, self._tick)
        self._node.create_service(Resume, "~/resume", self._resume)

    def play(self):
        while self._paused:
            rclpy.spin_once(self._node)
        sent = self._pass()
        while self._options.loop:
            sent += self._pass()
        print(f"SENT {sent}", flush=True)
        if self._options.wait_for_all_acked is not None:
            patience = Duration(nanoseconds=self._options.wait_for_all_acked * 10**6)
            for publisher in self._publishers.values():
                publisher.wait_for_all_acked(patience)

    def _pass(self) -> int:
        begin, sent = time.monotonic(), 0
        for message in self._bag.messages():
            publisher = self._publishers.get(message.topic)
            if publisher is None:
                continue
            due = begin + (message.time - self._bag.start_time) / 1e9 / self._options.rate
            while (left := due - time.monotonic()) > 0:
                rclpy.spin_once(self._node, timeout_sec=left)
            self._now = message.time
            self._tick()
            publisher.publish(message.data)
            sent += 1
        return sent

    def _tick(self):
        self._clock.publish(Clock(clock=Time(nanoseconds=self._now).to_msg()))

    def _resume(self, request, response):
        self._paused = False
        return response


def message_class(kind):
    package, _, name = kind.split("/")
    return getattr(import_module(f"{package}.msg"), name)


if __name__ == "__main__":
    options = parse()
    rclpy.init()
    with suppress(KeyboardInterrupt, ExternalShutdownException), Bag(options.bag) as bag:
        Player(options, bag).play()
    rclpy.try_shutdown()
