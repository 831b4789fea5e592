# SPDX-License-Identifier: Apache-2.0
"""One training run: recipe + data -> a folder with the model, its log and its curves.

Randomness is keyed by seed, epoch and row, so a run that was killed goes on where it stood.
"""

import json
import math
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np

from fer_ros.emotions import EMOTIONS
from fer_training.dataset import Faces, without_repeats
from fer_training.model import build_model
from fer_training.recipe import Recipe


class Batches(keras.utils.PyDataset):
    """Shuffled, varied batches of one epoch: (uint8 [B, 48, 48, 1], float32 [B, 7] one-hot)."""

    def __init__(self, faces: Faces, recipe: Recipe):
        super().__init__()
        self.faces, self.recipe, self.epoch = faces, recipe, 0

    def __len__(self):
        return math.ceil(len(self.faces) / self.recipe.batch_size)

    def __getitem__(self, index):
        recipe, epoch = self.recipe, self.epoch
        order = np.random.default_rng((recipe.seed, epoch)).permutation(len(self.faces))
        rows = order[index * recipe.batch_size : (index + 1) * recipe.batch_size]
        images = [
            recipe.augment(self.faces.images[row], np.random.default_rng((recipe.seed, epoch, row)))
            for row in rows
        ]
        return np.stack(images)[..., None], one_hot(self.faces.labels[rows])


class FollowEpoch(keras.callbacks.Callback):
    """Tells the batches and the dropout layers which epoch it is, in a resumed run too."""

    def __init__(self, batches: Batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.epoch = epoch
        for layer in self.model.layers:
            if isinstance(layer, keras.layers.Dropout) and layer.rate > 0:
                # Keras does not save what its random generators have drawn so far.
                state = layer.seed_generator.state
                state.assign([keras.ops.convert_to_numpy(state)[0], epoch * len(self.batches)])


def one_hot(labels: np.ndarray) -> np.ndarray:
    """int [N] -> float32 [N, 7]."""
    return np.eye(len(EMOTIONS), dtype=np.float32)[labels]


def train(
    recipe: Recipe, training: Faces, validation: Faces, out: Path, *, imagenet: str = "imagenet"
) -> keras.Model:
    """Train by ``recipe``, or go on with the run begun in ``out``; returns the last epoch's model.

    Leaves in ``out``: recipe.json, log.csv (a line for each epoch), last.keras, and a backup of
    the newest epoch. ``imagenet`` is where the starting weights come from.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "recipe.json").write_text(json.dumps(asdict(recipe), indent=2) + "\n")
    keras.utils.set_random_seed(recipe.seed)
    if recipe.deduplicate:
        training = without_repeats(training, validation)
    batches = Batches(training, recipe)
    model = build_model(
        recipe.input_size,
        scaling=recipe.scaling,
        weights=imagenet if recipe.pretrained else None,
        dropout=recipe.dropout,
        batch_norm_momentum=recipe.batch_norm_momentum,
    )
    model.compile(
        optimizer=_optimizer(recipe, len(batches)),
        # With one-hot targets and no smoothing this is the paper's sparse cross-entropy.
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=recipe.label_smoothing
        ),
        metrics=["accuracy"],
    )
    log = out / "log.csv"
    model.fit(
        batches,
        epochs=recipe.epochs,
        shuffle=False,
        validation_data=(validation.images[..., None], one_hot(validation.labels)),
        validation_batch_size=128,
        callbacks=[
            FollowEpoch(batches),
            keras.callbacks.BackupAndRestore(out / "backup", delete_checkpoint=False),
            keras.callbacks.CSVLogger(log, append=log.exists()),
            keras.callbacks.ModelCheckpoint(out / "last.keras"),
        ],
    )
    return model


def _optimizer(recipe: Recipe, steps: int):
    rate = recipe.learning_rate
    if recipe.cosine:
        warmup = round(recipe.warmup_epochs * steps)
        rate = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0 if warmup else rate,
            decay_steps=recipe.epochs * steps - warmup,
            warmup_target=rate if warmup else None,
            warmup_steps=warmup,
        )
    if recipe.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        return optimizer
    return keras.optimizers.Adam(rate)
