# SPDX-License-Identifier: Apache-2.0
"""What the node says of its health."""

import pytest
from diagnostic_msgs.msg import DiagnosticStatus

from fer_ros.nodes.diagnostics import MAX_REASONS, Health, status


def report(health, state="active", counts=(5, 3, 2), **facts):
    found = status("emotion_node", "model@1", state, health, counts, **facts)
    return found, {v.key: v.value for v in found.values}


def test_times_and_counts():
    health = Health()
    for age in (0.010, 0.030, 0.020):
        health.processed(age=age, detect=age / 2)
    found, values = report(health, topic="/image_raw")
    assert (found.level, found.message) == (DiagnosticStatus.OK, "processing")
    assert (found.name, found.hardware_id) == ("emotion_node", "model@1")
    assert [values[k] for k in ("received", "processed", "superseded")] == ["5", "3", "2"]
    assert values["topic"] == "/image_raw"
    assert values["age median (ms)"] == "20.0"
    assert values["age maximum (ms)"] == "30.0"
    assert values["detect (ms)"] == "10.00"
    assert float(values["rate (Hz)"]) > 0


def test_each_report_begins_anew():
    health = Health()
    health.processed(age=0.01)
    report(health)
    found, values = report(health)
    assert found.level == DiagnosticStatus.WARN
    assert "no image" in found.message
    assert values["rate (Hz)"] == "0.0"
    assert "age median (ms)" not in values


@pytest.mark.parametrize("state", ["inactive", "unconfigured"])
def test_rest_is_no_fault(state):
    found, values = report(Health(), state)
    assert (found.level, found.message, values["state"]) == (DiagnosticStatus.OK, state, state)


@pytest.mark.parametrize("state", ["inactive", "unconfigured"])
def test_failed_transition(state):
    health = Health()
    health.failure = "not configured: no model file"
    found, _ = report(health, state)
    assert (found.level, found.message) == (DiagnosticStatus.ERROR, health.failure)


def test_an_image_error_is_no_failed_transition():
    health = Health()
    health.error("torn")
    found, values = report(health, "unconfigured")
    assert found.level == DiagnosticStatus.OK
    assert (values["errors"], values["last error"]) == ("1", "torn")


def test_said_once_counted_always():
    health = Health()
    assert [health.error("torn"), health.error("torn"), health.error("empty")] == [1, 0, 1]
    _, values = report(health)
    assert (values["errors"], values["last error"]) == ("3", "empty")


def test_endless_kinds_of_errors_stay_bounded():
    health = Health()
    said = [health.error(f"torn after {n} bytes") for n in range(1000)]
    assert sum(said) == MAX_REASONS
    assert len(health.errors) == MAX_REASONS + 1
    assert health.errors.total() == 1000
