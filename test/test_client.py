# SPDX-License-Identifier: Apache-2.0
"""What a node of one's own learns of emotion_node by EmotionClient."""

import threading
import time

import pytest
import rclpy
from builtin_interfaces.msg import Time
from fer_ros.msg import EmotionArray, EmotionEvent, EngagementArray, FaceEmotion, FaceEngagement
from node_helpers import astronaut, stamped
from std_msgs.msg import Header
from web_helpers import until

from fer_ros.nodes import client as client_module
from fer_ros.nodes.client import EmotionClient


class Topics:
    """In place of a node: messages are handed to whom they would be delivered."""

    def __init__(self):
        self.callbacks = {}

    def create_subscription(self, kind, topic, callback, depth):
        self.callbacks[topic] = callback
        return topic

    def destroy_subscription(self, topic):
        del self.callbacks[topic]


class Spun:
    """An executor that another thread spins."""

    def __init__(self, node):
        self.get_nodes = lambda: [node]


class Context:
    """A context until it is shut down."""

    is_ok = True

    def ok(self):
        return self.is_ok


@pytest.fixture
def topics():
    return Topics()


def image(tenths, *faces):
    """An EmotionArray of faces (id, label)."""
    listed = [FaceEmotion(track_id=i, label=label) for i, label in faces]
    stamp = Time(sec=tenths // 10, nanosec=tenths % 10 * 10**8)
    return EmotionArray(header=Header(stamp=stamp), faces=listed)


def test_the_newest_faces_and_since_when_they_look_so(topics):
    client = EmotionClient(topics)
    assert client.emotions is None
    assert client.faces == client.engaged == []
    for tenths in range(10, 21):
        second = "joy" if tenths > 14 else "anger"
        topics.callbacks["emotions"](image(tenths, (1, "joy"), (2, second)))
    one, two = client.faces
    assert client.shown_for(one) == pytest.approx(1.0)
    assert client.shown_for(two) == pytest.approx(0.5)
    assert client.shown_for(FaceEmotion(track_id=9, label="joy")) == 0.0
    topics.callbacks["emotions"](image(5, (1, "joy")))
    assert client.shown_for(client.faces[0]) == 0.0, "stamps that go back begin anew"


def test_nobody_is_there_once_results_stop(topics, monkeypatch):
    client = EmotionClient(topics, max_age=0.5)
    topics.callbacks["emotions"](image(10, (1, "joy")))
    levels = FaceEmotion.ENGAGED, FaceEmotion.ENGAGING
    faces = [FaceEngagement(track_id=i, engagement=level) for i, level in enumerate(levels, 1)]
    topics.callbacks["engagement"](EngagementArray(faces=faces))
    assert [face.track_id for face in client.engaged] == [1]
    later = time.monotonic() + 0.6
    monkeypatch.setattr(client_module.time, "monotonic", lambda: later)
    assert client.emotions is None
    assert client.faces == client.engaged == []


def test_callbacks_come_after_the_client_knows(topics):
    seen = []
    client = EmotionClient(
        topics,
        on_emotions=lambda message: seen.append((message, client.emotions)),
        on_engagement=seen.append,
        on_event=lambda event: seen.append(client.event_counts["joy"]),
    )
    message, engagement = image(10), EngagementArray()
    topics.callbacks["emotions"](message)
    topics.callbacks["engagement"](engagement)
    topics.callbacks["emotion_events"](EmotionEvent(to_label="joy"))
    topics.callbacks["emotion_events"](EmotionEvent(to_label="joy", relative=True))
    assert seen == [(message, message), engagement, 1, 1]
    client.close()
    assert not topics.callbacks


@pytest.fixture
def client(bench):
    """One over DDS, beside an emotion_node that is active."""
    bench.start(event_hold=0.0)
    return EmotionClient(bench.node)


def test_waits_while_another_thread_spins(bench, client):
    camera = bench.publisher()
    found = []

    def wait():
        found.append(client.wait_for_emotions(20.0, lambda message: bool(message.faces)))

    waiting = threading.Thread(target=wait)
    waiting.start()
    bench.process(camera, stamped(astronaut(), 1000))
    bench.until(lambda: not waiting.is_alive(), "the end of the wait")
    assert found[0].faces[0].label
    assert client.faces


def test_spins_where_nobody_does(bench):
    """And gives up in time when nothing comes."""
    own = rclpy.create_node("client_alone", context=bench.context)
    client = EmotionClient(own)
    assert client.wait_for_event(0.2, "joy") is None
    publisher = own.create_publisher(EmotionEvent, "emotion_events", 10)
    bench.until(publisher.get_subscription_count, "the client")
    publisher.publish(EmotionEvent(to_label="anger"))
    publisher.publish(EmotionEvent(to_label="joy"))
    assert client.wait_for_event(20.0, "joy").to_label == "joy"
    own.destroy_node()


def test_no_event_of_several_at_once_is_missed(topics):
    """Two faces that change in one image: only the last event was looked at."""
    topics.executor, topics.context = Spun(topics), Context()
    client = EmotionClient(topics)
    found = []

    def wait():
        found.append(client.wait_for_event(float("inf"), "joy"))

    waiting = threading.Thread(target=wait)
    waiting.start()
    until(lambda: client._waiting, "the wait")
    for label in ("anger", "joy", "sadness"):
        topics.callbacks["emotion_events"](EmotionEvent(to_label=label))
    waiting.join(20.0)
    assert [event.to_label for event in found] == ["joy"]


def test_a_wait_ends_with_the_context(topics):
    topics.executor, topics.context = Spun(topics), Context()
    client = EmotionClient(topics)
    waiting = threading.Thread(target=client.wait_for_emotions, args=(1000.0,))
    waiting.start()
    until(lambda: client._waiting, "the wait")
    topics.context.is_ok = False
    waiting.join(20.0)
    assert not waiting.is_alive()
    assert client.wait_for_event(1000.0) is None
