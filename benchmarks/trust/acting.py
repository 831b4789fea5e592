# SPDX-License-Identifier: Apache-2.0
"""Scenes: portraits sit, talk, laugh, shout, turn, lie in the dark and are covered."""

import math
from collections.abc import Callable, Iterator

import cv2
import numpy as np

from benchmarks.trust.portraits import SIZE, Move, Portrait

RATE = 15  # images a second
SECONDS = 8.0  # of each scene
SCENES = ("sit", "talk", "laugh", "shout", "turn", "dim", "cover")


def moves(scene: str, seed: int, seconds: float = SECONDS) -> Iterator[Move]:
    """What a portrait does in a scene, image by image."""
    rng = np.random.default_rng([seed, SCENES.index(scene)])
    count = round(RATE * seconds)
    times = np.arange(count) / RATE
    make: dict[str, Callable[[], list[Move]]] = {
        "sit": lambda: [Move()] * count,
        "talk": lambda: [
            Move(opening=float(o), wide=float(w))
            for o, w in zip(_speech(rng, times, 0.22), _speech(rng, times, 0.3) - 0.15, strict=True)
        ],
        "laugh": lambda: [
            Move(opening=0.2 * g + 0.04 * g * math.sin(2 * math.pi * 4.5 * t), wide=0.25 * g)
            for t, g in zip(times, np.clip(times - 1, 0, 1), strict=True)
        ],
        "shout": lambda: [
            Move(opening=0.45 * float(np.clip(4 * (t - 1.5), 0, 1) - np.clip(4 * (t - 5), 0, 1)))
            for t in times
        ],
        "turn": lambda: [
            Move(yaw=math.radians(25) * math.sin(2 * math.pi * t / seconds)) for t in times
        ],
        "dim": lambda: [
            Move(light=float(0.55 + 0.45 * math.cos(2 * math.pi * t / seconds)) ** 1.5)
            for t in times
        ],
        "cover": lambda: [
            Move(covered=float(np.clip(2 * (t - 2), 0, 1) - np.clip(2 * (t - 6), 0, 1)))
            for t in times
        ],
    }
    yield from make[scene]()


def film(
    portrait: Portrait, scene: str, seed: int = 0, seconds: float = SECONDS
) -> Iterator[tuple[float, Move, np.ndarray]]:
    """Stamp, move and image, uint8 [360, 480, 3]: head and light are never quite at rest."""
    rng = np.random.default_rng([seed, 99])
    noise = rng.normal(0, 3, (SIZE[1], SIZE[0], 1)).astype(np.float32)
    count = round(RATE * seconds)
    sway = cv2.GaussianBlur(rng.normal(0, 1, (count, 4)), (1, 41), 0, sigmaY=8) * 4
    for number, (move, (x, y, zoom, turn)) in enumerate(
        zip(moves(scene, seed, seconds), sway, strict=True)
    ):
        image = portrait.frame(
            move._replace(yaw=move.yaw + 0.04 * turn, pitch=move.pitch + 0.03 * zoom)
        )
        matrix = cv2.getRotationMatrix2D((SIZE[0] / 2, SIZE[1] / 2), 2 * turn, 1 + 0.02 * zoom)
        matrix[:, 2] += 3 * x, 2 * y
        image = cv2.warpAffine(image, matrix, SIZE, borderMode=cv2.BORDER_REPLICATE)
        shifted = np.roll(noise, rng.integers(0, SIZE[::-1]), axis=(0, 1))
        yield number / RATE, move, np.clip(image + shifted, 0, 255).astype(np.uint8)


def _speech(rng, times, most: float) -> np.ndarray:
    """Openings of a mouth that speaks: 3 to 6 syllables a second, words and short pauses."""
    values, knots, t = [0.0], [0.0], 0.0
    while t < times[-1] + 1:
        for _ in range(rng.integers(2, 6)):
            length = rng.uniform(1 / 6, 1 / 3)
            knots += [t + length / 2, t + length]
            values += [most * rng.uniform(0.35, 1), most * rng.uniform(0, 0.15)]
            t += length
        t += rng.uniform(0.05, 0.35)
        knots.append(t)
        values.append(0.0)
    return np.interp(times, knots, values)
