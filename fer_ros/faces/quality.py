# SPDX-License-Identifier: Apache-2.0
"""How far a reading can be trusted: what makes it less sure, and how often readings like it are
right.

On still pictures nothing beside the classifier's own confidence tells right from wrong; over time
the mouth does: who talks looks surprised, afraid or angry by turns. The thresholds and weights
below stand on what ``benchmarks/trust/flags.py`` and ``benchmarks/trust/calibration.py`` print.
"""

import math
from collections import deque
from collections.abc import Collection, Hashable
from dataclasses import dataclass, field
from enum import IntFlag
from typing import NamedTuple

import cv2
import numpy as np

from fer_ros.faces.stillness import Stillness
from fer_ros.result import HeadPose


class Flag(IntFlag):
    """The bits of FaceEmotion's ``quality_flags``."""

    TURNED_AWAY = 1
    TILTED = 2
    SMALL = 4
    BLURRED = 8
    BADLY_LIT = 16
    COVERED = 32
    TALKING = 64
    JUST_APPEARED = 128
    STILL = 256


AWAY = math.radians(30)  # between where the face looks and the camera
LEANING = math.radians(30)  # of the head to one side
NARROW = 24  # pixels of the face's box
SMOOTH = 0.07  # sharpness, as ``_looks`` measures it, under which a face is blurred
DARK = 12.0  # standard deviation of the grey levels that is too little light, or contrast
WHITE, GLARE = 250, 0.3  # grey level, and the share of the face that may reach it
BARE = 0.3  # of the detail that is left where a hand or a mask covers it
NEW = 0.5  # seconds for which a face is new

LIPS = (13, 14)  # middle of their inner edges, among the points of the face mesh
EYES = (33, 263)  # their outer corners
CLOSED = 0.05  # opening of a mouth, over the eyes' distance, that is as good as none
SWING = 0.35  # change of the opening's logarithm that is no trembling of the mesh
SWINGS, SPEECH = 3, 1.2  # so many, up and down, in so many seconds are talk
STIR = 0.2  # such a change that may be talk, too
TURN = math.radians(5)  # of the head, from where it looked in the last seconds
STEADY = 2.0  # seconds: time constant of where it looked, and of what a restless face showed

SIDE = 48  # pixels of the crop that is looked at: FER-2013's
ZONES = tuple(  # of that: the person's right eye, the left one, the mouth
    (slice(top, bottom), slice(left, right))
    for top, bottom, left, right in ((13, 25, 6, 22), (13, 25, 26, 42), (29, 43, 13, 35))
)

WEIGHTS = {
    Flag.TALKING: 0.5,  # the mean of many syllables is right more often than it says
}
"""Added to the log-odds that confidence gives a reading, where a flag is up. The confidence is
calibrated (the model card's temperature) and falls by itself for what is missing here, as
``benchmarks/trust/calibration.py`` shows."""

DISTRACTED = Flag.TURNED_AWAY | Flag.COVERED | Flag.TALKING
"""Flags of readings whose errors do not pass: the same wrong label comes for seconds."""
STRICTER = 0.1  # by so much more quality they must have


def quality_of(confidence: float, flags: int) -> float:
    """Share of readings with this confidence (0 to 1) and these flags that are right, 0 to 1."""
    confidence = min(max(confidence, 1e-4), 1 - 1e-4)
    odds = math.log(confidence / (1 - confidence))
    odds += sum(weight for flag, weight in WEIGHTS.items() if flags & flag)
    return 1 / (1 + math.exp(-odds))


def is_trusted(quality: float, flags: int, least: float) -> bool:
    """Whether a reading is good enough to be named, by the least quality of one whose face is
    turned here, bare and silent; 0: any is.
    """
    return quality >= least + (STRICTER if least and flags & DISTRACTED else 0.0)


class Mouth:
    """Whether a mouth talks: it opens and closes, again and again. One that stays open does not:
    a smile, laughter, a shout.
    """

    def __init__(self, swing: float):
        self._swing = swing
        self._low = self._high = math.nan
        self._opens = False
        self._swings: deque[float] = deque(maxlen=SWINGS)

    def see(self, opening: float, now: float) -> None:
        """How far it is open, over the eyes' distance, at a stamp in seconds."""
        level = math.log(CLOSED + opening)
        self._low, self._high = min(level, self._low), max(level, self._high)
        if level - self._low > self._swing and not self._opens:
            self._turn(level, now, opens=True)
        elif self._high - level > self._swing and (self._opens or not self._swings):
            self._turn(level, now, opens=False)

    def talks(self, now: float) -> bool:
        """Whether it has swung SWINGS times in the last SPEECH seconds."""
        return len(self._swings) == SWINGS and now - self._swings[0] < SPEECH

    def _turn(self, level: float, now: float, opens: bool) -> None:
        self._low = self._high = level
        self._opens = opens
        self._swings.append(now)


class Reading(NamedTuple):
    """What makes a reading less sure. ``restless``: mouth or head move, so that an expression that
    is read may be of this moment alone.
    """

    flags: Flag
    restless: bool


@dataclass
class _ReadingHistory:
    since: float
    seen: float
    yaw: float = math.nan
    """Mean of the last seconds."""
    talk: Mouth = field(default_factory=lambda: Mouth(SWING))
    stir: Mouth = field(default_factory=lambda: Mouth(STIR))
    stillness: Stillness = field(default_factory=Stillness)


class QualityMeter:
    """What makes the readings of each face less sure, from image to image."""

    def __init__(self):
        self._tracks: dict[Hashable, _ReadingHistory] = {}

    def read(
        self,
        track_id: Hashable,
        width: float,
        crop: np.ndarray,
        pose: HeadPose,
        points: np.ndarray | None,
        now: float,
    ) -> Reading:
        """What to say of one face in one image.

        Args:
            track_id: whose face it is.
            width: of its box, pixels.
            crop: what the classifier saw, uint8 [S, S] grey or [S, S, 3] RGB.
            pose: of the head; NaN where unknown.
            points: float32 [468, 3] of the face mesh, where it looked.
            now: seconds, never decreasing.
        """
        track = self._tracks.setdefault(track_id, _ReadingHistory(now, now))
        if points is not None:
            opening = _opening(points)
            track.talk.see(opening, now)
            track.stir.see(opening, now)
        if math.isnan(track.yaw):
            track.yaw = pose.yaw
        turned = pose.yaw - track.yaw
        if not math.isnan(turned):
            track.yaw += (1 - math.exp((track.seen - now) / STEADY)) * turned
        track.seen = now
        flags = _of_crop(crop)
        for flag, holds in (
            (Flag.TURNED_AWAY, pose.away > AWAY),  # NaN compares false
            (Flag.TILTED, abs(pose.roll) > LEANING),
            (Flag.SMALL, width < NARROW),
            (Flag.TALKING, track.talk.talks(now)),
            (Flag.JUST_APPEARED, now - track.since < NEW),
            (Flag.STILL, track.stillness.see(points, now)),
        ):
            if holds:
                flags |= flag
        restless = track.stir.talks(now) or abs(pose.yaw - track.yaw) > TURN
        return Reading(flags, restless)

    def keep(self, track_ids: Collection[Hashable]) -> None:
        """Forget every face that is not among ``track_ids``."""
        self._tracks = {i: t for i, t in self._tracks.items() if i in track_ids}

    def reset(self) -> None:
        """Forget everything."""
        self._tracks.clear()


def _opening(points: np.ndarray) -> float:
    """Of the mouth, over the distance of the eyes' outer corners: both in space, so that it stays
    the same while the head turns.
    """
    lips, eyes = (points[list(pair)] for pair in (LIPS, EYES))
    return math.dist(*lips) / max(math.dist(*eyes), 1e-6)


def _of_crop(crop: np.ndarray) -> Flag:
    """BLURRED, BADLY_LIT and COVERED, by the picture that the classifier saw."""
    if crop.ndim == 3:
        crop = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    if crop.shape[0] != SIDE:
        crop = cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    grey = crop.astype(np.float32)
    contrast = float(grey.std())
    flags = Flag(0)
    if contrast < DARK or np.count_nonzero(crop >= WHITE) > GLARE * crop.size:
        flags |= Flag.BADLY_LIT
    # How fast the steps between neighbours change, in the direction in which they do so less: a
    # face that moves is blurred in one direction alone.
    down, across = np.diff(grey, axis=0), np.diff(grey, axis=1)
    bends = np.abs(np.diff(down[4:-4, 4:-4], axis=0)), np.abs(np.diff(across[4:-4, 4:-4], axis=1))
    if min(float(bend.mean()) for bend in bends) < SMOOTH * (contrast + 1):
        flags |= Flag.BLURRED
    # Eyes and mouth are lines that lie across: where a hand covers one, there are none.
    least, middle, _ = sorted(float(np.abs(down[zone]).mean()) for zone in ZONES)
    if least < BARE * (middle + 0.5):
        flags |= Flag.COVERED
    return flags
