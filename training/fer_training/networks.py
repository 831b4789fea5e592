# SPDX-License-Identifier: Apache-2.0
"""Networks of other families than the shipped one, to teach it: 48x48 grey in. All but
``face_resnet``, which knows faces, begin from nothing.

Their errors differ from MobileNetV2's and from one another's, so that their mean answer is better
than the best of them. Sized for two CPU cores: half a minute to two an epoch of FER-2013.
"""

from keras import Model, layers, ops

from fer_ros.emotions.classes import EMOTIONS
from fer_training.face_network import face_resnet

MOMENTUM = 0.99
"""Of the batch normalisation: its statistics follow the weights within an epoch."""


def resnet(dropout: float) -> Model:
    """Basic residual blocks (He et al., 2016, doi:10.1109/CVPR.2016.90), 1.0 million parameters."""
    face, x = _begin()
    x = layers.Rescaling(1 / 127.5, -1.0)(x)
    x = _convolution(x, 40, strides=2)
    for filters, blocks, strides in ((40, 1, 1), (80, 2, 2), (152, 2, 2)):
        for block in range(blocks):
            x = _residual(x, filters, strides if block == 0 else 1)
    x = layers.GlobalAveragePooling2D()(x)
    return _end(face, x, dropout, "teacher_resnet")


def vgg(dropout: float) -> Model:
    """Pairs of 3x3 convolutions between poolings and a dense head (Simonyan and Zisserman, 2015,
    arXiv:1409.1556), with batch normalisation, 1.0 million parameters.
    """
    face, x = _begin()
    x = layers.Rescaling(1 / 127.5, -1.0)(x)
    x = _convolution(x, 24)
    for filters, convolutions in ((40, 1), (80, 2), (128, 2), (160, 2)):
        x = layers.MaxPooling2D()(x)
        for _ in range(convolutions):
            x = _convolution(x, filters)
    x = layers.Flatten()(x)
    x = layers.Dropout(dropout)(x)
    x = layers.Dense(128, activation="relu")(x)
    return _end(face, x, dropout, "teacher_vgg")


def contrast(dropout: float) -> Model:
    """Residual blocks with squeeze-and-excitation (Hu et al., 2018, doi:10.1109/CVPR.2018.00745)
    on the local contrast of the face at its full resolution, 0.9 million parameters.
    """
    face, x = _begin()
    x = _local_contrast(layers.Rescaling(1.0)(x))
    x = _convolution(x, 24)
    x = layers.MaxPooling2D()(x)
    for filters, blocks, strides in ((40, 1, 1), (80, 2, 2), (144, 2, 2)):
        for block in range(blocks):
            x = _residual(x, filters, strides if block == 0 else 1, excitation=True)
    x = layers.GlobalAveragePooling2D()(x)
    return _end(face, x, dropout, "teacher_contrast")


NETWORKS = {"resnet": resnet, "vgg": vgg, "contrast": contrast, "face_resnet": face_resnet}
"""Each by its name in a recipe: dropout -> uint8 [N, 48, 48, 1] in, float32 [N, 7] logits out."""


def _begin():
    face = layers.Input((48, 48, 1), dtype="uint8", name="face")
    return face, face


def _end(face, x, dropout, name) -> Model:
    x = layers.Dropout(dropout)(x)
    logits = layers.Dense(len(EMOTIONS), name="logits", dtype="float32")(x)
    return Model(face, logits, name=name)


def _local_contrast(x, size=9):
    """Each pixel less the mean around it, over the spread around it: light and shadow go, edges
    stay (Jarrett et al., 2009, doi:10.1109/ICCV.2009.5459469). Grey levels in, about -3 to 3 out.
    """
    around = layers.AveragePooling2D(size, strides=1, padding="same")
    mean = around(x)
    spread = ops.sqrt(ops.maximum(around(ops.square(x)) - ops.square(mean), 0.0))
    return (x - mean) / (spread + 4.0)  # 4 grey levels: the noise of a flat cheek stays small


def _normalised(x, filters, size, strides=1):
    x = layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)(x)
    return layers.BatchNormalization(momentum=MOMENTUM)(x)


def _convolution(x, filters, strides=1):
    return layers.ReLU()(_normalised(x, filters, 3, strides))


def _residual(x, filters, strides, excitation=False):
    y = _normalised(_convolution(x, filters, strides), filters, 3)
    if excitation:
        gate = layers.GlobalAveragePooling2D(keepdims=True)(y)
        gate = layers.Conv2D(filters // 8, 1, activation="relu")(gate)
        y = layers.Multiply()([y, layers.Conv2D(filters, 1, activation="sigmoid")(gate)])
    if strides > 1:
        x = layers.AveragePooling2D(strides)(x)
    if x.shape[-1] != filters:
        x = _normalised(x, filters, 1)
    return layers.ReLU()(layers.Add()([x, y]))
