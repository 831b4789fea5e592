# SPDX-License-Identifier: Apache-2.0
"""The report's charts as SVG and HTML text: no script, no fonts, nothing loaded from anywhere."""

from collections import Counter
from html import escape
from itertools import groupby, pairwise

import numpy as np

from fer_ros.emotions.classes import COLOURS, EMOTIONS
from fer_ros.evaluation.measures import ANSWERS, LABELS, ObservedFace, Track, stretches, usual_step

WIDTH, AREA, STRIP, AXIS = 960, 90, 14, 18  # units of the drawing
COLUMNS = 480
"""A timeline is averaged to so many columns: what a screen shows of it."""


def timeline(track: Track, span: tuple[float, float], truth: list[tuple[float, str]]) -> str:
    """Smoothed probabilities of one face as stacked areas, its label as a strip, and under it what
    was ``truth``: (time, expression) of each labelled image. ``span``: seconds, left to right.
    """
    points = _columns(track, span)
    step = usual_step(points)
    place = _placing(span)
    parts = [_areas(stretch, place) for stretch in stretches(points, step)]
    parts.append(_strip([(t, label) for t, _, label in points], place, AREA + 4, step))
    height = AREA + 4 + STRIP
    if truth:
        parts.append(_strip(truth, place, height + 4, usual_step(truth, single=step)))
        height += 4 + STRIP
    parts.append(_ticks(span, place, height))
    return _svg(WIDTH, height + AXIS, "".join(parts), "probabilities over time")


def share_bar(shares: dict[str, float]) -> str:
    """One bar, divided as the labels are."""
    parts, x = [], 0.0
    for name in LABELS:
        width = WIDTH * shares.get(name, 0)
        parts.append(_rect(x, 0, width, 24, name, f"{name} {shares.get(name, 0):.1%}"))
        x += width
    return _svg(WIDTH, 24, "".join(parts), "share of each expression")


def legend(shares: dict[str, float]) -> str:
    """Colour, name and share of every label."""
    names = "".join(
        f"<span><i style='background:{_rgb(n)}'></i>{n} {percent(shares.get(n))}</span>"
        for n in LABELS
    )
    return f"<div class='legend'>{names}</div>"


def confusion_table(scores: dict) -> str:
    """The matrix, each row shaded by its shares, with precision, recall and F1 of each class."""
    head = "".join(f"<th>{escape(name)}</th>" for name in (*ANSWERS, "precision", "recall", "F1"))
    rows = []
    for name, counts in zip(EMOTIONS, scores["confusion"], strict=True):
        total = sum(counts)
        cells = "".join(
            f"<td class='{'hit' if answer == name else 'miss'}' "
            f"style='--share:{count / total if total else 0:.3f}'>{count or ''}</td>"
            for answer, count in zip(ANSWERS, counts, strict=True)
        )
        own = scores["classes"][name]
        cells += "".join(f"<td>{percent(own[key])}</td>" for key in ("precision", "recall", "f1"))
        rows.append(f"<tr><th>{name} <small>{total}</small></th>{cells}</tr>")
    return (
        f"<table class='confusion'><tr><th>labelled \\ answered</th>{head}</tr>"
        f"{''.join(rows)}</table>"
    )


def percent(value: float | None) -> str:
    """``62.5 %``, or a dash where there is no figure."""
    return "-" if value is None else f"{value:.1%}".replace("%", " %")


def _columns(track: Track, span) -> list[tuple[float, np.ndarray, str]]:
    """(time, mean probabilities [7], most frequent label), at most COLUMNS of them."""
    width = max((span[1] - span[0]) / COLUMNS, 1e-9)
    columns = []
    for _, group in groupby(track, key=lambda seen: int((seen[0] - span[0]) / width)):
        seen = list(group)
        faces: list[ObservedFace] = [face for _, face in seen]
        label = Counter(face.label for face in faces).most_common(1)[0][0]
        mean = np.mean([face.probabilities for face in faces], axis=0)
        columns.append((float(np.mean([t for t, _ in seen])), mean, label))
    return columns


def _placing(span):
    scale = WIDTH / max(span[1] - span[0], 1e-9)
    return lambda time: (time - span[0]) * scale


def _areas(stretch, place) -> str:
    """Stacked areas of one unbroken stretch."""
    xs = [place(time) for time, _, _ in stretch]
    stack = np.vstack([np.zeros(len(xs)), np.cumsum([p for _, p, _ in stretch], axis=1).T])
    ys = AREA * (1 - np.clip(stack, 0, 1))
    parts = []
    for i, name in enumerate(EMOTIONS):
        outline = [*zip(xs, ys[i + 1], strict=True), *zip(xs[::-1], ys[i][::-1], strict=True)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in outline)
        parts.append(
            f"<polygon points='{points}' fill='{_rgb(name)}'><title>{name}</title></polygon>"
        )
    return "".join(parts)


def _strip(labels: list[tuple[float, str]], place, y, step) -> str:
    """A rectangle for as long as the label stays the same."""
    parts = []
    for stretch in stretches(labels, step):
        changes = [b for a, b in pairwise(stretch) if a[1] != b[1]]
        for (start, name), (end, _) in pairwise([stretch[0], *changes, stretch[-1]]):
            title = f"{name}, {start:.1f} to {end:.1f} s"
            parts.append(_rect(place(start), y, place(end) - place(start), STRIP, name, title))
    return "".join(parts)


def _ticks(span, place, y) -> str:
    length = max(span[1] - span[0], 1e-3)
    # Of whole hours beyond: a wrong clock makes years of a minute, and no list as long as they are.
    hours = 3600 * np.ceil(length / 3600 / 12)
    unit = next(
        (u for u in (0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 600, 1800) if length / u <= 12), hours
    )
    first = int(np.ceil(span[0] / unit))
    ticks = (unit * i for i in range(first, first + int(length / unit) + 1))
    return "".join(
        f"<text x='{min(place(t) + 2, WIDTH - 40):.1f}' y='{y + 13}'>{t:g} s</text>"
        f"<line x1='{place(t):.1f}' x2='{place(t):.1f}' y1='0' y2='{y + 4}'/>"
        for t in ticks
    )


def _rect(x, y, width, height, name, title) -> str:
    return (
        f"<rect x='{x:.1f}' y='{y}' width='{max(width, 0):.1f}' height='{height}' "
        f"fill='{_rgb(name)}'><title>{escape(title)}</title></rect>"
    )


def _svg(width, height, content, name) -> str:
    return f"<svg viewBox='0 0 {width} {height}' role='img' aria-label='{name}'>{content}</svg>"


def _rgb(name: str) -> str:
    return "#{:02x}{:02x}{:02x}".format(*COLOURS[name])
