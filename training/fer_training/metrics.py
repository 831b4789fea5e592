# SPDX-License-Identifier: Apache-2.0
"""What a model is worth, from its logits and the labels."""

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.emotions.classifier import softmax
from fer_training.calibration import expected_calibration_error

CLASSES = range(len(EMOTIONS))


def report(logits: np.ndarray, labels: np.ndarray, temperature: float = 1.0) -> dict:
    """Accuracy, macro-F1, per-class figures, calibration error and confusion matrix.

    ``logits``: float [N, 7]; ``labels``: int [N]. Macro-F1 is over the classes that there are. All
    figures are fractions; the confusion matrix counts, true class by row.
    """
    predicted = logits.argmax(axis=1)
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=CLASSES, zero_division=0
    )
    return {
        "n": len(labels),
        "accuracy": float((predicted == labels).mean()),
        "macro_f1": float(f1[support > 0].mean()),
        "per_class": {
            name: {
                "precision": float(precision[i]),
                "recall": float(recall[i]),
                "f1": float(f1[i]),
                "support": int(support[i]),
            }
            for i, name in enumerate(EMOTIONS)
        },
        "ece": expected_calibration_error(softmax(logits / temperature), labels),
        "confusion": confusion_matrix(labels, predicted, labels=CLASSES).tolist(),
    }


def intervals(confusion, share: float = 0.95, draws: int = 2000, seed: int = 0) -> dict:
    """Bootstrap intervals (Efron, 1979, doi:10.1214/aos/1176344552) from a confusion matrix of
    counts, true class by row: drawing faces with replacement is drawing its cells.

    Returns (low, high) for ``accuracy``, ``macro_f1`` and each class' ``recall``, of which
    ``share`` of the draws lie between.
    """
    cells = np.asarray(confusion, np.float64)
    size, classes = int(cells.sum()), len(cells)
    random = np.random.default_rng(seed)
    drawn = random.multinomial(size, cells.ravel() / size, draws).reshape(-1, classes, classes)
    right = np.diagonal(drawn, axis1=1, axis2=2)
    true, said = drawn.sum(axis=2), drawn.sum(axis=1)
    present = cells.sum(axis=1) > 0  # a class of which there is no face has no say
    f1 = 2 * right / np.maximum(true + said, 1)
    recall = right / np.maximum(true, 1)
    tails = [50 * (1 - share), 50 * (1 + share)]

    def between(values):
        return tuple(float(v) for v in np.percentile(values, tails))

    return {
        "accuracy": between(right.sum(axis=1) / size),
        "macro_f1": between(f1[:, present].mean(axis=1)),
        "recall": {
            name: between(recall[:, i]) for i, name in enumerate(EMOTIONS[:classes]) if present[i]
        },
    }


def render(figures: dict) -> str:
    """The figures as text for a terminal."""
    deduplicated = figures.get("accuracy_deduplicated")
    if deduplicated is not None:
        seen = f"{deduplicated:.2%}"
    elif figures.get("n_deduplicated") == 0:
        seen = "none: every face stands in Training"
    else:
        seen = "not known (give --train-csv)"
    ferplus = figures.get("accuracy_ferplus")
    ferplus = "not known (give --votes)" if ferplus is None else f"{ferplus:.2%}"
    absent = [name for name, c in figures["per_class"].items() if not c["support"]]
    between = ""
    if "intervals" in figures:
        low, high = figures["intervals"]["accuracy"]
        between = f" (95 % between {low:.2%} and {high:.2%})"
    lines = [f"no face of {', '.join(absent)}: not among the answers either"] if absent else []
    lines += [
        f"faces                  {figures['n']}",
        f"accuracy, raw          {figures['accuracy']:.2%}{between}",
        f"accuracy, deduplicated {seen}",
        f"accuracy, by FER+      {ferplus}",
        f"macro-F1               {figures['macro_f1']:.4f}",
        f"calibration error      {figures['ece']:.4f}",
    ]
    if "ms_per_face" in figures:
        lines.append(f"ms a face              {figures['ms_per_face']:.2f}")
    lines += [
        "",
        "class      precision  recall      f1  faces   predicted as "
        + " ".join(f"{name[:5]:>5}" for name in EMOTIONS),
    ]
    for name, row in zip(EMOTIONS, figures["confusion"], strict=True):
        c = figures["per_class"][name]
        lines.append(
            f"{name:10} {c['precision']:9.3f} {c['recall']:7.3f} {c['f1']:7.3f} {c['support']:6}"
            + " " * 16
            + " ".join(f"{n:5}" for n in row)
        )
    return "\n".join(lines)
