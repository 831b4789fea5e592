# SPDX-License-Identifier: Apache-2.0
"""The 70 landmarks of hri_msgs/FacialLandmarks among the 468 points of the face mesh.

Order and names are those of the message: dlib's 68 (C. Sagonas et al., "300 Faces in-the-Wild
Challenge", 2013, doi:10.1109/ICCVW.2013.59), then the pupils, for which the mesh has no point: the
middle of the lids stands for each.
"""

import numpy as np

JAW = (127, 234, 132, 58, 172, 150, 176, 148, 152, 377, 400, 379, 397, 288, 361, 454, 356)
BROWS = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
NOSE = (168, 197, 5, 4, 98, 97, 2, 326, 327)
RIGHT_EYE = (33, 160, 158, 133, 153, 144)
LEFT_EYE = (362, 385, 387, 263, 373, 380)
LIPS = (61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181)
MOUTH = (78, 82, 13, 312, 308, 317, 14, 87)
_TABLE = [*JAW, *BROWS, *NOSE, *RIGHT_EYE, *LEFT_EYE, *LIPS, *MOUTH]


def landmarks(points: np.ndarray) -> np.ndarray:
    """float [468, 3] of the face mesh -> [70, 3] in the message's order."""
    pupils = [points[list(eye)].mean(axis=0) for eye in (RIGHT_EYE, LEFT_EYE)]
    return np.concatenate([points[_TABLE], pupils])
