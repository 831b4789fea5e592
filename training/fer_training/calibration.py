# SPDX-License-Identifier: Apache-2.0
"""Whether a confidence of 70 % is right 7 times in 10, and when to rather say ``uncertain``."""

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.model_selection import KFold

from fer_ros.emotions.classifier import softmax

BINS = 15
FOLDS = 5


def best_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature, 0.2 to 5, under which the labels are likeliest.

    Guo et al., *On Calibration of Modern Neural Networks*, 2017, arXiv:1706.04599.
    """

    def loss(log_temperature):
        probabilities = softmax(logits / np.exp(log_temperature))
        return -np.log(probabilities[np.arange(len(labels)), labels] + 1e-12).mean()

    return float(np.exp(minimize_scalar(loss, bounds=np.log((0.2, 5)), method="bounded").x))


def cross_fitted(logits: np.ndarray, labels: np.ndarray, folds: int = FOLDS) -> np.ndarray:
    """Probabilities, float [N, 7], each by the temperature of the other folds: no face is judged
    by a temperature that it had a say in.
    """
    probabilities = np.empty_like(logits)
    splits = KFold(folds, shuffle=True, random_state=0)
    for others, own in splits.split(logits):
        temperature = best_temperature(logits[others], labels[others])
        probabilities[own] = softmax(logits[own] / temperature)
    return probabilities


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> list[dict]:
    """Mean confidence, accuracy and number of faces of each equal bin of confidence, none empty."""
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        {
            "confidence": float(confidence[which == b].mean()),
            "accuracy": float(correct[which == b].mean()),
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


def risk_coverage(probabilities: np.ndarray, labels: np.ndarray) -> list[dict]:
    """For thresholds in steps of 0.01: share of faces named (coverage), and of them wrong (risk).

    Geifman and El-Yaniv, *Selective Classification for Deep Neural Networks*, 2017.
    """
    confidence = probabilities.max(axis=1)
    wrong = probabilities.argmax(axis=1) != labels
    curve = []
    for threshold in np.arange(100) / 100:
        named = confidence >= threshold
        if named.any():
            curve.append(
                {
                    "threshold": float(threshold),
                    "coverage": float(named.mean()),
                    "risk": float(wrong[named].mean()),
                }
            )
    return curve


def threshold_for(curve: list[dict], right: float) -> float:
    """The lowest threshold from which on the share of named faces that are right is ``right``.

    Where no threshold does it, the one with the least risk.
    """
    enough = [p["threshold"] for p in curve if 1 - p["risk"] >= right]
    return min(enough) if enough else min(curve, key=lambda p: p["risk"])["threshold"]
