# SPDX-License-Identifier: Apache-2.0
"""Pictures of faces in folders: Kaggle's FER-2013, other data sets, somebody's own crops."""

import re
import sys
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.images.picture import SUFFIXES, PictureError, foreign_pictures, read_picture
from fer_ros.lines import shown
from fer_ros.runtime.settings_files import SettingsError, load
from fer_training.dataset import FOLDER_USAGES, SIZE, USAGES, DatasetError, Faces, usage_of
from fer_training.photographs import suspicions

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

BY_FOLDER = r"([^/]+)/[^/]+$"
LEFT_OUT = "none"
NAMES = {name: name for name in EMOTIONS} | {
    "angry": "anger",
    "disgusted": "disgust",
    "fearful": "fear",
    "happy": "joy",
    "happiness": "joy",
    "sad": "sadness",
    "surprised": "surprise",
}
"""What other data sets call the seven."""
NOT_DATA = {"__macosx", "@eadir", "thumbs.db"}
"""What archivers and file managers leave; beside all that begins with a dot."""
SPLIT = re.compile(
    "train|trn|val(id|set|$)|dev(set|$)|test(ing|s|set|data|$)|tst|eval(s|set|uat|$)|splits?$|folds?$|"
    "hold(ing)?out|held|unseen"
)
"""How a word begins in the name of a folder that may be one of a split."""
SMALL = 12
"""Pixels a side below which nothing of a face is to be seen."""


def read_folders(root: Path, labels: Path | None = None, pattern: str = BY_FOLDER) -> Faces:
    """Every picture under ``root``, made grey and 48x48; its ``names`` are the paths under it.

    What is labelled a class is the first group of ``pattern``, a regular expression searched in
    that path: the folder's name if not given. ``labels`` is a TOML file from such names to one of
    the seven, or to "none" for pictures to leave out. The usage is by the folder of a split
    (``FOLDER_USAGES``) at any depth above the class, and Training where there is no such.

    Hidden files and what archivers leave are passed over; pictures that cannot be read are left
    out, counted, and the first of them named on stderr, as are pictures that look like whole
    photographs. Raises DatasetError when there is no picture left, a name is no class, or a folder
    looks like that of a split that is not known.
    """
    known = NAMES | _label_map(labels)
    files = pictures_in(root)
    if not files:
        raise DatasetError(
            f"{shown(root)}: no pictures; expected a folder for each expression, "
            "or train/ and test/ with such folders"
        )
    found, without = [], []
    unknown: dict[str, str] = {}
    for file in files:
        name = file.relative_to(root).as_posix()
        match = _search(pattern, name)
        if match is None:
            without.append(shown(name))
            continue
        said = match[1].lower()
        if said not in known:
            unknown.setdefault(match[1], name)
        elif known[said] != LEFT_OUT:
            above = tuple(name[: match.start(1)].split("/")[:-1])
            found.append((file, name, above, EMOTIONS.index(known[said])))
    if unknown:
        raise _unknown_class(root, unknown, pattern)
    if without and (pattern != BY_FOLDER or len(without) == len(files)):
        raise DatasetError(
            f"the pattern {pattern!r} finds no label in {without[0]!r}: put each picture into a "
            "folder of its expression, or say where a name has it: --label-pattern REGEX"
        )
    if without:
        _warn(f"{len(without)} pictures are in no folder and are left out, such as {without[0]}")
    if not found:
        raise DatasetError(f"{shown(root)}: its labels exclude every picture")
    return _read_all(root, _with_usages(root, found, known))


FILE_COLUMNS = ("file", "filename", "file_name", "image", "image_path", "path", "picture", "name")
LABEL_COLUMNS = ("label", "expression", "emotion", "class")


def read_list(path: Path, head: list[str], rows: list[list[str]], labels: Path | None) -> Faces:
    """The pictures that a CSV beside them lists: a column of paths, from its own folder, and one of
    labels; ``labels`` as for ``read_folders``. Raises DatasetError, also for another CSV.
    """
    lower = [name.lower() for name in head]
    file = next((lower.index(c) for c in FILE_COLUMNS if c in lower), None)
    said = next((lower.index(c) for c in LABEL_COLUMNS if c in lower), None)
    if file is None or said is None:
        raise DatasetError(
            f"{path}: no column pixels, nor one of pictures and one of labels, such as file and "
            f"expression; its columns are {', '.join(map(shown, head)) or 'none'}; Kaggle's "
            "fer2013.csv has emotion, pixels, Usage"
        )
    known, found, short = NAMES | _label_map(labels), [], []
    usage = next((lower.index(c) for c in ("usage", "split", "set") if c in lower), None)
    for number, row in enumerate(rows, 2):
        if len(row) <= max(file, said, usage or 0):
            short += [number] if row else []
            continue
        name, label = row[file].strip().replace("\\", "/"), row[said].strip()
        if label.lower() not in known:
            raise DatasetError(
                f"{path}:{number}: {shown(label)!r}: expected one of {', '.join(EMOTIONS)}; say "
                f'what it is in a file of lines like "{shown(label)}" = "anger": --labels FILE'
            )
        if known[label.lower()] == LEFT_OUT:
            continue
        split = "Training" if usage is None else usage_of(row[usage], f"{path}:{number}")
        found.append((path.parent / name, name, EMOTIONS.index(known[label.lower()]), split))
    if short:
        _warn(f"{path}: {len(short)} rows lack a column and are left out: the first is {short[0]}")
    if not found:
        raise DatasetError(f"{path}: holds no rows")
    return _read_all(path, found)


def pictures_in(root: Path) -> list[Path]:
    """Every picture file under ``root``, but hidden ones and what archivers leave, by name; links
    to folders are followed. What is left out is told on stderr.
    """
    files, closed = [], []
    waiting: list[tuple[Path, frozenset]] = [(root, frozenset())]
    while waiting:
        folder, above = waiting.pop()
        try:
            found = folder.stat()
            own = found.st_dev, found.st_ino
            there = [] if own in above else list(folder.iterdir())  # a link to where it lies in
        except OSError as error:
            closed.append(f"{shown(folder)}: {error.strerror}")
            continue
        for path in there:
            if path.name.startswith(".") or path.name.lower() in NOT_DATA:
                continue
            if path.is_dir():
                waiting.append((path, above | {own}))
            else:
                files.append(path)
    if closed:
        _warn(f"{len(closed)} folders cannot be opened and are left out: {closed[0]}")
    if foreign := foreign_pictures(files):
        _warn(foreign)
    return sorted(f for f in files if f.suffix.lower() in SUFFIXES)


def _usage(above):
    """The split that one of the folders ``above`` the class says, the outermost first; else ""."""
    return next((FOLDER_USAGES[p.lower()] for p in above if p.lower() in FOLDER_USAGES), "")


def _with_usages(root, found, known):
    """The rows with the split of each; DatasetError where it is to be asked which one is meant."""
    by_folder = {row[2]: _usage(row[2]) for row in found}
    others = [above for above, usage in by_folder.items() if not usage]
    for part in (part for above in others for part in above):
        words = re.findall(r"[a-z]+", part.lower())
        if any(map(SPLIT.match, words)) and part.lower() not in known:
            raise DatasetError(
                f"{shown(root)}: is {shown(part)!r} the folder of a split? Known are "
                f"{', '.join(FOLDER_USAGES)}; rename it, or read each part by itself"
            )
    if others and len(others) < len(by_folder):
        beside = "/".join(others[0])
        raise DatasetError(
            f"{shown(root)}: {shown(beside) or 'what lies there'} is none of its splits: is it to "
            f"be learnt from? Move it into train, or read it by itself"
        )
    if len(others) > 1:
        names = " and ".join(shown("/".join(above) or ".") for above in others[:2])
        _warn(
            f"{len(others)} folders above the expressions, such as {names}, are all read as "
            "Training: if they are a split, call them train, val and test"
        )
    return [(f, name, label, by_folder[above] or "Training") for f, name, above, label in found]


def _unknown_class(root, unknown, pattern):
    said, name = next(iter(unknown.items()))
    more = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
    names = ", ".join(repr(shown(n)) for n in list(unknown)[:10]) + more
    # class/subject/picture: another part of the path is the class.
    parts = name.lower().split("/")[:-1]
    by_depth = [depth for depth, part in enumerate(parts) if part in NAMES]
    if pattern == BY_FOLDER and by_depth:
        skipped = "[^/]+/" * by_depth[0]
        return DatasetError(
            f"{shown(root)}: {names} are no expressions, but folders above them are: "
            f"--label-pattern '^{skipped}([^/]+)/'"
        )
    return DatasetError(
        f"{shown(root)}: {names} ({shown(name)}): expected one of {', '.join(EMOTIONS)}; "
        f'say what it is in a file of lines like "{shown(said)}" = "anger", or = "{LEFT_OUT}" to '
        "leave it out: --labels FILE"
    )


def _read_all(root, found):
    kept, images, bad, shapes = [], [], [], []
    for row in tqdm(found, desc=f"reading {shown(root.name)}", unit=" faces", delay=2):
        try:
            image = read_picture(row[0], grey=True)
        except (PictureError, OSError) as error:
            bad.append(str(error))
            continue
        if min(image.shape) < SMALL:
            bad.append(f"{shown(row[0])}: {image.shape[1]}x{image.shape[0]} pixels, no face")
            continue
        shapes.append(image.shape)
        if image.shape != (SIZE, SIZE):
            image = cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        images.append(image)
        kept.append(row)
    if bad:
        _warn(f"{len(bad)} of {len(found)} pictures cannot be read and are left out: {bad[0]}")
    if not kept:
        raise DatasetError(f"{shown(root)}: none of its {len(found)} pictures can be read")
    files, names, classes, usages = zip(*kept, strict=True)
    for line in suspicions(files, shapes):
        _warn(line)
    count = Counter(usages)
    if len(count) > 1:
        _warn(", ".join(f"{count[u]} {u}" for u in USAGES if count[u]))
    shown_names = np.array([shown(name) for name in names])
    return Faces(np.stack(images), np.array(classes, np.int64), np.array(usages), None, shown_names)


def _warn(text):
    print(f"fer-training: {text}", file=sys.stderr)


def _search(pattern, name):
    try:
        match = re.search(pattern, name)
    except re.error as error:
        raise DatasetError(f"the pattern {pattern!r}: {error}") from None
    if match and not match.re.groups:
        raise DatasetError(f"the pattern {pattern!r} has no group (in parentheses) for the label")
    return match


def _label_map(path) -> dict[str, str]:
    if path is None:
        return {}
    try:
        given = load(path, tomllib.loads)
    except (OSError, SettingsError) as error:
        raise DatasetError(f"{path}: {error}") from None
    for name, label in given.items():
        if label not in (*EMOTIONS, LEFT_OUT):
            allowed = ", ".join((*EMOTIONS, LEFT_OUT))
            raise DatasetError(f"{path}: {name} = {label!r}: expected one of {allowed}")
    return {name.lower(): label for name, label in given.items()}
