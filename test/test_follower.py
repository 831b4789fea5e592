# SPDX-License-Identifier: Apache-2.0
"""Following by the mesh: by hand-made looks for the rules, on real pictures for the rest."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from fer_ros.faces.detectors import Detection
from fer_ros.faces.follower import MeshFollower
from fer_ros.faces.mesh import POINTS, Look
from fer_ros.observation import Observation
from fer_ros.parameters import create_pipeline
from fer_ros.result import Box
from fer_ros.sources.sample import Sample

STEP = 1 / 30
IMAGE = np.zeros((480, 640, 3), np.uint8)


class World:
    """Heads at places, of which detector and mesh see what ``seen_by`` says: any of "dm"."""

    name, min_face_size = "blazeface", 0

    def __init__(self):
        self.heads = {}
        self.mesh = self
        self.looks = 0

    def put(self, who, x, y=200, side=80, seen_by="dm"):
        self.heads[who] = (x, y, side, seen_by)

    def detect(self, bgr):
        return [
            Detection(Box(x - s / 2, y - s / 2, s, s), 0.8)
            for x, y, s, by in self.heads.values()
            if "d" in by
        ]

    def look(self, bgr, square):
        """The nearest head within half the square, and no presence where there is none."""
        self.looks += 1
        near = [
            (abs(square.x - x) + abs(square.y - y), x, y, s)
            for x, y, s, by in self.heads.values()
            if "m" in by and max(abs(square.x - x), abs(square.y - y)) < 0.5 * square.side
        ]
        if not near:
            return Look(np.ones((POINTS, 3), np.float32), 0.0)
        _, x, y, side = min(near)
        points = np.full((POINTS, 3), (x, y, 0), np.float32)
        points[0, :2] -= side / 2 / 1.1
        points[1, :2] += side / 2 / 1.1
        points[[33, 133], 0] -= side / 5
        points[[362, 263], 0] += side / 5
        return Look(points, 1.0)

    def verify(self, bgr, detection):
        x, y = detection.box.centre
        look = self.look(bgr, SimpleNamespace(x=x, y=y, side=detection.box.width))
        return (look if look.presence else None), look.presence


@pytest.fixture
def world():
    return World()


@pytest.fixture
def follower(world):
    return MeshFollower(world, world)


class Clock:
    """Finds faces in images that come at 30 Hz."""

    def __init__(self, follower):
        self.follower, self.now = follower, 1.0

    def __call__(self, images=1, max_faces=16):
        for _ in range(images):
            self.now += STEP
            found = self.follower.find(IMAGE, self.now, max_faces)
        return found

    def ids(self, images=1):
        return sorted(face.track_id for face in self(images))


@pytest.fixture
def after(follower):
    return Clock(follower)


def test_a_face_is_published_in_its_first_image(world, after):
    world.put("ann", 100)
    (face,) = after()
    assert face.track_id == 1
    assert face.by_mesh
    assert face.points is not None
    assert face.detection.box.centre == pytest.approx((100, 200), abs=4)


def test_what_is_not_verified_is_counted_and_never_published(world, follower, after):
    world.put("doormat", 100, seen_by="d")
    assert after.ids(30) == []
    assert follower.refused >= 10
    assert follower.ids == set()


def test_the_detector_runs_seldom(world, follower, after):
    world.put("ann", 100)
    after(1)
    runs = follower.detections
    after(90)
    assert 8 <= follower.detections - runs <= 11, "each 0.3 s of three"
    follower.detection_interval = 0
    runs = follower.detections
    after(10)
    assert follower.detections - runs == 10


def test_in_an_empty_room_it_runs_ten_times_a_second(follower, after):
    after(90)
    assert 27 <= follower.detections <= 33


def test_the_clock_is_that_of_the_stamps(world):
    world.put("ann", 100)
    ways = []
    for _ in range(2):
        follower = MeshFollower(world, world)
        clock = Clock(follower)
        found = [clock()[0].detection for _ in range(20)]
        ways.append((found, follower.detections))
    assert ways[0] == ways[1]


def test_without_time_the_detector_looks_at_every_image(world, follower):
    world.put("ann", 100)
    for _ in range(5):
        assert len(follower.find(IMAGE, 0.0, 16)) == 1
    assert follower.detections >= 5


def test_a_new_face_is_seen_within_the_interval(world, after):
    world.put("ann", 100)
    after(3)
    world.put("bob", 400)
    assert after.ids(10) == [1, 2]


def test_who_turns_away_stays_while_the_detector_sees_it(world, after):
    world.put("ann", 100)
    after(5)
    world.put("ann", 104, seen_by="d")
    (face,) = after(60)
    assert face.track_id == 1
    assert not face.by_mesh
    assert np.isnan(face.pose).all()
    assert face.points is None
    world.put("ann", 108)
    (face,) = after()
    assert face.track_id == 1
    assert face.by_mesh
    assert not np.isnan(face.pose).any()


def test_who_is_not_seen_for_a_moment_keeps_the_id(world, after):
    world.put("ann", 100)
    after(5)
    world.put("ann", 100, seen_by="")
    assert after.ids(15) == []
    world.put("ann", 110)
    assert after.ids() == [1]


def test_who_comes_to_the_place_of_somebody_lost_is_somebody_else(world, follower, after):
    world.put("ann", 100)
    after(5)
    world.heads.clear()
    assert after.ids(35) == []
    assert follower.ids == set()
    world.put("bob", 100)
    assert after.ids(4) == [2]


def test_a_ghost_beside_does_not_take_over(world, after):
    """Without overlap the detector alone is not believed, though it sees something near."""
    world.put("ann", 100)
    after(5)
    world.put("ann", 160, seen_by="d")
    assert after.ids(5) == []


def test_fast_motion_is_followed_by_the_detector(world, follower, after):
    world.put("ann", 100)
    after(5)
    for x in range(150, 400, 50):
        world.put("ann", x)
        assert after.ids() == [1]


def test_two_on_one_face_become_one_and_the_older_wins(world, after):
    world.put("ann", 100)
    world.put("bob", 300)
    assert after.ids() == [1, 2]
    for x in range(300, 100, -20):  # walks behind ann
        world.put("bob", x)
        after()
    del world.heads["bob"]
    world.put("ann", 100)
    assert after.ids() == [1]
    assert after.ids(40) == [1]


def test_who_was_hidden_behind_another_keeps_the_id(world, after):
    world.put("ann", 100)
    world.put("bob", 240)
    after()
    for x in (180, 130):
        world.put("bob", x, seen_by="")
        after()
    world.put("bob", 230)
    assert after.ids(2) == [1, 2]


def test_many_faces_are_looked_at_by_turns(world, follower, after):
    for n in range(7):
        world.put(n, 50 + 85 * n, side=50 + n)
    assert after.ids() == list(range(1, 8))
    runs, world.looks = follower.detections, 0
    for step in range(12):
        for n in range(7):
            world.put(n, 50 + 85 * n + step, side=50 + n)
        found = after()
        assert sorted(face.track_id for face in found) == list(range(1, 8))
        for face in found:
            assert face.detection.box.centre[0] == pytest.approx(
                world.heads[face.track_id - 1][0], abs=4
            )
    assert follower.detections - runs == 12
    assert world.looks == 12 * 2


def test_reset_never_gives_an_id_again(world, follower, after):
    world.put("ann", 100)
    after()
    follower.reset()
    assert follower.ids == set()
    assert after.ids() == [2]


def test_only_the_largest_are_given(world, after):
    for n in range(4):
        world.put(n, 100 + 130 * n, side=50 + 10 * n)
    found = after(1, max_faces=2)
    assert [round(face.detection.box.width) for face in found] == [80, 70]


# On real pictures


def sequence(images, stride=1):
    """Results of the whole pipeline at 30 Hz, every ``stride``-th image."""
    pipeline = create_pipeline()
    steps = range(0, len(images), stride)
    return {i: pipeline.process(Observation(images[i], 1.0 + i * STEP)) for i in steps}, pipeline


@pytest.fixture(scope="module")
def clip():
    sample = Sample()
    return [sample[i] for i in range(150, 300)]


def test_two_people_two_ids(clip):
    results, pipeline = sequence(clip)
    seen = {face.track_id for result in results.values() for face in result.faces}
    assert seen == {1, 2}
    assert pipeline.finder.detections < len(clip) / 4
    assert all(len(result.faces) == 2 for i, result in results.items() if 20 < i < 140)


def test_every_second_image_left_out(clip):
    """What a node sees that is too slow for its camera."""
    whole, _ = sequence(clip)
    half, _ = sequence(clip, 2)
    pairs = [
        (one, other)
        for i in half
        for one in whole[i].faces
        for other in half[i].faces
        if one.track_id == other.track_id
    ]
    assert len(pairs) > 0.95 * sum(len(result.faces) for result in half.values())
    assert min(one.box.overlap(other.box) for one, other in pairs) > 0.8
    assert np.mean([one.label == other.label for one, other in pairs]) >= 0.95


def test_a_still_face_is_read_as_steadily_as_by_the_detector():
    rng = np.random.default_rng(0)
    still = Sample()[0].astype(np.float32)
    noisy = [
        np.clip(still + rng.normal(0, 5, still.shape), 0, 255).astype(np.uint8) for _ in range(40)
    ]
    spread, boxes = {}, {}
    for mode in ("off", "auto"):
        pipeline = create_pipeline(face_mesh=mode)
        read = [
            pipeline.process(Observation(image, 1 + i * STEP)).faces[0]
            for i, image in enumerate(noisy)
        ]
        # Of the logarithms: a sure reading's probabilities stand still by themselves.
        spread[mode] = np.log([face.raw_probabilities for face in read]).std(axis=0).mean()
        boxes[mode] = {face.box for face in read}
    assert len(boxes["auto"]) == 1 < len(boxes["off"])
    assert spread["auto"] < 1.25 * spread["off"], "what is left is the noise of the pixels"


def test_six_real_faces():
    face = Sample()[0][110:310, 230:430]
    small = cv2.resize(face, (140, 140), interpolation=cv2.INTER_AREA)
    image = np.full((480, 640, 3), 90, np.uint8)
    places = [(40 + 200 * (n % 3), 60 + 220 * (n // 3)) for n in range(6)]
    pipeline = create_pipeline()
    for step in range(12):
        moved = image.copy()
        for x, y in places:
            moved[y : y + 140, x + step : x + step + 140] = small
        result = pipeline.process(Observation(moved, 1 + step * STEP))
        assert sorted(face.track_id for face in result.faces) == [1, 2, 3, 4, 5, 6]
        assert {face.label for face in result.faces} == {"joy"}
