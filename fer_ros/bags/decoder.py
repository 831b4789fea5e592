# SPDX-License-Identifier: Apache-2.0
"""The images of one topic of a bag, read as the node reads them live."""

from typing import Any

import numpy as np

from fer_ros.images.bit_depth import BitDepth, is_dark
from fer_ros.images.codec import decode_compressed, decode_image
from fer_ros.images.depth import is_depth
from fer_ros.images.topic_names import IMAGE


class Decoder:
    """Reads messages of type ``kind``, Image or CompressedImage, in their order.

    ``dark``: how many of them show nothing; ``depth``: how many are depth images.
    """

    def __init__(self, kind: str):
        self._decode = decode_image if kind == IMAGE else decode_compressed
        self._bit_depth = BitDepth()
        self.dark = self.depth = 0

    def __call__(self, image: Any) -> np.ndarray:
        """BGR, uint8 [H, W, 3]. Raises ImageError."""
        self.depth += is_depth(image)
        bgr: np.ndarray = self._decode(image, bit_depth=self._bit_depth)
        self.dark += is_dark(bgr)
        return bgr
