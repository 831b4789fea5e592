# SPDX-License-Identifier: Apache-2.0
"""How long a marker stays in RViz after the last of its kind."""

import statistics
from collections import deque
from itertools import pairwise

from builtin_interfaces.msg import Duration

KEPT = 3  # periods: one or two messages may be lost
REMEMBERED = 5  # periods, of which the median holds: a pause is no new rate


class Lifetime:
    """Some periods of what is published, by the clock that RViz goes by too.

    Args:
        least: seconds, also before a period is known.
    """

    def __init__(self, least: float):
        self._least = least
        self._times: deque[float] = deque(maxlen=REMEMBERED + 1)

    def note(self, now: float) -> None:
        """Note that something is or could be published at ``now``, seconds; time that goes back
        begins anew.
        """
        if self._times and now < self._times[-1]:
            self._times.clear()
        self._times.append(now)

    def duration(self) -> Duration:
        """How long what is published now stays."""
        periods = [later - earlier for earlier, later in pairwise(self._times)]
        seconds = max(self._least, KEPT * statistics.median(periods or [0.0]))
        return Duration(sec=int(seconds), nanosec=int(seconds % 1 * 1e9))
