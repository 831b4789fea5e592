# SPDX-License-Identifier: Apache-2.0
"""A video of annotated images; PyAV is imported only when it is used."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

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
            bgr: Any = image if image.shape[1::-1] == size else cv2.resize(image, size)
            frame = av.VideoFrame.from_ndarray(bgr, format="bgr24")
            frame.pts, frame.time_base = ticks, Fraction(1, _TICKS)
            container.mux(stream.encode(frame))
            written, before = written + 1, ticks
        if stream is not None:
            container.mux(stream.encode())
    return written
