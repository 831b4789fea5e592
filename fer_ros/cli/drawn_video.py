# SPDX-License-Identifier: Apache-2.0
"""A video that is drawn image by image, and takes its name when it is whole."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from fer_ros.lines import LineError, shown
from fer_ros.runtime.replacing import HIDDEN


class VideoError(LineError, OSError):
    """The video cannot be written; the message is one line with its name."""


@contextmanager
def drawn_video(path: Path, rate: float) -> Iterator[Callable[[np.ndarray], None]]:
    """A function that writes images, BGR, uint8 [H, W, 3], into a video of ``rate`` Hz.

    An older one at ``path`` stays until this one is whole. Raises VideoError.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError as error:
        raise VideoError(f"{shown(path)}: {error.strerror}") from None
    part = path.with_name(f"{HIDDEN}{os.getpid()}.mp4")
    # OpenCV dies of a name that is not UTF-8: the folder has another one while it is open.
    plain = part.as_posix().isprintable()
    name = str(part) if plain else f"/dev/fd/{folder}/{part.name}"
    writer: cv2.VideoWriter | None = None
    count = 0

    def write(image: np.ndarray) -> None:
        nonlocal writer, count
        if writer is None:
            size = (image.shape[1], image.shape[0])
            writer = cv2.VideoWriter(name, cv2.VideoWriter.fourcc(*"mp4v"), rate, size)
            if not writer.isOpened():
                raise VideoError(f"{shown(path)} cannot be written")
        writer.write(image)
        count += 1

    try:
        yield write
        if writer:
            writer.release()  # which says nothing of a disk that is full
            if cv2.VideoCapture(name).get(cv2.CAP_PROP_FRAME_COUNT) < count:
                raise VideoError(f"{shown(path)} cannot be written: is the disk full?")
            part.replace(path)
    finally:
        if writer:
            writer.release()
        part.unlink(missing_ok=True)
        os.close(folder)
