# SPDX-License-Identifier: Apache-2.0
"""MobileNetV2 with a dense 128-64-7 head, on grey 48x48 faces.

Sandler et al., *MobileNetV2*, 2018, doi:10.1109/CVPR.2018.00474; the head is that of *Real-time
Emotion Recognition Using the MobileNetV2 Architecture*, RESTI 9(4), 2025.
"""

import math

from keras import Model, applications, layers, models

from fer_ros.emotions.classes import EMOTIONS

SCALINGS = {"unit": (1 / 255, 0.0), "imagenet": (1 / 127.5, -1.0)}
"""Grey value -> network input: the paper's [0, 1], or the [-1, 1] of the ImageNet weights."""

ATTENTION = "eca"


def build_model(
    input_size: int = 224,
    *,
    scaling: str = "unit",
    weights: str | None = None,
    dropout: float = 0.0,
    batch_norm_momentum: float = 0.999,
    attention: str = "none",
) -> Model:
    """The network: uint8 [N, 48, 48, 1] grey faces in, float32 [N, 7] logits out.

    Enlarging (bilinear, to ``input_size``), scaling and the three equal channels are part of the
    graph. ``weights`` is None (random), "imagenet" (Keras downloads them) or a file for
    ``keras.applications.MobileNetV2(include_top=False)``. ``attention`` is that of ``backbone``.
    """
    scale, offset = SCALINGS[scaling]
    features = backbone(input_size, weights=weights, attention=attention)
    for layer in features.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = batch_norm_momentum

    face = layers.Input((48, 48, 1), dtype="uint8", name="face")
    x = layers.Rescaling(scale, offset)(face)
    x = layers.Resizing(input_size, input_size, interpolation="bilinear")(x)
    x = layers.Concatenate()([x, x, x])
    x = features(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x)
    x = layers.Dense(128, activation="relu")(x)
    x = layers.Dropout(dropout)(x)
    x = layers.Dense(64, activation="relu")(x)
    logits = layers.Dense(len(EMOTIONS), name="logits", dtype="float32")(x)
    name = "emotion_mobilenet_v2" if attention == "none" else f"emotion_mobilenet_v2_{attention}"
    return Model(face, logits, name=name)


def backbone(
    input_size: int, channels: int = 3, *, weights: str | None = None, attention: str = "none"
) -> Model:
    """MobileNetV2 without its top; with ``attention`` "eca", ``channel_attention`` after the last
    convolution of each block, where its authors have it in MobileNetV2.
    """
    network = applications.MobileNetV2(
        input_shape=(input_size, input_size, channels), include_top=False, weights=weights
    )
    if attention == "none":
        return network

    def called(layer, *inputs, **options):
        x = layer(*inputs, **options)
        return channel_attention(x, layer.name) if layer.name.endswith("project_BN") else x

    attended = models.clone_model(network, call_function=called)
    for layer in network.layers:
        if layer.weights:
            attended.get_layer(layer.name).set_weights(layer.get_weights())
    return attended


def channel_attention(x, name: str):
    """Efficient channel attention (Wang et al., 2020, doi:10.1109/CVPR42600.2020.01155): each
    channel of ``x``, [N, H, W, C], times a gate that the means of it and its neighbours decide, by
    one kernel of three to five weights. The gate is twice a sigmoid and begins as 1, so that
    weights which were trained without it keep their meaning.
    """
    channels = x.shape[-1]
    reach = int((math.log2(channels) + 1) / 2)
    gate = layers.GlobalAveragePooling2D()(x)
    gate = layers.Reshape((1, channels, 1))(gate)
    gate = layers.Conv2D(
        1, (1, reach | 1), padding="same", use_bias=False, kernel_initializer="zeros",
        activation="sigmoid", name=f"{name}_{ATTENTION}",
    )(gate)  # fmt: skip
    gate = layers.Rescaling(2.0)(layers.Reshape((1, 1, channels))(gate))
    return layers.Multiply()([x, gate])


def attention_of(network: Model) -> str:
    """What ``backbone`` made ``network`` with."""
    return "eca" if any(x.name.endswith(f"_{ATTENTION}") for x in network.layers) else "none"
