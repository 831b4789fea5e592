# SPDX-License-Identifier: Apache-2.0
"""The figures of an evaluation, on observed made by hand; labels and parameters from files."""

import numpy as np
import pytest

from fer_ros.evaluation import measures
from fer_ros.evaluation.labels import Labels, LabelsError
from fer_ros.evaluation.measures import ANSWERS, ObservedFace, ObservedImage
from fer_ros.result import Box

EVEN = np.full(7, 1 / 7, np.float32)


def look(time, *faces, stamp=None):
    """Each face has its place by its id."""
    seen = tuple(ObservedFace(i, label, EVEN, Box(100 * i, 0, 50, 50)) for i, label in faces)
    return ObservedImage(time, time + 1.7e9 if stamp is None else stamp, seen)


LOOKS = [
    look(0, (1, "joy")),
    look(1, (1, "joy"), (2, "anger")),
    look(2, (2, "anger"), (1, "neutral")),
    look(3),
    look(13, (1, "joy")),  # ten seconds later: no flip that anybody saw
    look(14, (1, "uncertain")),
]


def test_figures():
    got = measures.figures(LOOKS, max_gap=1.0)
    assert (got["images"], got["images_with_face"], got["faces"]) == (6, 5, 7)
    assert got["detection_rate"] == 0.8333
    # Face 1: joy-joy-neutral in 2 s, joy-uncertain in 1 s; face 2: anger-anger in 1 s.
    assert got["label_flips"] == 2
    assert got["flips_per_minute"] == 2 / (4 / 60)
    assert got["coverage"] == 0.8571
    assert got["uncertain_share"] == 0.1429
    assert got["new_ids_per_minute"] == 8.5714  # two in 14 s
    assert got["faces_per_image"] == 1.1667
    assert "events_per_minute" not in got
    assert measures.figures(LOOKS, 1.0, events=7)["events_per_minute"] == 30
    assert got["shares"]["joy"] == 0.4286
    assert got["shares"]["disgust"] == 0
    assert sum(got["shares"].values()) == pytest.approx(1, abs=1e-3)
    assert got["ids"]["1"] == {
        "faces": 5, "first_s": 0, "last_s": 14, "dominant": "joy", "share": 0.6,
    }  # fmt: skip


def test_figures_of_nothing():
    got = measures.figures([], 1.0)
    assert got["detection_rate"] is got["flips_per_minute"] is got["coverage"] is None
    assert got["shares"] == {}
    assert measures.figures([look(0)], 1.0)["detection_rate"] == 0


def write(tmp_path, text):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    return path


def count(matrix, truth, answer):
    return matrix[measures.EMOTIONS.index(truth), ANSWERS.index(answer)]


def test_confusion_by_id_and_by_size(tmp_path):
    labels = Labels(write(tmp_path, "start,end,id,expression\n0,4,,joy\n1,3,2,fear\n"))
    matrix = measures.confusion(LOOKS, labels)
    # Without an id: the largest face; where that has a label of its own, the next.
    assert count(matrix, "joy", "joy") == 2
    assert count(matrix, "joy", "neutral") == 1
    assert count(matrix, "joy", "no face") == 1
    assert count(matrix, "fear", "anger") == 2
    assert matrix.sum() == 6


def test_an_id_that_is_not_seen_is_missed(tmp_path):
    labels = Labels(write(tmp_path, "start,end,id,expression\n0,1,9,joy\n"))
    assert count(measures.confusion(LOOKS, labels), "joy", "no face") == 1


def test_ids_that_change_under_one_label(tmp_path):
    observed = [look(t, (i, "joy")) for t, i in enumerate([1, 1, 2, 2, 1])] + [look(5), look(6)]
    observed[-1] = look(6, (3, "joy"))
    labels = Labels(write(tmp_path, "start,end,id,expression\n0,4,,joy\n4,9,,joy\n0,9,2,joy\n"))
    # The second label has faces 1 and 3, the first has 1, and 2 has a label of its own.
    assert measures.against(observed, labels)["id_switches"] == 1
    labels = Labels(write(tmp_path, "start,end,id,expression\n0,9,,joy\n"))
    assert measures.against(observed, labels)["id_switches"] == 3


def test_false_faces_are_the_ids_seen_where_no_face_is(tmp_path):
    rows = "start,end,id,expression\n0,9,,no face\n0.5,1.5,,joy\n2,2.5,2,anger\n13,20,,no face\n"
    got = measures.against(LOOKS, Labels(write(tmp_path, rows)))
    # At 0 s face 1; at 1 s the later line says joy; at 2 s face 1 again, beside the labelled 2;
    # at 3 s none for 6 s, where the line ends; at 13 and 14 s face 1 for a step each.
    assert got["false_faces"] == 1
    assert got["seconds_without_face"] == 1 + 1 + 6 + 1 + 1
    assert got["false_faces_per_minute"] == 6
    assert got["labelled"] == 2
    stamped = "start,end,expression\n1700000013,1700000013.5,no face\n"
    got = measures.against(LOOKS, Labels(write(tmp_path, stamped)))
    assert (got["false_faces"], got["seconds_without_face"]) == (1, 0.5)
    labels = Labels(write(tmp_path, "start,end,expression\n0,1,joy\n"))
    assert measures.against(LOOKS, labels)["false_faces_per_minute"] is None


def test_times_may_be_stamps(tmp_path):
    labels = Labels(write(tmp_path, "start,end,expression\n1700000013,1700000015,joy\n"))
    matrix = measures.confusion(LOOKS, labels)
    assert count(matrix, "joy", "joy") == count(matrix, "joy", "uncertain") == 1
    assert matrix.sum() == 2


def test_scores():
    counts = np.zeros((7, 9), int)
    joy, neutral = measures.EMOTIONS.index("joy"), measures.EMOTIONS.index("neutral")
    counts[joy, joy] = 6
    counts[joy, ANSWERS.index("uncertain")] = 1
    counts[joy, ANSWERS.index("no face")] = 1
    counts[neutral, joy] = 2
    counts[neutral, neutral] = 2
    got = measures.scores(counts)
    assert (got["labelled"], got["accuracy"]) == (12, 0.6667)
    assert got["classes"]["joy"] == {"labelled": 8, "precision": 0.75, "recall": 0.75, "f1": 0.75}
    assert got["classes"]["neutral"] == {
        "labelled": 4, "precision": 1.0, "recall": 0.5, "f1": 0.6667,
    }  # fmt: skip
    assert got["classes"]["anger"]["f1"] is None
    assert got["macro_f1"] == pytest.approx((0.75 + 0.6667) / 2, abs=1e-4)
    assert measures.scores(np.zeros((7, 9), int))["accuracy"] is None


def test_percentiles():
    got = measures.latencies({"total": [i / 1e3 for i in range(1, 102)], "idle": []})
    assert got == {"total": {"p50": 51.0, "p90": 91.0, "p99": 100.0, "max": 101.0}}


def test_agreement_is_over_faces_at_the_same_place():
    other = [look(0, (1, "joy")), look(1, (2, "anger"), (5, "joy")), look(2, (1, "joy")), look(3)]
    assert measures.agreement(LOOKS, other) == {"faces": 3, "same": 0.6667}
    assert measures.agreement(LOOKS, []) == {"faces": 0, "same": None}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected the columns"),
        ("start,end\n1,2\n", "expected the columns"),
        ("start,end,expression\n", "expected the columns"),
        ("start,end,expression\n1,2,happy\n", "line 2: 'happy': expected one of anger, disgust"),
        ("start,end,id,expression\n1,2,3,no face\n", "line 2: no face applies to the whole image"),
        ("start,end,expression\n0,1,joy\n2,2,joy\n", "line 3: the end is not after the start"),
        ("start,end,expression\none,2,joy\n", "line 2: start and end are seconds"),
        ("start,end,expression\n1,2\n", "line 2: start and end are seconds"),
        ("start,end,id,expression\n1,2,me,joy\n", "line 2: start and end are seconds"),
    ],
)
def test_refuses_labels_and_says_where(tmp_path, text, words):
    with pytest.raises(LabelsError, match=words) as error:
        Labels(write(tmp_path, text))
    assert "labels.csv" in str(error.value)


def test_labels_as_spreadsheets_write_them(tmp_path):
    labels = Labels(write(tmp_path, "\ufeffstart, end, id, expression\r\n0.5, 2, 3, joy\r\n"))
    assert {i: label.expression for i, label in labels.at(0.5, 0).items()} == {3: "joy"}
    assert labels.at(2, 0) == {}


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([0, 0.1, 0.2, 0.9], [[0, 0.1, 0.2, 0.3], [0.9, 1.0]]),
        ([0, 2, 4, 9, 11], [[0, 2, 4, 9, 11, 13]]),  # seen seldom: two seconds are no gap
        ([5, 5.5, 1, 1.5], [[5, 5.5, 6], [1, 1.5, 2]]),  # time went back
        ([3], [[3, 3.1]]),
    ],
)
def test_stretches(times, expected):
    points = [(time, "joy") for time in times]
    found = measures.stretches(points, measures.usual_step(points))
    assert [[time for time, _ in part] for part in found] == [pytest.approx(e) for e in expected]
