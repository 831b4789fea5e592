# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from fer_ros.evaluation.criteria import (
    LABELLED,
    MEASURES,
    CriterionError,
    failures,
    measured,
    parse,
)


@pytest.mark.parametrize(
    ("word", "value", "met"),
    [
        ("flips_per_minute<4", 3.9, True),
        ("flips_per_minute<4", 4.0, False),
        ("flips_per_minute <= 4", 4.0, True),
        ("coverage>0.5", 0.5, False),
        ("coverage>=5e-1", 0.5, True),
        ("events_per_minute<1", None, False),
    ],
)
def test_met_or_not(word, value, met):
    (criterion,) = parse([word], labels=False)
    assert (failures([criterion], {criterion.measure: value}) == []) == met


def test_says_what_is_required_and_what_is():
    criteria = parse(["macro_f1>0.7", "id_switches<=2"], labels=True)
    assert failures(criteria, {"macro_f1": 0.65, "id_switches": None}) == [
        "macro_f1>0.7 is required, and it is 0.65",
        "id_switches<=2 is required, and there was nothing to measure",
    ]


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("beauty>1", "unknown measure beauty: choose flips_per_minute, coverage"),
        ("coverage=1", "coverage=1: expected a form such as"),
        ("coverage>much", "coverage>much: expected a form such as"),
        ("coverage>1-", "expected a form such as"),
        ("macro_f1>0.7", "macro_f1 needs labels"),
    ],
)
def test_refuses_in_one_line(word, words):
    with pytest.raises(CriterionError, match=words):
        parse([word], labels=False)


def test_every_measure_can_be_required():
    assert len(parse([f"{name}>0" for name in MEASURES], labels=True)) == len(MEASURES)
    assert set(LABELLED) < set(MEASURES)


COUNTS = ("images", "seconds", "faces", "uncertain", "seconds_in_view", "label_flips", "new_ids")


def summary(*counts, **labels):
    return dict(zip((*COUNTS, "events"), counts, strict=True)) | labels


def against(right, wrong, false_faces, seconds, switches):
    """Of ``right`` and ``wrong`` faces labelled joy, the wrong ones called neutral."""
    matrix = np.zeros((7, 9), int)
    matrix[3, 3], matrix[3, 6] = right, wrong
    counts = {"false_faces": false_faces, "seconds_without_face": seconds}
    return {"confusion": matrix.tolist(), "id_switches": switches, **counts}


def test_over_many_recordings_faces_and_time_count_not_recordings():
    long = summary(900, 90.0, 600, 60, 60.0, 3, 2, 2, labels=against(90, 10, 1, 30.0, 2))
    short = summary(100, 10.0, 400, 340, 30.0, 9, 3, 3, labels=against(0, 20, 0, 30.0, 1))
    plain = summary(1000, 20.0, 0, 0, 0.0, 0, 0, 0)
    assert measured([long, short, plain]) == {
        "flips_per_minute": 8,
        "coverage": 0.6,
        "uncertain_share": 0.4,
        "new_ids_per_minute": 2.5,
        "faces_per_image": 0.5,
        "events_per_minute": 2.5,
        "accuracy": 0.75,
        "macro_f1": 0.8571,
        "false_faces_per_minute": 1,
        "id_switches": 3,
    }
    assert measured([plain])["coverage"] is None
    assert not measured([plain]).keys() & set(LABELLED)
    assert set(measured([]).values()) == {None}
