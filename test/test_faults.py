# SPDX-License-Identifier: Apache-2.0
"""What goes wrong around a running emotion_node; camera, stamps, images, listeners, parameters.

Elsewhere: a camera process that comes and goes, and signals (test_two_processes.py, test_kills.py);
publishers of another reliability (test_emotion_node.py); single bad images, overload
(test_emotion_node_stress.py); reload and configure (test_reload.py, test_emotion_node_control.py).
"""

import threading
import time

import cv2
import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from node_helpers import astronaut, blank, header, pouring, raw, stamped, two_faces
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from visualization_msgs.msg import MarkerArray

from fer_ros.nodes import outputs

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


def small(bgr):
    """Fewer pixels where many images are sent: BGR, uint8 [240, 320, 3]."""
    return cv2.resize(bgr, (320, 240), interpolation=cv2.INTER_AREA)


def now(bench, bgr):
    """The image, taken at this moment."""
    message = raw(header(), bgr)
    message.header.stamp = bench.node.get_clock().now().to_msg()
    return message


# The camera


def test_camera_stops_and_comes_back(bench):
    """OK, WARN, ERROR, each with advice; then OK and results, and the face has a new id."""
    bench.start(no_image_warn=0.5, no_image_error=1.5, max_gap=0.3)
    found, _ = bench.report(lambda status, values: status.level == WARN)
    assert "start the camera" in found.message
    publisher = bench.publisher()
    first = bench.process(publisher, now(bench, astronaut()))
    bench.report(lambda status, values: "no image" not in status.message)
    found, values = bench.report(lambda status, values: status.level == ERROR)
    assert "no image" in found.message
    assert "look at the camera" in found.message
    assert values["publishers"] == "1"
    bench.node.destroy_publisher(publisher)
    bench.report(lambda status, values: "start the camera" in status.message)
    again = bench.process(bench.publisher(), now(bench, astronaut()))
    assert again.faces[0].track_id > first.faces[0].track_id
    bench.report(lambda status, values: "no image" not in status.message)


def test_the_other_transport_is_named(bench):
    bench.start(no_image_warn=0.2)
    bench.node.create_publisher(CompressedImage, "image_raw/compressed", 1)
    found, _ = bench.report(lambda status, values: "image_transport" in status.message)
    assert "set image_transport to compressed" in found.message


def test_two_cameras_on_one_topic(bench):
    """Each result has its own image's header and size; the operator is told."""
    bench.start()
    left, right = bench.publisher(), bench.publisher()
    shown = [(left, astronaut(), "left"), (right, np.ascontiguousarray(blank(90, 70)), "right")]
    for number in range(6):
        publisher, image, frame = shown[number % 2]
        message = stamped(image, 1000 + 50 * (number % 2), number * 10**8)
        message.header.frame_id = frame
        result = bench.process(publisher, message)
        assert result.header == message.header
        assert (result.image_height, result.image_width) == image.shape[:2]
        assert len(result.faces) == (1 if frame == "left" else 0)
    found, _ = bench.report(lambda status, values: values["publishers"] == "2")
    assert "2 publishers" in found.message
    bench.node.destroy_publisher(right)
    bench.report(lambda status, values: "publishers on" not in status.message)


def test_size_and_encoding_change_in_mid_stream(bench):
    bench.start()
    publisher = bench.publisher()
    shapes = [(480, 640), (240, 320), (720, 1280), (481, 641), (480, 640)]
    for number, (height, width) in enumerate(shapes):
        image = cv2.resize(astronaut(), (width, height))
        for encoding in ("bgr8", "mono8", "rgba8", "rgb8"):
            message = raw(header(number), image, encoding)
            result = bench.process(publisher, message)
            assert result.header == message.header
            assert (result.image_width, result.image_height) == (width, height)
            (face,) = result.faces
            assert face.roi.x_offset + face.roi.width <= width
            assert face.roi.y_offset + face.roi.height <= height
    assert bench.report()[1]["errors"] == "0"


# Stamps


def process_once(bench, publisher, message):
    """The result of a message that is sent a single time."""
    bench.results.clear()
    publisher.publish(message)
    return bench.until(lambda: bench.results, "a result")[0]


def test_a_bag_that_loops(bench):
    """Simulated time and stamps go back: the face is new, all goes on, and it is said."""
    bench.start(use_sim_time=True)
    publisher = bench.publisher()
    clock = bench.node.create_publisher(Clock, "/clock", 1)
    bench.process(publisher, stamped(blank(), 1000))
    worker = bench.emotion_node._worker
    bench.until(lambda: worker.received == worker.processed)
    ids = []
    for _ in range(2):
        for step in range(3):
            stamp = Time(sec=1001, nanosec=step * 10**8)

            def told(stamp=stamp):
                clock.publish(Clock(clock=stamp))
                return bench.emotion_node.get_clock().now().to_msg() == stamp

            bench.until(told, "simulated time")
            message = stamped(astronaut(), 1001, step * 10**8)
            result = process_once(bench, publisher, message)
            assert result.header == message.header
            ids.append(result.faces[0].track_id)
    assert ids == [1, 1, 1, 2, 2, 2], "one jump, one new face"
    _, values = bench.report(lambda status, values: "stamps back" in values)
    assert values["stamps back"] == "1"
    assert values["errors"] == "0"


@pytest.mark.parametrize(
    ("stamp", "kind", "words"),
    [
        (Time(), "stamps zero", "stamps are zero"),
        (Time(sec=1001), "stamps repeated", "stamps stand still"),
    ],
    ids=["zero", "standing still"],
)
def test_stamps_that_say_nothing(bench, stamp, kind, words):
    """Ids hold by the time of receipt, and the operator is told."""
    bench.start(diagnostics_period=0.5, max_gap=30.0)
    publisher = bench.publisher()
    message = raw(header(), astronaut())
    message.header.stamp = stamp
    ids = {bench.process(publisher, message).faces[0].track_id for _ in range(4)}
    assert ids == {1}

    def told(status, values):
        publisher.publish(message)
        return words in status.message

    _, values = bench.report(told)
    assert int(values[kind]) >= 3


@pytest.mark.parametrize(
    "stamp", [Time(sec=-(2**31)), Time(sec=2**31 - 1, nanosec=2**32 - 1)], ids=["past", "future"]
)
def test_stamps_out_of_this_world(bench, stamp):
    bench.start()
    publisher = bench.publisher()
    message = raw(header(), astronaut())
    message.header.stamp = stamp
    for _ in range(3):
        assert len(bench.process(publisher, message).faces) == 1
    assert bench.process(publisher, now(bench, astronaut())).faces
    assert bench.report()[1]["errors"] == "0"


def test_clock_that_differs(bench):
    bench.start()
    publisher = bench.publisher()

    def ahead(status, values):
        message = now(bench, small(blank()))
        message.header.stamp.sec += 100
        publisher.publish(message)
        return "ahead of" in status.message

    found, _ = bench.report(ahead)
    assert found.level == WARN
    assert "synchronise the clocks" in found.message


# What throws


class Failing:
    """Passes every attribute on, but ``name`` raises while ``error`` is set."""

    def __init__(self, inner, name):
        self._inner, self._name, self.error = inner, name, None

    def __getattr__(self, name):
        if name == self._name and self.error:

            def fail(*_):
                raise self.error

            return fail
        return getattr(self._inner, name)


@pytest.mark.parametrize(
    ("part", "method"), [("detector", "detect"), ("classifier", "probabilities")]
)
@pytest.mark.parametrize(
    "error",
    [cv2.error("no\nmemory"), MemoryError("of 10 GB"), RuntimeError(), IndexError("\udcff\0")],
    ids=lambda error: type(error).__name__,
)
def test_detector_or_model_that_throws(bench, capfd, part, method, error):
    """The image is left out, said once and counted; the next one is processed."""
    bench.start()
    pipeline = bench.emotion_node._pipeline
    failing = Failing(getattr(pipeline, part), method)
    setattr(pipeline, part, failing)
    publisher = bench.publisher()
    assert bench.process(publisher, stamped(astronaut(), 1000)).faces
    failing.error = error
    health = bench.emotion_node._health
    for number in range(3):
        publisher.publish(stamped(astronaut(), 1000, number + 1))
        bench.until(lambda: health.errors.total() == number + 1)  # noqa: B023
    failing.error = None
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
    bench.until(bench.emotion_node._outputs._annotated.get_subscription_count)

    def fail(*_):
        raise ValueError("no colours")

    monkeypatch.setattr(outputs, "annotate", fail)
    assert bench.process(publisher, stamped(astronaut(), 1000)).faces
    found, values = bench.report(lambda status, values: values["errors"] == "1")
    assert "no colours" in values["last error"]
    assert "left out" not in found.message
    monkeypatch.undo()
    bench.process(publisher, stamped(astronaut(), 1001))
    bench.until(lambda: images)


def test_camera_info_that_lies(bench):
    """A matrix that cannot be inverted, or is not finite, is that of no camera."""
    bench.start()
    markers = []
    bench.node.create_subscription(MarkerArray, "emotion_markers", markers.append, 1)
    info = bench.node.create_publisher(CameraInfo, "camera_info", 1)
    publisher = bench.publisher()
    camera = bench.emotion_node._outputs._markers
    good = [600.0, 0.0, 320.0, 0.0, 600.0, 240.0, 0.0, 0.0, 1.0]
    for number, (at, value) in enumerate([(8, 0.0), (0, float("nan")), (2, float("inf"))]):
        bad = [*good[:at], value, *good[at + 1 :]]

        def taken(bad=bad):
            info.publish(CameraInfo(k=bad))
            return camera._camera is not None and list(map(str, camera._camera.k)) == list(
                map(str, bad)
            )

        bench.until(taken, "camera_info")
        assert bench.process(publisher, stamped(astronaut(), 1000, number)).faces
    assert not markers
    assert bench.report()[1]["errors"] == "0"


def test_images_over_the_limit(bench):
    """Refused with the name of the parameter that lets them in, which may be changed live."""
    bench.start(max_image_megapixels=0.1)
    publisher = bench.publisher()

    def told(status, values):
        publisher.publish(raw(header(), astronaut()))
        return "max_image_megapixels" in values.get("last error", "")

    found, _ = bench.report(told)
    assert found.level == ERROR
    assert not bench.results
    assert bench.set("max_image_megapixels", 1.0).successful
    bench.process(publisher, raw(header(), astronaut()))


def test_a_worker_that_hangs(bench):
    """Only a restart helps; the executor still speaks and says so."""
    bench.start(no_image_error=0.5)
    go_on = threading.Event()
    process = bench.emotion_node._pipeline.process
    bench.emotion_node._pipeline.process = lambda *a: go_on.wait(60) and process(*a)
    publisher = bench.publisher()
    try:

        def told(status, values):
            publisher.publish(now(bench, blank()))
            return "hangs" in status.message

        found, values = bench.report(told)
        assert found.level == ERROR
        assert values["processed"] == "0"
    finally:
        go_on.set()
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
    worker = bench.emotion_node._worker
    for number in range(6):
        received = []
        kind, topic = kinds[number % len(kinds)]
        subscription = bench.node.create_subscription(kind, topic, received.append, 1)

        def served(kind=kind, received=received):
            publisher.publish(now(bench, small(two_faces())))
            return received or kind is MarkerArray

        bench.until(served, topic)
        bench.node.destroy_subscription(subscription)
        before = worker.processed
        bench.until(lambda: worker.processed > before)  # noqa: B023
    assert bench.report()[1]["errors"] == "0"
    count = bench.emotion_node._outputs._annotated.get_subscription_count
    bench.until(lambda: count() == 0)


CHANGES = [
    ("max_faces", (1, 16)),
    ("rotate", (0, 90, 180, 270)),
    ("min_face_size", (0, 60)),
    ("hysteresis", (0.0, 0.5)),
    ("smoothing_time_constant", (0.0, 2.0)),
    ("uncertain_threshold", (0.0, 1.0)),
    ("max_gap", (0.0, 3.0)),
    ("jpeg_quality", (1, 100)),
    ("max_image_megapixels", (1.0, 35.0)),
    ("superseded_warn", (0.0, 0.9)),
]


def test_parameters_change_under_load(bench):
    """Two hundred changes while images pour in: no image is left out, all are accounted for."""
    bench.start()
    publisher = bench.publisher()
    bench.node.create_subscription(CompressedImage, "image_annotated/compressed", lambda _: 0, 1)
    image = small(two_faces())
    with pouring(lambda: publisher.publish(now(bench, image)), 0.01):
        for number in range(200):
            name, values = CHANGES[number % len(CHANGES)]
            value = values[number // len(CHANGES) % len(values)]
            assert bench.set(name, value).successful
    worker = bench.emotion_node._worker
    bench.until(lambda: worker.received == worker.processed + worker.superseded)
    assert worker.processed > 0
    assert bench.report()[1]["errors"] == "0"
    bench.set("rotate", 0), bench.set("min_face_size", 0), bench.set("max_faces", 16)
    time.sleep(0.1)
    result = bench.process(publisher, now(bench, two_faces()))
    assert len(result.faces) == 2
