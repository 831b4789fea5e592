# SPDX-License-Identifier: Apache-2.0
"""What the tests of the nodes share: a bench that publishes to a node, listens and waits."""

import math
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
import rclpy
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from fer_ros.msg import EmotionArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import DescribeParameters, GetParameters, SetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from fer_ros.cli.node_process import module_of
from fer_ros.nodes.emotion_node import EmotionNode
from fer_ros.nodes.messages import image_message, jpeg_message
from fer_ros.pipeline import EmotionPipeline
from fer_ros.sources.sample import Sample

REPOSITORY = Path(__file__).parents[1]
PYTHONPATH = os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH"))))
"""Of processes that run the source tree, whichever way ROS is found."""
WAIT = 60.0  # seconds; only a broken node, or a machine on its knees, comes near it
AGAIN = 3.0  # seconds after which an image counts as lost on the way
ASK_AGAIN = 10.0  # the same for a question or its answer; longer than any answer takes


def astronaut() -> np.ndarray:
    """One face, joyful: BGR, uint8 [480, 640, 3]."""
    return Sample()[0]


def two_faces() -> np.ndarray:
    """Two faces, the larger to the left: BGR, uint8 [480, 640, 3]."""
    return Sample()[200]


def blank(height=120, width=160) -> np.ndarray:
    """No face: BGR, uint8 [height, width, 3]."""
    return np.full((height, width, 3), 90, np.uint8)


def header(number=1, nanosec=5) -> Header:
    """A header that nothing but a copy of it equals."""
    return Header(stamp=Time(sec=1000 + number, nanosec=nanosec), frame_id=f"optical {number}")


def stamped(bgr: np.ndarray, sec: int, nanosec=0) -> Image:
    """The image with this stamp."""
    return raw(header(sec - 1000, nanosec), bgr)


def parameters(**values) -> list[str]:
    """The command line words that set these parameters."""
    return ["--ros-args", *(w for k, v in values.items() for w in ("-p", f"{k}:={v}"))]


@contextmanager
def pouring(publish, pause):
    """``publish`` is called every ``pause`` seconds meanwhile, from a thread of its own."""
    stop = threading.Event()

    def pour():
        while not stop.wait(pause):
            publish()

    camera = threading.Thread(target=pour)
    camera.start()
    try:
        yield
    finally:
        stop.set()
        camera.join()


@contextmanager
def holding():
    """The image in work, and all that come, wait in the pipeline meanwhile; gives the event that
    one is in there.
    """
    inside, go_on, process = threading.Event(), threading.Event(), EmotionPipeline.process

    def wait(*arguments):
        inside.set()
        go_on.wait()
        return process(*arguments)

    try:
        with patch.object(EmotionPipeline, "process", wait):
            yield inside
    finally:
        go_on.set()


@contextmanager
def slowed(seconds):
    """Each image takes so much longer meanwhile."""
    process = EmotionPipeline.process

    def slowly(*arguments):
        time.sleep(seconds)
        return process(*arguments)

    with patch.object(EmotionPipeline, "process", slowly):
        yield


def all_done(received, processed, dropped) -> bool:
    """Whether no image is in work or waits: a condition of ``Bench.counts``."""
    return received == processed + dropped


class Bench:
    """A node under test, if any, and one beside it that publishes, listens and calls services.

    All callbacks run while ``until`` waits, on the test's own thread.
    """

    def __init__(self, context, namespace=""):
        self.context = context
        self.namespace = namespace
        self.node = rclpy.create_node("bench", context=context, namespace=namespace)
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.node)
        self.emotion_node: EmotionNode | None = None
        self.results: list[EmotionArray] = []
        self.reports: list[DiagnosticArray] = []
        self.node.create_subscription(EmotionArray, "emotions", self.results.append, 100)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self.reports.append, 100)

    def start(self, *arguments: str, start=True, **values) -> EmotionNode:
        """Run emotion_node with these parameters and command line words."""
        self.emotion_node = EmotionNode(
            context=self.context,
            namespace=self.namespace,
            use_global_arguments=False,
            cli_args=[*parameters(**{"diagnostics_period": 0.1} | values), *arguments],
        )
        self._executor.add_node(self.emotion_node)
        if start:
            self.emotion_node.start()
        return self.emotion_node

    def close(self):
        if self.emotion_node:
            self.emotion_node.destroy_node()
        self.node.destroy_node()
        self._executor.shutdown()

    def until(self, condition, what="", timeout=WAIT):
        """Spin until ``condition()`` is true, and return what it gave; fail after ``timeout``."""
        end = time.monotonic() + timeout
        while not (value := condition()):
            assert time.monotonic() < end, f"waited {timeout} s for {what or 'a condition'}"
            self._executor.spin_once(timeout_sec=0.05)
        return value

    def spin(self, seconds):
        """Let the nodes run for a while, to see that something does not happen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._executor.spin_once(timeout_sec=0.02)

    def publisher(self, kind=Image, topic="image_raw", reliability="reliable", subscribers=1):
        """A publisher of images that ``subscribers`` subscriptions listen to already."""
        policy = ReliabilityPolicy[reliability.upper()]
        publisher = self.node.create_publisher(kind, topic, QoSProfile(depth=1, reliability=policy))
        self.until(lambda: publisher.get_subscription_count() >= subscribers, "a subscriber")
        if self.emotion_node:
            self.until(self.is_settled, "the subscription to suit its publishers")
        return publisher

    def listeners(self, topic) -> int:
        """How many subscriptions emotion_node's publisher of a topic has found."""
        name = self.emotion_node.resolve_topic_name(topic)
        (publisher,) = (p for p in self.emotion_node.publishers if p.topic_name == name)
        return publisher.get_subscription_count()

    def now(self, bgr: np.ndarray) -> Image:
        """The image, taken at this moment."""
        message = raw(header(), bgr)
        message.header.stamp = self.node.get_clock().now().to_msg()
        return message

    def is_settled(self) -> bool:
        """Whether emotion_node listens, and as reliably as its publishers allow."""
        images = self.emotion_node.inputs.images
        return images is not None and images.policy == images.wanted()

    def process(self, publisher, message) -> EmotionArray:
        """Publish a message, best effort or not, until its own result comes."""
        before, sent, end = len(self.results), 0.0, time.monotonic() + WAIT
        while True:
            for result in self.results[before:]:
                if result.header == message.header:
                    return result
            assert time.monotonic() < end, "no result for an image"
            if time.monotonic() - sent > AGAIN:
                publisher.publish(message)
                sent = time.monotonic()
            self._executor.spin_once(timeout_sec=0.05)

    def call(self, kind, service, request):
        """The answer of a service."""
        client = self.node.create_client(kind, service)
        self.until(client.service_is_ready, service)
        asked, futures = -math.inf, []

        def answered():
            nonlocal asked
            if time.monotonic() - asked > ASK_AGAIN:
                asked = time.monotonic()
                futures.append(client.call_async(request))
            return next((future for future in futures if future.done()), None)

        answer = self.until(answered, f"an answer of {service}")
        self.node.destroy_client(client)
        return answer.result()

    def set(self, name, value):
        """The result of ``ros2 param set``."""
        parameters = [Parameter(name, value=value).to_parameter_msg()]
        request = SetParameters.Request(parameters=parameters)
        return self.call(SetParameters, "emotion_node/set_parameters", request).results[0]

    def get(self, name):
        """The value that ``ros2 param get`` shows."""
        request = GetParameters.Request(names=[name])
        answer = self.call(GetParameters, "emotion_node/get_parameters", request)
        return Parameter.from_parameter_msg(_named(name, answer.values[0])).value

    def describe(self, name):
        """The descriptor that ``ros2 param describe`` shows."""
        request = DescribeParameters.Request(names=[name])
        return self.call(
            DescribeParameters, "emotion_node/describe_parameters", request
        ).descriptors[0]

    def transition(self, name) -> bool:
        """``ros2 lifecycle set``: "configure", "activate", "deactivate", "cleanup"."""
        number = getattr(Transition, f"TRANSITION_{name.upper()}")
        request = ChangeState.Request(transition=Transition(id=number))
        return self.call(ChangeState, "emotion_node/change_state", request).success

    def state(self) -> str:
        """``ros2 lifecycle get``."""
        return self.call(GetState, "emotion_node/get_state", GetState.Request()).current_state.label

    def report(self, condition=lambda status, values: True):
        """The first status from now on for which ``condition`` holds, and its values."""
        self.reports.clear()

        def find():
            for array in self.reports:
                for status in array.status:
                    values = {v.key: v.value for v in status.values}
                    if condition(status, values):
                        return status, values
            return None

        return self.until(find, "a fitting message on /diagnostics")

    def counts(self, condition=lambda received, processed, dropped: True):
        """Received, processed, dropped as /diagnostics has them, the first for which this holds."""

        def counted(values):
            return [int(values[name]) for name in ("received", "processed", "dropped")]

        return tuple(counted(self.report(lambda status, v: condition(*counted(v)))[1]))


class Command:
    """A command in a process of its own; its words are kept in the file ``log``. A variable of the
    environment that is None is taken out of it.
    """

    def __init__(self, log: Path, *words: str, cwd: Path = REPOSITORY, **environment):
        self.path = log
        with log.open("wb") as log:
            self._popen = subprocess.Popen(
                words,
                cwd=cwd,
                env={k: v for k, v in {**os.environ, **environment}.items() if v is not None},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    def words(self) -> str:
        """What it has written so far, to stdout and stderr."""
        return self.path.read_text(errors="replace")

    def wait_for(self, text: str, timeout=WAIT):
        """Until it has written ``text``."""
        end = time.monotonic() + timeout
        while text not in self.words():
            assert self._popen.poll() is None, f"ended without {text!r}: {self.words()}"
            assert time.monotonic() < end, f"{timeout} s without {text!r}: {self.words()}"
            time.sleep(0.05)

    def has_ended(self) -> bool:
        return self._popen.poll() is not None

    def signal(self, number: signal.Signals):
        self._popen.send_signal(number)

    def wait(self, timeout=WAIT) -> int:
        """Its exit status."""
        return self._popen.wait(timeout)

    def close(self):
        if self._popen.poll() is None:
            self._popen.kill()
            self._popen.wait()


class Process(Command):
    """A node as ``ros2 run`` starts it.

    ``module``: the name of a node, or the path of a script.
    """

    def __init__(self, folder: Path, module: str, *arguments: str, **environment):
        script = module.endswith(".py")
        words = [module] if script else ["-m", module_of(module)]
        log = folder / f"{Path(module).stem}-{len(list(folder.iterdir()))}.log"
        super().__init__(log, sys.executable, *words, *arguments, **environment)


def jpeg(head: Header, bgr: np.ndarray) -> CompressedImage:
    return jpeg_message(head, bgr, 90)


def raw(head: Header, bgr: np.ndarray, encoding="bgr8") -> Image:
    return image_message(head, bgr, encoding)


def _named(name, value):
    from rcl_interfaces.msg import Parameter as Message

    return Message(name=name, value=value)
