# SPDX-License-Identifier: Apache-2.0
"""Is it about me: whether somebody wants the robot's attention, by distance and mutual gaze.

The metric is the visual social engagement of M. Webb and S. Lemaignan, "Measuring Visual Social
Engagement from Proxemics and Gaze" (RO-MAN 2022, doi:10.1109/RO-MAN53752.2022.9900801): gaze times
nearness. The camera's half of the mutual gaze is given, since it sees the face; the face's half is
its head pose, which counts from the line to the camera. Levels are those of
hri_msgs/EngagementLevel, by the share of the last seconds in which somebody looked so.
"""

import math
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from fer_ros.faces.quality import Flag
from fer_ros.result import FaceEmotion

LEVELS = ("unknown", "disengaged", "engaging", "engaged", "disengaging")
"""The values of FaceEmotion's ``engagement`` in words."""
UNKNOWN, DISENGAGED, ENGAGING, ENGAGED, DISENGAGING = range(len(LEVELS))
ORDER = (ENGAGED, ENGAGING, DISENGAGING, DISENGAGED, UNKNOWN)
"""Who wants most of the robot first."""

FIELD = math.radians(60)
"""Half angle of what somebody attends to; with ENOUGH as ROS4HRI's hri_engagement has it."""
ENOUGH = 0.5
"""Visual social engagement from which somebody looks at the robot."""

_NEXT = {
    DISENGAGED: ((0.0, DISENGAGED), (0.3, ENGAGING)),
    ENGAGING: ((0.2, DISENGAGED), (0.75, ENGAGED)),
    ENGAGED: ((0.7, DISENGAGING), (1.0, ENGAGED)),
    DISENGAGING: ((0.25, DISENGAGED), (0.8, ENGAGED)),
}
"""From each level: under which share of the time that somebody looked, and over which, the level
becomes another one. The gaps between keep it from flickering."""


def visual_social_engagement(away: float, distance: float, reach: float) -> float:
    """The metric of one moment, 0 to 1; 0 where ``away`` is not known.

    Args:
        away: angle between where the face looks and the camera, rad.
        distance: m; NaN where unknown, and then gaze decides alone.
        reach: m, beyond which it is 0.
    """
    if not away < math.pi / 2 or distance >= reach:
        return 0.0
    gaze = max(0.0, 1 - math.tan(away) / math.tan(FIELD))
    near = 1.0 if math.isnan(distance) else math.log(reach - distance + 1) / math.log(reach + 1)
    return gaze * near


@dataclass
class _GazeHistory:
    level: int = UNKNOWN
    looks: bool = False
    """In the last image, and it was seen there."""
    spans: deque[list[float]] = field(default_factory=deque)
    """From when to when it looked, in seconds, the oldest first."""


class EngagementTracker:
    """Follows each face's engagement. The attributes may be changed between two images: ``reach``,
    m, beyond which nobody is engaged; ``window``, seconds of which engagement takes three quarters.
    """

    def __init__(self, reach: float = 4.0, window: float = 2.0):
        self.reach = reach
        self.window = window
        self._faces: dict[int, _GazeHistory] = {}

    def fill(
        self, faces: Sequence[FaceEmotion], followed: Collection[int], now: float
    ) -> tuple[FaceEmotion, ...]:
        """Tell how engaged the faces of one image are, by ``facing``, pose and distance.

        Args:
            faces: those seen in it.
            followed: ids that live on, whether seen in it or not.
            now: seconds, never decreasing.

        Returns:
            The faces with their ``engagement``.
        """
        states = {i: s for i, s in self._faces.items() if i in followed}
        seen = {face.track_id for face in faces}
        for track_id in states.keys() - seen:
            states[track_id].looks = False
        for face in faces:
            self._update(states.setdefault(face.track_id, _GazeHistory()), face, now)
        self._faces = states
        return tuple(replace(face, engagement=self._level(face)) for face in faces)

    def _level(self, face: FaceEmotion) -> int:
        """A picture wants nothing; what it looked like counts again at its first movement."""
        level = self._faces[face.track_id].level
        return DISENGAGED if level and face.quality_flags & Flag.STILL else level

    def reset(self) -> None:
        """Forget all faces."""
        self._faces = {}

    def _update(self, state: _GazeHistory, face: FaceEmotion, now: float) -> None:
        known = not math.isnan(face.pose.away)
        if state.level == UNKNOWN:
            if not known:
                return  # no mesh: nobody knows where it looks
            state.level = DISENGAGED
        looks = face.facing and (
            visual_social_engagement(face.pose.away, face.distance, self.reach) >= ENOUGH
        )
        if looks and state.looks:
            state.spans[-1][1] = now
        elif looks:
            state.spans.append([now, now])
        state.looks = looks
        begin = now - self.window
        while state.spans and state.spans[0][1] < begin:
            state.spans.popleft()
        looked = sum(end - max(start, begin) for start, end in state.spans)
        (low, lower), (high, higher) = _NEXT[state.level]
        share = looked / self.window
        state.level = lower if share < low else higher if share > high else state.level
