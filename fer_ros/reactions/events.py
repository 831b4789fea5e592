# SPDX-License-Identifier: Apache-2.0
"""What happened to the expressions of the faces: changes that held, and which one dominated.

All time is that of the images' stamps, in whole nanoseconds: the same images give the same answer,
however fast they come.
"""

import math
from collections import Counter, deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from fer_ros.emotions.classes import UNCERTAIN
from fer_ros.result import FaceEmotion

MAX_WINDOW = 60.0  # seconds
MAX_OBSERVATIONS = 65536  # two minutes of sixteen faces at 30 Hz


@dataclass(frozen=True)
class Event:
    """A change of expression that held; the fields of ``fer_ros/msg/EmotionEvent``.

    ``onset``: stamp, ns; ``confidence``: mean since then; ``duration``: ns from then on; the others
    as FaceEmotion's in the image with which it had held.
    """

    track_id: int
    from_emotion: int
    to_emotion: int
    onset: int
    confidence: float
    duration: int
    facing: bool = False
    relative: bool = False
    quality: float = math.nan
    valence: float = math.nan


@dataclass
class _Face:
    held: int
    """The last expression that was told."""
    emotion: int
    onset: int
    total: float = 0.0
    count: int = 0


class EventDetector:
    """Tells a change of a face's expression once the new one has held for ``hold`` seconds.

    A shorter one in between is passed over. Before its first event a face counts as UNCERTAIN.
    """

    def __init__(self, hold: float = 0.5):
        self.hold = hold
        self._faces: dict[int, _Face] = {}

    def update(
        self, faces: Iterable[FaceEmotion], followed: Collection[int], stamp: int
    ) -> list[Event]:
        """The events of one image. ``followed``: ids that live on, whether seen in it or not."""
        events = []
        for face in faces:
            state = self._faces.get(face.track_id)
            if state is None:
                state = self._faces[face.track_id] = _Face(UNCERTAIN, face.emotion, stamp)
            elif face.emotion != state.emotion:
                state = self._faces[face.track_id] = _Face(state.held, face.emotion, stamp)
            state.total += face.confidence
            state.count += 1
            duration = stamp - state.onset
            if state.emotion != state.held and duration >= self.hold * 1e9:
                mean = state.total / state.count
                events.append(
                    Event(
                        face.track_id,
                        state.held,
                        state.emotion,
                        state.onset,
                        mean,
                        duration,
                        facing=face.facing,
                        quality=face.quality,
                        valence=face.valence,
                    )
                )
                state.held = state.emotion
        self._faces = {i: s for i, s in self._faces.items() if i in followed}
        return events

    def reset(self) -> None:
        """Forget all faces."""
        self._faces.clear()


@dataclass(frozen=True)
class Dominant:
    """The expression in most of ``observations``, ``share`` of them (0 to 1), and the mean of
    their probabilities, float32 [7].
    """

    emotion: int
    share: float
    probabilities: np.ndarray
    observations: int


class ExpressionHistory:
    """Remembers the last MAX_WINDOW seconds of expressions, in memory alone."""

    def __init__(self):
        self._observations: deque[tuple[int, FaceEmotion]] = deque(maxlen=MAX_OBSERVATIONS)
        self._newest = 0

    def __len__(self) -> int:
        """How many observations are remembered."""
        return len(self._observations)

    def add(self, faces: Iterable[FaceEmotion], stamp: int) -> None:
        """Note the faces of one image.

        One without a stamp of its own, zero or not newer than the last, is left out: it has no
        time. (The pipeline says when stamps went back for good: then ``reset``.)
        """
        if stamp <= self._newest:
            return
        self._newest = stamp
        self._observations.extend((stamp, face) for face in faces)
        while self._observations and self._observations[0][0] < stamp - MAX_WINDOW * 1e9:
            self._observations.popleft()

    def dominant(self, window: float, track_id: int = 0) -> Dominant | None:
        """The most frequent expression in the ``window`` seconds up to the newest image.

        Of one face, or of all with 0; None where there was no face. Of several equally frequent
        ones the most probable. Raises ValueError for a window that is not over 0 and up to 60 s.
        """
        if not 0 < window <= MAX_WINDOW:
            raise ValueError(f"window must be over 0 and at most {MAX_WINDOW:g} s, not {window:g}")
        begin = self._newest - window * 1e9
        faces = [
            face
            for stamp, face in self._observations
            if stamp >= begin and track_id in (0, face.track_id)
        ]
        if not faces:
            return None
        mean = np.array([face.probabilities for face in faces], np.float64).mean(axis=0)
        counts = Counter(face.emotion for face in faces)
        likely = {e: 0.0 if e == UNCERTAIN else mean[e] for e in counts}
        emotion = max(counts, key=lambda e: (counts[e], likely[e]))
        return Dominant(emotion, counts[emotion] / len(faces), mean.astype(np.float32), len(faces))

    def reset(self) -> None:
        """Forget everything."""
        self._observations.clear()
        self._newest = 0
