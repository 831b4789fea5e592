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
from fer_ros.images.picture import SUFFIXES, PictureError, read_picture
from fer_ros.lines import shown
from fer_ros.runtime.settings_files import SettingsError, load
from fer_training.dataset import FOLDER_USAGES, SIZE, USAGES, DatasetError, Faces

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
SPLIT_WORDS = {*FOLDER_USAGES, "split", "fold", "eval", "evaluation", "holdout", "heldout"}
SPLIT_WORDS |= {f"{word}set" for word in ("train", "training", "val", "validation", "dev", "test")}
ASPECT = 1.3
"""Longer over shorter side from which a picture is no crop of a face."""
LARGE = 256
"""Pixels a side from which a square picture may be a whole photograph."""


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
    found = []
    unknown: dict[str, str] = {}
    for file in files:
        name = file.relative_to(root).as_posix()
        match = _search(pattern, name)
        if match is None:
            raise DatasetError(f"the pattern {pattern!r} finds no label in {shown(name)!r}")
        said = match[1].lower()
        if said not in known:
            unknown.setdefault(match[1], name)
        elif known[said] != LEFT_OUT:
            found.append(
                (file, name, EMOTIONS.index(known[said]), _usage(root, name, match, known))
            )
    if unknown:
        raise _unknown_class(root, unknown, pattern)
    if not found:
        raise DatasetError(f"{shown(root)}: its labels exclude every picture")
    return _read_all(root, found)


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
    known, found = NAMES | _label_map(labels), []
    usage = next((lower.index(c) for c in ("usage", "split", "set") if c in lower), None)
    for number, row in enumerate(rows, 2):
        if len(row) <= max(file, said, usage or 0):
            continue
        name, label = row[file].strip(), row[said].strip()
        if label.lower() not in known:
            raise DatasetError(
                f"{path}:{number}: {shown(label)!r} is none of {', '.join(EMOTIONS)}; say what it "
                f'is in a file of lines like "{shown(label)}" = "anger": --labels FILE'
            )
        if known[label.lower()] == LEFT_OUT:
            continue
        split = row[usage].strip() if usage is not None else "Training"
        split = split if split in USAGES else FOLDER_USAGES.get(split.lower(), "Training")
        found.append((path.parent / name, name, EMOTIONS.index(known[label.lower()]), split))
    if not found:
        raise DatasetError(f"{path}: holds no rows")
    return _read_all(path, found)


def pictures_in(root: Path) -> list[Path]:
    """Every picture file under ``root``, but hidden ones and what archivers leave, by name."""
    return sorted(p for p in root.rglob("*") if _is_picture(p.relative_to(root)) and p.is_file())


def _is_picture(path):
    if path.suffix.lower() not in SUFFIXES:
        return False
    return not any(part.startswith(".") or part.lower() in NOT_DATA for part in path.parts)


def _usage(root, name, match, known):
    """The split that a folder above the class says, the outermost first."""
    above = name[: match.start(1)].split("/")[:-1] if match.start(1) else []
    for part in above:
        if (usage := FOLDER_USAGES.get(part.lower())) is not None:
            return usage
    for part in above:
        if set(re.findall(r"[a-z]+", part.lower())) & SPLIT_WORDS and part.lower() not in known:
            raise DatasetError(
                f"{shown(root)}: is {shown(part)!r} the folder of a split? Known are "
                f"{', '.join(FOLDER_USAGES)}; rename it, or read each part by itself"
            )
    return "Training"


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
        f"{shown(root)}: {names} ({shown(name)}): none of {', '.join(EMOTIONS)}; "
        f'say what it is in a file of lines like "{shown(said)}" = "anger", or = "{LEFT_OUT}" to '
        "leave it out: --labels FILE"
    )


def _read_all(root, found):
    kept, images, bad, whole = [], [], [], []
    for row in tqdm(found, desc=f"reading {shown(root.name)}", unit=" faces", delay=2):
        try:
            image = read_picture(row[0], grey=True)
        except (PictureError, OSError) as error:
            bad.append(str(error))
            continue
        if _looks_whole(image):
            whole.append(row[1])
        if image.shape != (SIZE, SIZE):
            image = cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        images.append(image)
        kept.append(row)
    if bad:
        _warn(f"{len(bad)} of {len(found)} pictures cannot be read and are left out: {bad[0]}")
    if not kept:
        raise DatasetError(f"{shown(root)}: none of its {len(found)} pictures can be read")
    if whole:
        _warn(
            f"{len(whole)} of {len(kept)} pictures are not square or large, such as "
            f"{shown(whole[0])}: are they whole photographs? Faces have to be cut out as the node "
            "cuts them: fer-training crop FOLDER --out FACES"
        )
    _, names, classes, usages = zip(*kept, strict=True)
    count = Counter(usages)
    if len(count) > 1:
        _warn(", ".join(f"{count[u]} {u}" for u in USAGES if count[u]))
    shown_names = np.array([shown(name) for name in names])
    return Faces(np.stack(images), np.array(classes, np.int64), np.array(usages), None, shown_names)


def _looks_whole(image):
    short, long = sorted(image.shape)
    return long > ASPECT * short or short > LARGE


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
            raise DatasetError(f"{path}: {name} = {label!r} is none of {allowed}")
    return {name.lower(): label for name, label in given.items()}
