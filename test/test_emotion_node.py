# SPDX-License-Identifier: Apache-2.0
"""emotion_node and a bench beside it: results, transport, quality of service, drawings."""

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from node_helpers import Bench, astronaut, blank, header, jpeg, raw, stamped, two_faces
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.emotions.classifier import Classifier
from fer_ros.images.codec import decode_compressed, decode_image
from fer_ros.nodes.sinks import annotated_image

# Results


def test_result_of_an_image(bench):
    bench.start()
    sent = raw(header(), two_faces())
    result = bench.process(bench.publisher(), sent)
    assert result.header == sent.header
    assert (result.image_width, result.image_height) == (640, 480)
    assert result.model == Classifier().identity
    assert [f.track_id for f in result.faces] == [1, 2]
    areas = [f.roi.width * f.roi.height for f in result.faces]
    assert areas == sorted(areas, reverse=True)
    for face in result.faces:
        assert 0 < face.roi.x_offset < face.roi.x_offset + face.roi.width <= 640
        assert 0 < face.roi.y_offset < face.roi.y_offset + face.roi.height <= 480
        assert 0 < face.detection_score <= 1
        for probabilities in (face.probabilities, face.raw_probabilities):
            assert sum(probabilities) == pytest.approx(1, abs=1e-5)
            assert min(probabilities) >= 0
        if face.emotion == face.UNCERTAIN:
            assert (face.label, face.confidence) == ("uncertain", max(face.probabilities))
        else:
            assert face.label == EMOTIONS[face.emotion]
            assert face.confidence == face.probabilities[face.emotion]


def test_every_image_has_its_message(bench):
    """Also one without a face; ids live on, and smoothing follows the stamps."""
    bench.start()
    publisher = bench.publisher()
    shown = [astronaut(), blank(), astronaut(), blank(1, 1), astronaut()]
    results = [bench.process(publisher, stamped(s, 1000, i * 10**8)) for i, s in enumerate(shown)]
    assert [r.header.stamp.nanosec for r in results] == [i * 10**8 for i in range(5)]
    assert [len(r.faces) for r in results] == [1, 0, 1, 0, 1]
    assert {f.track_id for r in results for f in r.faces} == {1}


def test_astronaut_is_joyful(bench):
    bench.start()
    publisher = bench.publisher()
    labels = []
    for i in range(10):
        result = bench.process(publisher, stamped(astronaut(), 1000, i * 10**8))
        labels.append(result.faces[0].label)
    assert labels.count("joy") > 5


def test_roi_is_clipped(bench):
    """A face that the image's border cuts."""
    bench.start()
    face = bench.process(bench.publisher(), raw(header(), astronaut())).faces[0].roi
    cut = astronaut()[:, face.x_offset + face.width // 3 :]
    (found,) = bench.process(bench.publisher(), stamped(cut, 1001)).faces
    assert found.roi.x_offset == 0
    assert 0 < found.roi.width < face.width


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotate(bench, degrees):
    """A camera mounted askew: faces are found, and their boxes lie in the camera's image."""
    bench.start(rotate=degrees)
    askew = np.ascontiguousarray(np.rot90(astronaut(), degrees // 90))
    result = bench.process(bench.publisher(), raw(header(), askew))
    assert (result.image_height, result.image_width) == askew.shape[:2]
    (face,) = result.faces
    bench.set("rotate", 0)
    upright = bench.process(bench.publisher(), stamped(astronaut(), 1001)).faces[0].roi
    box = np.zeros((480, 640), np.uint8)
    end_y, end_x = upright.y_offset + upright.height, upright.x_offset + upright.width
    box[upright.y_offset : end_y, upright.x_offset : end_x] = 1
    x, y, width, height = cv2.boundingRect(np.ascontiguousarray(np.rot90(box, degrees // 90)))
    found = face.roi
    assert (found.x_offset, found.y_offset, found.width, found.height) == pytest.approx(
        (x, y, width, height), abs=2
    )


# Transport and quality of service


@pytest.mark.parametrize("reliability", ["reliable", "best_effort"])
def test_compressed(bench, reliability):
    bench.start(image_transport="compressed")
    publisher = bench.publisher(CompressedImage, "image_raw/compressed", reliability)
    sent = jpeg(header(), astronaut())
    result = bench.process(publisher, sent)
    assert result.header == sent.header
    assert len(result.faces) == 1


def offered(bench, topic="/image_raw"):
    """What emotion_node's only subscription asks for."""
    infos = bench.node.get_subscriptions_info_by_topic(topic)
    return [i.qos_profile.reliability for i in infos] if len(infos) == 1 else None


def test_auto_follows_its_publishers(bench):
    bench.start()
    reliable, best_effort = [ReliabilityPolicy.RELIABLE], [ReliabilityPolicy.BEST_EFFORT]
    assert bench.until(lambda: offered(bench)) == best_effort
    first = bench.publisher()
    bench.until(lambda: offered(bench) == reliable)
    second = bench.publisher(reliability="best_effort")
    bench.until(lambda: offered(bench) == best_effort)
    for publisher in (first, second):
        assert bench.process(publisher, raw(header(), blank())).faces == []
    bench.node.destroy_publisher(second)
    bench.until(lambda: offered(bench) == reliable)
    bench.process(first, raw(header(), blank()))
    bench.node.destroy_publisher(first)
    bench.until(lambda: offered(bench) == best_effort)


@pytest.mark.parametrize("reliability", ["reliable", "best_effort"])
def test_reliability_as_told(bench, reliability):
    bench.start(image_reliability=reliability)
    bench.publisher(reliability="reliable")
    bench.spin(0.3)
    assert offered(bench) == [ReliabilityPolicy[reliability.upper()]]


@pytest.mark.parametrize("namespace", ["", "/left/camera"])
def test_qos_override_outlives_the_replacement(context, namespace):
    bench = Bench(context, namespace)
    try:
        topic = f"{namespace}/image_raw"
        prefix = f"qos_overrides.{topic}.subscription"
        bench.start(**{f"{prefix}.reliability": "best_effort", f"{prefix}.depth": 3})
        first = bench.publisher()
        bench.spin(0.3)
        assert offered(bench, topic) == [ReliabilityPolicy.BEST_EFFORT]
        (info,) = bench.node.get_subscriptions_info_by_topic(topic)
        assert info.qos_profile.depth in (0, 3)  # 0: not told over the network
        bench.process(first, raw(header(), blank()))
        assert bench.get(f"{prefix}.reliability") == "best_effort"
    finally:
        bench.close()


def test_qos_override_of_the_results(bench):
    bench.start(**{"qos_overrides./emotions.publisher.reliability": "best_effort"})
    (info,) = bench.node.get_publishers_info_by_topic("/emotions")
    assert info.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT


def test_wrong_qos_override(bench):
    bench.start(**{"qos_overrides./image_raw.subscription.reliability": "perhaps"})
    status, _ = bench.report()
    assert status.level == DiagnosticStatus.ERROR
    assert "perhaps" in status.message
    assert bench.state() == "inactive"
    assert bench.transition("cleanup")


def test_remapping(bench):
    """The compressed topics follow the raw ones."""
    bench.start(
        "-r", "image_raw:=/front/image", "-r", "image_annotated:=marked",
        "-r", "emotions:=faces", image_transport="compressed",
    )  # fmt: skip
    names = dict(bench.node.get_topic_names_and_types())
    assert {"/front/image/compressed", "/marked", "/marked/compressed", "/faces"} <= set(names)
    assert bench.report()[1]["topic"] == "/front/image/compressed"


# Annotated images


def test_nothing_is_drawn_for_nobody(bench, monkeypatch):
    drawn = []
    annotate = annotated_image.annotate
    monkeypatch.setattr(annotated_image, "annotate", lambda r: drawn.append(r) or annotate(r))
    bench.start()
    bench.process(bench.publisher(), raw(header(), astronaut()))
    assert not drawn
    images = []
    bench.node.create_subscription(Image, "image_annotated", images.append, 1)
    bench.until(lambda: bench.listeners("image_annotated"))
    bench.process(bench.publisher(), stamped(blank(), 1001))
    bench.until(lambda: images)
    assert drawn


def test_annotated_raw_and_compressed(bench):
    bench.start()
    images, jpegs = [], []
    bench.node.create_subscription(Image, "image_annotated", images.append, 1)
    bench.node.create_subscription(CompressedImage, "image_annotated/compressed", jpegs.append, 1)
    bench.until(lambda: bench.listeners("image_annotated/compressed"))
    bench.until(lambda: bench.listeners("image_annotated"))
    sent = raw(header(), astronaut())
    bench.process(bench.publisher(), sent)
    bench.until(lambda: images and jpegs)
    assert images[-1].header == sent.header == jpegs[-1].header
    drawn = decode_image(images[-1])
    assert drawn.shape == (480, 640, 3)
    assert (drawn != astronaut()).any()
    assert np.abs(decode_compressed(jpegs[-1]).astype(int) - drawn).mean() < 5
