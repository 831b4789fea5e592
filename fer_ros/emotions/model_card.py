# SPDX-License-Identifier: Apache-2.0
"""The card beside a model file: what the file says of itself, checked before use.

A card is ``<name>.json``: labels in the graph's order, the crop it wants, the enlargement left to
the run time by the ONNX graph, and for each file its sha256 and softmax temperature. A card is data
only.
docs/own_model.md has the card of a network of another family.
"""

import hashlib
import json
import reprlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fer_ros.emotions.classes import EMOTIONS, SYNONYMS
from fer_ros.lines import LineError
from fer_ros.runtime.settings_files import SettingsError, load

CROP_SIZE = 48
MAX_CROP_SIZE = 512  # pixels
MAX_CARD_BYTES = 1_000_000
MAX_MODEL_BYTES = 500_000_000
MAX_INPUT_SIZE = 1024  # pixels; a larger one would only eat memory
MAX_NAME = 100  # characters


class ModelError(LineError, RuntimeError):
    """The model cannot be used; the message is one line that says which file and why."""


class NoCardError(ModelError):
    """There is no card beside the model."""


@dataclass(frozen=True)
class Crop:
    """What a graph takes of a face: a square of ``size`` pixels, grey (``channels`` 1) or RGB (3).

    Without ``scaling`` the graph takes its pixels, 0 to 255, and scales them itself; with
    ``scaling`` (mean, standard deviation: one number, or one for each channel, in the same unit)
    it takes float32 of (pixel - mean) / standard deviation.
    """

    size: int = CROP_SIZE
    channels: int = 1
    scaling: tuple[tuple[float, ...], tuple[float, ...]] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the uint8 array: [size, size] or [size, size, 3]."""
        side = self.size, self.size
        return side if self.channels == 1 else (*side, self.channels)

    def scaled(self, crop: np.ndarray) -> np.ndarray:
        """A crop of that ``shape`` as the graph takes its values: uint8, or float32 if scaled."""
        if self.scaling is None:
            return crop
        mean, deviation = (np.array(values, np.float32) for values in self.scaling)
        return (crop - mean) / deviation


GREY = Crop()
"""What fer_ros' own models take."""


@dataclass(frozen=True)
class ModelCard:
    """What the run time needs of a card, for one model file.

    ``margin``: side of the wanted crop over the side of FER-2013's framing; ``crop``: its pixels;
    ``input_size``: side in pixels to which the ONNX graph wants the crop scaled;
    ``temperature``: divides the logits; ``uncertain_below``: confidence under which the label is
    ``uncertain``; ``places``: where the graph's output has each of ``EMOTIONS``, and ``classes``,
    how many it has; ``prior``: how often each of ``EMOTIONS`` is expected, which sums to 1.
    """

    name: str
    version: str
    margin: float
    input_size: int
    sha256: str
    temperature: float
    uncertain_below: float
    crop: Crop = GREY
    places: tuple[int, ...] = tuple(range(len(EMOTIONS)))
    classes: int = len(EMOTIONS)
    prior: tuple[float, ...] = (1 / len(EMOTIONS),) * len(EMOTIONS)

    @property
    def identity(self) -> str:
        """``name@`` and the first eight digits of the file's sha256."""
        return f"{self.name}@{self.sha256[:8]}"


def load_card(model: Path) -> ModelCard:
    """The checked card of a model file.

    Raises ModelError when the model or its card is missing (NoCardError: the card alone) or
    damaged, when the labels are not the seven classes and at most one more, or when the file is not
    the one that the card describes.
    """
    model = Path(model)
    try:
        if not model.is_file():
            raise ModelError(f"no model file {model}")
        if model.stat().st_size > MAX_MODEL_BYTES:
            raise ModelError(f"{model}: over {MAX_MODEL_BYTES} bytes, too large for a model")
        path, content = _find(model)
        found = sha256_of(model)
    except OSError as error:  # a name too long, a file that may not be read
        raise ModelError(f"{reprlib.repr(str(model))}: {error.strerror}") from None
    try:
        entry = content["files"][model.name]
        card = ModelCard(
            name=_text(content["name"]),
            version=_text(content["version"]),
            margin=_number(content["framing"]["margin"], 0.1, 10),
            input_size=_whole(content["input_size"], MAX_INPUT_SIZE),
            sha256=_text(entry["sha256"]),
            temperature=_number(entry["temperature"], 0.01, 100),
            uncertain_below=_number(content["uncertain_below"], 0, 1),
            crop=_crop(content),
            places=_places(content["labels"]),
            classes=len(content["labels"]),
            prior=_prior(content.get("prior")),
        )
    except KeyError as error:
        raise ModelError(f"{path}: the card lacks {error}") from None
    except (TypeError, ValueError) as error:
        raise ModelError(f"{path}: the card is wrong: {error}") from None
    if found != card.sha256:
        raise ModelError(
            f"{model}: sha256 {found[:8]}... is not the {card.sha256[:8]}... of {path.name}: "
            "damaged, or another model's card"
        )
    return card


def sha256_of(path: Path) -> str:
    """Hexadecimal sha256 of a file."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _find(model: Path) -> tuple[Path, dict]:
    """The card that lists ``model``: of its own name, or another in the same folder."""
    own = model.with_suffix(".json")
    for path in dict.fromkeys((own, *sorted(model.parent.glob("*.json")))):
        if not path.is_file():
            continue
        try:
            content = load(path, json.loads, MAX_CARD_BYTES)
        except (OSError, SettingsError) as error:
            if path == own:
                raise ModelError(f"{path}: cannot be read as a card: {error}") from None
            continue
        files = content.get("files") if isinstance(content, dict) else None
        if path == own or (isinstance(files, dict) and model.name in files):
            return path, content
    raise NoCardError(f"{model}: no card beside it; fer-training export writes {own.name}")


def _crop(content) -> Crop:
    framing, scaling = content["framing"], content.get("scaling")
    size = _number(framing["size"], 1, MAX_CROP_SIZE)
    channels = framing.get("channels", 1)
    if size != int(size) or channels not in (1, 3):
        raise ValueError(f"no crop of {size} pixels and {reprlib.repr(channels)} channels")
    if scaling is not None:
        scaling = (
            _numbers(scaling["mean"], channels, -1000, 1000),
            _numbers(scaling["std"], channels, 0.001, 1000),
        )
    return Crop(int(size), int(channels), scaling)


def _places(labels) -> tuple[int, ...]:
    """Where each of the seven is among the labels, whatever their order and usual names."""
    known = [SYNONYMS.get(word := str(label).lower(), word) for label in labels]
    missing = [name for name in EMOTIONS if known.count(name) != 1]
    if missing or len(known) > len(EMOTIONS) + 1:
        raise ValueError(
            f"labels {reprlib.repr(labels)} are not {', '.join(EMOTIONS)}, each once in any order, "
            "and at most one more"
        )
    return tuple(known.index(name) for name in EMOTIONS)


def _prior(value) -> tuple[float, ...]:
    if value is None:
        return ModelCard.prior
    values = tuple(_number(v, 0, 1) for v in value)
    if len(values) != len(EMOTIONS) or abs(sum(values) - 1) > 0.01:
        raise ValueError(f"prior {reprlib.repr(value)} is not seven shares that sum to 1")
    return values


def _numbers(value, count: int, low: float, high: float) -> tuple[float, ...]:
    values = value if isinstance(value, list) else [value]
    if len(values) not in (1, count):
        raise ValueError(f"{reprlib.repr(value)} is not a number, or {count}")
    return tuple(_number(v, low, high) for v in values)


def _text(value) -> str:
    # What is printable has one line and can be sent in a message: the name goes into each result.
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME or not value.isprintable():
        raise ValueError(f"{reprlib.repr(value)} is not a text")
    return value


def _number(value, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{reprlib.repr(value)} is not a number from {low} to {high}")
    return float(value)


def _whole(value, high: int) -> int:
    number = _number(value, 1, high)
    if not number.is_integer():
        raise ValueError(f"{number} is not a whole number of pixels")
    return int(number)
