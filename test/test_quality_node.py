# SPDX-License-Identifier: Apache-2.0
"""Quality, and what depends on it, of a running emotion_node."""

import pytest
from fer_ros.msg import EmotionEvent, FaceEmotion
from node_helpers import astronaut, stamped

from fer_ros.faces.quality import Flag


@pytest.fixture
def see(bench):
    """Starts the node with parameters: a function to the one face of an image at a time."""

    def start(**parameters):
        bench.start(**parameters)
        publisher = bench.publisher()

        def look(image, second, tenths=0):
            message = stamped(image, 1000 + second, tenths * 10**8)
            (face,) = bench.process(publisher, message).faces
            return face

        return look

    return start


def test_constants_of_the_message_are_the_flags():
    assert all(getattr(FaceEmotion, flag.name) == flag for flag in Flag)


def test_a_good_reading_says_so(see):
    look = see()
    first, later = look(astronaut(), 0), look(astronaut(), 1)
    assert first.quality_flags == FaceEmotion.JUST_APPEARED
    assert later.quality_flags == 0
    assert later.label == "joy"
    assert later.quality == pytest.approx(later.confidence, abs=1e-3)


def test_bad_light_is_said_and_lowers_quality(see):
    look = see()
    lit = look(astronaut(), 0)
    dark = look((astronaut() * 0.08).astype("uint8"), 1)
    assert dark.quality_flags & FaceEmotion.BADLY_LIT
    assert dark.quality < lit.quality


def test_min_quality_takes_the_label_and_leaves_the_probabilities(bench, see):
    look = see()
    before = look(astronaut(), 0)
    assert bench.set("min_quality", 1.0).successful
    after = look(astronaut(), 0, 1)
    assert (before.label, after.label) == ("joy", "uncertain")
    assert after.emotion == FaceEmotion.UNCERTAIN
    assert after.probabilities == pytest.approx(before.probabilities, abs=1e-3)
    assert bench.set("min_quality", 0.0).successful
    assert look(astronaut(), 0, 2).label == "joy"


def test_rules_are_live_and_refused_with_a_reason(bench, see):
    look = see(event_rules="joy hold=60")
    events = []
    bench.node.create_subscription(EmotionEvent, "emotion_events", events.append, 10)
    bench.until(lambda: bench.node.count_publishers("emotion_events"))
    look(astronaut(), 0)
    look(astronaut(), 0, 9)
    refused = bench.set("event_rules", "joi hold=1")
    assert not refused.successful
    assert "unknown expression joi: choose anger" in refused.reason
    assert bench.set("event_rules", "joy hold=0.4").successful
    look(astronaut(), 1)
    event = bench.until(lambda: events)[0]
    assert event.to_label == "joy"
    assert event.duration == pytest.approx(1.0), "what was seen before counts"
    result = next(r for r in bench.results if r.header == event.header)
    assert event.quality == pytest.approx(result.faces[0].quality)
