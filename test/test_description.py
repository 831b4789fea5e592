# SPDX-License-Identifier: Apache-2.0
"""The sentence for a language model: its words, and asked of a node in another process."""

import re
import signal
from dataclasses import replace
from string import Formatter

import numpy as np
import pytest
from node_helpers import astronaut, blank, parameters, stamped
from std_msgs.msg import String
from std_srvs.srv import Trigger

from fer_ros.emotions.classes import EMOTIONS, UNCERTAIN
from fer_ros.interaction.description import MAX_NAMED, WORDS, Narrator
from fer_ros.result import UNKNOWN_POSE, Box, FaceEmotion, HeadPose

JOY, NEUTRAL = 3, 6
P = np.full(7, 1 / 7, np.float32)
FACE = FaceEmotion(
    1, Box(0, 0, 9, 9), 0.9, NEUTRAL, P, P,
    pose=HeadPose(0.0, 0.0, 0.0), facing=True, distance=1.2, engagement=3,
)  # fmt: skip
SMILING = replace(FACE, emotion=JOY)
AWAY = replace(FACE, pose=HeadPose(0.0, 0.0, 1.0), facing=False)


def sentence(*spells, language="en"):
    """After so many seconds of these faces, ten images a second: (seconds, face, ...)."""
    narrator, image = Narrator(), 0
    for seconds, *faces in spells:
        for _ in range(round(10 * seconds)):
            narrator.update(faces, {face.track_id for face in faces}, image / 10)
            image += 1
    return narrator.sentence(language)


def test_the_whole():
    assert sentence((4, FACE), (4.1, SMILING)) == (
        "One person, 1.2 m away, facing the robot for 8 s, smiling for 4 s; before that neutral."
    )


def test_in_another_language():
    assert sentence((4, FACE), (4.1, SMILING), language="de") == (
        "Eine Person, 1,2 m entfernt, dem Roboter zugewandt seit 8 s, lächelt seit 4 s; "
        "davor neutral."
    )


def test_nobody():
    assert Narrator().sentence() == sentence((3, FACE), (0.1,)) == "Nobody is in view."


def test_turned_away():
    text = sentence((3, AWAY))
    assert "turned away for 3 s" in text
    assert "facing" not in text


def test_says_nothing_of_what_is_not_known():
    unknown = replace(FACE, pose=UNKNOWN_POSE, facing=False, distance=np.nan)
    assert sentence((3.1, unknown)) == "One person, neutral for 3 s."


def test_who_has_just_come():
    assert sentence((0.1, FACE)) == "One person, 1.2 m away."


def test_a_flicker_is_passed_over():
    assert sentence((4, FACE), (0.3, SMILING), (3.8, FACE)) == sentence((8.1, FACE))


def test_a_glance_aside_is_passed_over():
    assert sentence((4, FACE), (0.3, AWAY), (3.8, FACE)) == sentence((8.1, FACE))


def test_uncertain_is_said_and_is_no_past():
    unsure = replace(FACE, emotion=UNCERTAIN)
    text = sentence((4, FACE), (3, unsure))
    assert "showing no clear expression for 3 s; before that neutral" in text
    assert sentence((4, FACE), (3, unsure), (3.1, SMILING)).endswith(
        "smiling for 3 s; before that neutral."
    )


def test_the_most_engaged_and_nearest_first():
    near = replace(AWAY, track_id=2, distance=0.8, engagement=1)
    assert sentence((4.1, near, FACE)) == (
        "2 people: the first 1.2 m away, facing the robot for 4 s, neutral for 4 s; "
        "another 0.8 m away, turned away for 4 s, neutral for 4 s."
    )


def test_a_crowd_is_counted():
    crowd = [replace(FACE, track_id=i + 1) for i in range(9)]
    text = sentence((4, *crowd))
    assert text.startswith("9 people")
    assert text.endswith(f"; {9 - MAX_NAMED} more.")
    assert text.count("m away") == MAX_NAMED


def test_reset_forgets():
    narrator = Narrator()
    narrator.update([FACE], {1}, 0.0)
    narrator.reset()
    assert narrator.sentence() == "Nobody is in view."


def fields(text):
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name)


@pytest.mark.parametrize("language", WORDS)
def test_every_language_has_every_word(language):
    assert WORDS[language].keys() == WORDS["en"].keys() >= {*EMOTIONS, "uncertain"}
    for key, text in WORDS[language].items():
        assert fields(text) == fields(WORDS["en"][key]), key


@pytest.mark.parametrize("language", WORDS)
def test_never_says_what_somebody_feels(language):
    text = " ".join(WORDS[language].values()).lower()
    assert not re.search(r"\b(feel|felt|is angry|is sad|is happy|emotion|fühl|ist traurig)", text)


def test_asked_of_a_node(meet, start):
    """On the topic and by the service of emotion_node in a process of its own."""
    node = start("emotion_node", *parameters(context_period=0.5))
    node.wait_for("listening")
    bench = meet()
    described = []
    bench.node.create_subscription(String, "context", described.append, 10)

    def ask():
        return bench.call(Trigger, "emotion_node/context", Trigger.Request())

    answer = ask()
    assert (answer.success, answer.message) == (False, "no image yet")
    camera = bench.publisher()
    bench.until(lambda: bench.node.count_publishers("context"))

    def show(picture, begin, images):
        for i in range(images):
            bench.process(camera, stamped(picture, begin + i // 10, i % 10 * 10**8))

    show(astronaut(), 1000, 41)
    bench.until(lambda: described, "a sentence")
    answer = ask()
    assert answer.success
    assert answer.message == "One person, facing the robot for 4 s, smiling for 4 s."
    assert described[-1].data.startswith("One person")
    assert len(described) <= 9, "no more than one in half a second"
    assert bench.set("language", "de").successful
    show(astronaut(), 1005, 1)
    assert ask().message.startswith("Eine Person, dem Roboter zugewandt")
    assert bench.set("language", "en").successful
    show(blank(480, 640), 1007, 21)
    assert ask().message == "Nobody is in view."
    answer = bench.until(lambda: not (answer := ask()).success and answer, "stale words withheld")
    assert re.fullmatch(r"no image for \d+ s", answer.message)
    node.signal(signal.SIGINT)
    assert node.wait() == 0
