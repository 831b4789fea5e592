# SPDX-License-Identifier: Apache-2.0
import pytest

from fer_ros.evaluation.criteria import LABELLED, MEASURES, CriterionError, complaints, parse


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
    assert (complaints([criterion], {criterion.measure: value}) == []) == met


def test_says_what_is_required_and_what_is():
    criteria = parse(["macro_f1>0.7", "id_switches<=2"], labels=True)
    assert complaints(criteria, {"macro_f1": 0.65, "id_switches": None}) == [
        "macro_f1>0.7 is required, and it is 0.65",
        "id_switches<=2 is required, and there was nothing to measure",
    ]


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("beauty>1", "no measure beauty: choose flips_per_minute, coverage"),
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
