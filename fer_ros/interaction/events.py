# SPDX-License-Identifier: Apache-2.0
"""What happened to the expressions of the faces: changes that held, and which one dominated.

All time is that of the images' stamps, in whole nanoseconds: the same images give the same answer,
however fast they come.
"""

import math
from bisect import bisect_right
from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from fer_ros.emotions.classes import UNCERTAIN
from fer_ros.faces.quality import DISTRACTED
from fer_ros.interaction.rules import Rule
from fer_ros.result import FaceEmotion

SECOND = 10**9  # ns

MAX_WINDOW = 60.0  # seconds
MAX_OBSERVATIONS = 65536  # two minutes of sixteen faces at 30 Hz
MAX_READINGS = 8192  # of one face, should stamps stand still

MEAN_AGE = 30.0  # seconds: of what makes the usual expression; that of a plain mean over a minute
KNOWN = 10.0  # seconds after which it is known
RISE = 0.25  # of a probability against the usual one, that stands out


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


class _Reading(NamedTuple):
    """One of a face's readings of an expression: ``stamp`` (ns) and the ``latest`` of these so far;
    its ``number`` among all readings; the sum of the confidences of those like it before.
    """

    latest: int
    stamp: int
    number: int
    sum_before: float


class _Shown:
    """What a face has shown of late, and what was told of it last."""

    def __init__(self):
        self.held = UNCERTAIN
        self._readings: deque[tuple[int, int]] = deque()
        self._alike: defaultdict[int, deque[_Reading]] = defaultdict(deque)
        self._count = 0
        self._sums: defaultdict[int, float] = defaultdict(float)

    def see(self, emotion: int, confidence: float, stamp: int, rule: Rule, memory: int):
        """A reading more: (onset, mean confidence) if it is told now, else None.

        The latest onset counts from which the rule holds; ``memory``: ns to look back.
        """
        self._note(emotion, confidence, stamp)
        while len(self._readings) > 2 and self._readings[1][0] < stamp - memory:
            self._forget()
        if emotion == self.held:
            return None
        alike, total = self._alike[emotion], self._sums[emotion]
        limit = stamp - math.ceil(rule.hold * SECOND)
        for index in range(bisect_right(alike, limit, key=lambda r: r.latest) - 1, -1, -1):
            reading = alike[index]
            count, of_them = self._count - reading.number, len(alike) - index
            if len(alike) < rule.majority * count:
                break  # nor do they suffice from any earlier onset
            sure = total - reading.sum_before
            if of_them < rule.majority * count or sure < rule.confidence * of_them - 1e-9:
                continue
            self.held = emotion
            # What was before it began tells nothing of what comes next.
            while self._readings[0][0] < reading.stamp:
                self._forget()
            return reading.stamp, sure / of_them
        return None

    def _note(self, emotion: int, confidence: float, stamp: int) -> None:
        alike = self._alike[emotion]
        latest = max(stamp, alike[-1].latest) if alike else stamp
        alike.append(_Reading(latest, stamp, self._count, self._sums[emotion]))
        self._readings.append((stamp, emotion))
        self._count += 1
        self._sums[emotion] += confidence
        if len(self._readings) > MAX_READINGS:
            self._forget()

    def _forget(self) -> None:
        """The oldest reading."""
        _, emotion = self._readings.popleft()
        self._alike[emotion].popleft()


class _Usual:
    """A face's own expression: the mean of its probabilities over about the last minute."""

    def __init__(self, stamp: int):
        self._since = self._seen = stamp
        self._mean: np.ndarray | None = None

    def change(self, face: FaceEmotion, stamp: int) -> int:
        """The expression that stands out against it; UNCERTAIN while none
        does, while it is not known yet, and while the reading is not to be trusted.
        """
        if face.quality_flags & DISTRACTED:
            return UNCERTAIN
        age = (stamp - self._since) / SECOND
        step = max(stamp - self._seen, 0) / SECOND
        self._seen = max(stamp, self._seen)
        if self._mean is None:
            self._mean = face.probabilities.astype(np.float64)
        risen = face.probabilities - self._mean
        self._mean += min(1.0, step / max(min(age, MEAN_AGE), 1e-9)) * risen
        most = int(risen.argmax())
        return UNCERTAIN if age < KNOWN or risen[most] < RISE else most


class EventDetector:
    """Tells a change of a face's expression once the new one holds by its rule; a shorter one in
    between is passed over. Before its first event a face counts as UNCERTAIN.

    Example:
        >>> from fer_ros.interaction.rules import read_rules
        >>> detector = EventDetector(read_rules("anger hold=2 confidence=0.7"))
        >>> detector.update([], followed=[], stamp=0)
        []

    ``rules``: of each expression, by its number. ``relative``: whether to tell besides what stands
    out against the face's own usual expression: a face that always looks sad to the network shows
    nothing new by that. UNCERTAIN is then the usual one; confidence counts for nothing there.
    """

    def __init__(self, rules: Mapping[int, Rule], relative: bool = False):
        self.rules = rules
        self.relative = relative
        self._faces: dict[int, tuple[_Shown, _Shown, _Usual]] = {}

    def update(
        self, faces: Iterable[FaceEmotion], followed: Collection[int], stamp: int
    ) -> list[Event]:
        """The events of one image. ``followed``: ids that live on, whether seen in it or not."""
        events = []
        memory = int(2 * SECOND * max(rule.hold for rule in self.rules.values()))
        for face in faces:
            if face.track_id not in self._faces:
                self._faces[face.track_id] = _Shown(), _Shown(), _Usual(stamp)
            itself, against, usual = self._faces[face.track_id]
            seen = [(itself, face.emotion, self.rules[face.emotion])]
            if self.relative:
                change = usual.change(face, stamp)
                seen.append((against, change, replace(self.rules[change], confidence=0.0)))
            for shown, emotion, rule in seen:
                before = shown.held
                told = shown.see(emotion, face.confidence, stamp, rule, memory)
                if told:
                    onset, confidence = told
                    events.append(
                        Event(
                            face.track_id,
                            before,
                            emotion,
                            onset,
                            confidence,
                            stamp - onset,
                            facing=face.facing,
                            relative=shown is against,
                            quality=face.quality,
                            valence=face.valence,
                        )
                    )
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
