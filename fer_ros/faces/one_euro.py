# SPDX-License-Identifier: Apache-2.0
"""Numbers that tremble made calm, without lag where they really move.

G. Casiez, N. Roussel and D. Vogel, "1 Euro Filter: A Simple Speed-based Low-pass Filter for Noisy
Input in Interactive Systems", CHI 2012 (doi:10.1145/2207676.2208639): a low-pass whose cut-off
rises with the speed.
"""

import math
from collections.abc import Collection

import numpy as np

REST = 1.0  # Hz, the cut-off for what rests
RISE = 4.0  # Hz more for each rad/s or m/s
SPEED_CUTOFF = 1.0  # Hz, of the speed itself, the paper's
PAUSE = 1.0  # seconds without a value after which it begins anew


class OneEuroFilter:
    """One filter for several tracks, each with a vector of its own; all time is the caller's.

    Args:
        angles: the values are angles in rad: they go on past pi at -pi.
    """

    def __init__(self, angles: bool = False):
        self._angles = angles
        self._states: dict[int, tuple[float, np.ndarray, np.ndarray]] = {}

    def update(self, track_id: int, values: np.ndarray, now: float) -> np.ndarray:
        """The calm values of a track, float64 [N].

        Args:
            track_id: whose.
            values: rad or m, [N]; the first of a track are given back as they are, and so are
                those with NaN among them, after which it begins anew.
            now: seconds, never decreasing; a second time at one ``now`` changes nothing.
        """
        values = np.asarray(values, np.float64)
        before, calm, speed = self._states.get(track_id, (-math.inf, values, np.zeros(len(values))))
        elapsed = now - before
        if elapsed == 0:
            return calm
        if not np.isfinite(values).all():
            self._states.pop(track_id, None)
            return values
        if 0 < elapsed <= PAUSE:
            step = values - calm
            if self._angles:
                step = (step + math.pi) % math.tau - math.pi
            speed = speed + _weight(SPEED_CUTOFF, elapsed) * (step / elapsed - speed)
            cutoff = REST + RISE * math.sqrt(speed @ speed)
            calm = calm + _weight(cutoff, elapsed) * step
            if self._angles:
                calm = (calm + math.pi) % math.tau - math.pi
        else:
            calm, speed = values, np.zeros(len(values))
        self._states[track_id] = now, calm, speed
        return calm

    def keep(self, track_ids: Collection[int]) -> None:
        """Forget every track that is not among ``track_ids``."""
        self._states = {i: s for i, s in self._states.items() if i in track_ids}

    def reset(self) -> None:
        """Forget everything."""
        self._states.clear()


def _weight(cutoff: float, elapsed: float) -> float:
    """Of a new value, for a low-pass with this cut-off (Hz)."""
    return 1 / (1 + 1 / (math.tau * cutoff * elapsed))
