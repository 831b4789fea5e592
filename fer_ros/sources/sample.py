# SPDX-License-Identifier: Apache-2.0
"""The built-in clip: two portraits moved, zoomed, turned, lit and partly covered.

Made from photographs in the public domain: the astronaut Eileen Collins (NASA) and Rear Admiral
Grace Hopper (US Navy); REUSE.toml says where they are from.
"""

from collections.abc import Sequence
from math import cos, pi, sin
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

WIDTH, HEIGHT, RATE, SECONDS = 640, 480, 30.0, 12.0

PORTRAITS = Path(__file__).with_name("portraits")
_BORDER = 8  # pixels of white paper around a print


class SampleError(RuntimeError):
    """A photograph is not there; the message is one line."""


class _Pose(NamedTuple):
    """Where a print lies: its centre in pixels, its scale and its turn in degrees."""

    x: float
    y: float
    scale: float
    angle: float


class Sample(Sequence):
    """The clip as a sequence of images, BGR, uint8 [480, 640, 3]; 360 of them, 30 a second.

    Image i depends on i alone and the last leads over to the first. One face (joy) at first, a
    second and smaller one from 5 to 10 seconds, then the first alone. Raises SampleError when
    a photograph is missing.
    """

    rate = RATE

    def __init__(self):
        self._astronaut = _print(_portrait("eileen_collins.jpg"), 420)
        self._hopper = _print(_portrait("grace_hopper.jpg"), 300)
        self._wall = _wall()

    def __len__(self) -> int:
        return round(RATE * SECONDS)

    def __getitem__(self, index: int) -> np.ndarray:  # type: ignore[override]  # no slices
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        t = index % len(self) / RATE
        image = self._wall.copy()
        # How far the first print has moved aside and the second has come in, 0 to 1.
        aside = _ramp(t, 4.2, 5.4) - _ramp(t, 9.8, 11.2)
        shown = _ramp(t, 4.6, 6.0) - _ramp(t, 9.4, 10.8)
        turn = 2 * pi * t / SECONDS
        first = _Pose(
            x=320 + (30 - 12 * aside) * sin(2 * turn) - 148 * aside,
            y=240 + 10 * sin(3 * turn),
            scale=0.98 - 0.12 * cos(turn) * (1 - aside) - 0.15 * aside,
            angle=7 * sin(2 * turn),
        )
        second = _Pose(
            x=800 - 286 * shown,
            y=325 + 12 * sin(4 * turn),
            scale=0.76 + 0.04 * sin(3 * turn),
            angle=-5 * sin(3 * turn),
        )
        _lay(image, self._astronaut, first)
        if shown > 0:
            _lay(image, self._hopper, second)
        _pass_by(image, t)
        return _light(image, gamma=1 + 0.9 * _bump(t, 2.4, 1.0) - 0.35 * _bump(t, 8.0, 1.2))


def _portrait(name: str) -> np.ndarray:
    image = cv2.imread(str(PORTRAITS / name))
    if image is None:
        raise SampleError(f"the sample clip needs {PORTRAITS / name}: reinstall fer_ros")
    return image


def _print(photograph: np.ndarray, height: int) -> np.ndarray:
    """The photograph at the size it is shown, on paper with a white border."""
    width = round(photograph.shape[1] * height / photograph.shape[0])
    shrinks = height < photograph.shape[0]
    flags = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    image = cv2.resize(photograph, (width, height), interpolation=flags)
    sides = (_BORDER,) * 4
    return cv2.copyMakeBorder(image, *sides, cv2.BORDER_CONSTANT, value=(245, 245, 245))


def _wall() -> np.ndarray:
    """A grey wall, brighter at the upper left."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    shade = 165 - 60 * np.hypot(x / WIDTH - 0.3, y / HEIGHT - 0.2)
    return (shade[..., None] * (1.0, 0.97, 0.93)).astype(np.uint8)


def _lay(image: np.ndarray, picture: np.ndarray, pose: _Pose) -> None:
    """Draw a print into the image."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), pose.angle, pose.scale)
    matrix[:, 2] += pose.x - width / 2, pose.y - height / 2
    size = (image.shape[1], image.shape[0])
    cv2.warpAffine(
        picture, matrix, size, dst=image, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT
    )


def _pass_by(image: np.ndarray, t: float) -> None:
    """An upright bar that crosses the image from left to right in two thirds of a second."""
    left = round(-40 + 1050 * (t - 6.6))
    if -40 < left < WIDTH:
        cv2.rectangle(image, (left, 0), (left + 40, HEIGHT), (74, 82, 88), cv2.FILLED)


def _light(image: np.ndarray, gamma: float) -> np.ndarray:
    """Darker where gamma is over 1, brighter where it is under."""
    curve = 255 * np.linspace(0, 1, 256) ** gamma
    return cv2.LUT(image, curve.round().astype(np.uint8))


def _ramp(t: float, begin: float, end: float) -> float:
    """0 before begin, 1 after end, smooth between."""
    x = min(max((t - begin) / (end - begin), 0.0), 1.0)
    return x * x * (3 - 2 * x)


def _bump(t: float, middle: float, width: float) -> float:
    """0, rising to 1 in the middle; width to either side."""
    return _ramp(t, middle - width, middle) - _ramp(t, middle, middle + width)
