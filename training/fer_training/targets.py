# SPDX-License-Identifier: Apache-2.0
"""What is to be learnt from a face: its label, ten annotators' votes, less their habits."""

from collections.abc import Sequence

import keras
import numpy as np

from fer_ros.emotions.classes import EMOTIONS
from fer_training.dataset import Faces
from fer_training.recipe import Recipe


def one_hot(labels: np.ndarray) -> np.ndarray:
    """int [N] -> float32 [N, 7]."""
    return np.eye(len(EMOTIONS), dtype=np.float32)[labels]


def targets(faces: Faces, recipe: Recipe) -> np.ndarray:
    """What to learn but for the teacher's share, float32 [N, 7]: the label and FER+'s votes, by the
    recipe's ``votes`` and ``doubt``.

    A face that no annotator gave any of the seven keeps its label instead.
    """
    labels, share = one_hot(faces.labels), 1 - recipe.teacher
    if not recipe.votes or faces.votes is None:
        return share * labels
    seven = faces.votes[:, : len(EMOTIONS)].astype(np.float32)
    total = seven.sum(axis=1, keepdims=True)
    votes = np.where(total > 0, seven / np.maximum(total, 1), labels)
    believed = (votes * labels).sum(axis=1) / votes.max(axis=1)
    own = (share - recipe.votes) * believed[:, None] ** recipe.doubt
    return own * labels + (share - own) * votes


def shown(others: Sequence[Faces], each_of: int) -> np.ndarray:
    """Rows of all ``others`` together, int64 [about N]: each origin fills an equal part of
    ``each_of`` places, its faces one after the other and again.
    """
    starts = np.cumsum([0, *map(len, others)])
    part = round(each_of / max(1, len(others)))
    rows = [start + np.arange(part) % len(own) for start, own in zip(starts, others, strict=False)]
    return np.concatenate([np.empty(0, np.int64), *rows])


@keras.saving.register_keras_serializable("fer_training")
class AdjustedCrossentropy(keras.losses.CategoricalCrossentropy):
    """Cross-entropy of logits to which ``offset``, [7], is added while they are learnt: with tau
    times the logarithm of the classes' frequencies, what is learnt does not hold these
    (Menon et al., 2021, arXiv:2007.07314).
    """

    def __init__(self, offset: Sequence[float], label_smoothing: float = 0.0):
        super().__init__(from_logits=True, label_smoothing=label_smoothing)
        self.offset = [float(value) for value in offset]

    def call(self, y_true, y_pred):
        offset = keras.ops.convert_to_tensor(self.offset, y_pred.dtype)
        return super().call(y_true, y_pred + offset)

    def get_config(self):
        return {"offset": self.offset, "label_smoothing": self.label_smoothing}
