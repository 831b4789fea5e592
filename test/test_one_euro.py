# SPDX-License-Identifier: Apache-2.0
"""Angles and places that do not tremble and hardly lag."""

import math

import numpy as np
import pytest

from fer_ros.face_geometry import face_corners
from fer_ros.faces.one_euro import PAUSE, OneEuroFilter
from fer_ros.images.camera_model import CameraModel
from fer_ros.observation import Observation
from fer_ros.parameters import create_pipeline
from fer_ros.sources.sample import Sample

RATE = 30
CAMERA = CameraModel(np.array([[600.0, 0, 320], [0, 600.0, 240], [0, 0, 1]]))


def filtered(values, rate=RATE, angles=True):
    calm = OneEuroFilter(angles)
    rows = np.asarray(values, np.float64).reshape(len(values), -1)
    return np.array([calm.update(1, row, 1 + i / rate) for i, row in enumerate(rows)])


def test_the_tremble_of_a_still_head_falls_to_less_than_half():
    noise = np.random.default_rng(0).normal(0, np.radians(0.3), (300, 3))
    assert filtered(noise)[30:].std() < 0.4 * noise[30:].std()


@pytest.mark.parametrize(("speed", "most"), [(0.5, 0.04), (1.0, 0.03), (2.0, 0.02)])
def test_a_turning_head_hardly_lags(speed, most):
    """As the comment in FaceEmotion.msg has it; ``most``: seconds."""
    angle = speed * np.arange(30) / RATE
    behind = (angle - filtered(angle)[:, 0])[15:] / speed
    assert 0 < behind.max() < most


def test_it_goes_by_the_stamps_not_by_the_number_of_images():
    behind = []
    for rate in (15, 60):
        angle = 0.8 * np.arange(2 * rate) / rate
        behind.append(angle[-1] - filtered(angle, rate)[-1, 0])
    assert behind[0] == pytest.approx(behind[1], abs=0.01)


def test_angles_go_on_past_half_a_turn():
    angle = np.linspace(3.0, 3.4, 40)
    turned = filtered((angle + math.pi) % math.tau - math.pi)[:, 0]
    assert abs(turned).max() <= math.pi
    assert np.abs(np.unwrap(turned) - angle).max() < 0.05


def test_it_begins_anew_after_nan_and_after_a_pause_and_for_somebody_else():
    calm = OneEuroFilter()
    one, far = np.array([0.0, 1.0]), np.array([5.0, 1.0])
    assert (calm.update(1, one, 1.0) == one).all()
    assert (calm.update(1, far, 1.1) != far).any()
    assert np.isnan(calm.update(1, np.array([math.nan, 1]), 1.2)).any()
    assert (calm.update(1, far, 1.3) == far).all()
    assert (calm.update(1, one, 1.31 + PAUSE) == one).all()
    assert (calm.update(2, far, 1.32 + PAUSE) == far).all()
    assert (calm.update(1, far, 0.5) == far).all(), "time of another beginning"


def test_a_second_time_at_one_moment_changes_nothing():
    calm = OneEuroFilter()
    calm.update(1, np.zeros(2), 1.0)
    first = calm.update(1, np.ones(2), 1.1)
    assert (calm.update(1, np.full(2, 9.0), 1.1) == first).all()


def test_only_the_angles_of_the_result_are_smoothed():
    clip = [Sample()[i] for i in range(0, 40, 2)]
    pipelines = {smooth: create_pipeline(pose_smoothing=smooth) for smooth in (True, False)}
    for i, image in enumerate(clip):
        observation = Observation(image, 1 + i / 15, camera=CAMERA)
        (calm,), (raw,) = (pipelines[s].process(observation).faces for s in (True, False))
        assert calm.distance == raw.distance
        assert raw.place is None
        where = [face_corners(face, CAMERA).mean(axis=0) for face in (calm, raw)]
        assert calm.place == pytest.approx(where[0])
        assert np.abs(where[0] - where[1]).max() < 0.05
        assert calm.box == raw.box
        assert (calm.facing, calm.engagement) == (raw.facing, raw.engagement)
        assert (calm.quality, calm.quality_flags) == (raw.quality, raw.quality_flags)
        assert np.array_equal(calm.raw_probabilities, raw.raw_probabilities)
        assert np.abs(np.subtract(calm.pose, raw.pose)).max() < 0.1
    assert calm.pose != raw.pose
    assert (where[0] != where[1]).any()
