# SPDX-License-Identifier: Apache-2.0
"""Where a face was of late, and so where it is to be expected: steady motion, as in SORT.

A. Bewley et al., "Simple Online and Realtime Tracking", ICIP 2016
(doi:10.1109/ICIP.2016.7533003). Where two tracks come to lie on one face, what each was about to
do tells whose it is: one moved on, the other was covered and jumped over to it.
"""

import math
from collections import deque

from fer_ros.result import Box

SPAN = 0.5  # seconds whose mean velocity counts
LEAST = 0.2  # seconds: of less, noise would be taken for motion
BRIEF = 0.05  # seconds: of who walks in and at once before another, no more may be known
DRIFT = 0.2  # seconds that a track takes to slide from a face onto one that covers it
KEPT = 64  # images


class Motion:
    """The last places of one face."""

    def __init__(self):
        self._places: deque[tuple[float, Box]] = deque(maxlen=KEPT)

    def note(self, now: float, box: Box) -> None:
        """Where the face is at ``now`` (seconds, never decreasing)."""
        self._places.append((now, box))

    def expected(self, now: float, since: float = math.inf, least: float = LEAST) -> Box:
        """Where the face would be at ``now``, by what was noted up to ``since``; what moved for
        less than ``least`` seconds counts as slower.
        """
        places = [p for p in self._places if p[0] <= since] or [self._places[0]]
        last, box = places[-1]
        first, start = next(p for p in places if last - p[0] <= SPAN)
        ahead = (now - last) / max(last - first, least)
        (x0, y0), (x1, y1) = start.centre, box.centre
        x, y, width, height = box
        return Box(x + (x1 - x0) * ahead, y + (y1 - y0) * ahead, width, height)

    def places(self, now: float, just_seen: bool) -> tuple[Box, ...]:
        """Where the face may be at ``now``: where it was noted last, or where it was about to go;
        where it is not ``just_seen``, both too by what was noted before it could drift.
        """
        last, box = self._places[-1]
        if just_seen:
            return box, self.expected(now)
        before = last - DRIFT
        return box, self.expected(now), self.expected(last, before), self.expected(now, before)

    def before(self, now: float) -> "Motion":
        """A copy as of before it could drift; at least one place is kept."""
        copy = Motion()
        copy._places.extend(self._places)
        copy.undo_drift(now)
        return copy

    def age(self, now: float) -> float:
        """Seconds since the face was noted last."""
        return now - self._places[-1][0]

    def distance(self, now: float, box: Box) -> float:
        """How far ``box`` lies from where the face was about to go, in sides of the box."""
        centres = self.expected(now).centre, self.expected(now, least=BRIEF).centre
        return min(math.dist(c, box.centre) for c in centres) / max(box.area**0.5, 1e-9)

    def strayed(self, now: float, box: Box) -> float:
        """How far ``box`` lies from where the face was about to be before it could drift, in
        sides of the box.
        """
        centre = self.expected(now, now - DRIFT).centre
        return math.dist(centre, box.centre) / max(box.area**0.5, 1e-9)

    def undo_drift(self, now: float) -> Box:
        """Forget what was noted while it may have drifted; where it was before."""
        while len(self._places) > 1 and self._places[-1][0] > now - DRIFT:
            self._places.pop()
        return self._places[-1][1]


def moved(framed: Box, then: Box, now: Box) -> Box:
    """What ``framed`` a face whose box was ``then``, for its box ``now``."""
    scale = now.width / then.width
    x, y = now.x + (framed.x - then.x) * scale, now.y + (framed.y - then.y) * scale
    return Box(x, y, framed.width * scale, framed.height * scale)
