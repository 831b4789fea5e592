# SPDX-License-Identifier: Apache-2.0
"""Recorded images: a video file, a folder of pictures, or the sample.

A source is iterated, each time from its beginning. All images are BGR, uint8 [H, W, 3].
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from fer_ros.images.bit_depth import BitDepth
from fer_ros.images.header import HeaderError
from fer_ros.images.picture import (
    MAX_PIXELS,
    SUFFIXES,
    PictureError,
    foreign_pictures,
    picture_size,
    read_picture,
)
from fer_ros.lines import shown
from fer_ros.sources.address import SourceError, existing, masked, source_of
from fer_ros.sources.sample import Sample, SampleError

FOLDER_RATE = 1.0  # Hz: pictures are looked at one by one
MAX_IMAGES = 1e9  # more is no count

Log = Callable[[str], None]


class Recorded(Protocol):
    """A source that ends: iterate it for its images, as often as wanted."""

    rate: float
    """Images a second, Hz."""

    def __len__(self) -> int:
        """How many images one pass should give; 0: not known."""

    def __iter__(self) -> Iterator[np.ndarray]:
        """The images from the beginning."""


def open_recorded(source: str, log: Log = print) -> Recorded:
    """Open "sample", a video file, a picture or a folder of pictures.

    ``log`` is called with one line, once, for a picture that is skipped and for a video that breaks
    off. Raises SourceError.
    """
    source = source_of(source)
    if source == "sample":
        try:
            return Sample()
        except SampleError as error:
            raise SourceError(str(error)) from None
    name = source.removeprefix("file://")
    path = existing(name) if name.strip() else None
    if path is None:
        raise SourceError(
            f"no such file or folder: {masked(shown(source)) or 'an empty name'} (give a camera "
            "index such as 0, a video, a folder of pictures, a stream's URL, or sample)"
        )
    if not (path.is_dir() or path.is_file()):
        raise SourceError(f"{shown(path)}: a pipe or a device, neither a file nor a folder")
    if path.is_dir() or path.suffix.lower() in SUFFIXES or _is_picture(path):
        return _Pictures(path, log)
    return _VideoFile(path, log)


def resize(bgr: np.ndarray, width: int, height: int) -> np.ndarray:
    """The image at that size; 0: its own, or what keeps the aspect when the other is given."""
    own_height, own_width = bgr.shape[:2]
    width, height = (
        width or max(round(own_width * height / own_height), 1) if height else width or own_width,
        height or max(round(own_height * width / own_width), 1) if width else height or own_height,
    )
    if (width, height) == (own_width, own_height):
        return bgr
    flags = cv2.INTER_AREA if width < own_width else cv2.INTER_LINEAR
    return cv2.resize(bgr, (width, height), interpolation=flags)


class _VideoFile:
    def __init__(self, path: Path, log: Log):
        self._path, self._log, self._logged = path, log, False
        capture = self._open()
        self.rate = capture.get(cv2.CAP_PROP_FPS)
        if not 0 < self.rate < 1000:  # a container that does not say
            self.rate = 30.0
        count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self._count = int(count) if 0 < count < MAX_IMAGES else 0
        width, height = (
            capture.get(side) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        )
        if not width * height <= MAX_PIXELS:
            raise SourceError(
                f"{shown(path)}: {width:g}x{height:g} pixels, "
                f"more than {MAX_PIXELS / 1e6:g} million"
            )
        if not capture.read()[0]:
            raise self._unreadable()

    def __len__(self):
        return self._count

    def __iter__(self):
        capture, seen = self._open(), 0
        while (image := capture.read()[1]) is not None:
            seen += 1
            yield image
        if seen == 0:
            raise self._unreadable()
        if seen < 0.9 * self._count and not self._logged:  # containers miscount by a few
            self._logged = True
            self._log(
                f"{shown(self._path)} is damaged: "
                f"it breaks off after {seen} of {self._count} images"
            )

    def _open(self):
        silence_opencv()
        with self._path.open("rb") as file:
            # OpenCV dies of a name that is not UTF-8: the file has another one while it is open.
            plain = self._path.as_posix().isprintable()
            capture = cv2.VideoCapture(str(self._path) if plain else f"/dev/fd/{file.fileno()}")
        if not capture.isOpened():
            raise self._unreadable()
        return capture

    def _unreadable(self):
        return SourceError(
            f"{shown(self._path)} cannot be read as a video: damaged, empty or of an unknown kind; "
            f"try ffmpeg -i {shown(self._path.name)} out.mp4"
        )


class _Pictures:
    rate = FOLDER_RATE

    def __init__(self, path: Path, log: Log):
        self._path, self._log = path, log
        self._logged: set[Path] = set()
        files = list(path.iterdir()) if path.is_dir() else []
        pictures = (f for f in files if f.suffix.lower() in SUFFIXES and f.name[0] != ".")
        self._files = sorted(pictures, key=by_number) if path.is_dir() else [path]
        if foreign := foreign_pictures(files):
            log(foreign)
        if not self._files:
            kinds = ", ".join(sorted(SUFFIXES))
            raise SourceError(f"no picture in {shown(path)}: looked for {kinds}")
        next(iter(self))

    def __len__(self):
        return len(self._files)

    def __iter__(self):
        seen, bit_depth = False, BitDepth()
        for file in self._files:
            try:
                image = read_picture(file, bit_depth=bit_depth)
            except (PictureError, OSError) as error:
                if file not in self._logged:
                    self._logged.add(file)
                    self._log(f"{error}: skipped")
                continue
            seen = True
            yield image
        if not seen:
            count = len(self._files)
            raise SourceError(f"no readable picture in {shown(self._path)}: {count} damaged")


def _is_picture(path: Path) -> bool:
    """Whether a file is a picture by its first bytes: under a video's name, OpenCV would decode it
    at any size.
    """
    with suppress(OSError, HeaderError), path.open("rb") as file:
        return bool(picture_size(file.read(1 << 16)))
    return False


def by_number(path: Path) -> list:
    """Sorts 2.png before 10.png."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", path.name)]


def silence_opencv() -> None:
    """Keep OpenCV and FFmpeg from writing to stderr: what fails is said here in plain words."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    logging = getattr(cv2.utils, "logging", None)
    if logging:
        logging.setLogLevel(logging.LOG_LEVEL_SILENT)
