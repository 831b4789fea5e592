# SPDX-License-Identifier: Apache-2.0
"""Faces turned away, made of pictures of straight ones by the face mesh."""

from functools import lru_cache

import cv2
import numpy as np
from node_helpers import astronaut

from fer_ros.observation import Observation
from fer_ros.parameters import create_pipeline

TEMPLES = [234, 454]


@lru_cache
def turned_astronaut(degrees: float = 50.0) -> np.ndarray:
    """The astronaut with her head turned to her left: BGR, uint8 [480, 640, 3]."""
    (face,) = create_pipeline().process(Observation(astronaut(), 1.0)).faces
    return turned(astronaut(), face.points, -degrees)


def turned(bgr: np.ndarray, points: np.ndarray, degrees: float) -> np.ndarray:
    """The picture with the mesh ``points``, float32 [468, 3], of its face turned about a vertical
    axis between the temples; blurred around it.
    """
    places = points[:, :2].astype(np.float32)
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    middle = points[TEMPLES].mean(axis=0)
    moved = (points - middle) @ np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]]) + middle
    plane = cv2.Subdiv2D((0, 0, bgr.shape[1], bgr.shape[0]))
    number = {plane.insert(tuple(map(float, place))): i for i, place in enumerate(places)}
    found = [
        [plane.locate(corner)[2] for corner in t.reshape(3, 2)] for t in plane.getTriangleList()
    ]
    triangles = [[number[c] for c in t] for t in found if all(c in number for c in t)]
    out = cv2.GaussianBlur(bgr, (0, 0), 25)
    for triangle in sorted(triangles, key=lambda t: -moved[t, 2].mean()):  # the farthest first
        x, y, width, height = cv2.boundingRect(moved[triangle, :2].astype(np.float32))
        corners = (moved[triangle, :2] - (x, y)).astype(np.float32)
        matrix = cv2.getAffineTransform(places[triangle], corners)
        mask = cv2.fillConvexPoly(
            np.zeros((height, width), np.uint8), corners.round().astype(int), 1
        )
        inside = out[y : y + height, x : x + width]
        np.copyto(inside, cv2.warpAffine(bgr, matrix, (width, height)), where=mask[..., None] > 0)
    return out
