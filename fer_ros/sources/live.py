# SPDX-License-Identifier: Apache-2.0
"""A camera or a stream, read as it comes."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from fer_ros.lines import shown
from fer_ros.sources.address import SourceError, existing, masked, source_of
from fer_ros.sources.recorded import Log, silence_opencv

RETRY = 1.0  # seconds between two attempts to open a live source again
MAX_DIGITS = 6  # of a camera's index: OpenCV takes no number of any size
TIMEOUT = 5000  # milliseconds that a stream may be silent
CLOSING = 1.0  # seconds to let go of a device, beyond that


class Live:
    """A camera or a stream, read by a thread of its own so that the newest image is at hand.

    ``size``: width and height, pixels, and ``rate``, Hz, are asked of a camera (0: its own), which
    need not give them. ``arrived`` is called, on that thread, at every new image; ``log`` with one
    line when the images stop and when they come again. Raises SourceError when the first does not
    come.
    """

    def __init__(
        self,
        source: str,
        size: tuple[int, int] = (0, 0),
        rate: float = 0.0,
        arrived: Callable[[], None] = lambda: None,
        log: Log = print,
    ):
        self._source, self._size, self._rate = source_of(source), size, rate
        self._arrived, self._log = arrived, log
        self._newest: deque[tuple[np.ndarray, float]] = deque(maxlen=1)  # whose ends are atomic
        self._closed = threading.Event()
        try:
            self._source.encode()
        except UnicodeEncodeError:  # OpenCV would die of it
            where = masked(shown(self._source))
            raise SourceError(f"{where} is not in UTF-8: write the address with %XX") from None
        name = masked(self._source) if source == self._source else source
        self._name = name if "://" in self._source else f"camera {self._source}"
        capture = self._open()
        if capture is None:
            raise SourceError(self._advice())
        self._thread = threading.Thread(target=self._read, args=(capture,), daemon=True)
        self._thread.start()

    def take(self) -> tuple[np.ndarray, float] | None:
        """The newest image and its age in seconds, or None when that has been taken."""
        try:
            image, arrival = self._newest.pop()
        except IndexError:
            return None
        return image, time.monotonic() - arrival

    def close(self) -> None:
        """Let go of the device."""
        self._closed.set()
        # A silent sender holds a read for TIMEOUT; a device that hangs does not hold us for ever.
        self._thread.join(timeout=TIMEOUT / 1e3 + CLOSING)

    def _read(self, capture):
        while not self._closed.is_set():
            image = capture.read()[1]
            if image is not None:
                self._newest.append((image, time.monotonic()))
                self._arrived()
                continue
            capture.release()
            self._log(f"{self._name}: no more images; trying again every second")
            capture = self._open_again()
        capture.release()

    def _open_again(self):
        while not self._closed.wait(RETRY):
            capture = self._open()
            if capture is not None:
                self._log(f"{self._name}: images again")
                return capture
        return cv2.VideoCapture()

    def _open(self):
        """A capture that gives images, or None."""
        silence_opencv()
        if "://" in self._source:
            if masked(self._source) != self._source:  # FFmpeg's own lines have the whole address
                os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"
                os.environ.pop("OPENCV_FFMPEG_DEBUG", None)
            timeouts = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, cv2.CAP_PROP_READ_TIMEOUT_MSEC)
            settings = [value for key in timeouts for value in (key, TIMEOUT)]
            capture = cv2.VideoCapture(self._source, cv2.CAP_FFMPEG, settings)
        else:
            if self._source.isdecimal() and len(self._source) > MAX_DIGITS:
                return None
            index = int(self._source) if self._source.isdecimal() else self._source
            capture = cv2.VideoCapture(index, cv2.CAP_V4L2)
            keys = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS)
            for key, value in zip(keys, (*self._size, self._rate), strict=True):
                if value:
                    capture.set(key, value)
        return capture if capture.isOpened() and capture.read()[0] else None

    def _advice(self):
        if "://" in self._source:
            return f"no images from {self._name}: is the address right, the sender running?"
        device = f"/dev/video{self._source}" if self._source.isdecimal() else self._source
        if not existing(device):
            found = sorted(map(str, Path("/dev").glob("video*")))
            return f"no {self._name}: {device} is absent ({', '.join(found) or 'no camera'} found)"
        if not os.access(device, os.R_OK | os.W_OK):
            return f"no access to {device}: sudo usermod -aG video $USER, then log in again"
        return f"{self._name} gives no images: is another program using {device}?"
