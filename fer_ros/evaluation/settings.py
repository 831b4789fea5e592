# SPDX-License-Identifier: Apache-2.0
"""The parameters of emotion_node that decide its results, for use without ROS."""

from pathlib import Path
from types import SimpleNamespace

from fer_ros.emotions.classifier import Classifier
from fer_ros.faces.detectors import create_detector
from fer_ros.pipeline import EmotionPipeline
from fer_ros.settings import RECORDINGS

TABLE = {setting.name: setting for setting in RECORDINGS}
NAMES = tuple(TABLE)
"""Every parameter that can be set."""


class SettingsError(ValueError):
    """A parameter that there is not, or a value that it cannot have; the message is one line."""


class Settings(SimpleNamespace):
    """An attribute for each of NAMES; docs/parameters.md explains them."""

    def __init__(self, **changes):
        super().__init__(**{name: setting.default for name, setting in TABLE.items()} | changes)

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
        return Settings(**vars(self) | {n: _checked(n, v) for n, v in values.items()})

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
        return {n: value for n, value in vars(self).items() if value != TABLE[n].default}


def _checked(name: str, value: object) -> object:
    if name not in NAMES:
        raise SettingsError(f"no parameter {name}: choose {', '.join(NAMES)}")
    setting = TABLE[name]
    kind = type(setting.default)
    try:
        value = kind(value)
    except (TypeError, ValueError):
        raise SettingsError(f"{name}={value}: expected {kind.__name__}") from None
    if setting.choices and value not in setting.choices:
        raise SettingsError(f"{name}={value}: choose {', '.join(map(str, setting.choices))}")
    if setting.range and not setting.range[0] <= value <= setting.range[1]:
        raise SettingsError(f"{name}={value}: expected {setting.range[0]} to {setting.range[1]}")
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
