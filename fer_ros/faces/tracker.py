# SPDX-License-Identifier: Apache-2.0
"""Boxes of successive images to stable ids: greedy matching by overlap, then by distance, with
where a face was and with where it was about to be.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from fer_ros.faces.motion import Motion
from fer_ros.result import Box

MIN_OVERLAP = 0.3
MAX_DISTANCE = 0.75  # of the mean side: about how far a head moves between images at 5 Hz
MAX_SIZE_RATIO = 1.8
MAX_PART_RATIO = 3.0  # of the sides of a face and of a part of it
HELD = 0.8  # of the area of a part, that lies on the face
PART = 0.01  # likeness of a part to the face: any other is more like it
MIN_HITS = 3
"""Images from which a track counts as a face, as in SORT (Bewley et al., 2016,
doi:10.1109/ICIP.2016.7533003): before, it may be a part of one that something passes before."""


@dataclass
class _Track:
    id: int
    box: Box
    seen: float
    hits: int = 0
    motion: Motion = field(default_factory=Motion)


class Tracker:
    """Gives each face an id that it keeps through misses of up to ``max_gap`` seconds.

    Ids count from 1 and are never given twice, not after ``reset`` either. They tell faces apart
    for as long as they are followed; they do not recognise a person who comes back.
    """

    def __init__(self, max_gap: float = 1.0):
        self.max_gap = max_gap
        self._tracks: list[_Track] = []
        self._last = -math.inf
        self.next_id = 1

    def update(self, boxes: Sequence[Box], now: float) -> list[int]:
        """An id for each box, in their order; ``now`` in seconds, never decreasing."""
        self._tracks = [t for t in self._tracks if now - t.seen <= self.max_gap]
        # One that was seen in the last image first: of two behind each other the other is covered.
        pairs = sorted(
            (track.hits < MIN_HITS, track.seen < self._last, -like, t, b)
            for t, track in enumerate(self._tracks)
            for place in [track.motion.places(now, track.seen == self._last)]
            for b, box in enumerate(boxes)
            if (like := max(likeness(p, box) for p in place)) > 0
        )
        self._last = now
        taken: dict[int, _Track] = {}
        used = set()
        for *_, t, b in pairs:
            if t not in used and b not in taken:
                used.add(t)
                taken[b] = self._tracks[t]
        for b, box in enumerate(boxes):
            if b not in taken:
                taken[b] = _Track(self.next_id, box, now)
                self.next_id += 1
                self._tracks.append(taken[b])
            taken[b].box, taken[b].seen = box, now
            taken[b].hits += 1
            taken[b].motion.note(now, box)
        return [taken[b].id for b in range(len(boxes))]

    @property
    def ids(self) -> set[int]:
        """Ids that are still followed, seen in the last image or not."""
        return {t.id for t in self._tracks}

    def reset(self) -> None:
        """Forget all tracks; new faces get new ids."""
        self._tracks.clear()


def likeness(a: Box, b: Box) -> float:
    """1 to 2 by overlap, 0 to 1 by nearness of boxes that overlap little, 0 when neither.

    ``a`` is known, ``b`` is new. A larger ``b`` that holds ``a`` is a little like it: of a face
    that was covered a part may have been known last.
    """
    (ax, ay), (bx, by) = a.centre, b.centre
    reach = max(a.width + b.width, a.height + b.height) / 2
    if abs(ax - bx) >= reach or abs(ay - by) >= reach:
        return 0.0  # most pairs among many faces, told at once
    overlap = a.overlap(b)
    if overlap >= MIN_OVERLAP:
        return 1 + overlap
    side_a, side_b = a.area**0.5, b.area**0.5
    if not side_a or not side_b or side_a / side_b > MAX_SIZE_RATIO:
        return 0.0
    if side_b / side_a > MAX_SIZE_RATIO:
        return PART if a.shared(b) >= HELD * a.area and side_b / side_a < MAX_PART_RATIO else 0.0
    distance = math.dist((ax, ay), (bx, by)) / ((side_a + side_b) / 2)
    return max(0.0, 1 - distance / MAX_DISTANCE)
