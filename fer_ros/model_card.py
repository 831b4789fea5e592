# SPDX-License-Identifier: Apache-2.0
"""The card beside a model file: what the file says of itself, checked before use.

A card is ``<name>.json``: labels in order, the crop it wants, the enlargement left to the run time
by the ONNX graph, and for each file its sha256 and softmax temperature. A card is data only.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from fer_ros.emotions import EMOTIONS

CROP_SIZE = 48
MAX_CARD_BYTES = 1_000_000


class ModelError(RuntimeError):
    """The model cannot be used; the message is one line that says which file and why."""


@dataclass(frozen=True)
class ModelCard:
    """What the run time needs of a card, for one model file.

    ``margin``: side of the wanted crop over the side of FER-2013's framing; ``input_size``: side
    in pixels to which the ONNX graph wants the crop enlarged; ``temperature``: divides the logits;
    ``uncertain_below``: confidence under which the label is ``uncertain``.
    """

    name: str
    version: str
    margin: float
    input_size: int
    sha256: str
    temperature: float
    uncertain_below: float

    @property
    def identity(self) -> str:
        """``name@`` and the first eight digits of the file's sha256."""
        return f"{self.name}@{self.sha256[:8]}"


def load_card(model: Path) -> ModelCard:
    """The checked card of a model file.

    Raises ModelError when the model or its card is missing or damaged, when the labels are others
    or in another order, or when the file is not the one that the card describes.
    """
    model = Path(model)
    if not model.is_file():
        raise ModelError(f"no model file {model}")
    path, content = _find(model)
    try:
        entry = content["files"][model.name]
        card = ModelCard(
            name=_text(content["name"]),
            version=_text(content["version"]),
            margin=_positive(content["framing"]["margin"]),
            input_size=int(_positive(content["input_size"])),
            sha256=_text(entry["sha256"]),
            temperature=_positive(entry["temperature"]),
            uncertain_below=_fraction(content["uncertain_below"]),
        )
        labels, crop = content["labels"], content["framing"]["size"]
    except KeyError as error:
        raise ModelError(f"{path}: the card lacks {error}") from None
    except (TypeError, ValueError) as error:
        raise ModelError(f"{path}: the card is wrong: {error}") from None
    if labels != list(EMOTIONS):
        raise ModelError(f"{path}: labels {labels} are not {list(EMOTIONS)}")
    if crop != CROP_SIZE:
        raise ModelError(f"{path}: wants crops of {crop} pixels, not {CROP_SIZE}")
    found = sha256_of(model)
    if found != card.sha256:
        raise ModelError(
            f"{model}: sha256 {found[:8]}... is not the {card.sha256[:8]}... of {path.name}: "
            "damaged, or another model's card"
        )
    return card


def sha256_of(path: Path) -> str:
    """Hexadecimal sha256 of a file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _find(model: Path) -> tuple[Path, dict]:
    """The card that lists ``model``: of its own name, or another in the same folder."""
    own = model.with_suffix(".json")
    for path in dict.fromkeys((own, *sorted(model.parent.glob("*.json")))):
        if not path.is_file():
            continue
        try:
            if path.stat().st_size > MAX_CARD_BYTES:
                raise ValueError("too large for a card")
            content = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            if path == own:
                raise ModelError(f"{path}: cannot be read as a card: {error}") from None
            continue
        files = content.get("files") if isinstance(content, dict) else None
        if path == own or (isinstance(files, dict) and model.name in files):
            return path, content
    raise ModelError(f"{model}: no card beside it; fer-training export writes {own.name}")


def _text(value) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{value!r} is not a text")
    return value


def _positive(value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise ValueError(f"{value!r} is not a positive number")
    return float(value)


def _fraction(value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"{value!r} is not between 0 and 1")
    return float(value)
