# SPDX-License-Identifier: Apache-2.0
"""The node: pairs of one stamp, nothing while nobody looks, the token, changes of parameters."""

import signal
import time

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from fer_ros.msg import EmotionArray, EmotionEvent
from node_helpers import (
    Bench,
    astronaut,
    blank,
    header,
    jpeg,
    parameters,
    pouring,
    raw,
    slowed,
    stamped,
)
from rcl_interfaces.msg import Log
from rclpy.parameter import Parameter
from sensor_msgs.msg import CompressedImage, Image

from fer_ros.observation import Observation

pytest.importorskip("aiohttp", reason="aiohttp is not installed")

from test_topics import type_name
from web_helpers import Page, get

from fer_ros.nodes import topics
from fer_ros.parameters import create_pipeline
from fer_ros.web import node as web_view
from fer_ros.web.node import WebView

TOKEN = "correct-horse-battery"


class ViewBench(Bench):
    """A bench with a web view and pages that look at it."""

    def __init__(self, context, namespace=""):
        super().__init__(context, namespace)
        self.view = None
        self.pages = []

    def show(self, **values):
        """Run web_view with these parameters, on a free port."""
        self.view = WebView(
            context=self.context,
            namespace=self.namespace,
            use_global_arguments=False,
            cli_args=parameters(**{"port": 0, "max_rate": -1.0} | values),
        )
        self._executor.add_node(self.view)
        self.view.start()
        return self.view

    def look(self, **options):
        """A page that looks, once the view listens for it."""
        self.pages.append(Page(self.view._server.port, **options))
        self.until(lambda: self.view._results and self.view._images.topic, "the view to listen")
        return self.pages[-1]

    def publisher(self, *arguments, **options):
        """As the bench's, once the view's subscription suits it too."""
        publisher = super().publisher(*arguments, **options)
        images = self.view and self.view._images._images
        self.until(lambda: not images or images.policy == images.wanted(), "a fitting policy")
        return publisher

    def frame(self, page, condition=lambda head, picture: True):
        """The first image that came to a page for which this holds."""

        def find():
            return next((frame for frame in page.frames if condition(*frame)), None)

        return self.until(find, "a fitting image at the page")

    def note(self, page, kind, condition=lambda note: True):
        """The note of a kind, once this holds."""

        def find():
            note = page.notes.get(kind)
            return note if note and condition(note) else None

        return self.until(find, f"a fitting {kind} at the page")

    def close(self):
        for page in self.pages:
            page.close()
        if self.view:
            self.view.destroy_node()
        super().close()


@pytest.fixture
def bench(context):
    bench = ViewBench(context)
    yield bench
    bench.close()


def result(head, **fields):
    return EmotionArray(header=head, image_width=160, image_height=120, model="m", **fields)


def face_at(number):
    """The astronaut, each time further to the right, with the number in black and white."""
    image = np.roll(astronaut(), 12 * (number % 20), axis=1)
    for bit in range(12):
        image[-16:, 16 * bit : 16 * bit + 16] = 255 * (number >> bit & 1)
    return image


def number_in(picture):
    pixels = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_GRAYSCALE)
    return sum(int(pixels[-8, 16 * bit + 8] > 127) << bit for bit in range(12))


@pytest.mark.parametrize("transport", ["raw", "compressed"])
def test_moving_face_and_a_slow_node(bench, transport):
    """30 images a second, of which the node takes three: each comes with its own result."""
    make, kind, topic = raw, Image, "image_raw"
    if transport == "compressed":
        make, kind, topic = jpeg, CompressedImage, "image_raw/compressed"
    bench.start(image_transport=transport, smoothing_time_constant=0.0)
    bench.show(image_transport=transport)
    page = bench.look()
    publisher = bench.publisher(kind, topic, subscribers=2)
    messages = [make(header(), face_at(i)) for i in range(240)]
    sent = iter(range(1, 240))

    def publish():
        i = next(sent, None)
        if i is not None:
            messages[i].header = header(i)
            publisher.publish(messages[i])

    own = face_at(0)
    left = create_pipeline().process(Observation(own, 1.0)).faces[0].box.x
    with slowed(0.3), pouring(publish, 1 / 30):
        bench.until(lambda: len(page.frames) >= 8, "images at the page")
    off = []
    for head, picture in page.frames:
        number = number_in(picture)
        assert head["stamp"] == 1000 + number + 5e-9, "another image than the result's"
        expected = left + 12 * (number % 20)
        if expected < 360:  # beyond, the edge cuts the face
            off += [abs(face["roi"]["x_offset"] - expected) for face in head["faces"]]
    assert np.median(off) < 30, "the newest of both would be 108 pixels apart"
    assert len({number_in(picture) for _, picture in page.frames}) == len(page.frames)
    assert sum(bool(head["faces"]) for head, _ in page.frames) > 3
    assert len(page.frames) < 40, "what the node left out is not shown"


def test_an_image_without_result_is_not_shown(bench):
    bench.show()
    page = bench.look()
    images = bench.publisher(Image)
    results = bench.publisher(EmotionArray, "emotions", subscribers=2)
    for i in range(1, 6):
        before = len(bench.view._image_times)
        images.publish(raw(header(i), blank()))
        bench.until(lambda before=before: len(bench.view._image_times) > before)
    bench.spin(0.3)
    assert not page.frames
    results.publish(result(header(4)))
    head, picture = bench.frame(page)
    assert picture
    assert head["stamp"] == header(4).stamp.sec + 5e-9
    bench.spin(0.3)
    assert len(page.frames) == 1


def test_results_without_images_are_shown_as_such(bench):
    bench.show()
    page = bench.look()
    results = bench.publisher(EmotionArray, "emotions", subscribers=2)
    results.publish(result(header(1)))
    assert bench.frame(page)[1] == b""


def test_compressed_images_pass_unchanged(bench):
    bench.show()
    images = bench.publisher(CompressedImage, "image_raw/compressed", subscribers=0)
    page = bench.look()
    bench.until(lambda: bench.view._images.topic.endswith("/compressed"))
    bench.until(images.get_subscription_count)
    results = bench.publisher(EmotionArray, "emotions", subscribers=2)
    message = jpeg(header(1), astronaut())

    def send():
        images.publish(message)
        results.publish(result(header(1)))
        return page.frames

    bench.until(send)
    assert bench.frame(page, lambda _, picture: picture)[1] == bytes(message.data)


def test_nothing_is_heard_nor_encoded_while_nobody_looks(bench, monkeypatch):
    monkeypatch.setattr(web_view, "LINGER", 0.2)
    made = []
    monkeypatch.setattr(
        web_view, "encode_jpeg", lambda *a: made.append(1) or np.zeros(10, np.uint8)
    )
    view = bench.show(image_transport="raw")

    def heard():
        return {s.topic_name: type_name(s.msg_type) for s in view.subscriptions}

    always = {"/emotion_events", "/diagnostics"}
    own = {t for t in heard() if t != "/parameter_events"}
    assert own == always
    page = bench.look()
    wanted = {
        f"/{t.name.lstrip('/')}": t.kind.replace("/", "/msg/")
        for t in topics.WEB_VIEW_TOPICS
        if "compressed" not in t.name
    }
    assert {k: v for k, v in heard().items() if k in wanted} == wanted
    page.close()
    bench.until(lambda: {t for t in heard() if t != "/parameter_events"} == always)
    assert not made
    page = bench.look()  # and again
    images = bench.publisher(Image)
    results = bench.publisher(EmotionArray, "emotions", subscribers=2)
    images.publish(raw(header(1), blank()))
    results.publish(result(header(1)))
    bench.until(lambda: made and page.frames, "an image to be encoded")


def test_a_page_that_shows_nothing_costs_no_encoding(bench, monkeypatch):
    made = []
    monkeypatch.setattr(
        web_view, "encode_jpeg", lambda *a: made.append(1) or np.zeros(10, np.uint8)
    )
    bench.show()
    page = bench.look(shows=False)
    images = bench.publisher(Image)
    results = bench.publisher(EmotionArray, "emotions", subscribers=2)
    for i in range(1, 30):
        images.publish(raw(header(i), blank()))
        results.publish(result(header(i)))
        bench.spin(0.03)
    assert 1 <= len(made) <= 4
    assert 1 <= len(page.frames) <= 2


@pytest.mark.parametrize("given", [-1, 270])
def test_rotate_is_the_nodes_or_its_own(bench, given):
    bench.start(detector="haar", rotate=90)
    bench.show(rotate=given)
    page = bench.look()
    expected = 90 if given < 0 else given
    bench.note(page, "status", lambda note: note["rotate"] == expected)
    if given < 0:
        assert bench.set("rotate", 180).successful
        bench.note(page, "status", lambda note: note["rotate"] == 180)


def test_diagnostics_of_the_node_alone(bench):
    bench.show()
    page = bench.look()
    assert bench.note(page, "status")["health"] is None
    reports = bench.publisher(DiagnosticArray, "/diagnostics", subscribers=2)

    def status(name, message):
        return DiagnosticStatus(level=DiagnosticStatus.WARN, name=name, message=message)

    def send():
        reports.publish(
            DiagnosticArray(status=[status("camera", "hot"), status("emotion_node", "a: b; c: d")])
        )
        return page.notes["status"]["health"]

    health = bench.until(send)
    assert health["level"] == "warn"
    assert health["problems"] == ["a: b", "c: d"]


def test_events_are_told_to_who_comes_later(bench):
    bench.show()
    events = bench.publisher(EmotionEvent, "emotion_events")
    for i in range(1, 31):
        events.publish(EmotionEvent(header=header(i), track_id=i, to_label="<b>joy</b>"))
        bench.spin(0.01)
    page = bench.look()
    told = bench.note(page, "events", lambda n: n["events"] and n["events"][-1]["id"] == 30)
    assert [e["id"] for e in told["events"]] == list(range(11, 31))
    assert told["events"][0]["to"] == "<b>joy</b>"


def test_changes_only_where_allowed(bench):
    node = bench.start(detector="haar")
    bench.show()
    page = bench.look()
    assert bench.note(page, "hello")["parameters"] == []
    page.send({"set": ["max_faces", 3]})
    bench.spin(1.5)
    assert node.get_parameter("max_faces").value == 16
    assert "answer" not in page.notes
    assert bench.note(page, "status")["values"] == {}


@pytest.mark.parametrize(
    ("name", "value", "successful"),
    [
        ("max_faces", 3, True), ("hysteresis", 0, True), ("exit_on_failure", True, True),
        ("max_faces", 0, False), ("max_faces", 2.5, False), ("max_faces", "3", False),
        ("rotate", 45, False), ("model", "/etc/passwd", False), ("none", 1, False),
        ("exit_on_failure", 1, False), ("use_sim_time", True, False), ("hysteresis", True, False),
    ],
)  # fmt: skip
def test_changes(bench, name, value, successful):
    node = bench.start(detector="haar")
    before = node.get_parameter(name).value if node.has_parameter(name) else None
    bench.show(allow_changes="true")
    page = bench.look()
    bench.note(page, "status", lambda note: note["values"].get("max_faces") == 16)
    page.send({"set": [name, value]})
    answer = bench.note(page, "answer")
    assert answer["successful"] is successful, answer
    if successful:
        assert node.get_parameter(name).value == value
    else:
        assert answer["reason"]
        assert before is None or node.get_parameter(name).value == before


def test_flood_of_changes_reaches_nobody(bench):
    node = bench.start(detector="haar")
    changes = []
    node.add_post_set_parameters_callback(changes.extend)
    bench.show(allow_changes="true")
    page = bench.look()
    began = time.monotonic()
    for i in range(200):
        page.send({"set": ["max_faces", 1 + i % 100]})
    bench.until(lambda: node.get_parameter("max_faces").value == 100)
    assert len(changes) <= 2 + (time.monotonic() - began) / web_view.PAUSE


def test_broken_images_are_left_out_and_said_once(bench, capfd):
    bench.show()
    images = bench.publisher(CompressedImage, "image_raw/compressed", subscribers=0)
    page = bench.look()
    bench.until(images.get_subscription_count)
    results = bench.publisher(EmotionArray, "emotions", subscribers=2)
    for i in range(1, 20):
        data = b"<script>alert(1)</script>" if i < 15 else jpeg(header(i), blank()).data
        images.publish(CompressedImage(header=header(i), format="jpeg", data=data))
        results.publish(result(header(i)))
        bench.spin(0.03)
    assert bench.frame(page, lambda _, picture: picture)[1][:2] == b"\xff\xd8"
    assert not any(b"script" in picture for _, picture in page.frames)
    assert capfd.readouterr().err.count("image left out") == 1


# Who may look


def make(context, **values):
    return WebView(
        context=context, use_global_arguments=False, cli_args=parameters(**{"port": 0} | values)
    )


def test_made_token_is_printed_and_not_told_on_the_bus(bench, capfd):
    heard = []
    bench.node.create_subscription(Log, "/rosout", lambda m: heard.append(m.msg), 100)
    view = bench.show(host="0.0.0.0")
    token = capfd.readouterr().out.strip().rpartition("?token=")[2]
    assert len(token) >= 32
    assert get(view._server.port)[0] == 401
    assert get(view._server.port, f"/?token={token}")[0] == 303
    assert view.get_parameter("token").value == ""
    bench.until(lambda: view.get_logger().info("said") and any("said" in text for text in heard))
    assert not any(token in text for text in heard)


def test_token_file(context, tmp_path, capfd):
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o640)
    view = make(context, host="0.0.0.0", token_file=file)
    view.start()
    try:
        assert get(view._server.port, Authorization=f"Bearer {TOKEN}")[0] == 200
        told = capfd.readouterr()
        assert TOKEN not in told.out + told.err
        assert "chmod 600" in told.err
    finally:
        view.destroy_node()


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"token_file": "/none/token"}, "No such file"),
        ({"token_file": "/dev/null", "token": TOKEN}, "chmod 600"),
        ({"token": "short"}, "8 to 1024"),
        ({"host": "256.0.0.1"}, "cannot listen on 256.0.0.1"),
        ({"host": "192.0.2.7"}, "cannot listen on 192.0.2.7"),
    ],
)
def test_refused_at_start(context, values, reason):
    with pytest.raises(RuntimeError, match=reason) as error:
        make(context, **values)
    assert "\n" not in str(error.value)


def test_port_that_is_taken(context):
    view = make(context)
    try:
        with pytest.raises(RuntimeError, match="cannot listen"):
            make(context, port=view._server.port)
    finally:
        view.destroy_node()


def test_as_a_process(start):
    view = start("web_view", *parameters(port=0))
    view.wait_for("is shown at http://127.0.0.1:")
    port = int(view.words().rpartition("127.0.0.1:")[2].split("/")[0])
    assert get(port)[0] == 200
    view.signal(signal.SIGINT)
    assert view.wait() == 0
    assert "Traceback" not in view.words()


def test_parameters_cannot_be_changed_while_it_runs(bench):
    view = bench.show()
    for name, value in (("host", "0.0.0.0"), ("allow_changes", True), ("token", "x" * 10)):
        assert not view.set_parameters([Parameter(name, value=value)])[0].successful, name
    assert view.set_parameters([Parameter("max_rate", value=5.0)])[0].successful


def test_zero_stamps_are_not_paired(bench):
    bench.show()
    page = bench.look()
    images = bench.publisher(Image)
    results = bench.publisher(EmotionArray, "emotions", subscribers=2)
    message = stamped(blank(), 0)
    images.publish(message)
    results.publish(result(message.header))
    head, picture = bench.frame(page)
    assert not picture
    assert head["age"] is None
