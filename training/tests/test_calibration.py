# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from fer_training import calibration, plots
from fer_training.dataset import Faces

from fer_ros.emotions.classifier import softmax


@pytest.fixture(scope="module")
def honest():
    """Logits, float32 [N, 7], and labels drawn with their very probabilities."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (10_000, 7)).astype(np.float32)
    p = softmax(logits).astype(np.float64)
    return logits, np.array([random.choice(7, p=row / row.sum()) for row in p])


def test_calibration_error_of_an_honest_and_a_boastful_model(honest):
    logits, labels = honest
    assert calibration.expected_calibration_error(softmax(logits), labels) < 0.02
    assert calibration.expected_calibration_error(softmax(logits * 3), labels) > 0.1


def test_calibration_error_by_hand():
    probabilities = np.full((4, 7), 0.05)
    probabilities[:, 2] = 0.7  # one bin: confidence 0.7, right in half of the cases
    error = calibration.expected_calibration_error(probabilities, np.array([2, 2, 0, 1]))
    assert error == pytest.approx(0.2)


def test_temperature_is_found(honest):
    logits, labels = honest
    assert calibration.best_temperature(logits * 2.5, labels) == pytest.approx(2.5, rel=0.08)


def test_cross_fitting_judges_no_face_by_its_own_fold(honest):
    logits, labels = honest
    cured = calibration.cross_fitted(logits * 3, labels)
    assert calibration.expected_calibration_error(cured, labels) < 0.02
    np.testing.assert_allclose(cured.sum(axis=1), 1, atol=1e-5)
    other = labels[:200].copy()
    other[0] = (other[0] + 3) % 7
    before, after = (calibration.cross_fitted(logits[:200], x) for x in (labels[:200], other))
    np.testing.assert_array_equal(before[0], after[0])  # its own label has no say
    assert (before != after).any(axis=1).sum() > 100  # but one in those of other folds


def test_risk_falls_with_the_threshold_and_the_wanted_share_is_met(honest):
    logits, labels = honest
    curve = calibration.risk_coverage(softmax(logits), labels)
    assert curve[0]["coverage"] == 1
    assert curve[50]["risk"] < curve[0]["risk"]
    threshold = calibration.threshold_for(curve, 0.9)
    named = softmax(logits).max(axis=1) >= threshold
    right = (logits.argmax(axis=1) == labels)[named].mean()
    assert right >= 0.9
    assert calibration.threshold_for(curve, 0.0) == 0


def test_the_least_risk_where_the_wanted_share_is_out_of_reach():
    curve = [
        {"threshold": 0.1, "coverage": 1.0, "risk": 0.6},
        {"threshold": 0.3, "coverage": 0.5, "risk": 0.5},
    ]
    assert calibration.threshold_for(curve, 0.9) == 0.3


def test_its_pictures_are_drawn(honest, tmp_path):
    probabilities, labels = softmax(honest[0]), honest[1]
    bins = calibration.reliability(probabilities, labels)
    assert sum(b["n"] for b in bins) == len(labels)
    plots.reliability(bins, 0.02, tmp_path / "reliability.png")
    plots.risk_coverage(
        calibration.risk_coverage(probabilities, labels), 0.5, tmp_path / "risk.png"
    )
    assert all(p.stat().st_size > 5000 for p in tmp_path.iterdir())


def test_balanced_judges_weigh_each_class_alike_and_go_by_the_majority():
    labels = np.array([3, 3, 3, 3, 0, 6])
    votes = np.zeros((6, 10), np.int64)
    votes[np.arange(6), [3, 3, 3, 6, 0, 8]] = 10  # the fourth is neutral to all, the last unknown
    faces = Faces(np.zeros((6, 48, 48), np.uint8), labels, np.full(6, "PublicTest"), votes)
    plain = calibration.judges(faces, np.ones(6, bool))
    assert plain.labels.tolist() == labels.tolist()
    assert set(plain.weights) == {1}
    balanced = calibration.judges(faces, np.arange(6) != 0, balanced=True)
    assert balanced.rows.tolist() == [1, 2, 3, 4]
    assert balanced.labels.tolist() == [3, 3, 6, 0]
    sums = np.bincount(balanced.labels, balanced.weights)
    np.testing.assert_allclose(sums[[0, 3, 6]], 4 / 3)


def test_weights_count(honest):
    logits, labels = honest
    weights = np.where(labels == 0, 5.0, 1.0)
    often = np.concatenate([np.arange(len(labels)), np.repeat(np.flatnonzero(labels == 0), 4)])
    assert calibration.best_temperature(logits, labels, weights) == pytest.approx(
        calibration.best_temperature(logits[often], labels[often]), rel=1e-3
    )
    probabilities = softmax(logits * 2)
    error = calibration.expected_calibration_error
    assert error(probabilities, labels, weights=weights) == pytest.approx(
        error(probabilities[often], labels[often])
    )
    weighed = calibration.risk_coverage(probabilities, labels, weights)[50]
    repeated = calibration.risk_coverage(probabilities[often], labels[often])[50]
    assert weighed == pytest.approx(repeated)
