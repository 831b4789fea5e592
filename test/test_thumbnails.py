# SPDX-License-Identifier: Apache-2.0
"""The small pictures of a report."""

import cv2
import numpy as np
from result_helpers import result_of

from fer_ros.evaluation.thumbnails import SIDE, Thumbnails
from fer_ros.result import Box, FaceEmotion

EVEN = np.full(7, 1 / 7, np.float32)


def picture(bgr, box, rotate=0) -> np.ndarray:
    thumbnails = Thumbnails(wanted=True)
    face = FaceEmotion(1, Box(*box), 0.9, 3, EVEN, EVEN)
    thumbnails.add(result_of(face, image=bgr, rotate=rotate))
    (jpeg,) = thumbnails.pictures.values()
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)


def test_is_upright_and_keeps_its_shape():
    """A face twice as long as wide on its side: its top, at the image's left, is bright."""
    image = np.full((50, 100, 3), 100, np.uint8)
    image[:, :50] = 250
    face = picture(image, (0, 0, 100, 50), rotate=90)
    assert face.shape == (SIDE, SIDE)
    middle = slice(SIDE // 4 + 4, SIDE * 3 // 4 - 4)
    assert face[: SIDE // 2 - 4, middle].min() > 230
    assert face[SIDE // 2 + 4 :, middle].max() < 120
    assert face[:, : SIDE // 4 - 8].max() < 20  # beside the face
