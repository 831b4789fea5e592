# SPDX-License-Identifier: Apache-2.0
"""A detector, model or output that never comes back: the node answers, speaks and ends nonetheless.

The work hangs for an hour, so whoever waited for it would never answer within a test. How long an
answer takes at most is the best of a few tries: a machine under load makes some of them late, a
node that waits for something makes all of them late.
"""

import signal
import time

import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from node_helpers import all_done, astronaut, parameters
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger

PROGRAM = """
import sys, threading, time
from fer_ros.emotions.classifier import Classifier
from fer_ros.faces.detectors.haar import HaarDetector
from fer_ros.nodes.sinks.emotion_array import EmotionArraySink
from fer_ros.nodes.{node} import main
work = {work}
def hang(*given):
    if threading.current_thread() is threading.main_thread():
        return work(*given)  # while it is loaded
    time.sleep(3600)
{work} = hang
sys.exit(main())
"""
WORK = [
    ("emotion_node", "HaarDetector.detect"),
    ("emotion_node", "EmotionArraySink.publish"),
    ("expression_node", "Classifier.probabilities"),
]
PARAMETERS = {"emotion_node": {"detector": "haar", "no_image_error": 0.5}, "expression_node": {}}
ENDS = 2.0  # seconds that the end, and any transition, may take
ANSWERS = 0.2  # seconds that a reset, and a change of a parameter, may take
TRIES = 5


def once_within(limit, measure) -> bool:
    """Whether one of a few measures, in seconds, is within the limit."""
    return any(measure() < limit for _ in range(TRIES))


class Hung:
    """A node in a process of its own whose worker hangs, and a bench beside it."""

    def __init__(self, name, process, bench):
        self.name, self.process, self.bench = name, process, bench
        if name == "emotion_node":
            topics, self._tracked = ["image_raw"], None
        else:
            from hri_msgs.msg import IdsList

            topics = [f"humans/faces/{face}/cropped" for face in "ab"]
            self._ids = IdsList(ids=["a", "b"])
            self._tracked = bench.node.create_publisher(IdsList, "humans/faces/tracked", 10)
        self._images = [bench.node.create_publisher(Image, topic, 1) for topic in topics]
        self.hang()

    def hang(self):
        """Send images until the node says that it hangs."""
        self.bench.report(self._show)

    def ask(self, kind, service, request):
        """The seconds that an answer takes, and the answer."""
        client = self.bench.node.create_client(kind, f"{self.name}/{service}")
        self.bench.until(client.service_is_ready, service)
        began = time.monotonic()
        future = client.call_async(request)
        self.bench.until(future.done, f"an answer of {service}")
        took = time.monotonic() - began
        self.bench.node.destroy_client(client)
        return took, future.result()

    def transition(self, number) -> float:
        """The seconds that a transition takes, which must succeed."""
        request = ChangeState.Request(transition=Transition(id=number))
        took, answer = self.ask(ChangeState, "change_state", request)
        assert answer.success
        return took

    def state(self) -> str:
        return self.ask(GetState, "get_state", GetState.Request())[1].current_state.label

    def _show(self, status, _):
        if self._tracked:
            self._tracked.publish(self._ids)
        for publisher in self._images:
            publisher.publish(self.bench.now(astronaut()[60:260, 220:420]))
        return "hangs" in status.message


@pytest.fixture(params=WORK, ids=[work for _, work in WORK])
def hang(start, meet, tmp_path, message_package, request):
    """Starts one of the nodes that have a worker, and lets it hang."""
    name, work = request.param
    if name == "expression_node":
        message_package("hri_msgs")
    program = tmp_path / f"{name}.py"
    program.write_text(PROGRAM.format(node=name, work=work))

    def begin():
        process = start(str(program), *parameters(diagnostics_period=0.1, **PARAMETERS[name]))
        process.wait_for("listening")
        return Hung(name, process, meet())

    return begin


def test_it_speaks_and_answers(hang):
    hung = hang()

    def reset():
        took, answer = hung.ask(Trigger, "reset", Trigger.Request())
        assert answer.success
        return took

    def change():
        change = [Parameter("max_faces", value=3).to_parameter_msg()]
        request = SetParameters.Request(parameters=change)
        took, answer = hung.ask(SetParameters, "set_parameters", request)
        assert answer.results[0].successful
        return took

    assert once_within(ANSWERS, reset)
    assert once_within(ANSWERS, change)
    hung.bench.report(lambda status, values: "hangs" in status.message)
    assert hung.state() == "active"


def test_it_is_deactivated_and_begins_anew(hang):
    """With detector and model loaded anew: here, to hang again."""
    hung = hang()

    def deactivate():
        hung.hang()
        took = hung.transition(Transition.TRANSITION_DEACTIVATE)
        assert hung.state() == "inactive"
        hung.bench.report(lambda status, values: values["state"] == "inactive")
        assert all_done(*hung.bench.counts())
        hung.transition(Transition.TRANSITION_ACTIVATE)
        return took

    assert once_within(ENDS, deactivate)
    hung.hang()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_it_is_told_to(hang, number):
    def end():
        process = hang().process
        began = time.monotonic()
        process.signal(number)
        assert process.wait() == 0
        assert "Traceback" not in process.words()
        return time.monotonic() - began

    assert once_within(ENDS, end)
