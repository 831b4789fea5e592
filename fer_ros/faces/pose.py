# SPDX-License-Identifier: Apache-2.0
"""Where a head is turned, from the points of the face mesh.

All zero means that the face looks at this camera, along the line from face to camera: the mesh sees
a face as it is cut out around it, wherever in the image that is.

The axes are laid through points that no expression moves much, as in D. DeMenthon and L. Davis'
weak perspective (doi:10.1007/BF01450852): y is the mean way from a point to its mirror image over
pairs of the upper face, z leads from the nose's wings to the forehead, made square to y.
"""

import math

import numpy as np

from fer_ros.faces.mesh import Look
from fer_ros.result import HeadPose

# Numbers in the face mesh: the person's right, then left; corners of the eyes, temples, forehead,
# cheekbones, wings of the nose.
RIGHT = [33, 133, 127, 234, 162, 21, 54, 103, 67, 116, 117, 129]
LEFT = [263, 362, 356, 454, 389, 251, 284, 332, 297, 345, 346, 358]
TOP = [10, 109, 338, 67, 297]  # edge of the forehead
BOTTOM = [129, 358, 98, 327]  # wings of the nose
LEVEL = math.radians(2.0)
"""Pitch of the axes so laid on a face that looks straight ahead: between the medians of FER-2013's
PublicTest (4.4 degrees) and of frontal portraits (-2)."""

# Ends of the axes x, y, z of the face in an image's axes (x right, y down, z away from the camera)
# when it looks at the camera.
_CAMERA_TO_FACE = np.array([[0, 0, -1], [1, 0, 0], [0, -1, 0]], float)


def head_pose(look: Look) -> HeadPose:
    """The angles of the head that the mesh saw."""
    points = look.points.astype(np.float64)
    left = _unit(_CAMERA_TO_FACE @ (points[LEFT] - points[RIGHT]).mean(axis=0))
    up = _CAMERA_TO_FACE @ (points[TOP].mean(axis=0) - points[BOTTOM].mean(axis=0))
    out = _unit(np.cross(left, up))
    up = np.cross(out, left)
    cos, sin = math.cos(LEVEL), math.sin(LEVEL)
    out, up = cos * out + sin * up, cos * up - sin * out
    return HeadPose(
        math.atan2(left[2], up[2]),
        math.asin(min(max(-out[2], -1.0), 1.0)),
        math.atan2(out[1], out[0]),
    )


def faces_camera(pose: HeadPose, threshold: float, before: bool) -> bool:
    """Whether the face looks at the camera: by less than ``threshold`` (rad) beside it, or by a
    quarter more where it did ``before``, so that the answer does not flicker.
    """
    return pose.away < threshold * (1.25 if before else 1.0)  # NaN compares false


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / max(float(np.linalg.norm(vector)), 1e-9)
