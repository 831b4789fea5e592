# SPDX-License-Identifier: Apache-2.0
"""Draws the result on a copy of the image: box, id, label, confidence, a bar for each class."""

import cv2
import numpy as np

from fer_ros.emotions.classes import COLOURS, EMOTIONS
from fer_ros.result import Box, Result

FONT = cv2.FONT_HERSHEY_SIMPLEX
PLATE = (24, 24, 24)  # dark behind light text: readable on any background
WHITE = (255, 255, 255)
AXES = ((64, 64, 255), (64, 200, 64), (255, 128, 64))  # as RViz draws x, y, z
NOSE_TIP = 4  # among the points of the face mesh


def annotate(result: Result) -> np.ndarray:
    """A copy of the upright image, BGR, uint8 [H, W, 3], with the faces drawn on it."""
    image = result.upright.copy()
    # Text keeps its size against the image, within what can be read and what does not hide it.
    scale = float(np.clip(min(image.shape[:2]) / 720, 0.35, 2.0))
    placed = [(result.upright_box(face), face) for face in result.faces]
    taken = [box for box, _ in placed]
    for box, face in placed:
        colour = COLOURS[face.label][::-1]
        _draw_box(image, box, colour, scale)
        _draw_axes(image, box, face, scale)
        caption = f"{face.label} {face.confidence:.0%}"
        if face.track_id:
            caption = f"{face.track_id}: {caption}"
        taken.append(_draw_caption(image, box, caption, colour, scale))
    for box, face in placed:
        _draw_bars(image, box, face.probabilities, scale, taken)
    return image


def _draw_box(image, box, colour, scale):
    x, y, w, h = box
    thickness = max(1, round(3 * scale))
    cv2.rectangle(image, (x, y), (x + w, y + h), PLATE, thickness + 2, cv2.LINE_AA)
    cv2.rectangle(image, (x, y), (x + w, y + h), colour, thickness, cv2.LINE_AA)


def _draw_axes(image, box, face, scale):
    """The face's axes, where they are known: red out of it, green to its left, blue up."""
    if face.points is None or not np.isfinite(face.pose).all():
        return
    start = face.points[NOSE_TIP, :2]
    ends = face.pose.matrix()[1:] * (0.4 * box.width)  # to the image's right and up, [2, 3]
    for axis in (1, 2, 0):  # what points at the camera last
        end = start[0] + ends[0, axis], start[1] - ends[1, axis]
        first, last = ([round(float(n)) for n in point] for point in (start, end))
        cv2.line(image, first, last, AXES[axis], max(1, round(3 * scale)), cv2.LINE_AA)


def _draw_caption(image, box, text, colour, scale):
    """Name the face above its box, below or inside; returns the rectangle that this covers."""
    x, y, _, h = box
    (width, height), base = cv2.getTextSize(text, FONT, scale, max(1, round(2 * scale)))
    pad = max(2, round(6 * scale))
    plate_height = height + base + 2 * pad
    top = y - plate_height
    if top < 0:  # no room above the face: below it, or else inside
        top = y + h if y + h + plate_height <= image.shape[0] else max(0, y)
    left = max(0, min(x, image.shape[1] - width - 2 * pad))
    _plate(image, left, top, width + 2 * pad, plate_height)
    origin = (left + pad, top + pad + height)
    cv2.putText(image, text, origin, FONT, scale, colour, max(1, round(2 * scale)), cv2.LINE_AA)
    return Box(left, top, width + 2 * pad, plate_height)


def _draw_bars(image, box, probabilities, scale, taken):
    """Seven bars with their names beside the box, where they cover the least of ``taken``."""
    text_scale = 0.7 * scale
    size = [cv2.getTextSize(name, FONT, text_scale, 1)[0] for name in EMOTIONS]
    text_width, text_height = max(s[0] for s in size), max(s[1] for s in size)
    pad = max(2, round(5 * scale))
    line = text_height + 2 * pad
    bar = max(24, round(80 * scale))
    width, height = text_width + bar + 3 * pad, line * len(EMOTIONS) + pad
    if height > image.shape[0] or width > image.shape[1]:
        return  # a thumbnail: box and label must do
    place = _free_place(image.shape, box, width, height, 2 * pad, taken)
    taken.append(place)
    _plate(image, *place)
    left, top = place.x, place.y
    for row, (name, probability) in enumerate(zip(EMOTIONS, probabilities, strict=True)):
        base = top + (row + 1) * line - pad // 2
        origin = (left + pad, base)
        cv2.putText(image, name, origin, FONT, text_scale, WHITE, 1, cv2.LINE_AA)
        start = left + text_width + 2 * pad
        end = start + max(1, round(float(probability) * bar))
        cv2.rectangle(image, (start, base - text_height), (start + bar, base), (70, 70, 70), -1)
        cv2.rectangle(image, (start, base - text_height), (end, base), COLOURS[name][::-1], -1)


def _free_place(shape, box, width, height, gap, taken):
    """Where to put a plate: right of the box, left, below or above, within the image."""
    x, y, w, h = box
    beside = [(x + w + gap, y), (x - gap - width, y), (x, y + h + gap), (x, y - 6 * gap - height)]
    inside = [
        Box(max(0, min(left, shape[1] - width)), max(0, min(top, shape[0] - height)), width, height)
        for left, top in beside
    ]
    return min(inside, key=lambda place: sum(place.shared(other) for other in taken))


def _plate(image, left, top, width, height):
    """Darken a rectangle; what lies under it stays visible."""
    area = image[max(0, top) : top + height, max(0, left) : left + width]
    if area.size:
        cv2.addWeighted(area, 0.25, np.full_like(area, PLATE), 0.75, 0, dst=area)
