# SPDX-License-Identifier: Apache-2.0
"""Pictures of faces in folders: Kaggle's FER-2013, other data sets, somebody's own crops."""

import re
import sys
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from fer_ros.emotions.classes import EMOTIONS
from fer_training.dataset import FOLDER_USAGES, SIZE, DatasetError, Faces

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".pgm", ".webp"}
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


def read_folders(root: Path, labels: Path | None = None, pattern: str = BY_FOLDER) -> Faces:
    """Every picture under ``root``, made grey and 48x48; its ``names`` are the paths under it.

    What is labelled a class is the first group of ``pattern``, a regular expression searched in
    that path: the folder's name if not given. ``labels`` is a TOML file from such names to one of
    the seven, or to "none" for pictures to leave out. The usage is that of the outermost folder
    (train, test, validation, as Kaggle has them), and Training where there is no such.

    Raises DatasetError when there is no picture, one cannot be read, or a name is no class.
    """
    known = NAMES | _label_map(labels)
    files = sorted(p for p in root.rglob("*") if p.suffix.lower() in PICTURES and p.is_file())
    if not files:
        raise DatasetError(
            f"{root}: no pictures; expected a folder for each expression, "
            "or train/ and test/ with such folders"
        )
    found, images = [], []
    unknown: dict[str, str] = {}
    for file in files:
        name = file.relative_to(root).as_posix()
        match = _search(pattern, name)
        if match is None:
            raise DatasetError(f"{file}: the pattern {pattern!r} finds no label in {name!r}")
        said = match[1].lower()
        if said not in known:
            unknown.setdefault(match[1], name)
        elif known[said] != LEFT_OUT:
            usage = FOLDER_USAGES.get(name.split("/")[0].lower(), "Training")
            found.append((file, name, EMOTIONS.index(known[said]), usage))
    if unknown:
        said, name = next(iter(unknown.items()))
        raise DatasetError(
            f"{root}: {', '.join(map(repr, unknown))} ({name}): none of {', '.join(EMOTIONS)}; "
            f'say what it is in a file of lines like "{said}" = "anger", or = "{LEFT_OUT}" to '
            "leave it out: --labels FILE"
        )
    if not found:
        raise DatasetError(f"{root}: its labels leave every picture out")
    for file, *_ in tqdm(found, desc=f"reading {root.name}", unit=" faces", delay=2):
        images.append(_read(file))
    _, names, classes, usages = zip(*found, strict=True)
    return Faces(
        np.stack(images), np.array(classes, np.int64), np.array(usages), names=np.array(names)
    )


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
        given = tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DatasetError(f"{path}: {error}") from None
    for name, label in given.items():
        if label not in (*EMOTIONS, LEFT_OUT):
            allowed = ", ".join((*EMOTIONS, LEFT_OUT))
            raise DatasetError(f"{path}: {name} = {label!r} is none of {allowed}")
    return {name.lower(): label for name, label in given.items()}


def _read(file: Path) -> np.ndarray:
    image = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise DatasetError(f"{file}: not a picture that can be read")
    if image.shape == (SIZE, SIZE):
        return image
    return cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
