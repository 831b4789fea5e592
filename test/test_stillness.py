# SPDX-License-Identifier: Apache-2.0
"""What never moves is STILL, and wants nothing."""

import math
import re

import numpy as np
import pytest
from source_files import REPOSITORY

from fer_ros.faces.quality import Flag
from fer_ros.faces.stillness import WINDOW, Stillness
from fer_ros.interaction.engagement import DISENGAGED, ENGAGED
from fer_ros.observation import Observation
from fer_ros.parameters import create_pipeline
from fer_ros.sources.sample import Sample

RATE = 10.0


def points(seed=0) -> np.ndarray:
    """Of a face whose eyes are 60 pixels apart, under the mesh's trembling."""
    found = np.random.default_rng(7).uniform(0, 100, (468, 3)).astype(np.float32)
    lids = {159: (25, 27), 145: (25, 33), 386: (75, 27), 374: (75, 33)}
    others = {33: (20, 30), 263: (80, 30), 13: (50, 80), 14: (50, 82), 1: (50, 55)}
    for index, place in (lids | others).items():
        found[index] = (*place, 0)
    return found + np.random.default_rng(seed).normal(0, 0.02, found.shape)


def shifted(by):
    return lambda p: p + np.float32([by, 0, 0])


def opened(by):
    def change(p):
        p[14, 1] += by
        return p

    return change


def blinking(p):
    p[[145, 374], 1] -= 4
    return p


def nodding(p):
    p[1, 1] += 3
    return p


def watch(stillness, seconds, change=lambda p: p, start=0.0):
    return [
        stillness.see(change(points(i)), start + i / RATE) for i in range(round(seconds * RATE) + 1)
    ]


def test_after_five_seconds_and_not_before():
    seen = watch(Stillness(), 8)
    assert not any(seen[: round(WINDOW * RATE)])
    assert all(seen[round(WINDOW * RATE) + 1 :])


@pytest.mark.parametrize(
    "change", [shifted(2), opened(4), blinking, nodding, lambda p: p * np.float32(1.05)]
)
def test_a_movement_ends_it_at_once_and_for_five_seconds(change):
    stillness = Stillness()
    assert watch(stillness, 6)[-1]
    assert not stillness.see(change(points(1)), 6.1)
    later = watch(stillness, 6, start=6.2)
    assert not any(later[: round(4.8 * RATE)])
    assert later[-1]


def test_breath_is_movement():
    stillness = Stillness()
    sway = [shifted(0.6 * math.sin(1.5 * i / RATE))(points(i)) for i in range(200)]
    assert not any(stillness.see(seen, i / RATE) for i, seen in enumerate(sway))


def test_without_the_mesh_nothing_is_known():
    stillness = Stillness()
    assert watch(stillness, 6)[-1]
    assert not stillness.see(None, 6.1)
    assert not any(watch(stillness, 4, start=9.0))


def test_a_portrait_on_a_wall():
    """Quality and label stay what they were; engagement ends, and comes back with a movement."""
    pipeline, random, found = create_pipeline(), np.random.default_rng(0), []
    picture = Sample()[0]
    for i in range(80):
        noisy = np.clip(picture + random.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)
        if i == 79:
            noisy = np.roll(noisy, 6, axis=1)
        (face,) = pipeline.process(Observation(noisy, 100 + i / RATE)).faces
        found.append(face)
    assert found[40].engagement == ENGAGED
    assert not found[40].quality_flags & Flag.STILL
    assert found[60].quality_flags & Flag.STILL
    assert found[60].engagement == DISENGAGED
    assert found[60].emotion == found[40].emotion
    assert found[60].quality == pytest.approx(found[40].quality, abs=0.05)
    assert not found[79].quality_flags & Flag.STILL
    assert found[79].engagement == ENGAGED


@pytest.mark.ros
def test_constants_are_no_part_of_the_hash():
    """Bags and nodes of before go on: REP 2016 hashes fields alone."""
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    text = (REPOSITORY / "msg/FaceEmotion.msg").read_text()
    assert "uint16 STILL=256" in text

    def digest(definition):
        store = get_typestore(Stores.ROS2_JAZZY)
        store.register(get_types_from_msg(definition, "fer_ros/msg/FaceEmotion"))
        return store.hash_rihs01("fer_ros/msg/FaceEmotion")

    without = re.sub(r"(?m)^uint\d+ [A-Z_]+=\d+$", "", text)
    assert without != text
    assert digest(text) == digest(without)
