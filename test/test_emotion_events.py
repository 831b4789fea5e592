# SPDX-License-Identifier: Apache-2.0
"""emotion_events and ~/dominant_emotion of a running emotion_node."""

import time

import pytest
from fer_ros.msg import EmotionEvent
from fer_ros.srv import DominantEmotion
from node_helpers import Bench, astronaut, blank, stamped
from std_srvs.srv import Trigger

from fer_ros.emotions.classes import EMOTIONS

SERVICE = "emotion_node/dominant_emotion"


def listen(bench):
    events = []
    bench.node.create_subscription(EmotionEvent, "emotion_events", events.append, 100)
    bench.until(lambda: bench.node.count_publishers("emotion_events"))
    return events


def play(bench, images=10, pause=0.0):
    """The joyful astronaut, ten images a second by their stamps."""
    publisher = bench.publisher()
    for i in range(images):
        bench.process(publisher, stamped(astronaut(), 1000 + i // 10, i % 10 * 10**8))
        time.sleep(pause)


def ask(bench, window=5.0, track_id=0):
    return bench.call(DominantEmotion, SERVICE, DominantEmotion.Request(
        window=window, track_id=track_id))  # fmt: skip


def test_event(bench):
    bench.start(event_hold=0.5)
    events = listen(bench)
    play(bench)
    event = bench.until(lambda: events)[0]
    result = next(r for r in bench.results if r.header == event.header)
    assert event.track_id == result.faces[0].track_id
    assert (event.from_emotion, event.from_label) == (255, "uncertain")
    assert (event.to_emotion, event.to_label) == (3, "joy")
    first = next(r for r in bench.results if r.faces[0].label == "joy")
    assert event.onset == first.header.stamp
    assert event.duration == pytest.approx(0.5)
    assert 0 < event.confidence <= 1


def test_same_images_same_events_at_any_pace(context):
    told = []
    for pause in (0.0, 0.12):
        bench = Bench(context)
        try:
            bench.start(event_hold=0.3)
            events = listen(bench)
            play(bench, 8, pause)
            bench.until(lambda: events)  # noqa: B023 - called at once
            told.append(events)
        finally:
            bench.close()
    assert str(told[0]) == str(told[1]), "as text: no NaN equals another"


def test_hold_is_live(bench):
    bench.start(event_hold=60.0)
    events = listen(bench)
    publisher = bench.publisher()
    bench.process(publisher, stamped(astronaut(), 1000))
    bench.process(publisher, stamped(astronaut(), 1000, 9 * 10**8))
    bench.spin(0.3)
    assert not events
    assert bench.set("event_hold", 0.0).successful
    bench.process(publisher, stamped(astronaut(), 1001))
    bench.until(lambda: events)


def test_dominant_emotion(bench):
    bench.start()
    play(bench)
    answer = ask(bench)
    assert (answer.success, answer.message) == (True, "")
    labels = [r.faces[0].label for r in bench.results]
    assert answer.label == "joy" == EMOTIONS[answer.emotion]
    assert answer.observations == len(labels) == 10
    assert answer.share == pytest.approx(labels.count("joy") / 10)
    assert sum(answer.probabilities) == pytest.approx(1, abs=1e-5)
    assert ask(bench, 0.25).observations == 3
    assert ask(bench, track_id=1).observations == 10


def test_dominant_emotion_says_why_not(bench):
    bench.start()
    answer = ask(bench, 5.0)
    assert (answer.success, answer.message) == (False, "no face seen in the last 5 s")
    bench.process(bench.publisher(), stamped(blank(), 1000))
    assert ask(bench, 5.0, 7).message == "face 7 not seen in the last 5 s"
    for window in (0.0, 61.0, float("nan")):
        answer = ask(bench, window)
        assert not answer.success
        assert answer.message.startswith("window must be over 0 and at most 60 s")


@pytest.mark.parametrize("how", ["reset", "reload", "deactivate"])
def test_forgets(bench, how):
    """What another model said is forgotten with it, too."""
    bench.start()
    play(bench, 3)
    assert ask(bench).success
    if how == "deactivate":
        assert bench.transition("deactivate")
    else:
        assert bench.call(Trigger, f"emotion_node/{how}", Trigger.Request()).success
    bench.until(lambda: not ask(bench).success)
