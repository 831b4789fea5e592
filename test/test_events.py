# SPDX-License-Identifier: Apache-2.0
"""Changes of expression that held, and the dominant one, by stamps alone."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_ros.emotions.classes import EMOTIONS, UNCERTAIN
from fer_ros.faces.quality import Flag
from fer_ros.interaction import events
from fer_ros.interaction.events import MAX_WINDOW, Event, EventDetector, ExpressionHistory
from fer_ros.interaction.rules import DEFAULT, Rule, read_rules
from fer_ros.result import Box, FaceEmotion

ANGER, JOY, NEUTRAL = 0, 3, 6
SECOND = 10**9


def plain(hold):
    """Every expression is told after so many seconds without any other in between."""
    return dict.fromkeys([*range(7), UNCERTAIN], Rule(hold, majority=1.0))


def face(emotion, track_id=1, confidence=0.7):
    p = np.full(7, (1 - confidence) / 6, np.float32)
    p[0 if emotion == UNCERTAIN else emotion] = confidence
    return FaceEmotion(track_id, Box(0, 0, 9, 9), 0.9, emotion, p, p)


def play(emotions, hold=0.5, rate=10, start=0):
    """The events of one face that shows these, image by image."""
    detector = EventDetector(plain(hold))
    stamps = [start + i * SECOND // rate for i in range(len(emotions))]
    pairs = zip(emotions, stamps, strict=True)
    return [e for emotion, t in pairs for e in detector.update([face(emotion)], {1}, t)]


def test_an_expression_that_holds_is_told_once():
    (event,) = play([JOY] * 20)
    valence = pytest.approx(0.7 * 0.8 - 0.05 * 2.1)
    assert event == Event(1, UNCERTAIN, JOY, 0, pytest.approx(0.7), SECOND // 2, valence=valence)


def test_from_one_to_the_next_with_its_onset():
    first, second = play([JOY] * 10 + [ANGER] * 10, start=7 * SECOND)
    assert (first.from_emotion, first.to_emotion) == (UNCERTAIN, JOY)
    assert (second.from_emotion, second.to_emotion) == (JOY, ANGER)
    assert second.onset == 8 * SECOND


def test_a_flicker_is_passed_over():
    assert len(play([JOY] * 10 + [ANGER] * 4 + [JOY] * 20)) == 1


def test_a_hold_begins_anew_after_a_flicker():
    events = play([JOY] * 10 + [ANGER] * 4 + [JOY] + [ANGER] * 10)
    assert [e.onset for e in events] == [0, 15 * SECOND // 10]


def test_uncertain_is_an_expression_that_may_hold_but_not_a_first_one():
    assert play([UNCERTAIN] * 20) == []
    assert [e.to_emotion for e in play([JOY] * 10 + [UNCERTAIN] * 10)] == [JOY, UNCERTAIN]


def test_without_hold_every_change_is_told_at_once():
    events = play([JOY, ANGER, JOY], hold=0)
    assert [(e.to_emotion, e.duration) for e in events] == [(JOY, 0), (ANGER, 0), (JOY, 0)]


def test_stamps_that_stand_still_hold_nothing():
    detector = EventDetector(plain(0.5))
    assert not any(detector.update([face(JOY)], {1}, 0) for _ in range(100))


def test_a_face_missed_for_an_image_goes_on_holding():
    detector = EventDetector(plain(0.5))
    detector.update([face(JOY)], {1}, 0)
    detector.update([], {1}, SECOND // 4)
    (event,) = detector.update([face(JOY)], {1}, SECOND)
    assert event.onset == 0


def test_a_face_that_is_gone_is_forgotten():
    detector = EventDetector(plain(0.5))
    detector.update([face(JOY)], {1}, 0)
    detector.update([], set(), SECOND // 4)
    assert detector.update([face(JOY)], {1}, SECOND) == []


def test_faces_do_not_mix():
    detector = EventDetector(plain(0.5))
    shown = [face(JOY, 1), face(ANGER, 2)]
    assert detector.update(shown, {1, 2}, 0) == []
    events = detector.update(shown, {1, 2}, SECOND)
    assert [(e.track_id, e.to_emotion) for e in events] == [(1, JOY), (2, ANGER)]


def test_confidence_is_the_mean_since_the_onset():
    detector = EventDetector(plain(1.0))
    events = []
    for t, emotion, confidence in ((0, ANGER, 0.9), (1, JOY, 0.5), (2, JOY, 0.7)):
        events += detector.update([face(emotion, 1, confidence)], {1}, t * SECOND)
    assert events[-1].confidence == pytest.approx(0.6)


@given(st.lists(st.sampled_from([ANGER, JOY, NEUTRAL, UNCERTAIN]), max_size=60), st.floats(0, 2))
def test_events_form_a_chain(emotions, hold):
    """Each begins where the last one ended, says something new, and has held."""
    before = UNCERTAIN
    for event in play(emotions, hold):
        assert event.from_emotion == before != event.to_emotion
        assert event.duration >= hold * SECOND
        before = event.to_emotion


def history(*emotions, rate=10, track_id=1):
    result = ExpressionHistory()
    for i, emotion in enumerate(emotions):
        result.add([face(emotion, track_id)], (rate + i) * SECOND // rate)
    return result


def test_dominant_expression_of_a_window():
    past = history(*[JOY] * 30, *[ANGER] * 20)
    whole, recent = past.dominant(10), past.dominant(1.95)
    assert (whole.emotion, whole.share, whole.observations) == (JOY, 0.6, 50)
    assert (recent.emotion, recent.share, recent.observations) == (ANGER, 1.0, 20)
    assert whole.probabilities.dtype == np.float32
    assert whole.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert whole.probabilities.argmax() == JOY


def test_window_includes_its_ends():
    assert history(*[JOY] * 30).dominant(1).observations == 11


def test_dominant_of_one_face():
    past = history(*[JOY] * 5)
    past.add([face(JOY, 1), face(ANGER, 2)], 2 * SECOND)
    assert past.dominant(5, 2).emotion == ANGER
    assert past.dominant(5, 9) is None


def test_uncertain_dominates_only_as_a_majority():
    assert history(*[UNCERTAIN] * 3, JOY).dominant(5).emotion == UNCERTAIN
    assert history(UNCERTAIN, JOY).dominant(5).emotion == JOY


def test_nobody():
    past = ExpressionHistory()
    assert past.dominant(5) is None
    past.add([face(JOY)], SECOND)
    past.add([], 10 * SECOND)
    assert past.dominant(5) is None


@pytest.mark.parametrize("window", [0, -1, MAX_WINDOW * 1.01, float("nan"), float("inf")])
def test_refuses_a_window(window):
    with pytest.raises(ValueError, match="window"):
        history(JOY).dominant(window)


def test_remembers_no_longer_than_it_may():
    past = history(*[JOY] * 100, rate=1)
    assert past.dominant(MAX_WINDOW).observations == len(past) == 61


def test_an_image_that_comes_late_is_left_out():
    past = history(*[JOY] * 10)
    past.add([face(ANGER)], SECOND // 2)
    assert past.dominant(60).observations == 10


@pytest.mark.parametrize("stamp", [0, SECOND])
def test_stamps_that_stand_still_pile_up_nothing(stamp):
    past = ExpressionHistory()
    for _ in range(100):
        past.add([face(JOY)], stamp)
    assert len(past) <= 1


# A rule for each expression


def test_rules_are_read_as_they_are_written():
    rules = read_rules("joy hold=0.3 confidence=0.6; anger majority=1")
    assert rules[JOY] == Rule(0.3, Rule().majority, 0.6)
    assert rules[ANGER] == Rule(majority=1.0)
    assert rules[NEUTRAL] == rules[UNCERTAIN] == Rule()
    assert read_rules("") == dict.fromkeys([*range(7), UNCERTAIN], Rule())
    assert {rule.hold for rule in read_rules(DEFAULT, 2.0).values()} == {2.0}
    assert set(read_rules(DEFAULT)) == {*range(7), UNCERTAIN}
    assert read_rules(DEFAULT)[JOY].hold < read_rules(DEFAULT)[ANGER].hold


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("happy hold=1", "unknown expression happy: choose anger"),
        ("joy hold=soon", "joy hold=soon: write hold=0 to 60"),
        ("joy hold=61", "hold=0 to 60, majority=0 to 1"),
        ("joy hold=nan", "joy hold=nan"),
        ("joy 0.5", "joy 0.5"),
        ("joy patience=1", "joy patience=1"),
    ],
)
def test_rules_that_say_nothing(text, message):
    with pytest.raises(ValueError, match=re.escape(message)) as raised:
        read_rules(text)
    assert "\n" not in str(raised.value)


def ruled(text, emotions, confidence=0.7, rate=10):
    detector = EventDetector(read_rules(text))
    shown = [(face(e, confidence=confidence), i * SECOND // rate) for i, e in enumerate(emotions)]
    return [e for f, t in shown for e in detector.update([f], {1}, t)]


def test_each_expression_has_its_own_hold():
    rules = "joy hold=0.3; anger hold=1.5"
    assert ruled(rules, [JOY] * 4)
    assert not ruled(rules, [ANGER] * 15)
    (event,) = ruled(rules, [ANGER] * 16)
    assert event.duration == 1.5 * SECOND


def test_a_majority_forgives_a_flicker():
    flickers = [JOY] * 5 + [NEUTRAL] + [JOY] * 5
    (event,) = ruled("joy hold=1 majority=0.8", flickers)
    assert (event.onset, event.duration) == (0, SECOND)
    assert not ruled("joy hold=1 majority=1", flickers)
    assert not ruled("joy hold=1 majority=0.8; neutral hold=9", [JOY, NEUTRAL] * 10)


def test_confidence_is_asked_for_in_the_mean():
    assert not ruled("joy hold=0.5 confidence=0.8", [JOY] * 20)
    assert ruled("joy hold=0.5 confidence=0.6", [JOY] * 20)


def test_what_was_told_does_not_count_for_what_comes_next():
    """After a minute of neutral and a joy of a second, one neutral image is no majority."""
    rules = "joy hold=0.3 majority=0.6; neutral hold=0.3 majority=0.6"
    events = ruled(rules, [NEUTRAL] * 600 + [JOY] * 10 + [NEUTRAL] * 2)
    assert [e.to_emotion for e in events] == [NEUTRAL, JOY]


# Against the face's own usual expression


def mixed(flags=0, **shares):
    """A face with these probabilities, the rest spread evenly."""
    p = np.full(7, (1 - sum(shares.values())) / (7 - len(shares)), np.float32)
    for name, share in shares.items():
        p[EMOTIONS.index(name)] = share
    return FaceEmotion(1, Box(0, 0, 9, 9), 0.9, int(p.argmax()), p, p, quality_flags=flags)


def against_usual(*parts, rate=10):
    """The relative events of (seconds, face) after one another: (second, to)."""
    detector = EventDetector(read_rules(DEFAULT), relative=True)
    told, image = [], 0
    for length, shown in parts:
        for _ in range(round(length * rate)):
            told += detector.update([shown], {1}, image * SECOND // rate)
            image += 1
    return [(e.onset / SECOND, e.to_emotion) for e in told if e.relative]


SAD, LESS = mixed(sadness=0.6, neutral=0.3), mixed(sadness=0.45, neutral=0.45)


def test_a_face_that_always_looks_sad_shows_nothing_new():
    assert against_usual(*[(2, SAD), (2, LESS)] * 15) == []


def test_a_smile_stands_out_though_it_is_not_the_label():
    smile = mixed(sadness=0.45, joy=0.4)
    assert smile.label == "sadness"
    (began, to), (ended, back) = against_usual((20, SAD), (2, smile), (5, SAD))
    assert (to, back) == (JOY, UNCERTAIN)
    assert (began, ended) == (20, 22)


def test_nothing_is_usual_before_it_is_known():
    assert against_usual((5, SAD), (3, mixed(joy=0.9))) == []


def test_who_smiles_for_minutes_smiles_as_usual():
    (_, to), (ended, back) = against_usual((20, SAD), (120, mixed(joy=0.6, sadness=0.2)))
    assert (to, back) == (JOY, UNCERTAIN)
    assert 30 < ended < 80


def test_talk_is_no_change():
    mouth = mixed(surprise=0.7, flags=int(Flag.TALKING))
    assert against_usual((20, SAD), (5, mouth), (5, SAD)) == []


def whole_search(readings, held, rule):
    """(onset, mean confidence), or None, by counting anew from each reading: [(stamp, emotion,
    confidence)], the oldest first.
    """
    now, emotion, _ = readings[-1]
    alike, total = 0, 0.0
    for count, (stamp, other, sure) in enumerate(reversed(readings), 1):
        if other != emotion or emotion == held:
            continue
        alike, total = alike + 1, total + sure
        long_enough = now - stamp >= rule.hold * SECOND
        if long_enough and alike >= rule.majority * count and total >= rule.confidence * alike:
            return stamp, total / alike
    return None


@given(
    st.lists(
        st.tuples(st.sampled_from([JOY, ANGER]), st.sampled_from([0.25, 0.5, 0.875])), max_size=50
    ),
    st.floats(0, 2),
    st.floats(0, 1),
    st.sampled_from([0.0, 0.5, 0.75]),
)
def test_running_counts_tell_what_counting_anew_tells(shown, hold, majority, confidence):
    rule = Rule(hold, majority, confidence)
    detector = EventDetector(dict.fromkeys([JOY, ANGER], rule))
    readings, held = [], UNCERTAIN
    for i, (emotion, sure) in enumerate(shown):
        stamp = i * SECOND // 10
        readings.append((stamp, emotion, sure))
        while len(readings) > 2 and readings[1][0] < stamp - int(2 * SECOND * hold):
            del readings[0]
        wanted = whole_search(readings, held, rule)
        events = detector.update([face(emotion, confidence=sure)], {1}, stamp)
        assert [e.onset for e in events] == ([wanted[0]] if wanted else [])
        if wanted:
            held = emotion
            assert events[0].confidence == pytest.approx(wanted[1])
            readings = [r for r in readings if r[0] >= wanted[0]]


def test_a_long_hold_with_changing_labels_looks_at_few_readings(monkeypatch):
    """Two minutes of readings are not counted anew at every image: that took 11 ms of it."""
    looked_at = []

    class Counted(events._Reading):
        @property
        def number(self):
            looked_at.append(self)
            return self[2]

    monkeypatch.setattr(events, "_Reading", Counted)
    rules = dict.fromkeys([*range(7), UNCERTAIN], Rule(hold=60))
    detector = EventDetector(rules)
    for i in range(3000):
        looked_at.clear()
        assert detector.update([face(i % 7), face(i % 3, 2)], {1, 2}, i * SECOND // 30) == []
        assert len(looked_at) <= 2 * 2
