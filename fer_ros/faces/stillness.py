# SPDX-License-Identifier: Apache-2.0
"""Whether a face never moves: a photograph on a wall, a poster, a paused screen.

Measured on the mesh's points as they come. The means over them tremble little on a picture, even
under a camera's noise; breath sways a living head by more, and blinks show at the lids.
"""

import math
from collections import deque

import numpy as np

WINDOW = 5.0
"""Seconds without a movement after which a face is still."""
GAP = 1.0  # seconds without the mesh after which nothing is known
LIMITS = np.array([0.012, 0.012, 0.025, 0.05, 0.01, 0.01, 0.025, 0.025])
"""Range of each measure within the window that noise alone may bring: place across and down, size's
logarithm, opening of mouth and eyes, nose across and down; over the eyes' distance. Pictures on a
wall reach half of it under a noise of 4 grey levels, a living face is far over it
(``benchmarks/trust/still.py``).
"""

_EYES, _LIPS, _NOSE = (33, 263), (13, 14), 1
_LIDS = ((159, 145), (386, 374))


class Stillness:
    """Follows one face."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, np.ndarray]] = deque()
        self._scale = 0.0
        self._since = 0.0

    def see(self, points: np.ndarray | None, now: float) -> bool:
        """Whether it has not moved for WINDOW.

        Args:
            points: float32 [468, 3] of the face mesh, pixels, where it looked.
            now: seconds, never decreasing.
        """
        if self._seen and now - self._seen[-1][0] > GAP:
            self._seen.clear()
        if points is None:
            return False
        if not self._seen:
            self._since, self._scale = now, scale_of(points)
        self._seen.append((now, measures(points, self._scale)))
        while self._seen[0][0] < now - WINDOW:
            self._seen.popleft()
        if now - self._since < WINDOW:
            return False
        # Of what moves, the two ends alone mostly tell: the range of all takes ten times as long.
        if (np.abs(self._seen[-1][1] - self._seen[0][1]) >= LIMITS).any():
            return False
        return bool((np.ptp([m for _, m in self._seen], axis=0) < LIMITS).all())


def scale_of(points: np.ndarray) -> float:
    """The eyes' distance, pixels."""
    return _distance(points, _EYES)


def measures(points: np.ndarray, scale: float) -> np.ndarray:
    """What moves in a face, float [8], over the eyes' distance ``scale``: see LIMITS."""
    centre = points[:, :2].mean(axis=0)
    eyes = scale_of(points)
    nose = (points[_NOSE, :2] - points[list(_EYES), :2].mean(axis=0)) / eyes
    openings = [_distance(points, pair) / eyes for pair in (_LIPS, *_LIDS)]
    return np.array([*(centre / scale), np.log(eyes / scale), *openings, *nose])


def _distance(points: np.ndarray, pair: tuple[int, int]) -> float:
    return max(math.dist(points[pair[0]], points[pair[1]]), 1e-6)
