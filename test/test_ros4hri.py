# SPDX-License-Identifier: Apache-2.0
"""REP 155 without ROS: ids, boxes, cut-outs and names."""

import re

import numpy as np
import pytest

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.ros4hri import EXPRESSIONS, FaceIds, cut_out, normalized


def test_every_class_has_a_name_and_uncertain_has_none():
    assert tuple(EXPRESSIONS) == EMOTIONS
    assert EXPRESSIONS["anger"] == "angry"
    assert EXPRESSIONS["fear"] == "scared"
    assert EXPRESSIONS["joy"] == "happy"


def test_names_are_those_of_hri_msgs(message_package):
    expression = message_package("hri_msgs").Expression
    assert all(getattr(expression, name.upper()) == name for name in EXPRESSIONS.values())


def test_ids():
    ids = FaceIds(41)
    assert [ids.of(n) for n in (1, 2, 1)] == ["f00042", "f00043", "f00042"]
    assert re.fullmatch(r"f\d{5,}", FaceIds().of(1))


def test_another_run_has_other_ids():
    assert len({FaceIds().of(1) for _ in range(9)}) > 1


def test_normalized():
    assert normalized((0, 0, 640, 480), (480, 640, 3)) == (0, 0, 1, 1)
    assert normalized((160, 120, 320, 120), (480, 640)) == (0.25, 0.25, 0.75, 0.5)


@pytest.mark.parametrize(
    "box", [(10, 20, 60, 30), (10, 20, 30, 60), (0, 0, 200, 100), (5, 5, 1, 9)]
)
def test_cut_out_is_scaled_and_centred(box):
    image = np.full((100, 200, 3), 200, np.uint8)
    face = cut_out(image, box)
    assert (face.shape, face.dtype) == ((128, 128, 3), np.uint8)
    rows, columns = (np.flatnonzero((face > 0).any(axis=(axis, 2))) for axis in (1, 0))
    assert max(len(rows), len(columns)) == 128
    assert len(columns) / len(rows) == pytest.approx(box[2] / box[3], rel=0.1)
    for lines in (rows, columns):
        assert lines[0] == pytest.approx(127 - lines[-1], abs=1)


def test_cut_out_is_upright():
    image = np.zeros((40, 40, 3), np.uint8)
    image[:, :20] = 255
    assert cut_out(image, (0, 0, 40, 40), 90)[:60].min() == 255  # left turns up
