# SPDX-License-Identifier: Apache-2.0
"""A recipe's network with its starting weights, compiled."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.emotions.model_card import ModelError
from fer_ros.inference.network import first_line
from fer_training.dataset import Faces
from fer_training.face_network import begin_from_dlib, dlib_file
from fer_training.model import build_model
from fer_training.networks import NETWORKS
from fer_training.recipe import Recipe
from fer_training.start import begin_from, some, unfold
from fer_training.targets import AdjustedCrossentropy, one_hot


def ready(
    recipe: Recipe,
    steps: int,
    imagenet: str = "imagenet",
    start: Path | None = None,
    images: np.ndarray | None = None,
    offset: np.ndarray | None = None,
) -> keras.Model:
    """The network with its starting weights, compiled for epochs of so many ``steps``; ModelError
    where the weights cannot be had. ``images`` are those that ``start`` is unfolded by, ``offset``,
    [7], is added to the logits while they are learnt.
    """
    model = network(recipe, imagenet, start, images)
    offset = np.zeros(len(EMOTIONS)) if offset is None else offset
    model.compile(
        optimizer=_optimizer(recipe, steps),
        # With one-hot targets, no offset and no smoothing this is the paper's cross-entropy.
        loss=AdjustedCrossentropy(offset.tolist(), recipe.label_smoothing),
        metrics=["accuracy"],
    )
    return model


def in_float32(model: keras.Model, recipe: Recipe) -> keras.Model:
    """The network of ``recipe`` with the weights of ``model``, whatever that was trained in."""
    if recipe.precision == "float32":
        return model
    plain = network(replace(recipe, precision="float32", pretrained=False))
    plain.set_weights(model.get_weights())
    return plain


def judged_by(faces: Faces) -> tuple[np.ndarray, np.ndarray]:
    """What Keras validates by: uint8 [N, 48, 48, 1], float32 [N, 7]."""
    return faces.images[..., None], one_hot(faces.labels)


def network(
    recipe: Recipe,
    imagenet: str = "imagenet",
    start: Path | None = None,
    images: np.ndarray | None = None,
) -> keras.Model:
    """The network of a recipe with its starting weights; ModelError where these cannot be had."""
    pretrained = recipe.pretrained and recipe.network not in NETWORKS and not start
    weights = imagenet if pretrained else None
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(recipe.precision)
    try:
        if recipe.network in NETWORKS:
            model = NETWORKS[recipe.network](recipe.dropout)
        else:
            model = build_model(
                recipe.input_size,
                scaling=recipe.scaling,
                weights=weights,
                dropout=recipe.dropout,
                batch_norm_momentum=recipe.batch_norm_momentum,
                attention=recipe.attention,
            )
        if start and images is not None:
            begin_from(model, start, images)
        elif recipe.network == "face_resnet" and recipe.pretrained and images is not None:
            begin_from_dlib(model, dlib_file())
            unfold(model, some(images))
    except ModelError:
        raise
    except Exception as error:  # Keras has no type of its own for a failed download, h5py has many
        if weights or start:
            hint = "; without a network, give --weights FILE" if weights == "imagenet" else ""
            line = f"cannot start from {start or weights}: {first_line(error)}{hint}"
            raise ModelError(line) from None
        raise
    finally:
        keras.config.set_dtype_policy(before)
    return model


def _optimizer(recipe: Recipe, steps: int):
    rate = recipe.learning_rate
    if recipe.cosine:
        total = (recipe.cosine_epochs or recipe.epochs) * steps
        warmup = min(round(recipe.warmup_epochs * steps), total // 2)  # of a run made short
        rate = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0 if warmup else rate,
            decay_steps=total - warmup,
            warmup_target=rate if warmup else None,
            warmup_steps=warmup,
        )
    average = {"use_ema": True, "ema_momentum": recipe.average} if recipe.average else {}
    if recipe.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay, **average)
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        return optimizer
    return keras.optimizers.Adam(rate, **average)
