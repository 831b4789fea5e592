# SPDX-License-Identifier: Apache-2.0
"""MobileNetV2 with a dense 128-64-7 head, on grey 48x48 faces.

Sandler et al., *MobileNetV2*, 2018, doi:10.1109/CVPR.2018.00474; the head is that of *Real-time
Emotion Recognition Using the MobileNetV2 Architecture*, RESTI 9(4), 2025.
"""

from keras import Model, applications, layers

from fer_ros.emotions.classes import EMOTIONS

SCALINGS = {"unit": (1 / 255, 0.0), "imagenet": (1 / 127.5, -1.0)}
"""Grey value -> network input: the paper's [0, 1], or the [-1, 1] of the ImageNet weights."""


def build_model(
    input_size: int = 224,
    *,
    scaling: str = "unit",
    weights: str | None = None,
    dropout: float = 0.0,
    batch_norm_momentum: float = 0.999,
) -> Model:
    """The network: uint8 [N, 48, 48, 1] grey faces in, float32 [N, 7] logits out.

    Enlarging (bilinear, to ``input_size``), scaling and the three equal channels are part of the
    graph. ``weights`` is None (random), "imagenet" (Keras downloads them) or a file for
    ``keras.applications.MobileNetV2(include_top=False)``.
    """
    scale, offset = SCALINGS[scaling]
    backbone = applications.MobileNetV2(
        input_shape=(input_size, input_size, 3), include_top=False, weights=weights
    )
    for layer in backbone.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = batch_norm_momentum

    face = layers.Input((48, 48, 1), dtype="uint8", name="face")
    x = layers.Rescaling(scale, offset)(face)
    x = layers.Resizing(input_size, input_size, interpolation="bilinear")(x)
    x = layers.Concatenate()([x, x, x])
    x = backbone(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x)
    x = layers.Dense(128, activation="relu")(x)
    x = layers.Dropout(dropout)(x)
    x = layers.Dense(64, activation="relu")(x)
    logits = layers.Dense(len(EMOTIONS), name="logits", dtype="float32")(x)
    return Model(face, logits, name="emotion_mobilenet_v2")
