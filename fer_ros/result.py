# SPDX-License-Identifier: Apache-2.0
"""The result for one face."""

from dataclasses import dataclass

import numpy as np

from fer_ros.emotions.classes import UNCERTAIN, label_of


@dataclass(frozen=True)
class FaceEmotion:
    """One face of one image; the fields of ``fer_ros/msg/FaceEmotion``.

    ``box``: x, y, width, height in whole pixels of the image given, clipped to it;
    ``probabilities`` (smoothed) and ``raw_probabilities`` (this image alone): float32 [7].
    """

    track_id: int
    box: tuple[int, int, int, int]
    detection_score: float
    emotion: int
    probabilities: np.ndarray
    raw_probabilities: np.ndarray

    @property
    def label(self) -> str:
        """``anger`` to ``neutral``, or ``uncertain``."""
        return label_of(self.emotion)

    @property
    def confidence(self) -> float:
        """Probability of the label; the largest of all for ``uncertain``."""
        chosen = self.probabilities.argmax() if self.emotion == UNCERTAIN else self.emotion
        return float(self.probabilities[chosen])
