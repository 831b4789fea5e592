# SPDX-License-Identifier: Apache-2.0
"""What the arguments of ``fer_ros-predict`` name: pictures, videos and live sources."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fer_ros.cli.picture_batch import Picture
from fer_ros.images.picture import SUFFIXES, foreign_pictures
from fer_ros.lines import shown
from fer_ros.sources.address import SourceError, existing, is_live, masked
from fer_ros.sources.recorded import by_number

VIDEOS = {".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm"}
"""Endings of the videos that are looked for in a folder; any file given is tried."""


class UsageError(ValueError):
    """Arguments that would do harm; the message is one line."""


@dataclass
class Work:
    """What the arguments name: pictures, videos, and live sources."""

    pictures: list[Picture] = field(default_factory=list)
    videos: list[Picture] = field(default_factory=list)
    live: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    drawn: set[Path] = field(default_factory=set)


def find(paths: list[str], annotate: Path | None = None) -> Work:
    """What there is to read, in the order given; a folder's files by their names.

    Args:
        paths: files, folders, cameras' indices and streams.
        annotate: the folder for drawn images, if they are wanted.

    Raises:
        UsageError: a drawn image would take the place of another, or of what it is drawn on.
    """
    work = Work()
    for text in paths:
        path = existing(text) if text else None
        if path and path.is_dir():
            for file in _files_in(path, annotate, work.problems):
                _note(work, file, annotate and annotate / file.relative_to(path))
        elif path:
            _note(work, path, annotate and annotate / path.name)
        elif _is_live(work, text):
            work.live.append(text)
        elif not text.startswith("@"):
            name = masked(shown(text)) or "an empty name"
            work.problems.append(f"{name}: no such file or folder")
    read = {picture.path.resolve() for picture in (*work.pictures, *work.videos)}
    for drawn in work.drawn:
        if drawn.resolve() in read:
            raise _overwriting(drawn)
    return work


def _files_in(folder: Path, annotate: Path | None, problems: list[str]) -> list[Path]:
    """Pictures and videos of a folder by their names; what is to be told goes to ``problems``."""
    there = list(_all_files_in(folder, annotate))
    files = [file for file in there if file.suffix.lower() in SUFFIXES | VIDEOS]
    if foreign := foreign_pictures(there):
        problems.append(foreign)
    elif not files:
        problems.append(f"{shown(folder)}: no picture or video in this folder")
    return sorted(files, key=lambda p: (str(p.parent), by_number(p)))


def _all_files_in(folder: Path, annotate: Path | None) -> Iterator[Path]:
    """All files at any depth but hidden ones and those drawn before; folders that vanish meanwhile
    are passed over.
    """
    drawn = annotate and annotate.resolve()
    for place, within, names in os.walk(folder):
        within[:] = [name for name in within if Path(place, name).resolve() != drawn]
        yield from (Path(place, name) for name in names if not name.startswith("."))


def _is_live(work: Work, text: str) -> bool:
    try:
        live = is_live(text)
    except SourceError as error:  # of @FILE
        work.problems.append(str(error))
        return False
    if text.startswith("@") and not live:
        work.problems.append(f"{shown(text)}: holds no camera and no stream")
    return live


def _note(work: Work, file: Path, drawn: Path | None) -> None:
    picture = file.suffix.lower() in SUFFIXES
    if drawn and not picture:
        drawn = drawn.with_suffix(".mp4")
    if drawn:
        if drawn in work.drawn:
            raise _overwriting(drawn)
        work.drawn.add(drawn)
    (work.pictures if picture else work.videos).append(Picture(file, drawn))


def _overwriting(drawn: Path) -> UsageError:
    return UsageError(
        f"--annotate would write {shown(drawn)} over another image; take another folder"
    )
