# SPDX-License-Identifier: Apache-2.0
"""Batches of varied faces, and what is to be learnt from each.

Randomness is keyed by seed, epoch and row, so that a batch is the same in a resumed run.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import keras
import numpy as np

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.emotions.classifier import load_keras, open_backend, softmax
from fer_training.dataset import Faces
from fer_training.evaluate import predict, settings
from fer_training.recipe import Recipe
from fer_training.targets import shown, targets

ASKED = 4096
"""Faces of which teachers are asked how often they say what."""


class Batches(keras.utils.PyDataset):
    """Shuffled, varied batches of one epoch: faces uint8 [B, 48, 48, 1], targets float32 [B, 7],
    weights float32 [B].

    ``teachers`` are models (.keras, .tflite, .onnx) whose mean answer has the recipe's share of
    the targets; of ``unlabelled`` faces, uint8 [N, 48, 48], it is all. ``others`` are labelled
    faces of other origins.
    """

    def __init__(
        self,
        faces: Faces,
        recipe: Recipe,
        teachers: Sequence[Path] = (),
        unlabelled: np.ndarray | None = None,
        others: Sequence[Faces] = (),
    ):
        super().__init__()
        self.images, self.recipe, self.epoch = faces.images, recipe, 0
        self.targets = targets(faces, recipe)
        self.shares = np.full(len(faces), recipe.teacher, np.float32)
        count = np.bincount(faces.labels, minlength=len(EMOTIONS))
        rarity = len(faces) / len(EMOTIONS) / np.maximum(count, 1)
        self.weights = (rarity**recipe.balance).astype(np.float32)[faces.labels]
        if others and recipe.others:
            rows = shown(others, round(recipe.others * len(faces)))
            images = np.concatenate([own.images for own in others])[rows]
            labelled = np.concatenate([targets(own, recipe) for own in others])[rows]
            self._append(images, labelled, recipe.teacher, 1.0)
        if unlabelled is not None:
            none = np.zeros((len(unlabelled), len(EMOTIONS)), np.float32)
            self._append(unlabelled, none, 1.0, recipe.unlabelled)
        self.teach = None
        if recipe.teacher and recipe.consistent_teacher:
            self.teach = mean_answer(list(map(_answerer, teachers)), recipe.mirrored_teacher)
        elif recipe.teacher:
            open_ = [partial(_predicted, t) for t in teachers]
            answers = mean_answer(open_, recipe.mirrored_teacher)
            self.targets += self.shares[:, None] * answers(self.images)

    def _append(self, images, targets, share, weight):
        more = len(images)
        self.images = np.concatenate([self.images, images])
        self.targets = np.concatenate([self.targets, targets])
        self.shares = np.pad(self.shares, (0, more), constant_values=share)
        self.weights = np.pad(self.weights, (0, more), constant_values=weight)

    def frequencies(self) -> np.ndarray:
        """How often each class is what is to be learnt, float64 [7], of sum 1; where teachers are
        asked for each varied picture, by what they say of some plain ones.
        """
        rows = np.arange(len(self.images))
        wanted = self.targets
        if self.teach:
            rows = np.random.default_rng(self.recipe.seed).permutation(rows)[:ASKED]
            wanted = wanted[rows] + self.shares[rows, None] * self.teach(self.images[rows])
        total = (self.weights[rows, None] * wanted).sum(axis=0, dtype=np.float64)
        return total / total.sum()

    def __len__(self):
        return math.ceil(len(self.images) / self.recipe.batch_size)

    def __getitem__(self, index):
        recipe, epoch = self.recipe, self.epoch
        order = np.random.default_rng((recipe.seed, epoch)).permutation(len(self.images))
        rows = order[index * recipe.batch_size : (index + 1) * recipe.batch_size]
        varied = [
            recipe.augment(self.images[row], np.random.default_rng((recipe.seed, epoch, row)))
            for row in rows
        ]
        batch = np.stack(varied), self.targets[rows], self.weights[rows], self.shares[rows]
        if recipe.mixup:
            # No row has this number, so that the draws are none of the augmentation's.
            key = (recipe.seed, epoch, len(self.images) + index)
            batch = mixed(batch, recipe.mixup, np.random.default_rng(key))
        images, wanted, weights, shares = batch
        if self.teach:
            wanted = wanted + shares[:, None] * self.teach(images)
        return images[..., None], wanted, weights


def mixed(batch, alpha: float, random: np.random.Generator):
    """Each face of a batch mixed with another of it, with all that belongs to it
    (mixup: Zhang et al., 2018, arXiv:1710.09412). The face's own share, drawn from
    Beta(alpha, alpha), is the larger one. Not keras.layers.MixUp, whose draws go on from a state
    that a resumed run has lost.

    (uint8 [B, 48, 48], float32 [B, ...], ...) -> the same.
    """
    images, *others = batch
    share = random.beta(alpha, alpha, len(images)).astype(np.float32)
    share = np.maximum(share, 1 - share)
    other = random.permutation(len(images))

    def mix(values):
        own = share.reshape(-1, *[1] * (values.ndim - 1))
        return own * values + (1 - own) * values[other]

    return (mix(images) + 0.5).astype(np.uint8), *map(mix, others)


Answers = Callable[[np.ndarray], np.ndarray]


def mean_answer(models: Sequence[Answers], mirrored: bool = False) -> Answers:
    """uint8 [N, 48, 48] -> float32 [N, 7]: the mean of the probabilities by the models' logits, of
    the faces and, ``mirrored``, of their mirror images too.
    """

    def answer(images):
        views = (images, np.ascontiguousarray(images[:, :, ::-1]))[: 1 + mirrored]
        return np.mean([softmax(model(view)) for model in models for view in views], axis=0)

    return answer


def _predicted(model: Path, images: np.ndarray) -> np.ndarray:
    """Logits of a whole data set, with a progress bar."""
    return predict(model, images, settings(model)[1])


def _answerer(model: Path) -> Answers:
    """Logits of a model that stays open, for batches."""
    if model.suffix == ".keras":
        network = load_keras(model)
        return lambda images: np.asarray(network.predict_on_batch(images[..., None]))
    # On one thread: for a single face two take longer (34 and 44 ms for 64 of teacher_vgg).
    backend = open_backend(model, settings(model)[1], threads=1)
    return lambda images: np.stack([backend.logits(image) for image in images])
