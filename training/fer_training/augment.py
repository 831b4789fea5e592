# SPDX-License-Identifier: Apache-2.0
"""Random variation of a 48x48 face, as a camera and a face detector would cause it."""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Augmentation:
    """How far a face is varied; zero switches a variation off.

    ``mirror``, ``blur``, ``noise``, ``erase``, ``coarse`` (fewer pixels, 16 to 40 a side),
    ``compress`` (JPEG): probability; ``shift``: fraction of the side; ``rotation``: degrees;
    ``zoom``: fraction; ``light``: spread of the gamma, as a power of two; ``contrast``: fraction;
    ``tone``: how far a random tone curve leaves the straight line, fraction of a quarter of the
    grey levels; ``shade``: by what fraction light may fall off from one side to the other.
    """

    mirror: float = 0.0
    shift: float = 0.0
    rotation: float = 0.0
    zoom: float = 0.0
    light: float = 0.0
    contrast: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    erase: float = 0.0
    coarse: float = 0.0
    compress: float = 0.0
    tone: float = 0.0
    shade: float = 0.0

    def __call__(self, image: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """A varied copy of ``image``, uint8 [H, W]; the same generator state, the same copy."""
        image = self._move(image, random)
        image = self._light(image, random)
        if random.random() < self.blur:
            image = cv2.GaussianBlur(image, (0, 0), random.uniform(0.4, 1.2))
        if random.random() < self.noise:
            noise = random.normal(0.0, random.uniform(2.0, 12.0), image.shape)
            image = np.clip(image + noise, 0, 255).astype(np.uint8)
        if random.random() < self.erase:
            image = _erase(image, random)
        if self.tone:
            image = _tone(image, self.tone, random)
        if self.shade:
            image = _shade(image, self.shade, random)
        if random.random() < self.coarse:
            image = _coarse(image, random)
        if random.random() < self.compress:
            image = _compress(image, random)
        return image

    def _move(self, image, random):
        height, width = image.shape
        centre = ((width - 1) / 2, (height - 1) / 2)
        angle = random.uniform(-self.rotation, self.rotation)
        matrix = cv2.getRotationMatrix2D(
            centre, angle, random.uniform(1 - self.zoom, 1 + self.zoom)
        )
        matrix[:, 2] += random.uniform(-self.shift, self.shift, 2) * (width, height)
        if random.random() < self.mirror:
            matrix[0] = -matrix[0]
            matrix[0, 2] += width - 1
        # A camera's crop goes on past its border; repeating the edge comes nearest to that.
        return cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)

    def _light(self, image, random):
        gamma = 2.0 ** random.uniform(-self.light, self.light)
        contrast = random.uniform(1 - self.contrast, 1 + self.contrast)
        values = (np.arange(256) / 255.0) ** gamma
        values = (values - 0.5) * contrast + 0.5
        return cv2.LUT(image, np.clip(values * 255 + 0.5, 0, 255).astype(np.uint8))


def _erase(image, random):
    """Cover a random rectangle (Zhong et al., 2020, doi:10.1609/aaai.v34i07.7000) with one grey."""
    height, width = image.shape
    h, w = (random.uniform(0.15, 0.5, 2) * (height, width)).astype(int)
    y, x = random.integers(0, height - h + 1), random.integers(0, width - w + 1)
    image = image.copy()
    image[y : y + h, x : x + w] = random.integers(0, 256)
    return image


def _tone(image, strength, random):
    """A curve through five points, as cameras and pictures' editors have it, never falling."""
    points = np.arange(0, 257, 64)
    bent = np.clip(points + 64 * random.uniform(-strength, strength, 5), 0, 255)
    curve = np.interp(np.arange(256), points, np.maximum.accumulate(bent))
    return cv2.LUT(image, (curve + 0.5).astype(np.uint8))


def _shade(image, strength, random):
    """Light that falls off in a random direction, to both sides of what it was in the middle."""
    height, width = image.shape
    angle, fall = random.uniform(0, 2 * np.pi), random.uniform(0, strength)
    x, y = np.linspace(-1, 1, width), np.linspace(-1, 1, height)[:, None]
    gain = 1 + fall * (np.cos(angle) * x + np.sin(angle) * y)
    return np.clip(image * gain + 0.5, 0, 255).astype(np.uint8)


def _coarse(image, random):
    """As a small face is, enlarged again."""
    height, width = image.shape
    size = int(random.integers(16, 41))
    small = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def _compress(image, random):
    quality = int(random.integers(15, 80))
    _, jpeg = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))
    return cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE)
