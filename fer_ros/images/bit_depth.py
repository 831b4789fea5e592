# SPDX-License-Identifier: Apache-2.0
"""How many bits of its 16 a grey camera uses, and whether a picture shows anything.

Infrared and machine vision cameras send 10 or 12 bits as mono16, in the lower ones. Read as 16,
that is black.
"""

import cv2
import numpy as np

DECIDING = 10
"""Images, none of them dark, over which the number of bits is decided."""
DARK = 16
"""The value, of 255, that no pixel of a dark picture reaches."""
_STEP = 8  # pixels: of so few both ways it is asked whether a picture is dark


class BitDepth:
    """The bits in use, 8 to 16, of one camera: by the largest value in its first images, then kept.

    What follows is cut off at white, so that brightness never jumps with the scene.
    """

    def __init__(self) -> None:
        self._bits = 8
        self._images = 0

    def take(self, pixels: np.ndarray) -> int:
        """The bits in use, as far as is known with this image, uint16."""
        if self._images < DECIDING:
            largest = int(pixels.max(initial=0))
            self._bits = min(16, max(self._bits, largest.bit_length()))
            self._images += largest >= DARK
        return self._bits


def to_8_bits(values: np.ndarray, bits: int) -> np.ndarray:
    """uint16 of that many bits to uint8; what is more is white."""
    return cv2.convertScaleAbs(values, alpha=255 / (2**bits - 1))


def is_dark(bgr: np.ndarray) -> bool:
    """Whether nothing can be seen in a picture, uint8 [H, W, 3]."""
    return int(bgr[::_STEP, ::_STEP].max(initial=0)) < DARK
