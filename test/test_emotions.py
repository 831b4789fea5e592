# SPDX-License-Identifier: Apache-2.0
import pytest

from fer_ros.emotions.classes import COLOURS, EMOTIONS, UNCERTAIN, label_of


def test_order_is_that_of_fer_2013():
    assert EMOTIONS == ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")


def test_every_label_has_a_colour_of_its_own():
    assert set(COLOURS) == {*EMOTIONS, "uncertain"}
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_label_of():
    assert [label_of(i) for i in range(7)] == list(EMOTIONS)
    assert label_of(UNCERTAIN) == "uncertain"
    for number in (-1, 7, 254):
        with pytest.raises(ValueError, match=str(number)):
            label_of(number)


def test_message_constants_agree(repository):
    text = (repository / "msg" / "FaceEmotion.msg").read_text()
    for number, name in enumerate(EMOTIONS):
        assert f"uint8 {name.upper()}={number}" in text
    assert f"uint8 UNCERTAIN={UNCERTAIN}" in text
