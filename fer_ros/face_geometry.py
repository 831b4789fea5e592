# SPDX-License-Identifier: Apache-2.0
"""Where in space a face is and how it is turned: x right, y down, z forward in the image's frame
(REP 103).
"""

import math

import numpy as np

from fer_ros.images.camera_model import CameraModel
from fer_ros.result import FaceEmotion, HeadPose, Result


def up(rotate: int) -> np.ndarray:
    """Where up is, [x, y, z] of length 1, in images that a clockwise turn by ``rotate`` degrees
    makes upright.
    """
    return np.array({0: (0, -1, 0), 90: (-1, 0, 0), 180: (0, 1, 0), 270: (1, 0, 0)}[rotate % 360])


def face_corners(face: FaceEmotion, camera: CameraModel) -> np.ndarray:
    """The corners of a face's box in the plane across the camera's axis in which its middle is
    ``face.distance`` away, moved to ``face.place`` where there is one.

    Args:
        face: its box, distance and place are used.
        camera: of the image.

    Returns:
        x, y, z in metres, float64 [4, 3], in the image's frame.
    """
    x, y, width, height = face.box
    corners = camera.rays([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])
    corners = corners * face.distance / np.linalg.norm(corners.mean(axis=0))
    return corners if face.place is None else corners + (face.place - corners.mean(axis=0))


def face_orientation(
    pose: HeadPose, centre: np.ndarray, rotate: int = 0
) -> tuple[float, float, float, float] | None:
    """The quaternion x, y, z, w of a face's axes (REP 155) in the image's frame; None where the
    pose is not known.

    ``centre``: of the face in that frame, [x, y, z]: the pose counts from the ray to it;
    ``rotate``: degrees clockwise that make the image upright.
    """
    if not np.isfinite(pose).all():
        return None
    out = -np.asarray(centre) / np.linalg.norm(centre)
    top = up(rotate)
    top = top - (top @ out) * out
    top /= np.linalg.norm(top)
    return quaternion(np.column_stack([out, np.cross(top, out), top]) @ pose.matrix())


def quaternion(matrix: np.ndarray) -> tuple[float, float, float, float]:
    """x, y, z, w of a rotation matrix [3, 3], w not negative.

    The largest eigenvector of I. Bar-Itzhack's symmetric matrix (doi:10.2514/2.4654).
    """
    (a, b, c), (d, e, f), (g, h, i) = matrix
    symmetric = np.array(
        [
            [a - e - i, b + d, c + g, h - f],
            [b + d, e - a - i, f + h, c - g],
            [c + g, f + h, i - a - e, d - b],
            [h - f, c - g, d - b, a + e + i],
        ]
    )
    x, y, z, w = np.linalg.eigh(symmetric)[1][:, -1].tolist()
    return (x, y, z, w) if w >= 0 else (-x, -y, -z, -w)


def face_centres(result: Result, camera: CameraModel) -> dict[int, np.ndarray]:
    """The middle of each face of a known distance by its id, [x, y, z] in metres, float64, in the
    image's frame.
    """
    known = [face for face in result.faces if math.isfinite(face.distance)]
    return {face.track_id: face_corners(face, camera).mean(axis=0) for face in known}
