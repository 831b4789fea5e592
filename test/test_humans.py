# SPDX-License-Identifier: Apache-2.0
"""REP 155 without ROS: ids, boxes, cut-outs and names."""

import re

import numpy as np
import pytest

from fer_ros.emotions.classes import EMOTIONS, HRI_EXPRESSIONS
from fer_ros.faces.crop import cut_out
from fer_ros.nodes.sinks.base import FaceIds
from fer_ros.result import Box


def test_every_class_has_a_name_and_uncertain_has_none():
    assert tuple(HRI_EXPRESSIONS) == EMOTIONS
    assert HRI_EXPRESSIONS["anger"] == "angry"
    assert HRI_EXPRESSIONS["fear"] == "scared"
    assert HRI_EXPRESSIONS["joy"] == "happy"


def test_names_are_those_of_hri_msgs(message_package):
    expression = message_package("hri_msgs").Expression
    assert all(getattr(expression, name.upper()) == name for name in HRI_EXPRESSIONS.values())


def test_ids():
    ids = FaceIds()
    assert ids.of(1) == ids.of(1) != ids.of(2)
    assert re.fullmatch(r"f[0-9a-f]{8}_1", ids.of(1))


def test_another_run_has_other_ids():
    assert len({FaceIds().of(1) for _ in range(9)}) == 9


@pytest.mark.parametrize(
    "box", [(10, 20, 60, 30), (10, 20, 30, 60), (0, 0, 200, 100), (5, 5, 1, 9)]
)
def test_cut_out_is_scaled_and_centred(box):
    image = np.full((100, 200, 3), 200, np.uint8)
    face = cut_out(image, Box(*box), 128)
    assert (face.shape, face.dtype) == ((128, 128, 3), np.uint8)
    rows, columns = (np.flatnonzero((face > 0).any(axis=(axis, 2))) for axis in (1, 0))
    assert max(len(rows), len(columns)) == 128
    assert len(columns) / len(rows) == pytest.approx(box[2] / box[3], rel=0.1)
    for lines in (rows, columns):
        assert lines[0] == pytest.approx(127 - lines[-1], abs=1)
