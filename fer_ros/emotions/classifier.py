# SPDX-License-Identifier: Apache-2.0
"""A crop of a face to calibrated probabilities, whatever runs the model.

Each backend gives the same logits for the same model; the temperature of its file (Guo et al.,
2017, arXiv:1706.04599) and the softmax are applied here, once for all.
"""

from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path

import cv2
import numpy as np

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.emotions.model_card import GREY, Crop, ModelCard, ModelError, load_card
from fer_ros.inference import Network, NetworkError, backend_of, open_network
from fer_ros.inference.keras_model import load_model
from fer_ros.inference.shipped import shipped

DEFAULT_NAME = "emotion_mobilenet_v2"
SMALL = "small"
"""Name of the other model that comes with fer_ros, of half the time and a little less accurate."""


class Classifier:
    """A checked model, ready to run.

    Example:
        >>> classifier = Classifier("small")
        >>> crop = np.full(classifier.card.crop.shape, 128, np.uint8)
        >>> classifier.probabilities(crop).shape
        (7,)

    ``model`` is a .tflite, .onnx or .keras file; empty takes the model that comes with fer_ros, by
    LiteRT where that is installed, else by ONNX Runtime or OpenCV; ``small`` the smaller one,
    alike. ``threads`` is LiteRT's and ONNX Runtime's. Raises ModelError with one line when the
    file, its card or its backend does not fit.
    """

    def __init__(self, model: str | Path = "", threads: int = 1):
        self.path = path = _find(str(model))
        try:
            self.backend_name = backend_of(path)
        except NetworkError as error:
            raise ModelError(str(error)) from None
        self.card: ModelCard = load_card(path)
        card = self.card
        self._backend = open_backend(path, card.input_size, threads, card.crop, card.classes)
        self._places = list(card.places)
        if self._backend.sha256 != card.sha256:
            raise ModelError(f"{path}: changed while it was read")
        noise = np.random.default_rng(0).integers(0, 256, card.crop.shape, np.uint8)
        for crop in (np.zeros_like(noise), np.full_like(noise, 255), noise):
            self.probabilities(crop)  # fails now, not on a face

    @property
    def identity(self) -> str:
        """``name@`` and the first eight digits of the file's sha256."""
        return self.card.identity

    def probabilities(self, crop: np.ndarray) -> np.ndarray:
        """Probability of each class, float32 [7] that sums to 1, of a crop, uint8 of the shape
        that the card says: [48, 48] unless it says another.

        Raises ModelError: the model fails, or gives what is not finite.
        """
        if crop.shape != self.card.crop.shape or crop.dtype != np.uint8:
            raise ValueError(f"crop is {crop.dtype} {crop.shape}, not uint8 {self.card.crop.shape}")
        logits = self._backend.logits(crop)
        scaled = logits.astype(np.float64) / self.card.temperature  # in which nothing overflows
        if not (np.abs(scaled) <= LARGEST).all():  # nor where they are not a number
            raise ModelError(f"{self.path}: the model gave {logits!r}, not finite logits")
        return softmax(scaled[self._places])


LARGEST = np.finfo(np.float32).max
"""Of a finite logit."""


def default_model() -> Path:
    """The model that comes with fer_ros, in the form that this machine runs best."""
    return shipped(DEFAULT_NAME)


def small_model() -> Path:
    """The smaller model that comes with fer_ros, likewise."""
    return shipped(f"{DEFAULT_NAME}_{SMALL}")


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


class Backend:
    """Runs one model file on one crop after the other.

    ``crop``: what the card says the file takes of a face. A .tflite or .keras file gets uint8
    [1, size, size, channels], or float32 where there is a scaling; an .onnx file, whatever runs it,
    float32 [1, channels, input_size, input_size]. Both give float32 [1, ``classes``].
    """

    def __init__(self, network: Network, crop: Crop, input_size: int, classes: int):
        self._network, self._crop, self._classes = network, crop, classes
        self.sha256 = network.sha256
        onnx = network.path.suffix == ".onnx"
        self._size = (input_size, input_size) if onnx else (crop.size, crop.size)
        self._values: Callable[[np.ndarray], np.ndarray] = self._first if onnx else self._last
        self._expect_entry()
        self.logits(np.zeros(crop.shape, np.uint8))

    def logits(self, crop: np.ndarray) -> np.ndarray:
        """A crop, uint8 of the card's shape -> float32 [classes], in the file's own order.

        Raises ModelError.
        """
        try:
            outputs = self._network(self._values(crop))
        except NetworkError as error:
            raise ModelError(str(error)) from None
        wanted = [((1, self._classes), np.float32)]
        if [(output.shape, output.dtype) for output in outputs] != wanted:
            found = ", ".join(f"{o.dtype.name} {list(o.shape)}" for o in outputs)
            raise ModelError(
                f"{self._network.path}: output is {found}, not float32 [1, {self._classes}]; "
                "the labels of the card say how many"
            )
        return outputs[0][0]

    def _last(self, crop: np.ndarray) -> np.ndarray:
        return self._crop.scaled(crop).reshape(1, *self._size, self._crop.channels)

    def _first(self, crop: np.ndarray) -> np.ndarray:
        enlarged = cv2.resize(crop.astype(np.float32), self._size, interpolation=cv2.INTER_LINEAR)
        values = self._crop.scaled(enlarged).reshape(*self._size, -1)
        return np.ascontiguousarray(values.transpose(2, 0, 1)[None])

    def _expect_entry(self) -> None:
        values = self._values(np.zeros(self._crop.shape, np.uint8))
        entry, path = self._network.entry, self._network.path
        shape = tuple(f or w for f, w in zip_longest(entry.shape, values.shape, fillvalue=0))
        if shape != values.shape or entry.dtype not in ("", values.dtype.name):
            raise ModelError(
                f"{path}: input is {entry.dtype} {list(entry.shape)}, not {values.dtype.name} "
                f"{list(values.shape)}; input_size, framing and scaling of the card say which"
            )


def load_keras(path: Path, crop: Crop = GREY):
    """The keras.Model of a .keras file that takes such crops, to be trained on or exported.

    Raises ModelError.
    """
    try:
        model = load_model(path)
    except NetworkError as error:
        raise ModelError(str(error)) from None
    shapes = model.input_shape[1:], model.output_shape[1:]
    expected = (crop.size, crop.size, crop.channels), (len(EMOTIONS),)
    if shapes != expected:
        raise ModelError(f"{path}: maps {shapes[0]} to {shapes[1]}, not {expected[0]} to (7,)")
    return model


def open_backend(
    path: Path,
    input_size: int,
    threads: int = 1,
    crop: Crop = GREY,
    classes: int = len(EMOTIONS),
) -> Backend:
    """A model file without regard to its card; ``input_size`` is the ONNX graph's, in pixels.

    Raises ModelError.
    """
    channels, size = crop.channels, crop.size
    if path.suffix == ".onnx":
        entry = (1, channels, input_size, input_size), "float32"
    else:
        entry = (1, size, size, channels), "uint8" if crop.scaling is None else "float32"
    try:
        network = open_network(path, threads, inputs=[entry])
    except NetworkError as error:
        raise ModelError(str(error)) from None
    return Backend(network, crop, input_size, classes)
