# SPDX-License-Identifier: Apache-2.0
import json

import numpy as np
import pytest
from conftest import write_csv
from fer_training.cli import main
from fer_training.robustness import disturbances, render, robustness

ALL = [pytest.param(f, id=f"{kind} {level}") for kind, level, f in disturbances()]


@pytest.mark.parametrize("disturb", ALL)
def test_a_disturbance_changes_the_face_and_only_by_its_generator(disturb, training):
    image = training.images[0].copy()
    one, again = (disturb(image, np.random.default_rng(3)) for _ in range(2))
    assert (one.shape, one.dtype) == ((48, 48), np.uint8)
    np.testing.assert_array_equal(one, again)
    np.testing.assert_array_equal(image, training.images[0])  # its argument is left alone
    assert (one != image).any()


def named(kind, level):
    return next(f for k, name, f in disturbances() if (k, name) == (kind, level))


def test_disturbances_do_what_they_say():
    grey, random = np.full((48, 48), 100, np.uint8), np.random.default_rng(0)
    assert named("gamma", "0.5")(grey, random).mean() > 150  # brighter
    assert named("gamma", "2")(grey, random).mean() < 50
    covered = named("covered", "a quarter")(grey, random) != grey
    assert covered.mean() == 0.25
    light = named("side light, dark side at", "10%")(grey, random).mean(axis=0)
    assert sorted((light[0], light[-1])) == [10, 100]
    dot = np.zeros((48, 48), np.uint8)
    dot[24, 24] = 255
    y, x = np.unravel_index(named("box shifted", "20%")(dot, random).argmax(), dot.shape)
    assert np.hypot(y - 24, x - 24) == pytest.approx(9.6, abs=1)
    square = np.zeros((48, 48), np.uint8)
    square[12:36, 12:36] = 255
    assert (named("box scaled", "120%")(square, random) > 128).mean() < 0.2  # was 0.25
    steps = np.tile(np.arange(48, dtype=np.uint8) % 2 * 255, (48, 1))
    assert named("resolution in pixels", "16")(steps, random).std() < 40


def test_measures_and_draws_every_condition(run, tmp_path, training, validation, capsys):
    csv = write_csv(tmp_path / "fer2013.csv", training, validation)
    words = ["robustness", "--csv", str(csv), "--model", str(run / "last.keras")]
    assert main([*words, "--out", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "robustness.json").read_text())
    assert sum(len(levels) for levels in found["conditions"].values()) == len(ALL)
    assert f"{found['clean']:9.2%}" in capsys.readouterr().out
    assert (tmp_path / "robustness.png").stat().st_size > 5000


def test_points_lost_are_against_the_undisturbed():
    text = render({"clean": 0.68, "conditions": {"gamma": {"2": 0.655}}})
    assert text.splitlines()[-1].split() == ["gamma:", "2", "65.50%", "2.5"]


def test_every_model_meets_the_same_faces(run, training):
    few = training.select(np.arange(5))
    assert robustness(run / "last.keras", few) == robustness(run / "last.keras", few)
