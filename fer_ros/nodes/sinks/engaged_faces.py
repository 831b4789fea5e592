# SPDX-License-Identifier: Apache-2.0
"""``engagement``: who wants the robot's attention."""

import math

from fer_ros.interaction.engagement import LEVELS, ORDER
from fer_ros.msg import EngagementArray, FaceEngagement
from fer_ros.nodes.publishers import publisher
from fer_ros.nodes.sinks.base import Sink
from fer_ros.result import FaceEmotion

PERIOD = 1.0  # seconds of the images' time


class EngagedFacesSink(Sink):
    """Publishes when a level changes, when a face comes or goes, and once a PERIOD."""

    def __init__(self, node, ids):
        super().__init__(node, ids)
        self._publisher = publisher(node, "engagement")
        self._faces: dict[int, tuple[FaceEmotion, float]] = {}
        """Each followed face as it was last seen, and since when its level is what it is."""
        self._last_published = -math.inf

    def publish(self, header, result):
        faces = {i: known for i, known in self._faces.items() if i in result.followed}
        changed = len(faces) < len(self._faces)
        for face in result.faces:
            last, since = faces.get(face.track_id, (None, result.now))
            if last is None or face.engagement != last.engagement:
                changed, since = True, result.now
            faces[face.track_id] = face, since
        self._faces = faces
        if changed or result.now - self._last_published >= PERIOD:
            self._last_published = result.now
            listed = [_message(face, since, result.now) for face, since in faces.values()]
            listed.sort(key=_most_engaged)
            self._publisher.publish(EngagementArray(header=header, faces=listed))

    def reset(self):
        self._faces, self._last_published = {}, -math.inf

    def close(self):
        self.reset()


def _message(face: FaceEmotion, since: float, now: float) -> FaceEngagement:
    return FaceEngagement(
        track_id=face.track_id,
        engagement=face.engagement,
        label=LEVELS[face.engagement],
        duration=now - since,
        facing=face.facing,
        distance=face.distance,
    )


def _most_engaged(face: FaceEngagement):
    return ORDER.index(face.engagement), math.inf if math.isnan(face.distance) else face.distance
