# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from fer_ros.emotions.classes import COLOURS, EMOTIONS, UNCERTAIN, VALENCE, label_of, valence_of


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


def test_valence_is_the_maps_where_a_class_is_certain():
    for number, valence in enumerate(VALENCE):
        assert valence_of(np.eye(7)[number]) == valence
    assert -1 <= min(VALENCE) < 0 < VALENCE[EMOTIONS.index("joy")] <= 1
    assert valence_of(np.full(7, 1 / 7)) == pytest.approx(sum(VALENCE) / 7)
