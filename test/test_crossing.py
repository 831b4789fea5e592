# SPDX-License-Identifier: Apache-2.0
"""Who is who when one face covers another: two portraits moved over a plain ground, 120 px wide."""

import math

import cv2
import numpy as np
import pytest
from photographs import photograph

from fer_ros.observation import Observation
from fer_ros.parameters import create_pipeline

RATE = 15  # Hz
WIDTH = 120  # pixels of a face
HEAD = (75, 95)  # half axes of what is shown of a portrait, pixels


@pytest.fixture(scope="module")
def portraits():
    """Two heads, each with its mask and the place of its middle."""
    astronaut = photograph("skimage", "data/astronaut.png")
    hopper = photograph("matplotlib", "mpl-data/sample_data/grace_hopper.jpg")
    return head(astronaut), head(hopper)


def head(picture):
    (face,) = create_pipeline().process(Observation(picture, 1.0)).faces
    scale = WIDTH / face.box.width
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    x, y = (round(place * scale) for place in face.box.centre)
    mask = np.zeros(small.shape[:2], np.uint8)
    cv2.ellipse(mask, (x, y), HEAD, 0, 0, 360, 255, -1)
    left, top = max(x - HEAD[0], 0), max(y - HEAD[1], 0)
    cut = np.s_[top : y + HEAD[1], left : x + HEAD[0]]
    return small[cut], mask[cut] > 0, (x - left, y - top)


def lay(image, portrait, x):
    picture, mask, (across, down) = portrait
    left, top = round(x) - across, 240 - down
    height, width = mask.shape
    from_left, to = max(-left, 0), min(image.shape[1] - left, width)
    if from_left < to:
        part = image[top : top + height, left + from_left : left + to]
        np.copyto(part, picture[:, from_left:to], where=mask[:, from_left:to, None])


def play(behind, front, seconds, face_mesh):
    """Who is at the end where the portraits are, ids in the order of (behind, front), and who was
    there at first. ``behind``, ``front``: (portrait, its place x by the time, None: away).
    """
    pipeline = create_pipeline(face_mesh=face_mesh)
    ids = [{}, {}]
    for i in range(round(seconds * RATE)):
        image = np.full((480, 640, 3), 120, np.uint8)
        places = [path(i / RATE) for _, path in (behind, front)]
        for (portrait, _), x in zip((behind, front), places, strict=True):
            if x is not None:
                lay(image, portrait, x)
        faces = pipeline.process(Observation(image, 1 + i / RATE)).faces
        for seen, x, other in zip(ids, places, reversed(places), strict=True):
            if x is None or (other is not None and abs(x - other) < 1.5 * WIDTH):
                continue
            near = [f.track_id for f in faces if abs(f.box.centre[0] - x) < WIDTH / 3]
            seen.update({i: near[0]} if near else {})
    return [[seen[i] for i in (min(seen), max(seen))] for seen in ids if seen]


def stands(x=300, since=0.0):
    return lambda t: x if t >= since else None


def walks(start=60, speed=200, since=0.0):
    return lambda t: start + speed * (t - since) if t >= since else None


def turns_back(start, speed):
    return lambda t: start + speed * min(t, 2.4 - t)


def comes_back(width, since):
    return lambda t: 60 + width * math.sin(1.2 * (t - since)) if t >= since else None


SCENES = {
    "a younger one passes in front": (stands(), walks(since=0.5), 3.0),
    "an older one passes in front": (stands(since=0.3), walks(), 2.6),
    "a younger one passes behind": (walks(since=0.5), stands(), 3.0),
    "an older one passes behind": (walks(), stands(since=0.3), 2.6),
    "a fast one passes in front": (stands(), walks(speed=420, since=0.5), 1.8),
    "a fast one passes behind": (walks(speed=420, since=0.5), stands(), 1.8),
    "one passes in front and comes back": (stands(), comes_back(450, 0.5), 3.0),
    "they meet and turn back": (turns_back(120, 150), turns_back(520, -150), 2.4),
    "they leave on both sides": (walks(100, 170), walks(540, -170), 2.6),
}


@pytest.mark.parametrize("face_mesh", ["auto", "off"])
@pytest.mark.parametrize("turn", [1, -1], ids=["", "the other way round"])
@pytest.mark.parametrize("scene", SCENES)
def test_each_keeps_its_id(portraits, scene, turn, face_mesh):
    behind, front, seconds = SCENES[scene]
    one, other = portraits[::turn]
    back, fore = play((one, behind), (other, front), seconds, face_mesh)
    assert back[0] == back[1], "who was behind"
    assert fore[0] == fore[1], "who was in front"
    assert back[0] != fore[0]


@pytest.mark.parametrize("face_mesh", ["auto", "off"])
def test_who_takes_the_place_of_another_does_not_take_its_id(portraits, face_mesh):
    one, other = portraits
    comes = lambda t: min(60 + 200 * max(t - 0.5, 0), 300) if t > 0.5 else None  # noqa: E731
    goes = lambda t: 300 if t < 1.7 else None  # noqa: E731
    back, fore = play((one, goes), (other, comes), 4.0, face_mesh)
    assert set(back).isdisjoint(fore)
    assert fore[0] == fore[1]
