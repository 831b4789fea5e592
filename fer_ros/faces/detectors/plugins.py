# SPDX-License-Identifier: Apache-2.0
"""Detectors of other packages, which announce them by an entry point: docs/detectors.md.

``[project.entry-points."fer_ros.detectors"]`` of a package has a line ``name = "module:Class"``.
Reading these loads nothing of the package; its code runs only when its detector is asked for.
"""

import logging
import sys
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import EntryPoint, distributions, entry_points
from pathlib import Path

from fer_ros.faces.detectors.base import Detector, DetectorError, Framing

GROUP = "fer_ros.detectors"
_log = logging.getLogger("fer_ros")


def find(taken: tuple[str, ...]) -> dict[str, EntryPoint]:
    """The detectors of the packages that this Python can import, by their names.

    One whose name is among ``taken``, or is used twice, is passed over with a warning.
    """
    found: dict[str, EntryPoint] = {}
    for entry in _entries():
        if entry.name in taken or found.setdefault(entry.name, entry) is not entry:
            _log.warning("detector %s of %s is ignored: the name is taken", *_words(entry))
    return found


def _entries() -> Iterable[EntryPoint]:
    try:
        return entry_points(group=GROUP)
    except Exception as error:  # a torn file must not take the other packages' detectors away
        _log.warning("entry points of a package cannot be read: %s", error)
    found: list[EntryPoint] = []
    for package in distributions():
        with suppress(Exception):
            found += package.entry_points.select(group=GROUP)
    return found


def create(entry: EntryPoint, model_path: str, options: dict) -> Detector:
    """The detector of an entry point, made as fer_ros' own are.

    Raises DetectorError, one line, for whatever it raises, and where it is no detector.
    """
    name, package = _words(entry)
    try:
        kind, threshold = entry.load(), options["score_threshold"]
        if threshold is None and options["proposing"]:
            threshold = getattr(kind, "proposal_threshold", None)
        size = options["min_face_size"]
        detector = kind(model_path, min_face_size=size, score_threshold=threshold)
        framing = Framing(*map(float, detector.framing))
        if not (callable(detector.detect) and detector.min_face_size >= 0 and framing.side > 0):
            raise ValueError("framing, detect or min_face_size is not what a detector has")
        detector.name = name
        if not hasattr(detector, "model_path"):  # what stands for it where results are kept
            detector.model_path = Path(model_path or str(sys.modules[entry.module].__file__))
    except DetectorError:
        raise
    except Exception as error:  # somebody else's code, and its own dependencies
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise DetectorError(
            f"detector {name} of {package} cannot be used: {reason}; correct or uninstall that "
            "package, or choose another detector"
        ) from error
    return detector


def _words(entry: EntryPoint) -> tuple[str, str]:
    return entry.name, entry.dist.name if entry.dist else entry.value
