# SPDX-License-Identifier: Apache-2.0
"""Probabilities of a face over time: exponential smoothing, and a label that does not flicker."""

import math
from collections.abc import Collection, Hashable
from dataclasses import dataclass

import numpy as np

from fer_ros.emotions.classes import UNCERTAIN


@dataclass(frozen=True)
class SmoothingOptions:
    """As parameters have it; an ``uncertain_threshold`` under 0 leaves it to the model card."""

    smoothing_time_constant: float
    hysteresis: float
    uncertain_threshold: float


@dataclass
class _State:
    time: float
    probabilities: np.ndarray
    emotion: int


class Smoother:
    """One smoothed distribution and one label for each track.

    ``time_constant``: seconds after which a lasting change has come through to 63 %, 0 for none;
    the weight of an image follows from the time between stamps, so the result does not depend on
    the frame rate. ``hysteresis``: by how much another class must exceed the label's to replace
    it. ``uncertain_below``: largest probability under which the label is UNCERTAIN.
    """

    def __init__(
        self, time_constant: float = 0.3, hysteresis: float = 0.1, uncertain_below: float = 0.4
    ):
        self.time_constant = time_constant
        self.hysteresis = hysteresis
        self.uncertain_below = uncertain_below
        self._states: dict[Hashable, _State] = {}

    def tune(self, options: SmoothingOptions, uncertain_below: float) -> None:
        """Take up other options; ``uncertain_below``: the model card's."""
        self.time_constant = options.smoothing_time_constant
        self.hysteresis = options.hysteresis
        threshold = options.uncertain_threshold
        self.uncertain_below = uncertain_below if threshold < 0 else threshold

    def update(
        self, track_id: Hashable, raw: np.ndarray, now: float, at_least: float = 0.0
    ) -> tuple[np.ndarray, int]:
        """Smoothed probabilities, float32 [7] that sum to 1, and the class number to publish.

        ``raw``: float [7], of this image; ``now``: seconds, never decreasing; ``at_least``: the
        least time constant for this image, s, where anything is smoothed.
        """
        state = self._states.get(track_id)
        if state is None:
            state = self._states[track_id] = _State(now, raw.astype(np.float64), int(raw.argmax()))
        else:
            weight = self._weight(now - state.time, at_least)
            state.probabilities += weight * (raw - state.probabilities)
            state.time = now
        probabilities = state.probabilities
        best = int(probabilities.argmax())
        held = probabilities[state.emotion]
        if probabilities[best] > held + self.hysteresis or held < self.uncertain_below:
            state.emotion = best
        emotion = UNCERTAIN if probabilities[best] < self.uncertain_below else state.emotion
        return probabilities.astype(np.float32), emotion

    def keep(self, track_ids: Collection[Hashable]) -> None:
        """Forget every track that is not among ``track_ids``."""
        self._states = {i: s for i, s in self._states.items() if i in track_ids}

    def reset(self) -> None:
        """Forget everything."""
        self._states.clear()

    def _weight(self, elapsed: float, at_least: float) -> float:
        if self.time_constant <= 0:
            return 1.0
        return 1 - math.exp(-elapsed / max(self.time_constant, at_least))
