# SPDX-License-Identifier: Apache-2.0
"""emotion_node told what to do: parameters, services and lifecycle."""

import shutil
import threading

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from node_helpers import astronaut, blank, header, raw, stamped, two_faces
from std_srvs.srv import Trigger

from fer_ros.emotions.classifier import default_model

# Parameters


def test_live_parameters(bench):
    bench.start()
    publisher = bench.publisher()
    assert len(bench.process(publisher, raw(header(), two_faces())).faces) == 2
    assert bench.set("max_faces", 1).successful
    (face,) = bench.process(publisher, stamped(two_faces(), 1001, 10**8)).faces
    assert face.roi.x_offset < 320, "the largest stays"
    assert bench.set("uncertain_threshold", 1.0).successful
    (face,) = bench.process(publisher, stamped(two_faces(), 1001, 2 * 10**8)).faces
    assert (face.label, face.emotion) == ("uncertain", 255)
    pipeline = bench.emotion_node._pipeline
    for name, value, place in (
        ("smoothing_time_constant", 0.7, lambda: pipeline.smoother.time_constant),
        ("hysteresis", 0.3, lambda: pipeline.smoother.hysteresis),
        ("max_gap", 2.5, lambda: pipeline.max_gap),
        ("rotate", 270, lambda: pipeline.rotate),
        ("max_rate", 7.0, lambda: bench.emotion_node._worker.max_rate),
        ("jpeg_quality", 31, lambda: bench.emotion_node._outputs.jpeg_quality),
    ):
        assert bench.set(name, value).successful
        assert place() == value == bench.get(name)
    assert bench.set("uncertain_threshold", 0.0).successful
    assert pipeline.smoother.uncertain_below == pipeline.classifier.card.uncertain_below


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_faces", 0), ("max_faces", 2.5), ("max_rate", -1.0), ("rotate", 45),
        ("detector", "nose"), ("hysteresis", 1.5), ("jpeg_quality", 101), ("no_such", 1),
    ],
)  # fmt: skip
def test_refused_parameters(bench, name, value):
    bench.start(start=False)
    result = bench.set(name, value)
    assert not result.successful
    assert result.reason
    if name != "no_such":
        assert bench.get(name) != value


def test_described_parameters(bench):
    bench.start(start=False)
    described = bench.describe("max_faces")
    assert described.description
    assert described.integer_range[0].to_value == 256
    assert "blazeface" in bench.describe("detector").additional_constraints


@pytest.mark.parametrize("detector", ["haar", "blazeface"])
def test_min_face_size(bench, detector):
    bench.start(detector=detector, min_face_size=50)
    publisher = bench.publisher()
    (face,) = bench.process(publisher, raw(header(), astronaut())).faces
    assert face.roi.width >= 50
    assert bench.set("min_face_size", 400).successful
    assert bench.process(publisher, stamped(astronaut(), 1001)).faces == []


def test_detection_threshold(bench):
    bench.start(detection_threshold=1.0)
    assert bench.process(bench.publisher(), raw(header(), astronaut())).faces == []


def test_reset(bench):
    bench.start(start=False)
    assert bench.call(Trigger, "emotion_node/reset", Trigger.Request()).success
    bench.emotion_node.trigger_configure()
    bench.emotion_node.trigger_activate()
    publisher = bench.publisher()
    assert bench.process(publisher, stamped(astronaut(), 1000)).faces[0].track_id == 1
    assert bench.process(publisher, stamped(astronaut(), 1000, 10**8)).faces[0].track_id == 1
    assert bench.call(Trigger, "emotion_node/reset", Trigger.Request()).success
    assert bench.process(publisher, stamped(astronaut(), 1000, 2 * 10**8)).faces[0].track_id == 2
    assert bench.process(publisher, stamped(astronaut(), 900)).faces[0].track_id == 3, (
        "back in time"
    )


# Lifecycle


def test_autostart(bench):
    bench.start()
    assert bench.state() == "active"


def test_lifecycle(bench):
    bench.start(autostart=False)
    assert bench.state() == "unconfigured"
    _, values = bench.report()
    assert values["state"] == "unconfigured"
    worker = bench.emotion_node._worker
    for _ in range(2):
        assert bench.transition("configure")
        assert bench.report()[1]["state"] == "inactive"
        for _ in range(2):
            assert bench.transition("activate")
            publisher = bench.publisher()
            bench.process(publisher, raw(header(), blank()))
            status, values = bench.report(lambda s, v: v["state"] == "active")
            assert bench.transition("deactivate")
            assert bench.state() == "inactive"
            assert not [t for t in threading.enumerate() if t.name == "latest_frame"]
            before = len(bench.results)
            assert bench.until(lambda: publisher.get_subscription_count() == 0)  # noqa: B023
            publisher.publish(raw(header(), blank()))
            bench.spin(0.2)
            assert len(bench.results) == before
            assert worker.received == worker.processed + worker.superseded
            bench.node.destroy_publisher(publisher)
        assert bench.transition("cleanup")
        assert bench.state() == "unconfigured"
    status, _ = bench.report()
    assert status.level == DiagnosticStatus.OK


def test_deactivate_while_images_pour_in(bench):
    bench.start()
    publisher = bench.publisher()
    for _ in range(5):
        for _ in range(20):
            publisher.publish(raw(header(), blank()))
        assert bench.transition("deactivate")
        assert bench.transition("activate")
    bench.process(bench.publisher(), raw(header(), blank()))
    assert bench.state() == "active"


def copy_model(folder):
    for suffix in (".tflite", ".json"):
        shutil.copy(default_model().with_suffix(suffix), folder)
    return folder / default_model().name


def missing(folder):
    return {"model": str(folder / "no.tflite")}, "no model file"


def corrupt(folder):
    path = copy_model(folder)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return {"model": str(path)}, "sha256"


def truncated(folder):
    path = copy_model(folder)
    path.write_bytes(path.read_bytes()[:1000])
    return {"model": str(path)}, "sha256"


def disagreeing(folder):
    path = copy_model(folder)
    card = path.with_suffix(".json")
    card.write_text(card.read_text().replace('"joy"', '"bliss"'))
    return {"model": str(path)}, "labels"


def without_card(folder):
    path = copy_model(folder)
    path.with_suffix(".json").unlink()
    return {"model": str(path)}, "no card"


def another_ending(folder):
    return {"model": str(folder / "model.h5")}, ".tflite"


def without_detector_file(folder):
    return {"detector": "yunet", "detector_model": str(folder / "no.onnx")}, "no.onnx"


@pytest.mark.parametrize(
    "fault",
    [missing, corrupt, truncated, disagreeing, without_card, another_ending,
     without_detector_file],
)  # fmt: skip
def test_failing_configure(bench, tmp_path, capfd, fault):
    """One line, unconfigured, ERROR in /diagnostics; mended by `ros2 param set` and configure."""
    values, reason = fault(tmp_path)
    bench.start(**values)
    said = [line for line in capfd.readouterr().err.splitlines() if "ERROR" in line]
    assert len(said) == 1
    assert reason in said[0]
    assert bench.state() == "unconfigured"
    status, _ = bench.report()
    assert status.level == DiagnosticStatus.ERROR
    assert reason in status.message
    assert not bench.transition("configure")
    for name in values:
        default = "auto" if name == "detector" else ""
        assert bench.set(name, default).successful
    assert bench.transition("configure")
    assert bench.transition("activate")
    status, _ = bench.report(lambda s, v: v["state"] == "active")
    assert status.level != DiagnosticStatus.ERROR
    bench.process(bench.publisher(), raw(header(), blank()))
