# SPDX-License-Identifier: Apache-2.0
"""What makes a reading less sure: flags by picture, pose and time, and what they are worth."""

import math

import cv2
import numpy as np
import pytest

from fer_ros.faces.quality import (
    AWAY,
    DISTRACTED,
    EYES,
    LEANING,
    LIPS,
    NARROW,
    NEW,
    STRICTER,
    Flag,
    QualityMeter,
    is_trusted,
    quality_of,
)
from fer_ros.result import UNKNOWN_POSE, HeadPose

STRAIGHT = HeadPose(0.0, 0.0, 0.0)
RATES = (8, 10, 15, 30, 60)  # Hz


@pytest.fixture(scope="module")
def crop():
    """A face as the classifier sees it: 48x48 of the astronaut."""
    from photographs import photograph

    face = photograph("skimage", "data/astronaut.png")[70:190, 165:285]
    return cv2.resize(cv2.cvtColor(face, cv2.COLOR_BGR2GRAY), (48, 48), cv2.INTER_AREA)


def flags(crop, width=100, pose=STRAIGHT, points=None, now=10.0):
    """Of a face that has been there for long."""
    meter = QualityMeter()
    meter.read(1, 100, crop, STRAIGHT, None, 0.0)
    return meter.read(1, width, crop, pose, points, now).flags


def mesh(opening):
    """Points of a face whose mouth is open by so much of the eyes' distance."""
    points = np.zeros((468, 3), np.float32)
    points[EYES[1], 0] = 50
    points[LIPS[1], 1] = 50 * opening
    return points


def talks(crop, openings, rate):
    """In what share of the images after the first second a mouth that does this talks."""
    meter = QualityMeter()
    found = [
        bool(meter.read(1, 100, crop, STRAIGHT, mesh(max(o, 0)), i / rate).flags & Flag.TALKING)
        for i, o in enumerate(openings)
    ]
    return np.mean(found[rate:])


def seconds(rate, length=6.0):
    """Stamps of so many images."""
    return np.arange(round(rate * length)) / rate


def trembling(rate):
    """What the mesh adds to a mouth that keeps still: as much as on a face of 80 pixels."""
    return np.random.default_rng(0).normal(0, 0.0035, len(seconds(rate)))


def test_nothing_is_wrong_with_a_face_that_looks_here(crop):
    assert flags(crop) == 0
    assert flags(cv2.cvtColor(crop, cv2.COLOR_GRAY2RGB)) == 0, "the crop of a network that sees RGB"
    assert flags(cv2.resize(crop, (96, 96))) & ~Flag.BLURRED == 0


@pytest.mark.parametrize(
    ("pose", "expected"),
    [
        (STRAIGHT._replace(yaw=0.9 * AWAY), 0),
        (STRAIGHT._replace(yaw=-1.1 * AWAY), Flag.TURNED_AWAY),
        (STRAIGHT._replace(pitch=1.1 * AWAY), Flag.TURNED_AWAY),
        (STRAIGHT._replace(roll=1.1 * LEANING), Flag.TILTED),
        (UNKNOWN_POSE, 0),
    ],
)
def test_turned_away_and_tilted(crop, pose, expected):
    assert flags(crop, pose=pose) == expected


def test_small(crop):
    assert flags(crop, width=NARROW - 1) == Flag.SMALL


@pytest.mark.parametrize("kernel", [(9, 9), (11, 1), (1, 11)])
def test_blurred_by_focus_and_by_motion(crop, kernel):
    assert flags(cv2.blur(crop, kernel)) & Flag.BLURRED
    assert not flags(cv2.blur(crop, (2, 2))) & Flag.BLURRED


def test_badly_lit(crop):
    assert flags((crop * 0.1).astype(np.uint8)) & Flag.BADLY_LIT
    assert flags(np.clip(crop * 3.0, 0, 255).astype(np.uint8)) & Flag.BADLY_LIT
    assert not flags((crop * 0.5).astype(np.uint8)) & Flag.BADLY_LIT
    assert flags(np.zeros_like(crop)) & Flag.BADLY_LIT


@pytest.mark.parametrize("place", [np.s_[27:, :], np.s_[:, 25:]])
def test_covered_by_a_mask_or_a_hand(crop, place):
    covered = crop.copy()
    covered[place] = 150
    assert flags(covered) & Flag.COVERED


def test_just_appeared_for_a_moment(crop):
    meter = QualityMeter()
    found = [
        meter.read(1, 100, crop, STRAIGHT, None, now).flags for now in (7.0, 7.0 + NEW - 0.01, 7.5)
    ]
    assert found == [Flag.JUST_APPEARED, Flag.JUST_APPEARED, 0]
    assert meter.read(2, 100, crop, STRAIGHT, None, 8.0).flags == Flag.JUST_APPEARED
    meter.keep({2})
    assert meter.read(1, 100, crop, STRAIGHT, None, 8.0).flags == Flag.JUST_APPEARED
    meter.reset()
    assert meter.read(2, 100, crop, STRAIGHT, None, 9.0).flags == Flag.JUST_APPEARED


@pytest.mark.parametrize("rate", RATES)
def test_who_talks_is_seen_to_talk(crop, rate):
    syllables = 0.09 * (1 - np.cos(2 * np.pi * 3.1 * seconds(rate)))
    assert talks(crop, syllables + trembling(rate), rate) > 0.8


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(
    "mouth",
    [
        pytest.param(lambda t: 0.01 + 0 * t, id="shut"),
        pytest.param(lambda t: 0.12 + 0 * t, id="smile"),
        pytest.param(lambda t: 0.12 * (t > 2), id="smile that comes"),
        pytest.param(lambda t: 0.3 + 0.05 * np.sin(2 * np.pi * 4.5 * t), id="laughter"),
        pytest.param(lambda t: 0.5 * ((t > 1) & (t < 4)), id="shout"),
        pytest.param(lambda t: 0.4 * (np.abs(t - 3) < 0.2), id="one word"),
    ],
)
def test_what_stays_is_no_talk(crop, mouth, rate):
    assert talks(crop, mouth(seconds(rate)) + trembling(rate), rate) == 0


def test_talk_ends_with_the_talk(crop):
    t = seconds(15)
    openings = np.where(t < 3, 0.09 * (1 - np.cos(2 * np.pi * 3 * t)), 0.01)
    meter = QualityMeter()
    found = [
        meter.read(1, 100, crop, STRAIGHT, mesh(o), i / 15).flags for i, o in enumerate(openings)
    ]
    assert found[44] & Flag.TALKING
    assert not found[-1] & Flag.TALKING


def test_quality_is_the_confidence_where_nothing_is_wrong():
    for confidence in (0.2, 0.5, 0.9):
        assert quality_of(confidence, 0) == pytest.approx(confidence)
        assert quality_of(confidence, Flag.JUST_APPEARED) == pytest.approx(confidence)
        assert quality_of(confidence, Flag.TALKING) > confidence
    assert 0 < quality_of(0.0, 0) < quality_of(1.0, 0) < 1
    assert not math.isnan(quality_of(1.0, 255))


def test_what_lasts_must_be_surer():
    assert is_trusted(0.5, 0, 0.5)
    for flag in Flag:
        assert is_trusted(0.5, flag, 0.5) == (not flag & DISTRACTED)
        assert is_trusted(0.5 + STRICTER, flag, 0.5)
        assert is_trusted(0.0, flag, 0.0), "0: any is"


def test_who_turns_is_restless_until_he_has_turned(crop):
    meter = QualityMeter()
    yaws = [0.0] * 20 + [0.4] * 60
    found = [
        meter.read(1, 100, crop, STRAIGHT._replace(yaw=yaw), None, i / 10).restless
        for i, yaw in enumerate(yaws)
    ]
    assert found[:20] == [False] * 20
    assert all(found[20:40])
    assert not found[-1]
    assert not meter.read(1, 100, crop, UNKNOWN_POSE, None, 8.0).restless
