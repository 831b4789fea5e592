# SPDX-License-Identifier: Apache-2.0
"""emotion_node told what to do: parameters, services and lifecycle."""

import shutil
import threading

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from node_helpers import all_done, astronaut, blank, header, holding, raw, stamped, two_faces
from std_srvs.srv import Trigger

from fer_ros.emotions.classifier import default_model
from fer_ros.nodes.emotion_node import EmotionNode

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
    assert bench.set("uncertain_threshold", -1.0).successful
    (face,) = bench.process(publisher, stamped(two_faces(), 1001, 3 * 10**8)).faces
    assert face.label == "joy", "-1: the model card's"
    assert bench.set("rotate", 180).successful
    turned = np.rot90(two_faces(), 2)
    (face,) = bench.process(publisher, stamped(np.ascontiguousarray(turned), 1002)).faces
    assert face.roi.x_offset > 320
    for name, value in (("hysteresis", 0.3), ("max_gap", 2.5), ("jpeg_quality", 31)):
        assert bench.set(name, value).successful
        assert bench.get(name) == value


def test_live_parameters_do_not_wait_for_an_image(bench):
    """Nor does a reset: while an image is in work, all answer, and hold from the next one on."""
    bench.start()
    publisher = bench.publisher()
    first = bench.process(publisher, stamped(astronaut(), 1000)).faces[0].track_id
    with holding() as inside:
        publisher.publish(stamped(astronaut(), 1000, 10**8))
        bench.until(inside.is_set)
        assert bench.set("max_faces", 1).successful
        assert bench.call(Trigger, "emotion_node/reset", Trigger.Request()).success
        before = len(bench.results)
    result = bench.process(publisher, stamped(two_faces(), 1000, 2 * 10**8))
    (face,) = result.faces
    assert face.track_id != first, "who was there before the reset is forgotten"
    assert bench.results[before:] == [result], "the image in work is of before the reset"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_faces", 0), ("max_faces", 2.5), ("max_rate", -2.0), ("autostart", False),
        ("diagnostics_period", 2.0), ("rotate", 45),
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
            assert not [t for t in threading.enumerate() if t.name == "mailbox"]
            before = len(bench.results)
            assert bench.until(lambda: publisher.get_subscription_count() == 0)  # noqa: B023
            publisher.publish(raw(header(), blank()))
            bench.spin(0.2)
            assert len(bench.results) == before
            assert all_done(*bench.counts())
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


def test_activation_that_rcl_refuses(bench, capfd):
    """One line, nothing left open, and the state is what it is."""
    override = "qos_overrides./image_raw.subscription.depth"
    bench.start("-p", f"{override}:=ten")
    said = [line for line in capfd.readouterr().err.splitlines() if "ERROR" in line]
    assert len(said) == 1
    assert "not activated" in said[0]
    assert override in said[0]
    status, values = bench.report()
    assert (status.level, values["state"]) == (DiagnosticStatus.ERROR, "inactive")
    assert "not activated" in status.message
    assert not [t for t in threading.enumerate() if t.name == "mailbox"]
    assert "/camera_info" not in {s.topic_name for s in bench.emotion_node.subscriptions}


def test_a_transition_that_breaks_leaves_it_to_be_mended(bench, monkeypatch):
    monkeypatch.setattr(EmotionNode, "on_cleanup", lambda *_: 1 / 0)
    bench.start()
    assert bench.transition("deactivate")
    assert not bench.transition("cleanup")
    assert bench.state() == "unconfigured"
    assert bench.report()[1]["state"] == "unconfigured"
    assert bench.transition("configure")
    assert bench.transition("activate")


def test_finalized_is_told(bench):
    bench.start()
    assert bench.emotion_node.trigger_shutdown()
    assert bench.report()[1]["state"] == "finalized"
