# SPDX-License-Identifier: Apache-2.0
"""A detector that never comes back: the node answers, speaks and ends all the same."""

import signal
import time

import pytest
from node_helpers import astronaut, parameters, stamped
from std_srvs.srv import Trigger

PROGRAM = """
import sys, time
from fer_ros.faces.detectors import haar
from fer_ros.nodes.emotion_node import main
haar.HaarDetector.detect = lambda self, bgr: time.sleep(3600)
sys.exit(main())
"""
SOON = 10.0  # seconds; a user is promised two, a machine on its knees takes longer


@pytest.fixture
def hung(start, meet, tmp_path):
    """A process whose worker hangs, and a bench beside it."""
    program = tmp_path / "hangs.py"
    program.write_text(PROGRAM)
    values = parameters(detector="haar", diagnostics_period=0.1, no_image_error=0.5)
    node = start(str(program), *values)
    node.wait_for("listening")
    bench = meet()
    publisher = bench.publisher()

    def told(status, values):
        publisher.publish(stamped(astronaut(), 1000))
        return "hangs" in status.message

    bench.report(told)
    return node, bench


def test_it_speaks_and_answers(hung):
    _, bench = hung
    assert bench.call(Trigger, "emotion_node/reset", Trigger.Request()).success
    assert bench.set("max_faces", 3).successful
    assert bench.get("max_faces") == 3
    bench.report()
    assert bench.transition("deactivate")
    assert bench.state() == "inactive"
    _, values = bench.report(lambda status, values: values["state"] == "inactive")
    assert int(values["received"]) == int(values["processed"]) + int(values["dropped"])
    assert bench.transition("activate"), "with detector and model loaded anew"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_it_is_told_to(hung, number):
    node, _ = hung
    began = time.monotonic()
    node.signal(number)
    assert node.wait() == 0
    assert time.monotonic() - began < SOON
