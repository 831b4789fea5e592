# SPDX-License-Identifier: Apache-2.0
"""The conditions for py_trees: by hand-made messages, and a tree over the topics of a node."""

import importlib
import signal
import time
from importlib.util import find_spec

import pytest
from builtin_interfaces.msg import Time
from fer_ros.msg import EmotionArray, EmotionEvent, EngagementArray, FaceEmotion, FaceEngagement
from node_helpers import REPOSITORY, astronaut, stamped
from std_msgs.msg import Header, String
from turned_faces import turned_astronaut

from fer_ros.nodes.client import EmotionClient

SCRIPT = REPOSITORY / "examples/behaviour_tree.py"

# Not by a skip of the module: where launch_testing's plug-in is, that would skip all others too.
pytestmark = pytest.mark.skipif(find_spec("py_trees") is None, reason="py_trees is not installed")


@pytest.fixture
def trees(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    return importlib.import_module("behaviour_tree")


class Emotions(EmotionClient):
    """A client whose messages come by hand."""

    def __init__(self, trees):
        self.callbacks = {}
        super().__init__(self, max_age=trees.SILENCE)

    def create_subscription(self, kind, topic, callback, depth):
        self.callbacks[topic] = callback

    def see(self, message):
        self.callbacks["emotions"](message)

    def heed(self, message):
        self.callbacks["engagement"](message)

    def note(self, event):
        self.callbacks["emotion_events"](event)


@pytest.fixture
def watch(trees):
    return Emotions(trees)


def image(tenths, *faces):
    """Faces (id, label) that look here."""
    listed = [FaceEmotion(track_id=i, label=label, facing=True) for i, label in faces]
    stamp = Time(sec=tenths // 10, nanosec=tenths % 10 * 10**8)
    return EmotionArray(header=Header(stamp=stamp), faces=listed)


def engagement(**levels):
    """Faces by number, such as ``_1=FaceEmotion.ENGAGED``."""
    listed = [FaceEngagement(track_id=int(i[1:]), engagement=e) for i, e in levels.items()]
    return EngagementArray(faces=listed)


def holds(condition) -> bool:
    condition.tick_once()
    return condition.status.name == "SUCCESS"


def test_is_engaged(trees, watch):
    condition = trees.IsEngaged(watch)
    assert not holds(condition)
    watch.see(image(10, (1, "joy"), (2, "joy")))
    watch.heed(engagement(_1=FaceEmotion.ENGAGING, _2=FaceEmotion.ENGAGED))
    assert holds(condition)
    watch.heed(engagement(_1=FaceEmotion.ENGAGING))
    assert not holds(condition)


def test_nobody_is_there_once_results_stop(trees, watch, monkeypatch):
    watch.see(image(10, (1, "joy")))
    watch.heed(engagement(_1=FaceEmotion.ENGAGED))
    later = time.monotonic() + 2 * trees.SILENCE
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert not holds(trees.IsEngaged(watch))
    assert not holds(trees.Shows(watch, "joy"))


def test_shows_for_a_while(trees, watch):
    condition = trees.Shows(watch, "anger", 1.0)
    found = []
    for tenths in range(10, 25):
        watch.see(image(tenths, (1, "anger")))
        found.append(holds(condition))
    assert found.index(True) == 10
    watch.see(image(25, (1, "neutral")))
    watch.see(image(26, (1, "anger")))
    assert not holds(condition), "it begins anew"


def test_shows_only_of_who_looks_here(trees, watch):
    message = image(10, (1, "anger"))
    message.faces[0].facing = False
    watch.see(message)
    assert not holds(trees.Shows(watch, "anger"))


def test_stamps_that_go_back_begin_anew(trees, watch):
    watch.see(image(900, (1, "anger")))
    watch.see(image(10, (1, "anger")))
    watch.see(image(11, (1, "anger")))
    assert not holds(trees.Shows(watch, "anger", 1.0))
    assert holds(trees.Shows(watch, "anger", 0.05))


def test_changed_holds_once_for_each_event(trees, watch):
    watch.note(EmotionEvent(to_label="joy"))
    first, second = (trees.Changed(watch, "joy") for _ in range(2))
    assert not holds(first), "of before its first tick"
    assert not holds(second)
    watch.note(EmotionEvent(to_label="joy"))
    watch.note(EmotionEvent(to_label="anger"))
    assert [holds(first), holds(first)] == [True, False]
    assert holds(second), "each condition for itself"
    watch.note(EmotionEvent(to_label="joy", relative=True))
    assert not holds(first)


def test_meets_each_face_once(trees, watch):
    condition = trees.Meets(watch)
    watch.see(image(10, (1, "joy")))
    found = []
    for levels in ({}, {"_1": FaceEmotion.ENGAGED}, {"_1": FaceEmotion.DISENGAGING}):
        watch.heed(engagement(**levels))
        found.append(holds(condition))
    for _ in range(2):
        watch.heed(engagement(_1=FaceEmotion.ENGAGED, _2=FaceEmotion.ENGAGED))
        found.append(holds(condition))
    assert found == [False, True, False, True, False]


class Mouth:
    def __init__(self):
        self.said = []

    def publish(self, message):
        self.said.append(message.data)


def test_the_tree(trees, watch):
    mouth = Mouth()
    tree = trees.make_tree(watch, mouth)
    for tenths in range(40):
        watch.see(image(tenths, (1, "anger" if tenths >= 15 else "neutral")))
        if tenths == 10:
            watch.heed(engagement(_1=FaceEmotion.ENGAGED))
        tree.tick_once()
    assert mouth.said == ["Hello!", "I will wait over there."]
    watch.note(EmotionEvent(to_label="joy"))
    watch.see(image(40, (1, "joy")))
    tree.tick_once()
    assert mouth.said[2:] == ["You are smiling!"]


def test_help_explains_and_starts_nothing(start):
    process = start(str(SCRIPT), "--help")
    assert process.wait() == 0
    for wanted in ("IsEngaged", "Shows", "Changed", "py_trees"):
        assert wanted in process.words()


def test_over_real_topics(meet, start):
    """The tree and emotion_node, each a process of its own: only who looks here is greeted."""
    tree = start(str(SCRIPT))
    node = start("emotion_node")
    node.wait_for("listening")
    tree.wait_for("wait")
    bench = meet()
    said = []
    bench.node.create_subscription(String, "say", said.append, 10)
    bench.until(lambda: bench.node.count_publishers("say"), "the tree")
    camera = bench.publisher()
    number = iter(range(10**6))

    def show(picture):
        i = next(number)
        bench.process(camera, stamped(picture, 1000 + i // 10, i % 10 * 10**8))

    for _ in range(40):
        show(turned_astronaut())
    assert not [words for words in said if words.data == "Hello!"]
    bench.until(lambda: show(astronaut()) or said, "a greeting")
    assert said[0].data == "Hello!"
    tree.signal(signal.SIGINT)
    assert tree.wait() == 0, tree.words()
    assert "Traceback" not in tree.words()
