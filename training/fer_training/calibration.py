# SPDX-License-Identifier: Apache-2.0
"""Whether a confidence of 70 % is right 7 times in 10, and when to rather say ``uncertain``."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.model_selection import KFold

from fer_ros.emotions.classifier import softmax
from fer_training.dataset import Faces, majority

BINS = 15
FOLDS = 5


@dataclass(frozen=True)
class Judges:
    """Faces that calibrate: ``rows`` int [M] of a data set, ``labels`` int [M] and ``weights``
    float [M], what each counts for.
    """

    rows: np.ndarray
    labels: np.ndarray
    weights: np.ndarray


def judges(faces: Faces, among: np.ndarray, balanced: bool = False) -> Judges:
    """Those of ``faces`` that are ``among``, bool [N], by their labels; ``balanced``, for a model
    that was not told how frequent the classes are: by FER+'s majority where there are votes and it
    is one of the seven, each class weighing as much as any other.
    """
    labels = faces.labels
    if balanced and faces.votes is not None:
        labels, sure = majority(faces.votes)
        among = among & sure
    rows = np.flatnonzero(among)
    labels = labels[rows]
    weights = np.ones(len(rows))
    if balanced:
        weights = 1 / np.bincount(labels)[labels]
        weights *= len(rows) / weights.sum()
    return Judges(rows, labels, weights)


def best_temperature(
    logits: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """The temperature, 0.2 to 5, under which the labels are likeliest, each of its ``weights``.

    Guo et al., *On Calibration of Modern Neural Networks*, 2017, arXiv:1706.04599.
    """

    def loss(log_temperature):
        probabilities = softmax(logits / np.exp(log_temperature))
        likelihoods = probabilities[np.arange(len(labels)), labels]
        return -np.average(np.log(likelihoods + 1e-12), weights=weights)

    return float(np.exp(minimize_scalar(loss, bounds=np.log((0.2, 5)), method="bounded").x))


def cross_fitted(
    logits: np.ndarray,
    labels: np.ndarray,
    folds: int = FOLDS,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Probabilities, float [N, 7], each by the temperature of the other folds: no face is judged
    by a temperature that it had a say in.
    """
    probabilities = np.empty_like(logits)
    splits = KFold(folds, shuffle=True, random_state=0)
    for others, own in splits.split(logits):
        weight = None if weights is None else weights[others]
        temperature = best_temperature(logits[others], labels[others], weight)
        probabilities[own] = softmax(logits[own] / temperature)
    return probabilities


def reliability(
    probabilities: np.ndarray,
    labels: np.ndarray,
    bins: int = BINS,
    weights: np.ndarray | None = None,
) -> list[dict]:
    """Mean confidence, accuracy and number of faces of each equal bin of confidence, none empty;
    the means weighted by ``weights``, float [N].
    """
    weights = np.ones(len(labels)) if weights is None else weights
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        {
            "confidence": float(np.average(confidence[which == b], weights=weights[which == b])),
            "accuracy": float(np.average(correct[which == b], weights=weights[which == b])),
            "n": int((which == b).sum()),
        }
        for b in np.unique(which)
    ]


def expected_calibration_error(
    probabilities: np.ndarray,
    labels: np.ndarray,
    bins: int = BINS,
    weights: np.ndarray | None = None,
) -> float:
    """Mean gap between confidence and accuracy over the bins, weighted by size (Guo et al.);
    ``weights``, float [N], is what each face counts for.
    """
    confidence = probabilities.max(axis=1)
    surplus = confidence - (probabilities.argmax(axis=1) == labels)
    weights = np.ones(len(labels)) if weights is None else weights
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.abs(np.bincount(which, weights * surplus))
    return float(gaps.sum() / weights.sum())


def risk_coverage(
    probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None
) -> list[dict]:
    """For thresholds in steps of 0.01: share of faces named (coverage), and of them wrong (risk),
    each face of its ``weights``, float [N].

    Geifman and El-Yaniv, *Selective Classification for Deep Neural Networks*, 2017.
    """
    confidence = probabilities.max(axis=1)
    wrong = probabilities.argmax(axis=1) != labels
    weights = np.ones(len(labels)) if weights is None else weights
    curve = []
    for threshold in np.arange(100) / 100:
        named = confidence >= threshold
        if named.any():
            curve.append(
                {
                    "threshold": float(threshold),
                    "coverage": float(np.average(named, weights=weights)),
                    "risk": float(np.average(wrong[named], weights=weights[named])),
                }
            )
    return curve


def threshold_for(curve: list[dict], right: float) -> float:
    """The lowest threshold from which on the share of named faces that are right is ``right``.

    Where no threshold does it, the one with the least risk.
    """
    enough = [p["threshold"] for p in curve if 1 - p["risk"] >= right]
    return min(enough) if enough else min(curve, key=lambda p: p["risk"])["threshold"]
