# SPDX-License-Identifier: Apache-2.0
"""Other people's messages beside our own, against the real packages."""

import itertools
import math
import re
import signal

import numpy as np
import pytest
from node_helpers import Bench, astronaut, blank, header, parameters, raw, stamped, two_faces
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from fer_ros.emotions.classes import EMOTIONS, HRI_EXPRESSIONS
from fer_ros.face_geometry import face_orientation
from fer_ros.faces.crop import cut_out
from fer_ros.faces.detectors import create_detector
from fer_ros.images.codec import decode_image
from fer_ros.nodes import optional
from fer_ros.nodes.messages import image_message
from fer_ros.result import Box, HeadPose

PACKAGES = {"ros4hri": "hri_msgs", "detections": "vision_msgs", "face_frames": "tf2_msgs"}


@pytest.fixture
def hri(message_package):
    return message_package("hri_msgs")


def listen(bench, kind, topic):
    found = []
    bench.node.create_subscription(kind, topic, found.append, QoSProfile(depth=100))
    return found


def topics(bench, under="/humans/faces/f"):
    """Topics of faces that somebody publishes."""
    names = (name for name, _ in bench.node.get_topic_names_and_types())
    return {n for n in names if n.startswith(under) and bench.node.count_publishers(n)}


def show(bench, publisher, *images, sec=1000):
    return [bench.process(publisher, stamped(bgr, sec, i * 10**8)) for i, bgr in enumerate(images)]


# REP 155, as publisher


def test_faces_of_rep_155(bench, hri):
    bench.start(ros4hri=True)
    tracked = listen(bench, hri.IdsList, "/humans/faces/tracked")
    publisher = bench.publisher()
    show(bench, publisher, two_faces(), two_faces())
    ids = bench.until(lambda: tracked and tracked[-1].ids)
    assert len(set(ids)) == 2
    assert all(re.fullmatch(r"f[0-9a-f]{8}_\d", i) for i in ids)
    base = [f"/humans/faces/{i}" for i in ids]
    rois = [listen(bench, hri.NormalizedRegionOfInterest2D, f"{b}/roi") for b in base]
    expressions = [listen(bench, hri.Expression, f"{b}/expression") for b in base]
    crops = listen(bench, Image, f"{base[0]}/cropped")
    level = listen(bench, Image, f"{base[0]}/aligned")
    number = iter(range(10**6))

    def all_heard():
        show(bench, publisher, two_faces(), sec=1001 + next(number))
        pairs = any(c.header == t.header for c in crops for t in level)
        return all(rois) and pairs and all(expressions)

    bench.until(all_heard)
    result = next(r for r in bench.results if r.header == rois[0][-1].header)
    face, roi = result.faces[0], rois[0][-1]
    assert roi.xmin * 640 == pytest.approx(face.roi.x_offset, abs=0.01)
    assert roi.ymin * 480 == pytest.approx(face.roi.y_offset, abs=0.01)
    assert roi.xmax * 640 == pytest.approx(face.roi.x_offset + face.roi.width, abs=0.01)
    assert roi.ymax * 480 == pytest.approx(face.roi.y_offset + face.roi.height, abs=0.01)
    assert roi.c == pytest.approx(face.detection_score)
    said = expressions[0][-1]
    result = next(r for r in bench.results if r.header == said.header)
    assert said.expression == HRI_EXPRESSIONS[result.faces[0].label]
    assert said.confidence == result.faces[0].confidence
    assert said.valence == pytest.approx(result.faces[0].valence)
    assert said.valence > 0.5, "joy"
    assert math.isnan(said.arousal)
    crop, turned = next((c, t) for c in crops for t in level if c.header == t.header)
    result = next(r for r in bench.results if r.header == crop.header)
    box = result.faces[0].roi
    box = Box(box.x_offset, box.y_offset, box.width, box.height)
    assert (decode_image(crop) == cut_out(two_faces(), box, 128)).all()
    assert (turned.width, turned.height) == (crop.width, crop.height)


def test_landmarks_and_gaze(bench, hri, message_package):
    tf2 = message_package("tf2_msgs")
    bench.start(ros4hri=True, face_frames=True)
    tracked = listen(bench, hri.IdsList, "/humans/faces/tracked")
    frames = listen(bench, tf2.TFMessage, "/tf")
    info = bench.node.create_publisher(CameraInfo, "camera_info", 1)
    publisher = bench.publisher()
    show(bench, publisher, astronaut(), astronaut())
    (face_id,) = bench.until(lambda: tracked and tracked[-1].ids)
    found = listen(bench, hri.FacialLandmarks, f"/humans/faces/{face_id}/landmarks")
    number = iter(range(10**6))

    def heard():
        info.publish(CameraInfo(k=[600.0, 0.0, 320.0, 0.0, 600.0, 240.0, 0.0, 0.0, 1.0]))
        show(bench, publisher, astronaut(), sec=1001 + next(number))
        return found and frames

    bench.until(heard)
    message = found[-1]
    assert (message.width, message.height, len(message.landmarks)) == (640, 480, 70)
    roi = next(r for r in bench.results if r.header == message.header).faces[0].roi
    points = [(point.x * 640, point.y * 480) for point in message.landmarks]
    box = Box(roi.x_offset, roi.y_offset, roi.width, roi.height)
    eyes = [points[hri.FacialLandmarks.RIGHT_PUPIL], points[hri.FacialLandmarks.LEFT_PUPIL]]
    nose, chin = points[hri.FacialLandmarks.NOSE], points[hri.FacialLandmarks.MENTON]
    assert all(box.has(point) for point in (*eyes, nose))
    assert eyes[0][0] < nose[0] < eyes[1][0]
    assert eyes[0][1] < nose[1] < chin[1]
    assert all(point.c == 1 for point in message.landmarks)
    names = {frame.child_frame_id: frame for frame in frames[-1].transforms}
    assert set(names) == {f"face_{face_id}", f"gaze_{face_id}"}
    assert names[f"gaze_{face_id}"].header.frame_id == f"face_{face_id}"


def test_topics_go_with_the_face(bench, hri):
    bench.start(ros4hri=True, max_gap=0.5)
    tracked = listen(bench, hri.IdsList, "humans/faces/tracked")
    publisher = bench.publisher()
    show(bench, publisher, astronaut(), astronaut(), blank())
    assert bench.until(lambda: len(topics(bench)) == 5)
    bench.until(lambda: len(tracked) == 3)
    assert len(tracked[-1].ids) == 1  # not seen, but not given up
    show(bench, publisher, blank(), sec=1002)
    bench.until(lambda: tracked[-1].ids == [])
    bench.until(lambda: not topics(bench))


def test_a_ghost_of_one_image_makes_no_topics(bench, hri):
    """A face that is seen once is in no list and has no topics; seen again, it has both."""
    bench.start(ros4hri=True, max_gap=0.5)
    tracked = listen(bench, hri.IdsList, "humans/faces/tracked")
    publisher = bench.publisher()
    bench.until(lambda: bench.node.count_publishers("humans/faces/tracked"))
    for sec in (1000, 1010, 1020):  # each time as somebody else
        show(bench, publisher, astronaut(), blank(), sec=sec)
    bench.until(lambda: len(tracked) == 6, "a word for each image")
    assert not any(message.ids for message in tracked)
    assert not topics(bench)
    show(bench, publisher, astronaut(), blank(), astronaut(), sec=1030)
    (face_id,) = bench.until(lambda: tracked[-1].ids)
    assert face_id.endswith("_4")
    bench.until(lambda: len(topics(bench)) == 5)


def test_deactivation_takes_all_topics_away(bench, hri):
    bench.start(ros4hri=True)
    tracked = listen(bench, hri.IdsList, "humans/faces/tracked")
    show(bench, bench.publisher(), astronaut(), astronaut())
    before = bench.until(lambda: tracked and tracked[-1].ids)
    assert bench.transition("deactivate")
    bench.until(lambda: tracked[-1].ids == [], "the word that no face is left")
    bench.until(lambda: not topics(bench))
    assert bench.transition("activate")
    bench.until(lambda: bench.node.count_publishers("/humans/faces/tracked"))
    show(bench, bench.publisher(), astronaut(), astronaut(), sec=1010)
    after = bench.until(lambda: tracked[-1].ids)
    assert not set(before) & set(after)


def test_two_cameras_do_not_mix_their_faces(context, hri):
    benches = [Bench(context, space) for space in ("/left", "/right")]
    try:
        for bench in benches:
            bench.start(ros4hri=True)
            show(bench, bench.publisher(), astronaut(), astronaut())
        for bench in benches:
            assert bench.until(lambda: topics(bench, f"{bench.namespace}/humans/faces/f"))  # noqa: B023 - called at once
        assert not topics(bench)
    finally:
        for bench in benches:
            bench.close()


# REP 155, as listener


def test_adds_expressions_to_faces_of_another_node(meet, start, hri):
    node = start("expression_node")
    node.wait_for("listening")
    bench = meet()
    tracked = bench.node.create_publisher(hri.IdsList, "humans/faces/tracked", 1)
    cropped = bench.node.create_publisher(Image, "humans/faces/azbyc/cropped", 1)
    found = listen(bench, hri.Expression, "humans/faces/azbyc/expression")
    face = create_detector("auto").detect(astronaut())[0]
    box = face.box.clipped(astronaut().shape)

    def spoken():
        tracked.publish(hri.IdsList(header=header(), ids=["azbyc"]))
        cropped.publish(image_message(header(), cut_out(astronaut(), box, 128)))
        bench.spin(0.1)
        return found

    bench.until(spoken, f"an expression: {node.words()}")
    assert found[-1].header == header()
    assert found[-1].expression == "happy"
    assert 0 < found[-1].confidence <= 1
    assert found[-1].valence > 0.5
    assert topics(bench, "/humans/faces/azbyc") == {
        f"/humans/faces/azbyc/{name}" for name in ("cropped", "expression")
    }
    tracked.publish(hri.IdsList(header=header(), ids=[]))
    bench.until(lambda: not bench.node.count_publishers("/humans/faces/azbyc/expression"))
    # What cannot be a topic or a picture is left out, and the node lives on.
    tracked.publish(hri.IdsList(ids=["no topic"]))
    node.wait_for("face left out")
    found.clear()
    bench.until(spoken)
    node.signal(signal.SIGINT)
    assert node.wait() == 0
    assert "Traceback" not in node.words()


# vision_msgs


def test_detections(bench, message_package):
    vision = message_package("vision_msgs")
    bench.start(detections=True)
    found = listen(bench, vision.Detection2DArray, "detections")
    bench.until(lambda: bench.node.count_publishers("detections"))
    bench.spin(0.5)
    result = bench.process(bench.publisher(), raw(header(), two_faces()))
    message = bench.until(lambda: next((m for m in found if m.header == result.header), None))
    assert len(message.detections) == len(result.faces) == 2
    for detection, face in zip(message.detections, result.faces, strict=True):
        assert detection.header == result.header
        assert detection.id == str(face.track_id)
        centre = detection.bbox.center.position
        assert centre.x == face.roi.x_offset + face.roi.width / 2
        assert centre.y == face.roi.y_offset + face.roi.height / 2
        assert (detection.bbox.size_x, detection.bbox.size_y) == (face.roi.width, face.roi.height)
        scores = {r.hypothesis.class_id: r.hypothesis.score for r in detection.results}
        assert scores == dict(zip(EMOTIONS, face.probabilities, strict=True))


# TF


@pytest.mark.parametrize("namespace", ["", "/left"])
def test_face_frames(context, namespace, message_package):
    tf2 = message_package("tf2_msgs")
    bench = Bench(context, namespace)
    try:
        bench.start(face_frames=True)
        found = listen(bench, tf2.TFMessage, "/tf")
        info = bench.node.create_publisher(CameraInfo, "camera_info", 1)
        publisher = bench.publisher()
        camera = CameraInfo(k=[600.0, 0.0, 320.0, 0.0, 600.0, 240.0, 0.0, 0.0, 1.0])

        numbers = itertools.count(10)

        def heard():
            """The frame and the face of one and the same image."""
            info.publish(camera)
            result = bench.process(publisher, raw(header(next(numbers)), astronaut()))
            bench.spin(0.1)
            frames = [t for m in found for t in m.transforms if t.header == result.header]
            return (frames[0], result.faces[0]) if frames else None

        frame, face = bench.until(heard)
        roi = face.roi
        assert frame.child_frame_id == f"{namespace}/face_1".lstrip("/")
        assert frame.transform.translation.z == pytest.approx(600 * 0.16 / roi.width)
        turn = frame.transform.rotation
        place = frame.transform.translation
        expected = face_orientation(
            HeadPose(face.roll, face.pitch, face.yaw), np.array([place.x, place.y, place.z])
        )
        assert (turn.x, turn.y, turn.z, turn.w) == pytest.approx(expected, abs=0.01)

        nameless = Header(stamp=header(2).stamp)
        bench.process(publisher, raw(nameless, astronaut()))
        bench.process(publisher, raw(header(3), astronaut()))
        bench.until(lambda: header(3) in [m.transforms[0].header for m in found])
        assert nameless not in [message.transforms[0].header for message in found]
    finally:
        bench.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ends_cleanly_with_all_of_them(meet, start, message_package, number):
    for package in PACKAGES.values():
        message_package(package)
    node = start("emotion_node", *parameters(**dict.fromkeys(PACKAGES, True)))
    node.wait_for("listening")
    bench = meet()
    show(bench, bench.publisher(), astronaut(), astronaut())
    bench.until(lambda: topics(bench))
    node.signal(number)
    assert node.wait() == 0, node.words()
    assert "Traceback" not in node.words()
    assert "[ERROR]" not in node.words()


# Absent


@pytest.mark.parametrize("parameter", PACKAGES)
def test_says_what_is_not_installed(bench, parameter, monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(optional, "import_module", absent)
    bench.start(**{parameter: True})
    package = PACKAGES[parameter]
    line = f"{parameter} needs {package}, which is not installed: sudo apt install"
    bench.report(lambda status, values: f"not activated: {line}" in status.message)
    assert bench.state() == "inactive"
    assert bench.set(parameter, False).successful
    assert bench.transition("activate")
    assert bench.process(bench.publisher(), raw(header(), astronaut())).faces


def test_nothing_is_imported_that_is_not_asked_for(bench, monkeypatch):
    asked = []
    monkeypatch.setattr(optional, "import_module", asked.append)
    bench.start()
    bench.process(bench.publisher(), raw(header(), astronaut()))
    assert not asked
