# SPDX-License-Identifier: Apache-2.0
"""What is left of the accuracy when light, camera, detector or a hand spoil the face."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from fer_training.dataset import Faces
from fer_training.evaluate import opened, settings

Disturbance = Callable[[np.ndarray, np.random.Generator], np.ndarray]
SEED = 0


def robustness(model: Path, faces: Faces) -> dict:
    """Accuracy of ``model`` on ``faces`` undisturbed (``clean``) and under each disturbance
    (``conditions``: kind -> level -> accuracy).

    What is drawn at random for a face is drawn by its row, so every model meets the same faces.
    """
    answer = opened(model, settings(model)[1], progress=False)
    found = {"n": len(faces), "clean": _accuracy(answer(faces.images), faces.labels)}
    conditions = found["conditions"] = {}
    for kind, level, disturb in tqdm(list(disturbances()), desc="robustness", unit=" conditions"):
        images = np.stack(
            [disturb(i, np.random.default_rng((SEED, row))) for row, i in enumerate(faces.images)]
        )
        conditions.setdefault(kind, {})[level] = _accuracy(answer(images), faces.labels)
    return found


def disturbances() -> Iterator[tuple[str, str, Disturbance]]:
    """Kind, level and function of each: uint8 [48, 48] and a generator to uint8 [48, 48]."""
    for gamma in (0.3, 0.5, 0.7, 1.5, 2.0, 3.0):
        yield "gamma", f"{gamma:g}", _gamma(gamma)
    for share in (0.5, 0.25, 0.1):
        yield "side light, dark side at", f"{share:.0%}", _side_light(share)
    yield "covered", "eyes", _cover(0.2, 0.5, 0.0, 1.0)
    yield "covered", "mouth", _cover(0.62, 0.95, 0.15, 0.85)
    yield "covered", "a quarter", _cover_quarter
    for sigma in (0.5, 1.0, 1.5, 2.0):
        yield "blur, sigma in pixels", f"{sigma:g}", _blur(sigma)
    for side in (32, 24, 20, 16):
        yield "resolution in pixels", str(side), _resolution(side)
    for sigma in (5, 10, 20, 30):
        yield "noise, sigma in grey values", str(sigma), _noise(sigma)
    for degrees in (10, 20, 30):
        yield "turned by degrees", str(degrees), _turn(degrees)
    for share in (0.05, 0.1, 0.15, 0.2):
        yield "box shifted", f"{share:.0%}", _shift(share)
    for scale in (0.8, 0.9, 1.1, 1.2, 1.3):
        yield "box scaled", f"{scale:.0%}", _scale(scale)
    for quality in (50, 30, 20, 10):
        yield "JPEG quality", str(quality), _jpeg(quality)


def render(found: dict) -> str:
    """A table for a terminal: accuracy under each disturbance and what it lost, in points."""
    lines = [f"{'disturbance':38}  accuracy   lost", f"{'none':38} {found['clean']:9.2%}"]
    for kind, levels in found["conditions"].items():
        for level, accuracy in levels.items():
            lost = (found["clean"] - accuracy) * 100
            lines.append(f"{f'{kind}: {level}':38} {accuracy:9.2%} {lost:6.1f}")
    return "\n".join(lines)


def _accuracy(logits, labels):
    return float((logits.argmax(axis=1) == labels).mean())


def _gamma(gamma):
    table = np.clip((np.arange(256) / 255) ** gamma * 255 + 0.5, 0, 255).astype(np.uint8)
    return lambda image, random: cv2.LUT(image, table)


def _side_light(share):
    """Full light on one side, falling evenly to ``share`` of it on the other."""
    light = np.linspace(1.0, share, 48, dtype=np.float32)

    def disturb(image, random):
        return (image * (light if random.random() < 0.5 else light[::-1])).astype(np.uint8)

    return disturb


def _cover(top, bottom, left, right):
    """A grey bar over a part of the face, in shares of the side."""

    def disturb(image, random):
        height, width = image.shape
        image = image.copy()
        rows = slice(round(top * height), round(bottom * height))
        image[rows, round(left * width) : round(right * width)] = random.integers(0, 256)
        return image

    return disturb


def _cover_quarter(image, random):
    """A grey square of half the side, anywhere."""
    height, width = image.shape[0] // 2, image.shape[1] // 2
    y, x = random.integers(0, height + 1), random.integers(0, width + 1)
    image = image.copy()
    image[y : y + height, x : x + width] = random.integers(0, 256)
    return image


def _blur(sigma):
    return lambda image, random: cv2.GaussianBlur(image, (0, 0), sigma)


def _resolution(side):
    def disturb(image, random):
        small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
        return cv2.resize(small, image.shape[::-1], interpolation=cv2.INTER_LINEAR)

    return disturb


def _noise(sigma):
    def disturb(image, random):
        return np.clip(image + random.normal(0, sigma, image.shape), 0, 255).astype(np.uint8)

    return disturb


def _turn(degrees):
    return lambda image, random: _move(image, angle=degrees * random.choice((-1, 1)))


def _shift(share):
    """In any direction, by ``share`` of the side."""

    def disturb(image, random):
        angle = random.uniform(0, 2 * np.pi)
        distance = share * image.shape[0]
        return _move(image, x=distance * np.cos(angle), y=distance * np.sin(angle))

    return disturb


def _scale(scale):
    """A box of ``scale`` times the side: the face becomes smaller in a larger box."""
    return lambda image, random: _move(image, zoom=1 / scale)


def _move(image, *, angle=0.0, zoom=1.0, x=0.0, y=0.0):
    height, width = image.shape
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, zoom)
    matrix[:, 2] += x, y
    return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def _jpeg(quality):
    def disturb(image, random):
        _, data = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))
        return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)

    return disturb
