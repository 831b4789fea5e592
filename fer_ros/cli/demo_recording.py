# SPDX-License-Identifier: Apache-2.0
"""What the demo receives: kept on disk as it comes, and counted."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fer_ros.evaluation.measures import ObservedFace, ObservedImage, figures, latencies, rounded
from fer_ros.parameters import analysis_options
from fer_ros.result import Box, face_to_dict
from fer_ros.stamp_clock import seconds_of

DIGITS = 4  # what the figures of a face are worth
COUNTS = ("received", "processed", "dropped")
"""What emotion_node's diagnostics count."""


class Recording:
    """The messages of one run. Results go to ``emotions.jsonl`` in ``folder`` line by line.

    Raises OSError when the folder cannot be written, also from ``add_result`` and
    ``add_annotated``.
    """

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "emotions.jsonl"
        self._sent: set[float] = set()
        self.counts: dict[str, int] = {}
        """``received``, ``processed`` and ``dropped``, as emotion_node last published them."""
        self.records: list[dict] = []
        self.latencies: list[float] = []
        """Seconds from an image's stamp to the receipt of its result."""
        self._lines = self.path.open("w", encoding="utf-8")
        self._jpegs = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by close()
        self._index: list[tuple[float, int]] = []

    @property
    def sent(self) -> int:
        """Images that the source is known to have published, by camera_info or by a result."""
        return len(self._sent)

    def add_sent(self, message) -> None:
        """Count the image that a CameraInfo, or an object with its header, comes with."""
        self._sent.add(_seconds(message.header.stamp))

    def add_result(self, message, receipt: float) -> None:
        """Keep an EmotionArray, or an object with its fields, received at ``receipt`` seconds."""
        record = record_of(message)
        self._lines.write(json.dumps(record) + "\n")
        self._lines.flush()
        self.records.append(record)
        self._sent.add(record["stamp"])
        self.latencies.append(receipt - record["stamp"])

    def add_annotated(self, message) -> None:
        """Keep the JPEG of a CompressedImage, or of an object with its fields."""
        self._jpegs.write(message.data)
        self._index.append((_seconds(message.header.stamp), len(message.data)))

    @property
    def annotated(self) -> int:
        """How many annotated images were kept."""
        return len(self._index)

    def images(self) -> Iterator[tuple[float, np.ndarray]]:
        """The annotated images: stamp in seconds, and BGR, uint8 [H, W, 3]."""
        self._jpegs.seek(0)
        for stamp, size in self._index:
            data = np.frombuffer(self._jpegs.read(size), np.uint8)
            image: Any = cv2.imdecode(data, cv2.IMREAD_COLOR)
            if image is not None:  # not one of emotion_node's
                yield stamp, image

    def close(self) -> None:
        """Let go of the files; ``emotions.jsonl`` stays."""
        for file in (self._lines, self._jpegs):
            with suppress(OSError):  # closing writes again what a full disk has refused
                file.close()


def record_of(message) -> dict:
    """An EmotionArray as a line of ``emotions.jsonl``.

    Keeps the message's field names; ``stamp`` in seconds, ``roi`` in pixels.
    """
    return {
        "stamp": _seconds(message.header.stamp),
        "frame_id": message.header.frame_id,
        "image_width": message.image_width,
        "image_height": message.image_height,
        "model": message.model,
        "faces": [face_to_dict(face, DIGITS) for face in message.faces],
    }


def observed_of(records: list[dict]) -> list[ObservedImage]:
    """Lines of ``emotions.jsonl`` as an evaluation has them; times count from the first stamp."""
    begin = min((record["stamp"] for record in records), default=0.0)
    return [
        ObservedImage(r["stamp"] - begin, r["stamp"], tuple(map(_observed_face, r["faces"])))
        for r in records
    ]


def _observed_face(face: dict) -> ObservedFace:
    roi = face["roi"]
    box = Box(roi["x_offset"], roi["y_offset"], roi["width"], roi["height"])
    return ObservedFace(face["track_id"], face["label"], np.array(face["probabilities"]), box)


def summarise(recording: Recording) -> dict:
    """The figures of a run, as ``summary.json`` holds them: those of an evaluation, and how many
    images went where. ``age``: ms from an image's stamp to the receipt of its result.
    """
    observed = observed_of(recording.records)
    times = [image.time for image in observed]
    duration = max(times, default=0.0) - min(times, default=0.0)
    return {
        "model": recording.records[-1]["model"] if observed else "",
        "duration_s": rounded(duration),
        "images_sent": recording.sent,
        **{f"images_{name}": count for name, count in recording.counts.items()},
        "images_annotated": recording.annotated,
        "images_per_second": rounded((len(observed) - 1) / duration) if duration else None,
        **figures(observed, analysis_options().max_gap),
        "latency_ms": latencies({"age": recording.latencies}),
    }


def describe(summary: dict) -> str:
    """The summary for a reader at a terminal."""
    names = ("sent", *(name for name in COUNTS if f"images_{name}" in summary))
    counts = [f"{summary[f'images_{name}']} {name}" for name in names]
    rate, age = summary["images_per_second"], summary["latency_ms"].get("age")
    lines = [
        f"model     {summary['model'] or '-'}",
        f"images    {', '.join(counts)}",
        f"messages  {summary['images']}" + (f" ({rate:.2f} a second)" if rate else ""),
        f"faces     {summary['faces']} detections, {len(summary['ids'])} tracks",
    ]
    for track_id, seen in summary["ids"].items():
        lines.append(
            f"  face {track_id:<3} {seen['dominant']} in {seen['share']:.0%} of {seen['faces']}"
        )
    if age:
        lines.append(f"latency   median {age['p50']:.1f} ms, p99 {age['p99']:.1f} ms")
    return "\n".join(lines)


def _seconds(stamp) -> float:
    return round(seconds_of(stamp), 6)
