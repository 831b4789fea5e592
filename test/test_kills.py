# SPDX-License-Identifier: Apache-2.0
"""Processes that are killed, that give up, and a hundred lives of one node."""

import gc
import os
import signal
import threading
from pathlib import Path

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from node_helpers import all_done, astronaut, blank, header, parameters, pouring, raw
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import ParameterValue
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from sensor_msgs.msg import Image

# SIGKILL; SIGINT and SIGTERM are in test_two_processes.py


def test_camera_is_killed(meet, start):
    """It cannot say goodbye: the node reports silence and goes on with the next camera."""
    node = start("emotion_node", *parameters(no_image_warn=0.5, diagnostics_period=0.2))
    node.wait_for("listening")
    bench = meet()
    camera = start("video_source", *parameters(rate=20.0, width=320, height=240))
    bench.until(lambda: len(bench.results) > 3, "results")
    camera.signal(signal.SIGKILL)
    assert camera.wait() == -signal.SIGKILL
    bench.report(lambda status, values: "no image for" in status.message)
    bench.results.clear()
    start("video_source", *parameters(rate=20.0, width=320, height=240))
    bench.until(lambda: len(bench.results) > 3, "results of the next camera")
    bench.report(lambda status, values: "no image for" not in status.message)
    node.signal(signal.SIGINT)
    assert node.wait() == 0
    assert "Traceback" not in node.words()


def test_node_is_killed(meet, start):
    """The camera lives on, and the next node of that name works with it."""
    camera = start("video_source", *parameters(rate=20.0, width=320, height=240))
    camera.wait_for("image_raw")
    node = start("emotion_node")
    node.wait_for("listening")
    bench = meet()
    bench.until(lambda: len(bench.results) > 3, "results")
    node.signal(signal.SIGKILL)
    assert node.wait() == -signal.SIGKILL
    bench.results.clear()
    again = start("emotion_node")
    again.wait_for("listening")
    bench.until(lambda: len(bench.results) > 3, "results of the next node")
    for process in (camera, again):
        process.signal(signal.SIGINT)
        assert process.wait() == 0
        assert "Traceback" not in process.words()


# exit_on_failure


def test_no_request_ends_a_node(meet, start):
    """A parameter of a type that there is not: rclpy raises of it, out of its own service."""
    nodes = {"emotion_node": start("emotion_node"), "video_source": start("video_source")}
    for node in nodes.values():
        node.wait_for("_node]: listening" if node is nodes["emotion_node"] else "on /image_raw")
    bench = meet()
    odd = [ParameterMessage(name="max_faces", value=ParameterValue(type=99))]
    for name, node in nodes.items():
        one = bench.call(
            SetParameters, f"{name}/set_parameters", SetParameters.Request(parameters=odd)
        )
        kind = SetParametersAtomically
        all_ = bench.call(kind, f"{name}/set_parameters_atomically", kind.Request(parameters=odd))
        for result in (*one.results, all_.result):
            assert not result.successful
            assert "99 is not a valid" in result.reason
        assert not node.has_ended()
        assert node.words().count("parameters refused") == 1


def test_gives_up_at_start(start):
    node = start("emotion_node", *parameters(model="/no/such.tflite", exit_on_failure=True))
    assert node.wait() == 1
    (line,) = [line for line in node.words().splitlines() if "ERROR" in line]
    assert "not configured: no model file /no/such.tflite" in line


def test_gives_up_when_a_manager_configures(meet, start):
    """And whoever asked for the transition is answered first."""
    arguments = {"model": "/no/such.tflite", "exit_on_failure": True, "autostart": False}
    node = start("emotion_node", *parameters(**arguments))
    bench = meet()
    bench.report()
    client = bench.node.create_client(ChangeState, "/emotion_node/change_state")
    bench.until(client.service_is_ready)
    number = Transition.TRANSITION_CONFIGURE
    answer = client.call_async(ChangeState.Request(transition=Transition(id=number)))
    bench.until(answer.done, "an answer")
    assert not answer.result().success
    assert node.wait() == 1
    assert "Traceback" not in node.words()


def test_does_not_give_up_when_all_is_well(meet, start):
    node = start("emotion_node", *parameters(exit_on_failure=True))
    node.wait_for("listening")
    bench = meet()
    bench.process(bench.publisher(), raw(header(), astronaut()))
    node.signal(signal.SIGTERM)
    assert node.wait() == 0


# A hundred lives


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def belongings(node) -> dict[str, int]:
    """What a node that does not clean up would have more and more of."""
    entities = ("publishers", "subscriptions", "services", "clients", "timers", "guards")
    counts = {name: len(list(getattr(node, name))) for name in entities}
    counts["waitables"] = len(list(node.waitables))
    counts["threads"] = threading.active_count()
    counts["files"] = len(list(Path("/proc/self/fd").iterdir()))
    counts["parameters"] = len(node.get_parameters_by_prefix(""))
    return counts


def test_a_hundred_lives_under_load(bench):
    """Deactivate, cleanup, configure, activate while images pour in: nothing is left behind."""
    node = bench.start()
    publisher = bench.publisher()
    bench.node.create_subscription(Image, "image_annotated", lambda _: None, 1)
    image = raw(header(), blank(240, 320))
    with pouring(lambda: publisher.publish(image), 0.005):
        early, processed = None, 0
        for life in range(100):
            for transition in ("deactivate", "cleanup", "configure", "activate"):
                assert bench.transition(transition), f"{transition} in life {life}"
            if life % 10 == 0:  # as many lives are too short for an image
                _, before, _ = bench.counts()
                bench.counts(lambda _, processed, __: processed > before)  # noqa: B023
            if life == 20:
                gc.collect()
                early = belongings(node), resident()
        _, processed, _ = bench.counts()
    gc.collect()
    late = belongings(node), resident()
    late[0]["threads"] += 1  # the camera's
    assert late[0] == early[0]
    assert late[1] - early[1] < 40_000_000, "eighty models more would take over a gigabyte"
    assert processed >= 10
    bench.counts(all_done)
    assert bench.report()[1]["errors"] == "0"
    bench.process(publisher, raw(header(), astronaut()))
