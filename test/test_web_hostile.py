# SPDX-License-Identifier: Apache-2.0
"""Whatever comes to the web view from a page or from the bus is data: it lives on and shows."""

import math

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from fer_ros.msg import EmotionArray, EmotionEvent, FaceEmotion
from node_helpers import blank, header, raw
from rcl_interfaces.msg import ParameterValue, SetParametersResult
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.node import Node
from sensor_msgs.msg import Image

pytest.importorskip("aiohttp", reason="aiohttp is not installed")

from test_web_view import ViewBench
from web_helpers import get

from fer_ros.web.content import LIVE, MAX_TEXT

WELL = {bool: 1, int: 2, float: 3, str: 4}  # types of ParameterValue
FIELDS = {1: "bool_value", 2: "integer_value", 3: "double_value", 4: "string_value"}


@pytest.fixture
def bench(context):
    bench = ViewBench(context)
    yield bench
    bench.close()


def default_of(row):
    kind = WELL[type(row.default)]
    return ParameterValue(type=kind, **{FIELDS[kind]: row.default})


class Liar(Node):
    """Answers in emotion_node's place."""

    def __init__(self, bench, values=None, results=None):
        super().__init__("emotion_node", context=bench.context, namespace=bench.namespace,
                         start_parameter_services=False)  # fmt: skip
        self.values = values if values is not None else [default_of(row) for row in LIVE]
        self.results = [SetParametersResult(successful=True)] if results is None else results
        self.create_service(GetParameters, "~/get_parameters", self._get)
        self.create_service(SetParameters, "~/set_parameters", self._set)
        self.asked = 0
        bench._executor.add_node(self)

    def _get(self, _, response):
        self.asked += 1
        response.values = self.values
        return response

    def _set(self, _, response):
        response.results = self.results
        return response


def is_alive(bench, page):
    """What is asked of the view is answered, and it shows what comes."""
    bench.view._server.put_note("probe", {"here": True})
    bench.note(page, "probe")
    page.notes.pop("probe")
    page.notes.pop("status", None)
    bench.note(page, "status")  # the next one: its timer runs


GIVEN = [
    10**400, -(10**400), 2**63, 2**64, -(2**63) - 1, 1e308, -1e308, "\ud800", "\0", "x" * 3000, "",
    True, None, [], {}, [1], "NaN", "1e999",
]  # fmt: skip


def test_a_page_may_ask_for_anything(bench):
    bench.start(detector="haar")
    bench.show(allow_changes="true")
    page = bench.look()
    bench.note(page, "status", lambda note: note["values"])
    for row in LIVE:
        for value in GIVEN:
            bench.view._remote.set(row.name, value)  # raises nothing
    bench.view._remote.set("\ud800" * 50, "\ud800")
    is_alive(bench, page)


@pytest.mark.parametrize("text", ['{"set": ["max_rate", 1%s]}' % ("0" * 400),
                                  '{"set": ["max_rate", -1%s]}' % ("0" * 400),
                                  '{"set": ["max_faces", 1%s]}' % ("0" * 400),
                                  '{"set": ["detector", "\\ud800"]}'])  # fmt: skip
def test_a_number_that_no_float_holds(bench, text):
    bench.start(detector="haar")
    bench.show(allow_changes="true")
    page = bench.look()
    bench.note(page, "status", lambda note: note["values"])
    page.send(text)
    assert bench.note(page, "answer")["successful"] is False
    is_alive(bench, page)


def lies():
    """Answers to get_parameters that are none."""
    good = [default_of(row) for row in LIVE]
    number = next(i for i, row in enumerate(LIVE) if isinstance(row.default, float))
    whole = next(i for i, row in enumerate(LIVE) if isinstance(row.default, int))
    rotate = next(i for i, row in enumerate(LIVE) if row.name == "rotate")

    def instead(at, **fields):
        return [*good[:at], ParameterValue(**fields), *good[at + 1 :]]

    return {
        "fewer": good[:-1],
        "more": [*good, good[0]],
        "one": good[:1],
        "NaN": instead(number, type=3, double_value=math.nan),
        "infinite": instead(number, type=3, double_value=math.inf),
        "bytes": instead(number, type=5, byte_array_value=[b"\xff", b"\0"]),
        "another type": instead(whole, type=4, string_value="seven"),
        "type 99": instead(whole, type=99),
        "type 255": [ParameterValue(type=255) for _ in good],
        "list": instead(rotate, type=9, string_array_value=["a"]),
        "rotate": instead(rotate, type=4, string_value="x" * 100_000),
        "numbers": instead(rotate, type=8, double_array_value=[math.nan]),
        "none": [],
        "not set": [ParameterValue() for _ in good],
    }


@pytest.mark.parametrize("values", lies().values(), ids=lies())
def test_answers_of_another_node_to_get_parameters(bench, values, capfd):
    bench.show(allow_changes="true", rotate="-1")
    page = bench.look()
    liar = Liar(bench, values)
    bench.until(lambda: liar.asked > 1, "two questions")
    is_alive(bench, page)
    assert all(type(v) is type(next(r for r in LIVE if r.name == n).default)
               for n, v in bench.view._remote.values.items())  # fmt: skip
    assert capfd.readouterr().err.count("is left out") <= 1


@pytest.mark.parametrize("count", [0, 2])
def test_answers_of_another_node_to_set_parameters(bench, count):
    bench.show(allow_changes="true")
    page = bench.look()
    Liar(bench, results=[SetParametersResult(successful=True)] * count)
    bench.note(page, "status", lambda note: note["values"])
    page.send({"set": ["max_faces", 3]})
    answer = bench.note(page, "answer")
    assert answer["successful"] is False
    assert f"{count} results" in answer["reason"]
    is_alive(bench, page)


@pytest.mark.parametrize("how", ["reset", "deactivate", "cleanup"])
def test_events_are_forgotten_with_the_nodes(bench, how):
    node = bench.start(detector="haar", diagnostics_period=0.2)
    bench.show()
    bench.until(lambda: bench.view._report, "a report")
    events = bench.publisher(EmotionEvent, "emotion_events")
    events.publish(EmotionEvent(to_label="joy"))
    bench.until(lambda: bench.view._events, "the event")
    bench.spin(0.5)
    assert bench.view._events
    if how == "reset":
        node._reset(None, Answer())
    else:
        node.trigger_deactivate()
        if how == "cleanup":
            node.trigger_cleanup()
    bench.until(lambda: not bench.view._events, "the events to go")
    page = bench.look() if how == "reset" else None
    assert page is None or bench.note(page, "events")["events"] == []


class Answer:
    """Of std_srvs/Trigger: success and message."""

    success, message = False, ""


def test_messages_of_another_node(bench):
    """Numbers that are none and texts without end: shown, or left out."""
    bench.show()
    page = bench.look()
    results = bench.publisher(EmotionArray, "emotions")
    events = bench.publisher(EmotionEvent, "emotion_events")
    health = bench.publisher(DiagnosticArray, "/diagnostics")
    bad = FaceEmotion(label="constructor\n<b>" + "x" * 10_000, confidence=math.nan, emotion=200,
                      detection_score=math.inf, quality_flags=65535, engagement=255,
                      valence=-math.inf, distance=math.nan)  # fmt: skip
    bad.probabilities[0] = math.nan
    results.publish(EmotionArray(header=header(), faces=[bad] * 1000, model="m" * 10_000))
    events.publish(EmotionEvent(from_label="__proto__", to_label="\0" * 9, confidence=math.inf))
    status = DiagnosticStatus(name="emotion_node", level=b"\xff", message="; " * 10_000)
    status.values = [KeyValue(key="k" * 10_000, value="v" * 10_000)] * 1000
    health.publish(DiagnosticArray(status=[status]))
    bench.until(lambda: bench.view._report, "the report")
    assert len(bench.view._report["problems"]) < 100
    bench.note(page, "events", lambda note: note["events"])
    head, _ = bench.frame(page, lambda head, picture: head["faces"])
    assert len(head["faces"]) < 1000
    assert len(head["faces"][0]["label"]) == MAX_TEXT
    is_alive(bench, page)


def test_images_of_another_node(bench):
    bench.show()
    page = bench.look()
    images = bench.publisher(Image, "image_raw")
    results = bench.publisher(EmotionArray, "emotions")
    for encoding in ("", "\xff", "x" * 10_000, "bgr8"):
        head = header()
        images.publish(Image(header=head, encoding=encoding, width=2**32 - 1, height=2**32 - 1))
        results.publish(EmotionArray(header=head))
    good = header()
    images.publish(raw(good, blank()))
    results.publish(EmotionArray(header=good))
    bench.frame(page, lambda head, picture: picture)
    is_alive(bench, page)


def test_what_a_callback_raises_is_told_once(bench, monkeypatch, capfd):
    """Whatever it is that nobody thought of."""
    bench.show()
    page = bench.look()

    def fail(_):
        raise KeyError("nobody thought of this")

    monkeypatch.setattr("fer_ros.web.content.event", fail)
    events = bench.publisher(EmotionEvent, "emotion_events")
    for _ in range(3):
        events.publish(EmotionEvent())
        bench.spin(0.2)
    is_alive(bench, page)
    assert capfd.readouterr().err.count("nobody thought of this") == 1


def test_a_token_that_is_no_text(bench):
    bench.show(token="correct-horse-battery")
    status, _, _ = get(bench.view._server.port, "/?token=%ED%A0%80")
    assert status == 401
