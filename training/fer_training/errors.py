# SPDX-License-Identifier: Apache-2.0
"""Whose fault the errors on FER-2013 are, by ten annotators: the model's or the labels'."""

import numpy as np

from fer_ros.emotions.classes import EMOTIONS
from fer_training.dataset import VOTE_COLUMNS, Faces, majority

SIDES = ("the model", "the label", "neither")
"""Whom the majority of the annotators is with."""


def errors(predicted: np.ndarray, faces: Faces, examples: int = 8) -> dict | None:
    """Of what a model answers otherwise than the label, how often the majority of FER+'s annotators
    is with each of ``SIDES``: ``n``, ``with``, ``examples``. None without votes.

    The examples are of each side in turn, by their row in the CSV, those of which the annotators
    are surest. ``predicted``: int [N].
    """
    if faces.votes is None:
        return None
    label, sure = majority(faces.votes)
    wrong = predicted != faces.labels
    side = np.where(label == predicted, 0, np.where(label == faces.labels, 1, 2))
    side[~sure] = 2
    share = faces.votes.max(axis=1) / np.maximum(faces.votes.sum(axis=1), 1)
    found = []
    for number in range(2):
        rows = np.flatnonzero(wrong & (side == number))
        surest = rows[np.argsort(-share[rows], kind="stable")][: examples // 2]
        found += [_example(row, predicted, faces) for row in surest]
    return {
        "n": int(wrong.sum()),
        "with": {name: int((wrong & (side == i)).sum()) for i, name in enumerate(SIDES)},
        "examples": found,
    }


def _example(row, predicted, faces):
    votes = sorted(zip(faces.votes[row].tolist(), VOTE_COLUMNS, strict=True), reverse=True)
    return {
        "row": str(faces.names[row]),
        "label": EMOTIONS[faces.labels[row]],
        "votes": ", ".join(f"{count} {name}" for count, name in votes if count),
        "answer": EMOTIONS[predicted[row]],
    }
