# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from fer_ros.emotions.classes import EMOTIONS, UNCERTAIN
from fer_ros.emotions.smoothing import Smoother

ANGER, JOY, NEUTRAL = (EMOTIONS.index(n) for n in ("anger", "joy", "neutral"))


def spread(**shares):
    """Seven probabilities: the named shares, the rest evenly among the other classes."""
    rest = (1 - sum(shares.values())) / (len(EMOTIONS) - len(shares))
    return np.array([shares.get(n, rest) for n in EMOTIONS], np.float32)


def test_first_image_counts_whole():
    probabilities, emotion = Smoother().update(1, spread(joy=0.9), 0.0)
    assert emotion == JOY
    np.testing.assert_allclose(probabilities, spread(joy=0.9), atol=1e-6)


def test_time_constant_means_63_percent():
    smoother = Smoother(time_constant=0.5)
    smoother.update(1, spread(anger=1.0), 0.0)
    probabilities, _ = smoother.update(1, spread(joy=1.0), 0.5)
    assert probabilities[JOY] == pytest.approx(1 - np.exp(-1), abs=1e-6)
    assert probabilities.sum() == pytest.approx(1, abs=1e-6)
    assert probabilities.dtype == np.float32


def test_it_can_be_made_slower_for_an_image_but_not_where_nothing_is_smoothed():
    for time_constant, share in ((0.5, 1 - np.exp(-0.25)), (3.0, 1 - np.exp(-1 / 6)), (0.0, 1.0)):
        smoother = Smoother(time_constant)
        smoother.update(1, spread(anger=1.0), 0.0)
        probabilities, _ = smoother.update(1, spread(joy=1.0), 0.5, at_least=2.0)
        assert probabilities[JOY] == pytest.approx(share, abs=1e-6)


@pytest.mark.parametrize("rate", [5, 30, 120])
def test_result_does_not_depend_on_the_frame_rate(rate):
    smoother = Smoother(time_constant=0.4)
    smoother.update(1, spread(anger=1.0), 0.0)
    for i in range(1, rate + 1):
        probabilities, _ = smoother.update(1, spread(joy=1.0), i / rate)
    assert probabilities[JOY] == pytest.approx(1 - np.exp(-1 / 0.4), abs=1e-5)


def test_no_smoothing_at_zero():
    smoother = Smoother(time_constant=0)
    smoother.update(1, spread(anger=1.0), 0.0)
    probabilities, emotion = smoother.update(1, spread(joy=0.9), 0.001)
    assert emotion == JOY
    assert probabilities[JOY] == pytest.approx(0.9)


def test_label_changes_only_past_the_hysteresis():
    smoother = Smoother(time_constant=0, hysteresis=0.1, uncertain_below=0.3)
    assert smoother.update(1, spread(joy=0.5, neutral=0.4), 0.0)[1] == JOY
    assert smoother.update(1, spread(joy=0.42, neutral=0.48), 0.1)[1] == JOY
    assert smoother.update(1, spread(joy=0.36, neutral=0.5), 0.2)[1] == NEUTRAL
    assert smoother.update(1, spread(joy=0.48, neutral=0.42), 0.3)[1] == NEUTRAL


def test_label_flickers_less_than_the_images():
    random = np.random.default_rng(0)
    smoother = Smoother()
    raw, labels = [], []
    for i in range(300):
        share = 0.45 + random.normal(0, 0.12)
        p = spread(joy=share, neutral=0.9 - share)
        raw.append(int(p.argmax()))
        labels.append(smoother.update(1, p, i / 30)[1])
    assert np.count_nonzero(np.diff(raw)) > 50
    assert np.count_nonzero(np.diff(labels)) < 6


def test_uncertain_under_the_threshold_and_back():
    smoother = Smoother(time_constant=0, uncertain_below=0.4)
    assert smoother.update(1, spread(joy=0.39), 0.0)[1] == UNCERTAIN
    assert smoother.update(1, spread(joy=0.41), 0.1)[1] == JOY
    assert smoother.update(1, spread(joy=0.39), 0.2)[1] == UNCERTAIN


def test_a_label_that_is_itself_uncertain_gives_way():
    smoother = Smoother(time_constant=0, hysteresis=0.3, uncertain_below=0.4)
    assert smoother.update(1, spread(joy=0.5), 0.0)[1] == JOY
    assert smoother.update(1, spread(joy=0.3, anger=0.45), 0.1)[1] == ANGER


def test_tracks_are_apart_and_forgotten():
    smoother = Smoother(time_constant=10)
    smoother.update(1, spread(joy=1.0), 0.0)
    assert smoother.update(2, spread(anger=1.0), 0.1)[1] == ANGER
    smoother.keep({2})
    assert smoother.update(1, spread(anger=1.0), 0.2)[1] == ANGER
    smoother.reset()
    assert smoother.update(2, spread(joy=1.0), 0.3)[1] == JOY


def test_what_it_gives_is_not_changed_later():
    smoother = Smoother()
    raw = spread(joy=0.8)
    first, _ = smoother.update(1, raw, 0.0)
    kept = first.copy()
    smoother.update(1, spread(anger=0.8), 0.5)
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(raw, spread(joy=0.8))
