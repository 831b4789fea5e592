# SPDX-License-Identifier: Apache-2.0
"""FER-2013 as Kaggle gives it: one CSV (plain or packed) or folders of pictures.

Goodfellow et al., *Challenges in Representation Learning*, 2013, doi:10.1007/978-3-642-42051-1_16.
FER+ adds ten annotators' votes to each row: Barsoum et al., *Training Deep Networks for Facial
Expression Recognition with Crowd-Sourced Label Distribution*, 2016, doi:10.1145/2993148.2993165.
"""

import contextlib
import hashlib
import os
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.lines import shown
from fer_ros.runtime.private import lasting_folder
from fer_training.tables import UNREADABLE, DatasetError, open_table, why

SIZE = 48
USAGES = ("Training", "PublicTest", "PrivateTest")
FOLDER_USAGES = {
    **dict.fromkeys(("train", "training", "trn"), "Training"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "publictest"), "PublicTest"),
    **dict.fromkeys(("test", "testing", "tst", "privatetest"), "PrivateTest"),
}
"""What folders of a split are called. Kaggle's are train/ and test/, which by its 7,178 pictures
holds both test splits."""
MAX_VOTES = 1000
MAX_ROWS = 1_000_000
"""FER-2013 has 35,887."""
VOTE_COLUMNS = (
    *("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"),
    *("contempt", "unknown", "NF"),
)
"""Of FER+, the seven expressions in their usual order first; NF: no face."""


@dataclass(frozen=True)
class Faces:
    """Labelled faces: ``images`` uint8 [N, 48, 48] grey, ``labels`` int64 [N] 0 to 6,
    ``usage`` str [N], one of Training, PublicTest, PrivateTest; ``votes`` int64 [N, 10], how many
    FER+ annotators chose each of ``VOTE_COLUMNS``, or None; ``names`` str [N], the row of the CSV
    from 0 or the path under the folder, by which other files may speak of them.
    """

    images: np.ndarray
    labels: np.ndarray
    usage: np.ndarray
    votes: np.ndarray | None = None
    names: np.ndarray = field(default_factory=lambda: np.empty(0, str))

    def __post_init__(self):
        if len(self.names) != len(self.labels):
            object.__setattr__(self, "names", np.arange(len(self.labels)).astype(str))

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, rows) -> "Faces":
        """The faces at an index array or boolean mask."""
        votes = None if self.votes is None else self.votes[rows]
        names = self.names[rows]
        return Faces(self.images[rows], self.labels[rows], self.usage[rows], votes, names)

    def of(self, usage: str) -> "Faces":
        """The faces of one split; DatasetError when it has none."""
        chosen = self.select(self.usage == usage)
        if not len(chosen):
            raise DatasetError(
                f"no {usage} rows; there are: {', '.join(sorted(set(self.usage)))}; "
                "Kaggle's CSV has all three splits; of folders train is Training, val PublicTest, "
                "test PrivateTest"
            )
        return chosen

    def keys(self) -> np.ndarray:
        """Uint64 [N]: the first eight bytes of each picture's sha256, so equal where pictures are
        equal byte for byte.
        """
        digests = (hashlib.sha256(i.tobytes()).digest()[:8] for i in self.images)
        return np.frombuffer(b"".join(digests), np.uint64)


def load(path: str | os.PathLike, **of_folders) -> Faces:
    """Read a Kaggle CSV (parsed once, then taken from a cache), an .npz file as ``load_labelled``
    has it, or a folder of pictures, which ``of_folders`` tells ``folders.read_folders`` how to.

    Raises DatasetError with one line when the path is missing or holds something else.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        from fer_training.folders import read_folders

        return read_folders(path, **of_folders)
    if path.suffix == ".npz":
        return load_labelled(path)[0]
    if not path.is_file():
        raise DatasetError(f"no such file or folder: {path}")
    stat = path.stat()
    identity = f"{path.resolve()}:{stat.st_size}:{stat.st_mtime_ns}"
    cache = cache_folder() / (hashlib.sha256(identity.encode()).hexdigest()[:16] + ".npz")
    if cache.is_file():
        with contextlib.suppress(DatasetError):
            return _cached(cache)
    faces = _read_csv(path, of_folders.get("labels"))
    if len(faces.names) and not faces.names[0].isdigit():  # of pictures, which may change
        return faces
    with contextlib.suppress(OSError):  # a read-only or full disk costs time, not the data
        cache.parent.mkdir(parents=True, exist_ok=True)
        unfinished = cache.with_suffix(f".{os.getpid()}.npz")
        try:
            np.savez(unfinished, images=faces.images, labels=faces.labels, usage=faces.usage)
            unfinished.replace(cache)
        finally:
            unfinished.unlink(missing_ok=True)
    return faces


def _cached(path: Path) -> Faces:
    """What was parsed before; DatasetError for a file that is damaged or another's."""
    faces, said = load_labelled(path)
    usage = said.get("usage")
    if usage is None or usage.dtype.kind != "U" or not set(usage) <= set(USAGES):
        raise DatasetError(f"{path}: no usage for each face")
    return replace(faces, usage=usage, names=np.empty(0, str))


def with_votes(faces: Faces, path: str | os.PathLike) -> Faces:
    """``faces`` with the votes of FER+'s fer2013new.csv, whose rows are in the CSV's order.

    Raises DatasetError when it cannot be read or belongs to other rows.
    """
    try:
        with open_table(Path(path)) as table:
            head = [name.strip() for name in next(table, [])]
            rows = [dict(zip(head, row, strict=False)) for row in table if row]
        votes = np.array([[int(row[c]) for c in VOTE_COLUMNS] for row in rows], np.int64)
        usage = np.array([usage_of(row["Usage"]) for row in rows])
        if votes.size and (votes.min() < 0 or votes.max() > MAX_VOTES):
            raise ValueError(f"votes of {votes.min()} to {votes.max()}: expected 0 to {MAX_VOTES}")
    except FileNotFoundError:
        raise DatasetError(f"no such file: {path}") from None
    except (TypeError, ValueError, *UNREADABLE) as error:
        raise DatasetError(f"{path}: not FER+'s fer2013new.csv: {why(error)}") from error
    if len(usage) != len(faces) or (usage != faces.usage).any():
        raise DatasetError(f"{path}: its {len(usage)} rows are not those of the {len(faces)} faces")
    return replace(faces, votes=votes)


def load_unlabelled(path: str | os.PathLike) -> np.ndarray:
    """Faces without labels, uint8 [N, 48, 48]: ``images`` of an .npz file. Raises DatasetError."""
    return _arrays(path, "images")["images"]


def load_labelled(path: str | os.PathLike) -> tuple[Faces, dict[str, np.ndarray]]:
    """Labelled faces of another origin: ``images``, ``labels`` and, where there are, ``names`` of
    an .npz file; and what else it says of each face, such as ``gender``, each [N]. Their ``usage``
    is the file's name. Raises DatasetError.
    """
    found = _arrays(path, "images", "labels")
    images, labels = found.pop("images"), found.pop("labels")
    size, whole = len(images), np.issubdtype(labels.dtype, np.integer)
    if labels.shape != (size,) or not whole or not set(labels) <= set(range(len(EMOTIONS))):
        raise DatasetError(f"{path}: labels are not {size} whole numbers from 0 to 6")
    said = {name: values for name, values in found.items() if values.shape == (size,)}
    names = said.pop("names", np.arange(size)).astype(str)
    return Faces(images, labels.astype(np.int64), np.full(size, Path(path).stem), None, names), said


def _arrays(path, *wanted):
    """All of an .npz file, with images and what else is ``wanted``."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            found = {name: stored[name] for name in stored.files}
            images, *_ = (found[name] for name in wanted)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path}: no .npz with {' and '.join(wanted)}: {error}") from error
    if images.dtype != np.uint8 or images.shape[1:] != (SIZE, SIZE) or not len(images):
        shape = f"{images.dtype} {images.shape}"
        raise DatasetError(f"{path}: images are {shape}, not uint8 [N, 48, 48]")
    return found


def seen_as_faces(faces: Faces) -> Faces:
    """``faces`` less those of which more of FER+'s annotators said *unknown* or *no face* than gave
    them any one expression.
    """
    if faces.votes is None:
        return faces
    expressions, others = faces.votes[:, :-2].max(axis=1), faces.votes[:, -2:].max(axis=1)
    return faces.select(expressions >= others)


def majority(votes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """FER+ votes, int [N, 10], to the column with most votes, int [N] (-1 where two share them),
    and whether it is one of the seven expressions, bool [N].
    """
    most = votes.max(axis=1, keepdims=True)
    label = np.where((votes == most).sum(axis=1) == 1, votes.argmax(axis=1), -1)
    return label, (label >= 0) & (label < len(EMOTIONS))


def cache_folder() -> Path:
    """Where parsed CSV files are kept: $XDG_CACHE_HOME/fer_training."""
    folder = os.environ.get("XDG_CACHE_HOME") or "~/.cache"  # empty is as unset, says XDG
    with contextlib.suppress(RuntimeError):  # nobody's home
        return Path(folder).expanduser() / "fer_training"
    return lasting_folder("fer_training")


def without_repeats(training: Faces, held_out: Faces) -> Faces:
    """``training`` less every picture that also stands in ``held_out`` and all but the first of
    those that repeat byte for byte. FER-2013 has both.
    """
    keys = training.keys()
    _, first = np.unique(keys, return_index=True)
    unseen = ~np.isin(keys[first], held_out.keys())
    return training.select(np.sort(first[unseen]))


def usage_of(text: str, where: str = "") -> str:
    """The split that a row says, of ``USAGES``. Raises DatasetError; ``where``: of the row."""
    said = text.strip()
    usage = said if said in USAGES else FOLDER_USAGES.get(said.lower())
    if usage is None:
        place = f"{where}: " if where else ""
        raise DatasetError(
            f"{place}usage {shown(said)!r}: expected one of {', '.join(USAGES)}, train, val, test"
        )
    return usage


def _read_csv(path: Path, labels: Path | None = None) -> Faces:
    images: list[np.ndarray] = []
    numbers, usage = [], []
    try:
        with open_table(path) as table:
            given = [name.strip() for name in next(table, [])]
            head = [name.lower() for name in given]
            if "pixels" not in head:
                from fer_training.folders import read_list

                return read_list(path, given, list(table), labels)
            if missing := [name for name in ("emotion", "Usage") if name.lower() not in head]:
                raise DatasetError(
                    f"{path}: no column {', '.join(missing)}; "
                    "Kaggle's fer2013.csv has emotion, pixels, Usage"
                )
            for row in tqdm(table, desc=f"reading {path.name}", unit=" faces", delay=2):
                if not row:
                    continue
                if len(images) == MAX_ROWS:
                    raise DatasetError(f"{path}: more than {MAX_ROWS:,} rows")
                where, found = f"{path}:{table.line_num}", dict(zip(head, row, strict=False))
                images.append(_parse_pixels(found.get("pixels", ""), where))
                numbers.append(_parse_label(found.get("emotion", "").strip(), where))
                usage.append(usage_of(found.get("usage", ""), where))
    except UNREADABLE as error:
        raise DatasetError(f"{path}: cannot be read: {why(error)}") from error
    if not images:
        raise DatasetError(f"{path}: holds no rows")
    return Faces(np.stack(images), np.array(numbers, np.int64), np.array(usage))


def _parse_pixels(text: str, where: str) -> np.ndarray:
    try:
        values = np.array((text or "").split(), dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise DatasetError(f"{where}: pixels are not whole numbers") from error
    if values.size != SIZE * SIZE or values.min() < 0 or values.max() > 255:
        raise DatasetError(f"{where}: expected {SIZE * SIZE} pixels of 0 to 255")
    return values.astype(np.uint8).reshape(SIZE, SIZE)


def _parse_label(text: str, where: str) -> int:
    if text not in map(str, range(len(EMOTIONS))):
        raise DatasetError(f"{where}: emotion {text!r} is not 0 to {len(EMOTIONS) - 1}")
    return int(text)
