# SPDX-License-Identifier: Apache-2.0
"""The parameters of emotion_node that decide its results, for use without ROS."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from fer_ros import detectors
from fer_ros.classifier import Classifier
from fer_ros.detectors import create_detector
from fer_ros.pipeline import EmotionPipeline

CHOICES = {"detector": detectors.NAMES, "rotate": (0, 90, 180, 270)}
RANGES = {  # inclusive
    "detection_threshold": (0, 1),
    "threads": (1, 64),
    "min_face_size": (0, 4096),
    "max_faces": (1, 256),
    "smoothing_time_constant": (0, 60),
    "hysteresis": (0, 1),
    "uncertain_threshold": (0, 1),
    "max_gap": (0, 3600),
}


class SettingsError(ValueError):
    """A parameter that there is not, or a value that it cannot have; the message is one line."""


@dataclass(frozen=True)
class Settings:
    """Names, defaults and meanings are those of the node's parameters, which docs/parameters.md
    explains.
    """

    detector: str = "auto"
    detector_model: str = ""
    detection_threshold: float = 0.0
    model: str = ""
    threads: int = 1
    min_face_size: int = 0
    max_faces: int = 16
    rotate: int = 0
    smoothing_time_constant: float = 0.3
    hysteresis: float = 0.1
    uncertain_threshold: float = 0.0
    max_gap: float = 1.0

    def changed(self, words: list[str]) -> "Settings":
        """With ``NAME=VALUE`` words, or parameter files of the node, applied in their order.

        Raises SettingsError.
        """
        values: dict[str, object] = {}
        for word in words:
            name, equals, value = word.partition("=")
            if equals:
                values[name] = value
            else:
                values |= _read_file(Path(word))
        return dataclasses.replace(self, **{n: _checked(n, v) for n, v in values.items()})

    def pipeline(self) -> EmotionPipeline:
        """What emotion_node runs with these parameters. Raises DetectorError, ModelError."""
        detector = create_detector(
            self.detector,
            model_path=self.detector_model,
            score_threshold=self.detection_threshold or None,
        )
        pipeline = EmotionPipeline(detector, Classifier(self.model, self.threads))
        pipeline.tune(self)
        return pipeline

    def differences(self) -> dict[str, object]:
        """The values that are not the default."""
        return {
            f.name: getattr(self, f.name)
            for f in dataclasses.fields(self)
            if getattr(self, f.name) != f.default
        }


NAMES = tuple(f.name for f in dataclasses.fields(Settings))
"""Every parameter that can be set."""


def _checked(name: str, value: object) -> object:
    if name not in NAMES:
        raise SettingsError(f"no parameter {name}: choose {', '.join(NAMES)}")
    kind = type(getattr(Settings, name))
    try:
        value = kind(value)
    except (TypeError, ValueError):
        raise SettingsError(f"{name}={value}: expected {kind.__name__}") from None
    if name in CHOICES and value not in CHOICES[name]:
        raise SettingsError(f"{name}={value}: choose {', '.join(map(str, CHOICES[name]))}")
    low, high = RANGES.get(name, (None, None))
    if low is not None and not low <= value <= high:
        raise SettingsError(f"{name}={value}: expected {low} to {high}")
    return value


def _read_file(path: Path) -> dict[str, object]:
    """The parameters of emotion_node in a ROS parameter file, those that count here."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        content = YAML(typ="safe").load(path.read_text("utf-8"))
        nodes = [v for k, v in content.items() if k.rpartition("/")[2] in ("emotion_node", "**")]
        values = {k: v for node in nodes for k, v in node["ros__parameters"].items()}
    except OSError as error:
        raise SettingsError(
            f"{path}: {error.strerror}: expected NAME=VALUE or a parameter file"
        ) from None
    except (YAMLError, AttributeError, KeyError, TypeError, UnicodeDecodeError):
        raise SettingsError(f"{path}: not a ROS parameter file of emotion_node") from None
    return {name: value for name, value in values.items() if name in NAMES}
