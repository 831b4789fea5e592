# SPDX-License-Identifier: Apache-2.0
from fer_ros.faces.tracker import Tracker
from fer_ros.result import Box

FACE = Box(100.0, 100.0, 80.0, 80.0)
OTHER = Box(400.0, 120.0, 90.0, 90.0)


def moved(box, dx, dy=0.0, scale=1.0):
    x, y, w, h = box
    return Box(x + dx, y + dy, w * scale, h * scale)


def test_ids_start_at_one_and_hold_whatever_the_order():
    tracker = Tracker()
    assert tracker.update([FACE, OTHER], 0.0) == [1, 2]
    assert tracker.update([moved(OTHER, 5), moved(FACE, -5)], 0.1) == [2, 1]


def test_id_holds_through_a_short_miss_and_not_through_a_long_one():
    tracker = Tracker(max_gap=1.0)
    tracker.update([FACE], 0.0)
    assert tracker.update([], 0.5) == []
    assert tracker.update([moved(FACE, 10)], 1.0) == [1]
    assert tracker.update([moved(FACE, 10)], 2.1) == [2]


def test_fast_motion_without_overlap_is_followed():
    tracker = Tracker()
    tracker.update([FACE], 0.0)
    assert tracker.update([moved(FACE, 55)], 0.1) == [1]
    assert tracker.update([moved(FACE, 255)], 0.2) == [2]


def test_a_face_of_another_size_nearby_is_another_face():
    tracker = Tracker()
    tracker.update([FACE], 0.0)
    assert tracker.update([Box(130.0, 130.0, 20.0, 20.0)], 0.1) == [2]


def test_overlap_wins_over_nearness():
    tracker = Tracker()
    tracker.update([FACE, moved(FACE, 60)], 0.0)
    assert tracker.update([moved(FACE, 55), moved(FACE, 4)], 0.1) == [2, 1]


def test_two_faces_that_pass_keep_an_id_each():
    tracker = Tracker()
    for step in range(40):
        left, right = moved(FACE, 8 * step), moved(FACE, 320 - 8 * step, 70)
        ids = tracker.update([left, right], step / 30)
        assert ids == [1, 2]


def test_ids_are_never_given_twice():
    tracker = Tracker(max_gap=0.5)
    seen = set()
    for step in range(5):
        (new,) = tracker.update([FACE], step * 1.0)
        assert new not in seen
        seen.add(new)
        tracker.reset()
    assert tracker.ids == set()


def test_ids_tells_who_is_still_followed():
    tracker = Tracker(max_gap=1.0)
    tracker.update([FACE, OTHER], 0.0)
    tracker.update([FACE], 0.9)
    assert tracker.ids == {1, 2}
    tracker.update([FACE], 1.5)
    assert tracker.ids == {1}


def test_boxes_without_area_do_not_break_it():
    tracker = Tracker()
    assert tracker.update([Box(5.0, 5.0, 0.0, 0.0)], 0.0) == [1]
    assert tracker.update([Box(5.0, 5.0, 0.0, 0.0)], 0.1) == [2]


def test_a_face_that_is_cut_in_two_for_an_image_keeps_its_id():
    """As a detector saw a pole pass before a face: two halves, then the whole again."""
    tracker = Tracker()
    for i in range(5):
        assert tracker.update([Box(126, 145, 118, 118)], i / 30) == [1]
    assert tracker.update([Box(140, 146, 109, 109)], 5 / 30) == [1]
    halves = tracker.update([Box(124, 156, 70, 70), Box(180, 154, 67, 67)], 6 / 30)
    assert 1 in halves
    assert tracker.update([Box(121, 149, 105, 105)], 7 / 30) == [1]


def test_a_part_of_a_face_becomes_the_face_again():
    """What was seen of a face beside the one that covered it was half of it."""
    tracker = Tracker()
    for i in range(5):
        assert tracker.update([Box(240, 180, 120, 120)], i / 30) == [1]
    assert tracker.update([Box(247, 205, 50, 50)], 5 / 30) == [2], "small ones lie on large faces"
    for i in range(6, 50):
        tracker.update([Box(247, 205, 50, 50)], i / 30)
    assert tracker.update([Box(239, 181, 118, 118)], 50 / 30) == [2]
