# SPDX-License-Identifier: Apache-2.0
"""What the camera sees of people in one sentence, as context for a language model.

Such as "One person, 1.2 m away, facing the robot for 8 s, smiling for 4 s; before that neutral." It
says what faces show and never what anybody feels. A language is one row of WORDS.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from fer_ros.emotions.classes import UNCERTAIN, label_of
from fer_ros.interaction.engagement import ORDER
from fer_ros.result import FaceEmotion

HOLD = 0.5
"""Seconds after which something new counts: a shorter glance or flicker is passed over."""
MAX_NAMED = 3
"""At most so many faces are described one by one."""

WORDS = {
    "en": {
        "nobody": "Nobody is in view.",
        "one": "One person",
        "several": "{count} people: the first",
        "another": "another",
        "others": "{count} more",
        "distance": "{metres} m away",
        "decimal": ".",
        "facing": "facing the robot",
        "away": "turned away",
        "for": "{what} for {seconds} s",
        "before": "before that {what}",
        "anger": "showing anger",
        "disgust": "showing disgust",
        "fear": "showing fear",
        "joy": "smiling",
        "sadness": "showing sadness",
        "surprise": "showing surprise",
        "neutral": "neutral",
        "uncertain": "showing no clear expression",
    },
    "de": {
        "nobody": "Niemand ist im Bild.",
        "one": "Eine Person",
        "several": "{count} Personen: die erste",
        "another": "eine weitere",
        "others": "{count} weitere",
        "distance": "{metres} m entfernt",
        "decimal": ",",
        "facing": "dem Roboter zugewandt",
        "away": "abgewandt",
        "for": "{what} seit {seconds} s",
        "before": "davor {what}",
        "anger": "zeigt Ärger",
        "disgust": "zeigt Ekel",
        "fear": "zeigt Furcht",
        "joy": "lächelt",
        "sadness": "zeigt Trauer",
        "surprise": "zeigt Überraschung",
        "neutral": "neutral",
        "uncertain": "zeigt keinen klaren Ausdruck",
    },
}
"""The words and phrases of each language; what stands in braces is filled in."""


@dataclass
class _Held:
    """A value that counts once it has held for HOLD seconds, and the one before it."""

    value: int | None = None
    since: float = 0.0
    before: int | None = None
    _next: int | None = None
    _began: float = 0.0

    def update(self, value: int | None, now: float) -> None:
        if value != self._next:
            self._next, self._began = value, now
        if value != self.value and now - self._began >= HOLD:
            if self.value not in (None, UNCERTAIN):
                self.before = self.value
            self.value, self.since = value, self._began


@dataclass
class _FaceHistory:
    face: FaceEmotion
    """As it was last seen."""
    facing: _Held = field(default_factory=_Held)
    emotion: _Held = field(default_factory=_Held)


class Narrator:
    """Puts the faces of now, and what they did before, into a sentence."""

    def __init__(self):
        self._faces: dict[int, _FaceHistory] = {}
        self._now = 0.0

    def update(self, faces: Sequence[FaceEmotion], followed: Collection[int], now: float) -> None:
        """Note the faces of one image.

        Args:
            faces: those seen in it.
            followed: ids that live on, whether seen in it or not.
            now: seconds, never decreasing.
        """
        self._faces = {i: known for i, known in self._faces.items() if i in followed}
        self._now = now
        for face in faces:
            known = self._faces.setdefault(face.track_id, _FaceHistory(face))
            known.face = face
            known.facing.update(None if math.isnan(face.pose.yaw) else face.facing, now)
            known.emotion.update(face.emotion, now)

    def sentence(self, language: str = "en") -> str:
        """What there is to say now, the most engaged and nearest first; ``language``: of WORDS."""
        words = WORDS[language]
        known = sorted(self._faces.values(), key=_most_engaged)
        if not known:
            return words["nobody"]
        described = [self._about(each, words) for each in known[:MAX_NAMED]]
        if len(known) == 1:
            about, before = described[0]
            text = ", ".join([words["one"], *about])
            return f"{text}; {before}." if before else f"{text}."
        parts = [", ".join([*about, before] if before else about) for about, before in described]
        text = f"; {words['another']} ".join(parts)
        more = len(known) - MAX_NAMED
        rest = f"; {words['others'].format(count=more)}" if more > 0 else ""
        return f"{words['several'].format(count=len(known))} {text}{rest}."

    def reset(self) -> None:
        """Forget all faces."""
        self._faces = {}

    def _about(self, known: _FaceHistory, words) -> tuple[list[str], str]:
        """What is said of a face, and what of the time before."""
        about = []
        if not math.isnan(known.face.distance):
            metres = f"{known.face.distance:.1f}".replace(".", words["decimal"])
            about.append(words["distance"].format(metres=metres))
        if known.facing.value is not None:
            what = words["facing" if known.facing.value else "away"]
            about.append(self._lasting(what, known.facing.since, words))
        emotion, before = known.emotion, ""
        if emotion.value is not None:
            about.append(self._lasting(words[label_of(emotion.value)], emotion.since, words))
        if emotion.before not in (None, emotion.value):
            before = words["before"].format(what=words[label_of(emotion.before)])
        return about, before

    def _lasting(self, what: str, since: float, words) -> str:
        seconds = round(self._now - since)
        return words["for"].format(what=what, seconds=seconds) if seconds else what


def _most_engaged(known: _FaceHistory):
    distance = known.face.distance
    return ORDER.index(known.face.engagement), math.inf if math.isnan(distance) else distance
