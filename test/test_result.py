# SPDX-License-Identifier: Apache-2.0
"""A face and a result as plain values: the message's fields, for JSON and for tables."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from result_helpers import result_of

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.result import FACE_FIELDS, Box, FaceEmotion, HeadPose

P = np.array([0.02, 0.02, 0.02, 0.86, 0.02, 0.03, 0.03], np.float32)
RAW = P[::-1].copy()
FACE = FaceEmotion(4, Box(10, 20, 30, 40), 0.9, 3, P, RAW, pose=HeadPose(0.1, 0.2, 0.3))


@pytest.mark.ros
def test_a_face_has_the_fields_of_the_message():
    message = pytest.importorskip("fer_ros.msg").FaceEmotion
    assert tuple(message.get_fields_and_field_types()) == FACE_FIELDS


def test_a_face_as_json_has_it():
    found = json.loads(json.dumps(FACE.to_dict(), allow_nan=False))
    assert tuple(found) == FACE_FIELDS
    assert found["roi"] == {"x_offset": 10, "y_offset": 20, "width": 30, "height": 40}
    assert (found["label"], found["yaw"], found["track_id"]) == ("joy", 0.3, 4)
    assert found["probabilities"] == pytest.approx(P.tolist())
    unknown = ("quality", "distance")
    assert [found[name] for name in unknown] == [None, None]


def test_results_of_equal_images_are_equal_whatever_they_took():
    one, two = (replace(result_of(FACE), timings={"detect": t}, now=t) for t in (0.1, 0.2))
    assert one.to_dict() == two.to_dict()
    assert (one.to_dict()["image_width"], len(one.to_dict()["faces"])) == (640, 1)


def test_records_are_flat():
    (row,) = result_of(FACE).to_records()
    assert [row[name] for name in ("track_id", "x", "y", "width", "height")] == [4, 10, 20, 30, 40]
    assert row["joy"] == pytest.approx(0.86)
    assert [row[f"raw_{name}"] for name in EMOTIONS] == pytest.approx(RAW.tolist())
    assert not [value for value in row.values() if isinstance(value, dict | list)]
    assert math.isclose(row["roll"], 0.1)
    assert result_of().to_records() == []


def test_a_short_text_without_pixels():
    assert repr(FACE) == "FaceEmotion(4: joy 86%, 30x40 at 10,20)"
    assert repr(result_of(FACE)) == "Result(joy 86%; 640x480)"
    assert repr(result_of()) == "Result(no face; 640x480)"
