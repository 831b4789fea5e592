# SPDX-License-Identifier: Apache-2.0
"""Portraits that can be moved.

The face mesh lays 468 points on a portrait; these are moved, and the picture with them. So it is
known what each image shows: the expression stays the portrait's, whatever the mouth does. Two
photographs are in the public domain and ship with scikit-image and matplotlib (as in
fer_ros/sources/sample.py); a folder of others or rows of FER-2013 may be given.
"""

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from scipy.spatial import Delaunay
from tqdm import tqdm

from benchmarks.accuracy.scenes import shipped_picture
from fer_ros.emotions.classes import EMOTIONS
from fer_ros.faces.detectors import create_detector
from fer_ros.faces.mesh import FaceMesh, Square
from fer_ros.faces.pose import head_pose
from fer_ros.result import Box

SIZE = (480, 360)
WIDTHS = (110, 80, 56, 140)  # pixels of a face in the middle of its scene, by turns
UPPER = [191, 80, 81, 82, 13, 312, 311, 310, 415]  # inner edge of the upper lip, from the right
LOWER = [95, 88, 178, 87, 14, 317, 402, 318, 324]
CORNERS = [78, 308]  # of the mouth
EYES = [33, 263]  # their outer corners
OUTLINE = [
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
]
GAPE = (20, 16, 38)  # BGR of the inside of a mouth


class Move(NamedTuple):
    """What a portrait does in one image. ``opening``: of the mouth over the eyes' distance, added
    to its own; ``wide``: by what share the mouth is wider; ``yaw``, ``pitch``: rad, added;
    ``light``: factor; ``covered``: where a hand has got to, 0 (away) to 1 (on the face).
    """

    opening: float = 0.0
    wide: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    light: float = 1.0
    covered: float = 0.0


class Portrait:
    """A picture of one face, BGR, and the expressions that it may be said to show."""

    def __init__(
        self, name: str, bgr: np.ndarray, accepted: frozenset[str], mesh, detector, width=110
    ):
        self.name, self.accepted = name, accepted
        found = detector.detect(bgr)
        box = (
            found[0].box
            if found
            else Box(0.22 * bgr.shape[1], 0.22 * bgr.shape[0], *(0.56 * bgr.shape[1],) * 2)
        )
        scale = width / box.width
        flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        small = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=flags)
        (x, y), (middle_x, middle_y) = box.centre, np.array(SIZE) / 2
        shift = np.float32([[1, 0, middle_x - scale * x], [0, 1, middle_y - scale * y]])
        self.image = cv2.warpAffine(small, shift, SIZE, borderMode=cv2.BORDER_REPLICATE)
        square = Square(middle_x, middle_y, width)
        for _ in range(4):
            look = mesh.look(self.image, square)
            square = look.square
        self.presence, self.pose = look.presence, head_pose(look)
        self._points = look.points.astype(np.float64)
        self._eyes = float(np.linalg.norm(self._points[EYES[0]] - self._points[EYES[1]]))
        rest = np.linalg.norm(self._points[13] - self._points[14]) / self._eyes
        self.rest = float(rest)
        self._middle = self._points[EYES + CORNERS].mean(axis=0)
        self._middle[2] += 0.4 * self._eyes
        ring = self._points[OUTLINE] - self._middle
        # A head around the face, deeper and less sure the farther out; the room stays.
        self._rings = [
            (self._middle + ring * (grow, grow, 1) + (0, 0, back * self._eyes), share)
            for grow, back, share in ((1.3, 0.3, 0.8), (1.7, 0.5, 0.3))
        ]
        w, h = SIZE
        edge = [(x, y) for x in range(-w, 2 * w + 1, w // 2) for y in range(-h, 2 * h + 1, h // 2)]
        self._edge = np.array([(x, y) for x, y in edge if not (0 < x < w and 0 < y < h)], float)
        flat = [self._points, *(ring for ring, _ in self._rings)]
        self._source = np.concatenate([*(part[:, :2] for part in flat), self._edge])
        self._triangles = Delaunay(self._source).simplices

    def frame(self, move: Move) -> np.ndarray:
        """The portrait as it moves: BGR, uint8 [360, 480, 3]."""
        points = self._spoken(move)
        turn = self._turn(move)
        target = [self._middle + (points - self._middle) @ turn.T]
        spoken = points[OUTLINE] - self._points[OUTLINE]
        for ring, share in self._rings:
            moved = self._middle + (ring + spoken - self._middle) @ turn.T
            target.append(ring + share * (moved - ring))
        target = np.concatenate([*target, np.pad(self._edge, ((0, 0), (0, 1)))])
        field = self._field(target)
        image = cv2.remap(self.image, field, None, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE)
        self._gape(image, target[:, :2], points)
        return self._shown(image, target[:, :2], move)

    def _field(self, target: np.ndarray) -> np.ndarray:
        """Where each pixel of the moved picture comes from, float32 [360, 480, 2]: triangle by
        triangle, what is nearer over what is farther.
        """
        corners = target[self._triangles]
        number = np.zeros(SIZE[::-1], np.int32)
        drawn = np.round(corners[..., :2] * 16).astype(np.int32)
        depth = corners[..., 2].mean(axis=1)
        depth[(self._triangles >= len(target) - len(self._edge)).any(axis=1)] = np.inf
        for triangle in np.argsort(-depth, kind="stable"):
            cv2.fillConvexPoly(number, drawn[triangle], int(triangle), cv2.LINE_8, 4)
        corners[..., 2] = 1
        corners += 1e-6 * np.eye(3)  # of those that lie edge-on nothing is seen
        to_source = np.linalg.solve(corners, self._source[self._triangles]).astype(np.float32)
        x, y = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in SIZE))
        step_x, step_y, start = (to_source[:, i][number] for i in range(3))
        return step_x * x[..., None] + step_y * y[..., None] + start

    def _spoken(self, move: Move) -> np.ndarray:
        """The points with the mouth opened: the jaw falls, the lips part, the corners spread."""
        points = self._points.copy()
        right, left = points[CORNERS]
        across = (left - right) / np.linalg.norm(left - right)
        half = np.linalg.norm(left - right) / 2
        middle = points[[13, 14]].mean(axis=0)
        down = points[152] - points[10]
        down /= np.linalg.norm(down)
        aside = (points - middle) @ across / half
        below = (points - middle) @ down / half
        fall = max(move.opening, -0.9 * self.rest) * self._eyes
        jaw = np.exp(-((aside / 1.5) ** 2)) * np.clip(below, 0, 1) * np.clip(3.2 - below, 0, 1)
        lips = np.clip(1 - aside**2, 0, 1) ** 0.5
        is_lower = np.zeros(len(points), bool)
        is_lower[LOWER] = True
        is_upper = np.zeros(len(points), bool)
        is_upper[UPPER] = True
        near = np.exp(-((below / 0.6) ** 2))
        share = np.where(below > 0.02, np.maximum(0.8 * jaw, 0.8 * lips * near), 0.0)
        share[is_lower] = 0.8 * lips[is_lower]
        share[is_upper] = -0.2 * lips[is_upper]
        share[(below < 0) & ~is_upper & ~is_lower] = (-0.2 * lips * near)[
            (below < 0) & ~is_upper & ~is_lower
        ]
        points += share[:, None] * fall * down
        spread = move.wide * np.exp(-(below**2) / 1.5) * np.exp(-((aside / 1.6) ** 2))
        return points + (spread * aside * half)[:, None] * across

    def _turn(self, move: Move) -> np.ndarray:
        cy, sy, cp, sp = (f(a) for a in (move.yaw, move.pitch) for f in (math.cos, math.sin))
        yaw = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
        return yaw @ np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])

    def _gape(self, image, target, points) -> None:
        """Darken what the lips set free."""
        opened = np.linalg.norm(points[13] - points[14]) / self._eyes
        new = (opened - self.rest) / max(opened, 1e-6)
        if new <= 0.05:
            return
        inner = [CORNERS[0], *UPPER, CORNERS[1], *LOWER[::-1]]
        mask = np.zeros(image.shape[:2], np.float32)
        corners = np.round(target[inner] * 16).astype(np.int32)
        cv2.fillPoly(mask, [corners], float(min(1, new)), cv2.LINE_AA, shift=4)
        mask = cv2.GaussianBlur(mask, (3, 3), 0)[..., None]
        light = self.image.mean() / 128
        image[:] = image * (1 - mask) + mask * np.multiply(GAPE, light)

    def _shown(self, image, target, move: Move) -> np.ndarray:
        if move.covered > 0:
            skin = np.median(
                self.image[tuple(self._points[[50, 280, 9], :2].astype(int).T[::-1])], 0
            )
            x, y = target[13] + (0, (1 - move.covered) * 3 * self._eyes)
            size = (round(0.85 * self._eyes), round(0.55 * self._eyes))
            for part in range(5):  # a fist of five fingers
                place = round(x + (part - 2) * 0.32 * self._eyes), round(y + 0.3 * size[1])
                shade = skin * (0.95 - 0.08 * (part % 2))
                cv2.ellipse(image, place, (round(0.2 * self._eyes), size[1]), 0, 0, 360, shade, -1,
                            cv2.LINE_AA)  # fmt: skip
        if move.light == 1:
            return image
        return np.clip(image * move.light, 0, 255).astype(np.uint8)


def portraits(photos: Path | None = None) -> list[Portrait]:
    """The two that ship, and those of a folder with its labels.csv (file, faces, acceptable)."""
    mesh, detector = FaceMesh(), create_detector("blazeface")
    pictures = [
        ("astronaut", shipped_picture("skimage", "astronaut.png")[0:300, 76:366], "joy"),
        (
            "hopper",
            shipped_picture("matplotlib", "grace_hopper.jpg"),
            "neutral|joy",
        ),
    ]
    if photos:
        with (photos / "labels.csv").open(newline="") as file:
            pictures += [
                (Path(row["file"]).stem, cv2.imread(str(photos / row["file"])), row["acceptable"])
                for row in csv.DictReader(file)
            ]
    return [
        Portrait(name, picture, frozenset(accepted.split("|")), mesh, detector, WIDTHS[i % 4])
        for i, (name, picture, accepted) in enumerate(pictures)
    ]


def of_rows(images: np.ndarray, labels: np.ndarray) -> Iterator[Portrait]:
    """Portraits of FER-2013's pictures, uint8 [N, 48, 48], where the mesh sees a face."""
    mesh, detector = FaceMesh(), create_detector("blazeface")
    for number, (small, label) in enumerate(zip(tqdm(images, desc="faces"), labels, strict=True)):
        accepted = frozenset([EMOTIONS[label]])
        made = Portrait(str(number), enlarged(small), accepted, mesh, detector)
        if made.presence > 0.9:
            yield made


def enlarged(small: np.ndarray) -> np.ndarray:
    """A picture of FER-2013, uint8 [48, 48], four times as large with its border repeated: BGR."""
    large = cv2.resize(small, (192, 192), interpolation=cv2.INTER_CUBIC)
    large = cv2.copyMakeBorder(large, 96, 96, 96, 96, cv2.BORDER_REPLICATE)
    return cv2.cvtColor(large, cv2.COLOR_GRAY2BGR)
