# SPDX-License-Identifier: Apache-2.0
"""What goes wrong inside a running emotion_node, and listeners and parameters that change.

Elsewhere: what the camera does wrong (test_camera_faults.py); reload and configure (test_reload.py,
test_emotion_node_control.py).
"""

import time

import cv2
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from node_helpers import all_done, astronaut, blank, holding, pouring, stamped, two_faces
from sensor_msgs.msg import CompressedImage, Image
from visualization_msgs.msg import MarkerArray

from fer_ros.emotions.classifier import Classifier
from fer_ros.faces.detectors.blazeface import BlazeFaceDetector
from fer_ros.nodes.sinks import annotated_image


def small(bgr):
    """Fewer pixels where many images are sent: BGR, uint8 [240, 320, 3]."""
    return cv2.resize(bgr, (320, 240), interpolation=cv2.INTER_AREA)


# What throws


@pytest.mark.parametrize(
    ("part", "method"), [(BlazeFaceDetector, "detect"), (Classifier, "probabilities")]
)
@pytest.mark.parametrize(
    "error",
    [cv2.error("no\nmemory"), MemoryError("of 10 GB"), RuntimeError(), IndexError("\udcff\0")],
    ids=lambda error: type(error).__name__,
)
def test_detector_or_model_that_throws(bench, capfd, monkeypatch, part, method, error):
    """The image is left out, said once and counted; the next one is processed."""
    bench.start(detector="blazeface", face_mesh="off")  # the detector looks at every image
    publisher = bench.publisher()
    assert bench.process(publisher, stamped(astronaut(), 1000)).faces

    def fail(*_):
        raise error

    monkeypatch.setattr(part, method, fail)
    for number in range(3):
        publisher.publish(stamped(astronaut(), 1000, number + 1))
        bench.report(lambda status, values: values["errors"] == str(number + 1))  # noqa: B023
    monkeypatch.undo()
    (face,) = bench.process(publisher, stamped(astronaut(), 1000, 10**8)).faces
    assert face.track_id == 1, "the face is still known"
    _, values = bench.report(lambda status, values: values["errors"] == "3")
    assert type(error).__name__.lower() in values["last error"].lower()
    assert values["last error count"] == "3"
    said = [line for line in capfd.readouterr().err.splitlines() if "ERROR" in line]
    assert len(said) == 1


def test_drawing_that_throws(bench, monkeypatch):
    """The result stands, whatever happens to the picture."""
    bench.start()
    images = []
    bench.node.create_subscription(Image, "image_annotated", images.append, 1)
    publisher = bench.publisher()
    bench.until(lambda: bench.listeners("image_annotated"))

    def fail(*_):
        raise ValueError("no colours")

    monkeypatch.setattr(annotated_image, "annotate", fail)
    assert bench.process(publisher, stamped(astronaut(), 1000)).faces
    found, values = bench.report(lambda status, values: values["errors"] == "1")
    assert "no colours" in values["last error"]
    assert "left out" not in found.message
    monkeypatch.undo()
    bench.process(publisher, stamped(astronaut(), 1001))
    bench.until(lambda: images)


def test_a_worker_that_hangs(bench):
    """Only a restart helps; the executor still speaks and says so."""
    bench.start(no_image_error=0.5)
    publisher = bench.publisher()
    with holding():

        def told(status, values):
            publisher.publish(bench.now(blank()))
            return "hangs" in status.message

        found, values = bench.report(told)
        assert found.level == DiagnosticStatus.ERROR
        assert values["processed"] == "0"
    bench.report(lambda status, values: values["processed"] != "0")


# Listeners and parameters


def test_subscribers_come_and_go(bench):
    bench.start()
    publisher = bench.publisher()
    kinds = [
        (Image, "image_annotated"),
        (CompressedImage, "image_annotated/compressed"),
        (MarkerArray, "emotion_markers"),
    ]
    for number in range(6):
        received = []
        kind, topic = kinds[number % len(kinds)]
        subscription = bench.node.create_subscription(kind, topic, received.append, 1)

        def served(kind=kind, received=received):
            publisher.publish(bench.now(small(two_faces())))
            return received or kind is MarkerArray

        bench.until(served, topic)
        bench.node.destroy_subscription(subscription)
        _, before, _ = bench.counts()
        publisher.publish(bench.now(small(two_faces())))
        bench.counts(lambda _, processed, __: processed > before)  # noqa: B023
    assert bench.report()[1]["errors"] == "0"
    bench.until(lambda: bench.listeners("image_annotated") == 0)


CHANGES = [
    ("max_faces", (1, 16)),
    ("rotate", (0, 90, 180, 270)),
    ("min_face_size", (0, 60)),
    ("hysteresis", (0.0, 0.5)),
    ("smoothing_time_constant", (0.0, 2.0)),
    ("uncertain_threshold", (-1.0, 1.0)),
    ("max_gap", (0.0, 3.0)),
    ("jpeg_quality", (1, 100)),
    ("max_image_megapixels", (1.0, 35.0)),
    ("dropped_warn", (-1.0, 0.9)),
]


def test_parameters_change_under_load(bench):
    """Two hundred changes while images pour in: no image is left out, all are accounted for."""
    bench.start()
    publisher = bench.publisher()
    bench.node.create_subscription(CompressedImage, "image_annotated/compressed", lambda _: 0, 1)
    image = small(two_faces())
    with pouring(lambda: publisher.publish(bench.now(image)), 0.01):
        for number in range(200):
            name, values = CHANGES[number % len(CHANGES)]
            value = values[number // len(CHANGES) % len(values)]
            assert bench.set(name, value).successful
    _, processed, _ = bench.counts(all_done)
    assert processed > 0
    assert bench.report()[1]["errors"] == "0"
    bench.set("rotate", 0), bench.set("min_face_size", 0), bench.set("max_faces", 16)
    time.sleep(0.1)
    result = bench.process(publisher, bench.now(two_faces()))
    assert len(result.faces) == 2
