# SPDX-License-Identifier: Apache-2.0
"""Pictures read one by one, or many by spawned processes, in their order."""

import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from fer_ros.images.bit_depth import is_dark
from fer_ros.images.picture import write_picture
from fer_ros.lines import fault, shown
from fer_ros.reader import FaceReader, as_image, draw
from fer_ros.result import Result
from fer_ros.runtime.child import shield_children
from fer_ros.start import undisturbed_children, uninterrupted

MANY = 24
"""Pictures from which processes pay: one takes about as long to start as to read so many."""
AT_ONCE = 4  # pictures handed to a process

_reader: FaceReader | None = None  # of a spawned process


@dataclass(frozen=True)
class FileResult:
    """What was read of one image: ``content`` and ``records`` are those of ``Result.to_dict`` and
    ``to_records``; ``time``: seconds in the video; ``problem``: why there is nothing; ``dark``:
    whether nothing can be seen in it.
    """

    file: str
    content: dict = field(default_factory=dict)
    records: list[dict] = field(default_factory=list)
    time: float | None = None
    problem: str = ""
    dark: bool = False


@dataclass(frozen=True)
class Picture:
    """A picture file, and where it is to be drawn on, if anywhere."""

    path: Path
    drawn: Path | None = None


def file_result(
    file: str, image: np.ndarray, result: Result, time: float | None = None
) -> FileResult:
    """What is kept of an image and its result."""
    return FileResult(file, result.to_dict(), result.to_records(), time, dark=is_dark(image))


def read_pictures(
    pictures: Sequence[Picture], reader: FaceReader, parameters: Mapping
) -> Iterator[FileResult]:
    """A reading for each picture, in their order; by several processes where there are many.

    Args:
        pictures: their files.
        reader: reads a few.
        parameters: of the readers that read many.
    """
    processes = min(usable_cores(), len(pictures) // AT_ONCE)
    if len(pictures) < MANY or processes < 2:
        for picture in pictures:
            yield _read(reader, picture)
        return
    shield_children()
    pool = ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn"), _begin, (dict(parameters),)
    )
    done = 0
    try:
        with undisturbed_children(), uninterrupted():  # one half begun would say so by a traceback
            results = pool.map(_read_there, pictures, chunksize=AT_ONCE)
        for found in results:
            done += 1
            yield found
    except BrokenProcessPool:
        for picture in pictures[done:]:
            yield FileResult(
                shown(picture.path), problem="not read: a process ended; too little memory?"
            )
    except BaseException:  # told to stop: not after what they have begun
        for child in multiprocessing.active_children():
            child.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _begin(parameters: dict) -> None:
    global _reader
    cv2.setNumThreads(1)
    _reader = FaceReader(**parameters)


def _read_there(picture: Picture) -> FileResult:
    assert _reader
    return _read(_reader, picture)


def _read(reader: FaceReader, picture: Picture) -> FileResult:
    file = shown(picture.path)
    try:
        image = as_image(picture.path)
        result = reader.read(image)
        if picture.drawn:
            picture.drawn.parent.mkdir(parents=True, exist_ok=True)
            write_picture(picture.drawn, draw(image, result))
    except (OSError, ValueError, cv2.error) as error:
        return FileResult(file, problem=fault(error))
    return file_result(file, image, result)
