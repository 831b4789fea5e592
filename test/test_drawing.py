# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from result_helpers import result_of

from fer_ros.drawing import annotate
from fer_ros.emotions.classes import COLOURS, EMOTIONS, UNCERTAIN
from fer_ros.result import Box, FaceEmotion

JOY = EMOTIONS.index("joy")


def face(box, emotion=JOY, track_id=3):
    p = np.array([0.02, 0.02, 0.02, 0.86, 0.02, 0.03, 0.03], np.float32)
    return FaceEmotion(track_id, Box(*box), 0.9, emotion, p, p)


def same_colour(image, label):
    return np.abs(image.astype(int) - COLOURS[label][::-1]).max(axis=-1) < 30


@pytest.mark.parametrize("background", [0, 128, 255])
def test_draws_on_a_copy(background):
    image = np.full((480, 640, 3), background, np.uint8)
    drawn = annotate(result_of(face((200, 150, 160, 160)), image=image))
    assert (image == background).all()
    assert drawn.shape == image.shape
    assert same_colour(drawn, "joy").sum() > 1000  # box, caption and the long bar
    assert (drawn[300, 280] == background).all()  # the face itself stays visible


def test_without_faces_nothing_is_drawn_and_it_is_still_a_copy():
    image = np.full((48, 64, 3), 9, np.uint8)
    drawn = annotate(result_of(image=image))
    assert (drawn == image).all()
    assert drawn is not image


def test_bars_follow_the_probabilities():
    black = np.zeros((480, 640, 3), np.uint8)
    drawn = annotate(result_of(face((200, 150, 160, 160)), image=black))
    beside = drawn[:, 370:]
    assert same_colour(beside, "joy").sum() > 5 * same_colour(beside, "fear").sum() > 0


@pytest.mark.parametrize(
    "box",
    [(0, 0, 640, 480), (600, 440, 40, 40), (0, 0, 30, 30), (300, 0, 1, 1), (0, 479, 640, 1)],
)
@pytest.mark.parametrize("emotion", [*range(7), UNCERTAIN])
def test_any_place_and_label(box, emotion):
    drawn = annotate(result_of(face(box, emotion)))
    assert (drawn != 90).any()


@pytest.mark.parametrize("size", [(1, 1), (16, 12), (120, 160), (1080, 1920), (2160, 3840)])
def test_any_size(size):
    height, width = size
    box = (width // 4, height // 4, max(1, width // 2), max(1, height // 2))
    drawn = annotate(result_of(face(box), image=np.full((*size, 3), 90, np.uint8)))
    assert drawn.shape == (*size, 3)
    assert (drawn != 90).any()


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_turned_image_stands_upright_with_its_box(degrees):
    image = np.full((480, 640, 3), 90, np.uint8)
    image[150:310, 200:360] = 10
    drawn = annotate(result_of(face((200, 150, 160, 160)), image=image, rotate=degrees))
    assert drawn.shape[:2] == ((640, 480) if degrees in (90, 270) else (480, 640))
    dark = np.argwhere((drawn == 10).all(axis=-1))
    coloured = np.argwhere(same_colour(drawn, "joy"))
    assert coloured.min(axis=0)[1] <= dark.min(axis=0)[1]
    assert coloured.max(axis=0)[0] >= dark.max(axis=0)[0]
