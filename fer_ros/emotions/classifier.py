# SPDX-License-Identifier: Apache-2.0
"""A crop of a face to calibrated probabilities, by LiteRT, OpenCV's DNN module or Keras.

Each backend gives the same logits for the same model; the temperature of its file (Guo et al.,
2017, arXiv:1706.04599) and the softmax are applied here, once for all.
"""

import importlib.util
from itertools import zip_longest
from pathlib import Path
from textwrap import shorten
from typing import Protocol

import cv2
import numpy as np

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.emotions.model_card import GREY, Crop, ModelCard, ModelError, load_card
from fer_ros.emotions.onnx_input import declared_input

MODELS = Path(__file__).parents[1] / "models"
DEFAULT_NAME = "emotion_mobilenet_v2"
SMALL = "small"
"""Name of the other model that comes with fer_ros, of half the time and a little less accurate."""
BACKENDS = {".tflite": "litert", ".onnx": "opencv", ".keras": "keras"}
"""The backend that runs a file, by the file's ending."""


class Backend(Protocol):
    """Runs one model file."""

    def logits(self, crop: np.ndarray) -> np.ndarray:
        """A crop, uint8 of the card's shape -> float32 [7]."""


class Classifier:
    """A checked model, ready to run.

    ``model`` is a .tflite, .onnx or .keras file; empty takes the model that comes with fer_ros, by
    LiteRT where that is installed, else by OpenCV; ``small`` the smaller one, alike. ``threads``
    is LiteRT's. Raises ModelError with one line when the file, its card or its backend
    does not fit.
    """

    def __init__(self, model: str | Path = "", threads: int = 1):
        self.path = path = _find(str(model))
        self.backend_name = backend_name(path)
        self.card: ModelCard = load_card(path)
        self._backend = open_backend(path, self.card.input_size, threads, self.card.crop)
        self.probabilities(np.zeros(self.card.crop.shape, np.uint8))  # fails now, not on a face

    @property
    def identity(self) -> str:
        """``name@`` and the first eight digits of the file's sha256."""
        return self.card.identity

    def probabilities(self, crop: np.ndarray) -> np.ndarray:
        """Probability of each class, float32 [7] that sums to 1, of a crop, uint8 of the shape
        that the card says: [48, 48] unless it says another.
        """
        if crop.shape != self.card.crop.shape or crop.dtype != np.uint8:
            raise ValueError(f"crop is {crop.dtype} {crop.shape}, not uint8 {self.card.crop.shape}")
        logits = self._backend.logits(crop)
        if logits.shape != (len(EMOTIONS),) or not np.isfinite(logits).all():
            raise ModelError(f"{self.path}: the model gave {logits!r}, not seven finite logits")
        return softmax(logits / self.card.temperature)


def default_model() -> Path:
    """The model that comes with fer_ros, in the form that this machine runs best."""
    return _shipped(DEFAULT_NAME)


def small_model() -> Path:
    """The smaller model that comes with fer_ros, likewise."""
    return _shipped(f"{DEFAULT_NAME}_{SMALL}")


def _shipped(name: str) -> Path:
    suffix = ".tflite" if importlib.util.find_spec("ai_edge_litert") else ".onnx"
    return MODELS / f"{name}{suffix}"


def _find(model: str) -> Path:
    if not model:
        return default_model()
    if model == SMALL:
        return small_model()
    try:
        return Path(model).expanduser()
    except RuntimeError as error:  # ~nobody
        raise ModelError(f"{model}: {error}") from None


def softmax(logits: np.ndarray) -> np.ndarray:
    """float [..., N] -> float32 [..., N] that sums to 1 along the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True), dtype=np.float64)
    return (shifted / shifted.sum(axis=-1, keepdims=True)).astype(np.float32)


class LiteRTBackend:
    """A .tflite file: uint8 [1, 48, 48, 1] in, float32 [1, 7] out, enlargement in the graph; or
    as the card has the crop, float32 where it has a scaling.
    """

    def __init__(self, path: Path, input_size: int = 0, threads: int = 1, crop: Crop = GREY):
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise ModelError(
                f"{path}: LiteRT is not installed ({error}); pip install ai-edge-litert, "
                "or set the parameter model to an .onnx file"
            ) from None
        try:
            self._interpreter = Interpreter(model_path=str(path), num_threads=threads)
            self._interpreter.allocate_tensors()
            (entry,) = self._interpreter.get_input_details()
            (exit_,) = self._interpreter.get_output_details()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{path}: LiteRT cannot load it: {first_line(error)}") from None
        dtype = np.float32 if crop.scaling else np.uint8
        self._shape, self._crop = (1, crop.size, crop.size, crop.channels), crop
        _expect(path, "input", entry, dtype, list(self._shape))
        _expect(path, "output", exit_, np.float32, [1, len(EMOTIONS)])
        self._input, self._output = entry["index"], exit_["index"]

    def logits(self, crop):
        self._interpreter.set_tensor(self._input, self._crop.scaled(crop).reshape(self._shape))
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output)[0]


class OpenCVBackend:
    """An .onnx file: float32 [1, channels, S, S] in (scaled to S here), float32 [1, 7] out."""

    def __init__(self, path: Path, input_size: int, threads: int = 1, crop: Crop = GREY):
        try:
            self._net = cv2.dnn.readNetFromONNX(str(path))
        except cv2.error as error:
            raise ModelError(f"{path}: OpenCV cannot load it: {first_line(error)}") from None
        self._size, self._crop = (input_size, input_size), crop
        wanted = (1, crop.channels, *self._size)
        try:
            found = declared_input(path)  # OpenCV itself would run many a graph at another size
        except ValueError as error:
            raise ModelError(str(error)) from None
        if tuple(f or w for f, w in zip_longest(found, wanted, fillvalue=0)) != wanted:
            raise ModelError(
                f"{path}: input is {list(found)}, not {list(wanted)}; input_size and framing of "
                "the card say which"
            )
        try:
            shape = self._run(np.zeros(crop.shape, np.uint8)).shape
        except cv2.error as error:
            raise ModelError(f"{path}: does not take its input: {first_line(error)}") from None
        if shape != (1, len(EMOTIONS)):
            raise ModelError(f"{path}: output has shape {shape}, not (1, {len(EMOTIONS)})")

    def _run(self, crop):
        enlarged = cv2.resize(crop.astype(np.float32), self._size, interpolation=cv2.INTER_LINEAR)
        values = self._crop.scaled(enlarged).reshape(*self._size, -1)
        self._net.setInput(values.transpose(2, 0, 1)[None])
        return self._net.forward()

    def logits(self, crop):
        return self._run(crop)[0]


class KerasBackend:
    """A .keras file."""

    def __init__(self, path: Path, input_size: int = 0, threads: int = 1, crop: Crop = GREY):
        self._model, self._crop = load_keras(path, crop), crop

    def logits(self, crop):
        values = self._crop.scaled(crop).reshape(1, *crop.shape[:2], self._crop.channels)
        return np.asarray(self._model.predict_on_batch(values), np.float32)[0]


def load_keras(path: Path, crop: Crop = GREY):
    """The keras.Model of a .keras file, loaded in safe mode: it cannot carry code."""
    try:
        import keras
    except ImportError as error:
        raise ModelError(
            f"{path}: Keras is not installed ({error}); pip install tensorflow, "
            "or set the parameter model to a .tflite file"
        ) from None
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises what its layers and readers raise
        raise ModelError(f"{path}: Keras cannot load it: {first_line(error)}") from None
    shapes = model.input_shape[1:], model.output_shape[1:]
    expected = (crop.size, crop.size, crop.channels), (len(EMOTIONS),)
    if shapes != expected:
        raise ModelError(f"{path}: maps {shapes[0]} to {shapes[1]}, not {expected[0]} to (7,)")
    return model


_BACKEND_TYPES = {"litert": LiteRTBackend, "opencv": OpenCVBackend, "keras": KerasBackend}


def backend_name(path: Path) -> str:
    """The backend that runs a file, by its ending; ModelError for another ending."""
    if path.suffix not in BACKENDS:
        raise ModelError(f"{path}: expected a file ending in {', '.join(BACKENDS)}")
    return BACKENDS[path.suffix]


def open_backend(path: Path, input_size: int, threads: int = 1, crop: Crop = GREY) -> Backend:
    """A model file without regard to its card; ``input_size`` is the ONNX graph's, in pixels."""
    return _BACKEND_TYPES[backend_name(path)](path, input_size, threads, crop)


def _expect(path, side, tensor, dtype, shape):
    found = tensor["shape"].tolist()
    if tensor["dtype"] != dtype or found != shape:
        raise ModelError(
            f"{path}: {side} is {np.dtype(tensor['dtype']).name} {found}, "
            f"not {np.dtype(dtype).name} {shape}; framing and scaling of the card say which"
        )
    if tensor["quantization"][0]:
        raise ModelError(f"{path}: {side} is quantised; the graph must take and give plain values")


def first_line(error: Exception) -> str:
    """What an error of a library says, in one line of at most 300 characters: Keras says the whole
    network in one.
    """
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return shorten(line, 300, placeholder=" ...")
