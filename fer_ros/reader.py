# SPDX-License-Identifier: Apache-2.0
"""The front door for those without ROS: pictures and videos in, a Result out."""

import math
import os
import reprlib
from dataclasses import replace

import numpy as np

from fer_ros.drawing import annotate
from fer_ros.faces.follower import MeshFollower
from fer_ros.faces.quality import Flag
from fer_ros.images.picture import read_picture
from fer_ros.images.rotation import rotate_image
from fer_ros.lines import shown
from fer_ros.observation import Observation
from fer_ros.parameters import create_pipeline
from fer_ros.pipeline import EmotionPipeline
from fer_ros.result import Result
from fer_ros.sources.address import existing, masked

OF_TIME = Flag.JUST_APPEARED | Flag.TALKING | Flag.STILL
"""Flags that one picture by itself says nothing of."""
BEGIN = 1.0  # seconds: a stamp of 0 would stand for none

Picture = np.ndarray | str | os.PathLike


class FaceReader:
    """Reads the apparent expression of each face in a picture, or in a video image by image.

    Example:
        >>> reader = FaceReader()
        >>> reader.read("photo.jpg").faces[0].label  # doctest: +SKIP
        'joy'

    Not thread-safe: one reader a thread, or a process.

    Args:
        model: a .tflite, .onnx or .keras file with its card; empty: built in, ``small``: built in,
            half the time.
        detector: ``auto``, ``blazeface``, ``yunet`` or ``haar``.
        **parameters: further ones of emotion_node, such as ``max_faces=1`` or ``min_quality=0.0``:
            docs/parameters.md.

    Raises:
        fer_ros.parameters.ParameterError: no such parameter, or a value that does not fit.
        fer_ros.faces.detectors.DetectorError: the detector cannot be used.
        fer_ros.emotions.model_card.ModelError: the model cannot be used.
    """

    def __init__(self, model: str | os.PathLike = "", detector: str = "auto", **parameters):
        self._video = create_pipeline(model=str(model), detector=detector, **parameters)
        finder = self._video.finder
        self._still = EmotionPipeline(
            finder.detector,
            self._video.classifier,
            self._video.options,
            finder.verifier if isinstance(finder, MeshFollower) else None,
        )
        self._first = self._last = -math.inf

    def read(self, image: Picture) -> Result:
        """The faces of a picture by itself: nothing is remembered, nor does a video notice.

        Args:
            image: BGR, uint8 [H, W, 3], or the path of a picture file, which is turned as its EXIF
                data say.

        Returns:
            The faces, the largest first, with ``track_id`` 0, probabilities that are not smoothed,
            and nothing that takes several images to see: engagement, talking.

        Raises:
            FileNotFoundError: no such file.
            ValueError: not such an array, or a file that is no picture.
        """
        self._still.reset()
        result = self._still.process(Observation(as_image(image)))
        faces = tuple(
            replace(
                face, track_id=0, quality_flags=face.quality_flags & ~int(OF_TIME), engagement=0
            )
            for face in result.faces
        )
        return replace(result, faces=faces, followed=frozenset())

    def track(self, image: Picture, stamp: float) -> Result:
        """The faces of the next image of a video, followed and smoothed.

        Args:
            image: as for ``read``.
            stamp: seconds, when it was taken; later than that of the image before.

        Returns:
            The faces, the largest first, each with the ``track_id`` that it keeps.

        Raises:
            FileNotFoundError: no such file.
            ValueError: as for ``read``, or a stamp that is not later; nothing is forgotten then.
        """
        try:
            seconds = float(stamp)
        except (TypeError, ValueError, OverflowError):
            seconds = math.nan
        if not math.isfinite(seconds) or seconds <= self._last:
            after = "" if math.isinf(self._last) else f" after {self._last}; reset() starts anew"
            raise ValueError(f"stamp {reprlib.repr(stamp)}: expected finite seconds{after}")
        bgr = as_image(image)
        if math.isinf(self._first):
            self._first = seconds
        self._last = seconds
        return self._video.process(Observation(bgr, BEGIN + (seconds - self._first)))

    def reset(self) -> None:
        """Forget all faces of the video, whose stamps may begin anew; ids are not given again."""
        self._video.reset()
        self._first = self._last = -math.inf


def draw(image: Picture, result: Result) -> np.ndarray:
    """A copy of the image with the faces drawn on it: BGR, uint8 [H, W, 3], upright.

    Args:
        image: that of which the result is, as for ``FaceReader.read``.
        result: what was read of it.

    Raises:
        FileNotFoundError: no such file.
        ValueError: an image of another size, or none.
    """
    bgr = as_image(image)
    if bgr.shape != result.shape:
        raise ValueError(f"the image is {bgr.shape}, the result belongs to one of {result.shape}")
    return annotate(replace(result, upright=rotate_image(bgr, result.rotate)))


def as_image(image: Picture) -> np.ndarray:
    """BGR, uint8 [H, W, 3], of what ``FaceReader.read`` takes; raises as that does."""
    if isinstance(image, str | os.PathLike):
        name = os.fspath(image)
        if not name:  # else the current folder
            raise FileNotFoundError("no such file: an empty name")
        found = existing(name)
        if found is None and "://" in name:
            raise FileNotFoundError(f"{shown(masked(name))} is an address, not a file: download it")
        return read_picture(found or image)
    if not isinstance(image, np.ndarray):
        raise ValueError(f"an image is an array or a path, not {type(image).__name__}")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        hint = f"; cv2.cvtColor(image, cv2.COLOR_{kind}2BGR)" if (kind := _kind(image)) else ""
        raise ValueError(
            f"the image is {image.dtype} {image.shape}, not uint8 [H, W, 3] in BGR{hint}"
        )
    return image


def _kind(image):
    """What OpenCV calls an image of 8 bits that is grey or has an alpha channel."""
    channels = 1 if image.ndim == 2 else image.shape[-1] if image.ndim == 3 else 0
    return {1: "GRAY", 4: "BGRA"}.get(channels, "") if image.dtype == np.uint8 else ""
