# SPDX-License-Identifier: Apache-2.0
"""One training run: recipe + data -> a folder with the model, its log and its curves.

Randomness is keyed by seed, epoch and row, so a run that was killed goes on where it stood.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import keras
import numpy as np

from fer_ros.classifier import softmax
from fer_ros.emotions import EMOTIONS
from fer_training.callbacks import Curves, FollowEpoch, Progress
from fer_training.dataset import Faces, without_repeats
from fer_training.evaluate import judge, predict
from fer_training.model import build_model
from fer_training.recipe import Recipe, RecipeError, recipe_of_run


class Batches(keras.utils.PyDataset):
    """Shuffled, varied batches of one epoch: faces uint8 [B, 48, 48, 1], targets float32 [B, 7],
    weights float32 [B].
    """

    def __init__(self, faces: Faces, recipe: Recipe, taught: np.ndarray | None = None):
        super().__init__()
        self.faces, self.recipe, self.epoch = faces, recipe, 0
        self.targets = targets(faces, recipe, taught)
        count = np.bincount(faces.labels, minlength=len(EMOTIONS))
        rarity = len(faces) / len(EMOTIONS) / np.maximum(count, 1)
        self.weights = (rarity**recipe.balance).astype(np.float32)[faces.labels]

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
        return np.stack(images)[..., None], self.targets[rows], self.weights[rows]


def one_hot(labels: np.ndarray) -> np.ndarray:
    """int [N] -> float32 [N, 7]."""
    return np.eye(len(EMOTIONS), dtype=np.float32)[labels]


def targets(faces: Faces, recipe: Recipe, taught: np.ndarray | None = None) -> np.ndarray:
    """What to learn, float32 [N, 7]: the label, and for their shares FER+'s votes and what
    teachers said, ``taught`` float32 [N, 7].

    A face that no annotator gave any of the seven keeps its label instead.
    """
    labels = one_hot(faces.labels)
    target = (1 - recipe.votes - recipe.teacher) * labels
    if recipe.votes:
        seven = faces.votes[:, : len(EMOTIONS)].astype(np.float32)
        total = seven.sum(axis=1, keepdims=True)
        target += recipe.votes * np.where(total > 0, seven / np.maximum(total, 1), labels)
    if recipe.teacher:
        target += recipe.teacher * taught
    return target


def train(
    recipe: Recipe,
    training: Faces,
    validation: Faces,
    out: Path,
    *,
    imagenet: str = "imagenet",
    start: Path | None = None,
    teachers: Sequence[Path] = (),
) -> dict:
    """Train by ``recipe``, or go on with the run begun in ``out``; returns ``measure``.

    Leaves in ``out``: recipe.json, log.csv (a line for each epoch), curves.png, tensorboard/,
    last.keras, a backup of the newest epoch, and result.json (``measure``). ``imagenet`` is where
    the backbone's starting weights come from; ``start`` is a whole model (.keras) of any input
    size to go on from instead, ``teachers`` are models (.keras) whose mean answer is learnt from.
    Raises RecipeError when the recipe needs votes or a teacher that are not given, or when ``out``
    holds a run that differs in more than name and length.
    """
    if recipe.votes and training.votes is None:
        raise RecipeError(f"the recipe {recipe.name!r} learns from FER+'s votes: give --votes FILE")
    if recipe.teacher and not teachers:
        raise RecipeError(f"the recipe {recipe.name!r} learns from a model: give --teacher MODEL")
    begun = recipe_of_run(out) or recipe
    same = {k: getattr(recipe, k) for k in ("name", "description", "epochs")}
    if replace(begun, **same) != recipe:
        raise RecipeError(f"{out} holds a run of another recipe: choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    (out / "recipe.json").write_text(json.dumps(asdict(recipe), indent=2) + "\n")
    keras.utils.set_random_seed(recipe.seed)
    keys = training.keys()
    if recipe.deduplicate:
        training = without_repeats(training, validation)
    if recipe.rows:
        draw = np.random.default_rng(recipe.seed).permutation(len(training))
        training = training.select(np.sort(draw[: recipe.rows]))
    taught = None
    if recipe.teacher:
        taught = np.mean([softmax(predict(t, training.images)) for t in teachers], axis=0)
    batches = Batches(training, recipe, taught)
    model = build_model(
        recipe.input_size,
        scaling=recipe.scaling,
        weights=imagenet if recipe.pretrained and not start else None,
        dropout=recipe.dropout,
        batch_norm_momentum=recipe.batch_norm_momentum,
    )
    if start:
        model.load_weights(start)
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
        verbose=0,
        validation_data=(validation.images[..., None], one_hot(validation.labels)),
        validation_batch_size=128,
        callbacks=[
            FollowEpoch(batches),
            keras.callbacks.BackupAndRestore(out / "backup", delete_checkpoint=False),
            keras.callbacks.CSVLogger(log, append=log.exists()),
            Curves(out),
            keras.callbacks.ModelCheckpoint(out / "last.keras"),
            Progress(recipe.name, recipe.epochs, len(batches)),
        ],
    )
    model.save(out / "last.keras")  # a run killed after its last backup has not come to it
    result = measure(model, training, validation, keys)
    (out / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    return result


def measure(model: keras.Model, training: Faces, validation: Faces, keys: np.ndarray) -> dict:
    """Accuracy in inference mode, without augmentation or dropout: on the very rows that were
    trained on, and on the held-out ones, all of them and those whose picture is not among ``keys``,
    uint64 [N], of all Training rows: so it can be compared between recipes.
    """
    seen, held_out = (
        judge(model.predict(f.images[..., None], batch_size=128, verbose=0), f, 1.0, keys)
        for f in (training, validation)
    )
    return {
        "training_rows": len(training),
        "training_accuracy": seen["accuracy"],
        "accuracy": held_out["accuracy"],
        "accuracy_deduplicated": held_out["accuracy_deduplicated"],
        "macro_f1": held_out["macro_f1"],
    }


def _optimizer(recipe: Recipe, steps: int):
    rate = recipe.learning_rate
    if recipe.cosine:
        warmup = round(recipe.warmup_epochs * steps)
        rate = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0 if warmup else rate,
            decay_steps=(recipe.cosine_epochs or recipe.epochs) * steps - warmup,
            warmup_target=rate if warmup else None,
            warmup_steps=warmup,
        )
    if recipe.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        return optimizer
    return keras.optimizers.Adam(rate)
