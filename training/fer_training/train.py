# SPDX-License-Identifier: Apache-2.0
"""One training run: recipe + data -> a folder with the model, its log and its curves.

Randomness is keyed by seed, epoch and row, so a run that was killed goes on where it stood.
"""

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.inference.shipped import MODELS
from fer_ros.runtime.settings_files import SettingsError, load
from fer_training.averaging import estimate_statistics
from fer_training.batches import Batches
from fer_training.callbacks import Curves, FollowEpoch, Progress
from fer_training.dataset import DatasetError, Faces, seen_as_faces
from fer_training.evaluate import judge
from fer_training.near import parts
from fer_training.preparation import in_float32, judged_by, network, ready
from fer_training.recipe import Recipe, RecipeError, recipe_of_run
from fer_training.start import begin_from

FEW = 50
"""Faces under which what judges a run is told to be little: a standard error of 6 points."""


def train(
    recipe: Recipe,
    training: Faces,
    validation: Faces,
    out: Path,
    *,
    imagenet: str = "imagenet",
    start: Path | None = None,
    teachers: Sequence[Path] = (),
    unlabelled: np.ndarray | None = None,
    others: Sequence[Faces] = (),
) -> dict:
    """Train by ``recipe``, or go on with the run begun in ``out``; returns ``measure``.

    Leaves in ``out``: recipe.json, log.csv (a line for each epoch), curves.png, tensorboard/,
    last.keras, a backup of the newest epoch, and result.json (``measure``); of a recipe of several
    phases, each in a folder of its own, ``out``/1 and so on, and in ``out`` the last one's model
    and figures. The recipe's own start and teachers are trained first, each in a folder of its name
    beside ``out``, and are taken from there once they are finished.

    Args:
        recipe: all that decides the run.
        training: what is learnt from.
        validation: what the epochs and the result are judged by, unless the recipe holds a part
            of ``training`` out for that.
        out: folder of the run.
        imagenet: where the backbone's starting weights come from.
        start: a whole model (.keras, or the .tflite that ships) of any input size to go on from
            in place of the recipe's own ``start`` or of ImageNet's weights.
        teachers: models (.keras, .tflite, .onnx) whose mean answer is learnt from, in place of
            the recipe's own.
        unlabelled: faces, uint8 [N, 48, 48], of which nothing but that is learnt.
        others: labelled faces of other origins, to learn from as the recipe's ``others`` says.

    Raises:
        ModelError: a model that cannot be read.
        RecipeError: the recipe needs what is not given, or ``out`` holds a run that differs in
            more than name and length.
    """
    _check(recipe, training, teachers or recipe.teachers, unlabelled, others, start)

    more: dict[str, Any] = {"unlabelled": unlabelled, "others": others}

    def made(own: Recipe) -> Path:
        run = out.parent / own.name
        train(own, training, validation, run, imagenet=imagenet, **more)
        return run / "last.keras"

    if not start and recipe.start:
        start = made(recipe.start)
    if not start and recipe.shipped:
        start = MODELS / f"{recipe.shipped}.tflite"
    teachers = teachers or [made(own) for own in recipe.teachers]
    keys = training.keys()
    training, validation = parts(training, validation, recipe)
    _tell(recipe, training, validation)
    given: dict[str, Any] = {"imagenet": imagenet, "teachers": teachers} | more
    if not recipe.phases:
        alone = replace(recipe, start=None, teachers=())
        return _run(alone, training, validation, keys, out, start=start, **given)
    begun = start
    for number, phase in enumerate(recipe.phases, 1):
        folder = out / str(number)
        result = _run(phase, training, validation, keys, folder, start=start, **given)
        start = folder / "last.keras"
    (out / "recipe.json").write_text(json.dumps(asdict(recipe), indent=2) + "\n")
    shutil.copy(folder / "last.keras", out / "last.keras")
    if recipe.keep and begun:
        model = mixed_with_start(phase, begun, folder / "last.keras", training)
        model.save(out / "last.keras")
        result |= measure(model, training, validation, keys)
    (out / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    return result


def mixed_with_start(recipe: Recipe, start: Path, last: Path, training: Faces) -> keras.Model:
    """The network of ``recipe`` with the mean of two models' weights, that of ``start`` having the
    share ``keep``; its batch statistics are anew those of ``training``.
    """
    model = network(replace(recipe, pretrained=False))
    begin_from(model, start, training.images)
    before = model.get_weights()
    model.load_weights(last)
    pairs = zip(before, model.get_weights(), strict=True)
    model.set_weights([recipe.keep * one + (1 - recipe.keep) * other for one, other in pairs])
    estimate_statistics(model, Batches(training, replace(recipe, teacher=0.0)))
    return model


def _tell(recipe, training, validation):
    """Say what is learnt from and what judges, class by class; DatasetError where nothing does."""

    def tell(line):
        print(f"{recipe.name} {line}", file=sys.stderr)

    for what, faces in (("learns from", training), ("is judged by", validation)):
        count = np.bincount(faces.labels, minlength=len(EMOTIONS))
        each = ", ".join(f"{name} {n}" for name, n in zip(EMOTIONS, count, strict=True) if n)
        tell(f"{what} {len(faces):,} faces: {each or 'none'}")
    if not len(training):
        raise DatasetError("no face is left for training")
    if not len(validation):
        raise DatasetError(
            f"no face is left for validation: {len(training)} are too few for held_out = "
            f"{recipe.held_out:g}; put some into a folder validation/ beside train/, or copy the "
            "recipe with a larger held_out"
        )
    if lacking := sorted(set(training.labels) - set(validation.labels)):
        names = ", ".join(EMOTIONS[label] for label in lacking)
        tell(f"is judged by no face of {names}: its figures say nothing of these")
    elif len(validation) < FEW:
        tell(f"is judged by {len(validation)} faces alone: its figures say little")


def _check(recipe, training, teachers, unlabelled, others, start=None):
    """Whether all is there that the recipe and its phases want."""
    for phase in recipe.phases:
        _check(replace(phase, keep=0.0), training, teachers, unlabelled, others)
    for own in (*recipe.teachers, *([recipe.start] if recipe.start else [])):
        _check(own, training, own.teachers, unlabelled, others)
    if recipe.votes and training.votes is None:
        raise RecipeError(f"the recipe {recipe.name!r} learns from FER+'s votes: give --votes FILE")
    if recipe.teacher and not teachers:
        raise RecipeError(f"the recipe {recipe.name!r} learns from a model: give --teacher MODEL")
    if recipe.unlabelled and unlabelled is None:
        raise RecipeError(f"the recipe {recipe.name!r} needs unlabelled faces: give --unlabelled")
    if recipe.keep and not (recipe.start or recipe.shipped or start):
        raise RecipeError(f"the recipe {recipe.name!r} keeps part of its start: give --start")
    if recipe.keep and not recipe.phases:
        raise RecipeError(f"the recipe {recipe.name!r} keeps part of its start: write a [[phase]]")
    if recipe.others and not others:
        raise RecipeError(f"the recipe {recipe.name!r} needs labelled faces: give --others")


def _run(recipe, training, validation, keys, out, *, imagenet, start, teachers, unlabelled, others):
    """One phase, in a folder of its own."""
    begun = recipe_of_run(out) or recipe
    same = {k: getattr(recipe, k) for k in ("name", "description", "epochs")}
    if replace(begun, **same) != recipe:
        raise RecipeError(f"{out} holds a run of another recipe: choose another --out")
    if begun == recipe and (out / "result.json").is_file():
        try:
            return load(out / "result.json", json.loads)  # come to its end already
        except SettingsError as error:
            raise RecipeError(f"{out / 'result.json'}: {error}") from None
    out.mkdir(parents=True, exist_ok=True)
    (out / "recipe.json").write_text(json.dumps(asdict(recipe), indent=2) + "\n")
    keras.utils.set_random_seed(recipe.seed)
    if recipe.votes:
        training = seen_as_faces(training)
    if recipe.rows:
        draw = np.random.default_rng(recipe.seed).permutation(len(training))
        training = training.select(np.sort(draw[: recipe.rows]))
    unlabelled = unlabelled if recipe.unlabelled else None
    batches = Batches(training, recipe, teachers, unlabelled, others)
    offset = None
    if recipe.logit_adjustment:
        offset = recipe.logit_adjustment * np.log(np.maximum(batches.frequencies(), 1e-6))
    model = ready(recipe, len(batches), imagenet, start, training.images, offset)
    log = out / "log.csv"
    model.fit(
        batches,
        epochs=recipe.epochs,
        shuffle=False,
        verbose=0,
        validation_data=judged_by(validation),
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
    if recipe.average:
        estimate_statistics(model, batches)
    model = in_float32(model, recipe)
    model.save(out / "last.keras")  # a run killed after its last backup has not come to it
    result = measure(model, training, validation, keys)
    # What runs leave is named by its folder, what was exported by its file.
    taught = [t.parent.name if t.stem == "last" else t.stem for t in teachers] * bool(
        recipe.teacher
    )
    result["learnt_from"] = {
        "teachers": taught,
        "unlabelled": len(unlabelled) if unlabelled is not None else 0,
    }
    if recipe.others:
        result["learnt_from"]["others"] = {str(own.usage[0]): len(own) for own in others}
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
