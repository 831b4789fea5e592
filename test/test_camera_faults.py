# SPDX-License-Identifier: Apache-2.0
"""A camera that comes, goes, changes, or says what is not so, in images, stamps and camera_info.

Elsewhere: a camera process that comes and goes, and signals (test_two_processes.py, test_kills.py);
publishers of another reliability (test_emotion_node.py); single bad images, overload
(test_emotion_node_stress.py).
"""

import cv2
import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from node_helpers import all_done, astronaut, blank, header, raw, stamped
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage
from visualization_msgs.msg import MarkerArray

WARN, ERROR = DiagnosticStatus.WARN, DiagnosticStatus.ERROR


# The camera


def test_camera_stops_and_comes_back(bench):
    """OK, WARN, ERROR, each with advice; then OK and results, and the face has a new id."""
    bench.start(no_image_warn=0.5, no_image_error=1.5, max_gap=0.3)
    found, _ = bench.report(lambda status, values: status.level == WARN)
    assert "start the camera" in found.message
    publisher = bench.publisher()
    first = bench.process(publisher, bench.now(astronaut()))
    bench.report(lambda status, values: "no image" not in status.message)
    found, values = bench.report(lambda status, values: status.level == ERROR)
    assert "no image" in found.message
    assert "look at the camera" in found.message
    assert values["publishers"] == "1"
    bench.node.destroy_publisher(publisher)
    bench.report(lambda status, values: "start the camera" in status.message)
    again = bench.process(bench.publisher(), bench.now(astronaut()))
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


def test_camera_info_that_lies(bench):
    """A matrix that cannot be inverted, or is not finite, is that of no camera."""
    bench.start()
    markers = []
    bench.node.create_subscription(MarkerArray, "emotion_markers", markers.append, 1)
    info = bench.node.create_publisher(CameraInfo, "camera_info", 1)
    publisher = bench.publisher()
    good = [600.0, 0.0, 320.0, 0.0, 600.0, 240.0, 0.0, 0.0, 1.0]
    changes = [(8, 0.0), (0, float("nan")), (2, float("inf")), (0, 1e45), (3, 600.0)]
    for number, (at, value) in enumerate(changes):
        bad = [*good[:at], value, *good[at + 1 :]]
        bench.until(info.get_subscription_count, "a subscription to camera_info")
        info.publish(CameraInfo(k=bad))
        bench.spin(0.1)
        (face,) = bench.process(publisher, stamped(astronaut(), 1000, number)).faces
        assert np.isnan(face.distance)
    assert not markers
    assert bench.report()[1]["errors"] == "0"


def distance_with(bench, topic, info, **parameters):
    """What the node measures for the astronaut on a topic, by a camera_info beside it."""
    bench.start("-r", f"image_raw:={topic}", **parameters)
    publisher = bench.publisher(topic=topic)
    beside = bench.node.create_publisher(CameraInfo, f"{topic.rpartition('/')[0]}/camera_info", 1)
    bench.until(beside.get_subscription_count, "a subscription to camera_info")
    calibration = bench.emotion_node.inputs.calibration

    def known():
        beside.publish(info)
        return calibration.model((480, 640, 3))

    bench.until(known, "the calibration")
    (face,) = bench.process(publisher, raw(header(), astronaut())).faces
    return face.distance


@pytest.mark.parametrize(
    ("topic", "parameters", "factor"),
    [
        ("/eye/image_raw", {}, 1.0),
        ("/eye/image_rect", {}, 0.5),
        ("/eye/image_rect", {"image_rectified": "no"}, 1.0),
        ("/eye/image_raw", {"image_rectified": "yes"}, 0.5),
    ],
)
def test_rectified_images_are_measured_by_p(bench, topic, parameters, factor):
    k = [600.0, 0.0, 320.0, 0.0, 600.0, 240.0, 0.0, 0.0, 1.0]
    p = [300.0, 0.0, 320.0, 0.0, 0.0, 300.0, 240.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    found = distance_with(bench, topic, CameraInfo(width=640, height=480, k=k, p=p), **parameters)
    assert found == pytest.approx(factor * 600 * 0.16 / 122, rel=0.06)


def test_a_window_of_the_sensor_is_measured_as_such(bench):
    """640x480 pixels of a sensor of 1280x960: as far as K says, not half of it."""
    k = [1200.0, 0.0, 640.0, 0.0, 1200.0, 480.0, 0.0, 0.0, 1.0]
    info = CameraInfo(width=1280, height=960, k=k)
    info.roi.x_offset, info.roi.y_offset, info.roi.width, info.roi.height = 320, 240, 640, 480
    found = distance_with(bench, "/eye/image_raw", info)
    assert found == pytest.approx(1200 * 0.16 / 122, rel=0.06)


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
    bench.counts(all_done)
    ids = []
    for _ in range(2):
        for step in range(3):
            stamp = Time(sec=1001, nanosec=step * 4 * 10**8)

            def told(stamp=stamp):
                clock.publish(Clock(clock=stamp))
                return bench.emotion_node.get_clock().now().to_msg() == stamp

            bench.until(told, "simulated time")
            message = stamped(astronaut(), 1001, step * 4 * 10**8)
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
    results = [bench.process(publisher, message) for _ in range(4)]
    assert {r.faces[0].track_id for r in results} == {1}
    assert all(r.header == message.header for r in results)

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
    assert bench.process(publisher, bench.now(astronaut())).faces
    assert bench.report()[1]["errors"] == "0"


def test_clock_that_differs(bench):
    bench.start()
    publisher = bench.publisher()

    def ahead(status, values):
        message = bench.now(blank())
        message.header.stamp.sec += 100
        publisher.publish(message)
        return "ahead of" in status.message

    found, _ = bench.report(ahead)
    assert found.level == WARN
    assert "synchronise the clocks" in found.message
