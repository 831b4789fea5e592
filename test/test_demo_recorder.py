# SPDX-License-Identifier: Apache-2.0
"""What the demo gives up for, and what not."""

from types import SimpleNamespace

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from fer_ros.cli.demo_recorder import COUNTS, Recorder


@pytest.fixture
def recorder():
    rclpy.init()
    node = Recorder(
        SimpleNamespace(add_sent=print, add_annotated=print, add_result=print, counts={}), "/demo"
    )
    yield node
    node.destroy_node()
    rclpy.shutdown()


@pytest.mark.parametrize(
    ("level", "state", "problem"),
    [
        (DiagnosticStatus.ERROR, "unconfigured", "why"),
        (DiagnosticStatus.ERROR, "inactive", "why"),
        (DiagnosticStatus.ERROR, "active", ""),
        (DiagnosticStatus.WARN, "active", ""),
    ],
)
def test_only_what_ends_all_results_is_a_problem(recorder, level, state, problem):
    values = [KeyValue(key=name, value="3") for name in COUNTS]
    values.append(KeyValue(key="state", value=state))
    status = DiagnosticStatus(name="demo/emotion_node", level=level, message="why", values=values)
    recorder.add_diagnostics(DiagnosticArray(status=[status]))
    assert recorder.problem == problem
    assert recorder.recording.counts == dict.fromkeys(COUNTS, 3)


@pytest.mark.parametrize("name", ["emotion_node", "demo2/emotion_node", "demo/expression_node"])
def test_what_another_node_says_of_itself_is_not_heard(recorder, name):
    values = [KeyValue(key=name, value="3") for name in COUNTS]
    status = DiagnosticStatus(name=name, level=DiagnosticStatus.ERROR, values=values)
    recorder.add_diagnostics(DiagnosticArray(status=[status]))
    assert (recorder.reports, recorder.problem, recorder.recording.counts) == (0, "", {})
