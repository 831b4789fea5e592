# SPDX-License-Identifier: Apache-2.0
"""The demo's pictures of its result: a video of the annotated images, probabilities over time.

PyAV and matplotlib are imported only when they are used.
"""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from fer_ros.emotions.classes import COLOURS, EMOTIONS
from fer_ros.evaluation.measures import stretches, usual_step

MAX_PANELS = 6
_TICKS = 90000  # a second of a video's time


def write_video(path: Path, images: Iterable[tuple[float, np.ndarray]]) -> int:
    """Write an H.264 MP4 of (stamp in seconds, BGR uint8 [H, W, 3]), each shown as long as the
    stamps say; returns how many were written.

    All get the first one's size. An image whose stamp does not go on is left out. Raises OSError
    when the file cannot be written.
    """
    import av

    written, first, stream = 0, 0.0, None
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        for stamp, image in images:
            if stream is None:
                first, before = stamp, -1
                stream = container.add_stream("libx264", rate=30)
                stream.height, stream.width = (side - side % 2 or 2 for side in image.shape[:2])
                stream.pix_fmt = "yuv420p"
                stream.options = {"preset": "veryfast", "crf": "20"}
                stream.codec_context.time_base = Fraction(1, _TICKS)
            ticks = round((stamp - first) * _TICKS)
            if ticks <= before:
                continue
            size = (stream.width, stream.height)
            bgr = image if image.shape[1::-1] == size else cv2.resize(image, size)
            frame = av.VideoFrame.from_ndarray(bgr, format="bgr24")
            frame.pts, frame.time_base = ticks, Fraction(1, _TICKS)
            container.mux(stream.encode(frame))
            written, before = written + 1, ticks
        if stream is not None:
            container.mux(stream.encode())
    return written


def plot_timeline(path: Path, records: list[dict]) -> int:
    """Draw each face's smoothed probabilities over time as stacked areas, its published label as a
    strip beneath; returns how many faces were drawn, at most those MAX_PANELS seen most.

    ``records``: lines of ``emotions.jsonl``.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.patches import Patch

    begin = min((r["stamp"] for r in records), default=0.0)
    end = max((r["stamp"] for r in records), default=1.0)
    tracks = _tracks(records, begin)
    often = sorted(tracks, key=lambda i: len(tracks[i]), reverse=True)
    shown = sorted(often[:MAX_PANELS])
    panels = max(len(shown), 1)
    figure, axes = plt.subplots(
        2 * panels,
        1,
        figsize=(11, 1.3 + 2.5 * panels),
        height_ratios=[8, 1] * panels,
        sharex=True,
        squeeze=False,
        layout="constrained",
    )
    for (area, strip), track_id in zip(axes[:, 0].reshape(-1, 2), shown, strict=False):
        _draw_face(area, strip, track_id, tracks[track_id])
    if not shown:
        axes[0, 0].set_title("no face was seen")
    axes[-1, 0].set_xlabel("time since the first result, s")
    axes[-1, 0].set_xlim(0, max(end - begin, 1e-3))
    handles = [Patch(facecolor=_colour(name), label=name) for name in COLOURS]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), frameon=False)
    if len(tracks) > len(shown):
        figure.supxlabel(f"and {len(tracks) - len(shown)} faces seen more briefly", fontsize=9)
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return len(shown)


def _tracks(records, begin) -> dict[int, list[tuple[float, dict]]]:
    """Of each id, the seconds since ``begin`` and the faces."""
    tracks: dict[int, list[tuple[float, dict]]] = {}
    for record in records:
        for face in record["faces"]:
            tracks.setdefault(face["track_id"], []).append((record["stamp"] - begin, face))
    return tracks


def _draw_face(area, strip, track_id, seen):
    labels = [face["label"] for _, face in seen]
    main = max(set(labels), key=labels.count)
    area.set_title(
        f"Face {track_id}: {main} in {labels.count(main) / len(labels):.0%} of {len(seen)} images",
        loc="left",
        fontsize=11,
    )
    for part in stretches(seen, usual_step(seen)):
        times = [t for t, _ in part]
        probabilities = np.array([face["probabilities"] for _, face in part]).T
        area.stackplot(times, probabilities, colors=[_colour(e) for e in EMOTIONS], linewidth=0)
        colours = [_colour(face["label"]) for _, face in part[:-1]]
        bars = list(zip(times[:-1], np.diff(times), strict=True))
        strip.broken_barh(bars, (0, 1), facecolors=colours)
    area.set_ylim(0, 1)
    area.set_yticks([0, 0.5, 1])
    area.set_ylabel("probability")
    area.tick_params(labelbottom=False)
    strip.set_ylim(0, 1)
    strip.set_yticks([0.5], ["label"])
    strip.tick_params(left=False)
    for axis in (area, strip):
        axis.spines[["top", "right"]].set_visible(False)


def _colour(name) -> tuple[float, ...]:
    return tuple(value / 255 for value in COLOURS[name])
