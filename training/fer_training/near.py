# SPDX-License-Identifier: Apache-2.0
"""Pictures that are nearly equal, and a part of Training to judge by that shares none of them."""

from dataclasses import replace

import imagehash
import numpy as np
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from tqdm import tqdm

from fer_training.dataset import Faces, without_repeats

NEAR = 4
"""Bits of 64 in which the perceptual hashes of nearly equal pictures may differ."""
HELD_OUT = "held out of Training"
BLOCK = 512  # rows compared at a time: 15 MB a block for FER-2013


def perceptual_hashes(images: np.ndarray) -> np.ndarray:
    """uint8 [N, 48, 48] -> uint64 [N]: pHash (Zauner, 2010), alike where pictures are."""
    bits = [
        imagehash.phash(Image.fromarray(image)).hash
        for image in tqdm(images, desc="perceptual hashes", delay=2)
    ]
    return np.packbits(np.reshape(bits, (len(images), 64)), axis=1).view(np.uint64)[:, 0]


def near_pairs(hashes: np.ndarray, others: np.ndarray | None = None) -> np.ndarray:
    """int64 [P, 2]: rows of ``hashes``, uint64 [N], and those of ``others`` that are near them; or
    without ``others`` the earlier rows.
    """
    found = [np.empty((0, 2), np.int64)]
    for begin in range(0, len(hashes), BLOCK):
        block = hashes[begin : begin + BLOCK, None]
        against = hashes[: begin + BLOCK] if others is None else others
        rows, near = np.nonzero(np.bitwise_count(block ^ against[None]) <= NEAR)
        pairs = np.stack([rows + begin, near], axis=1)
        found.append(pairs if others is not None else pairs[pairs[:, 1] < pairs[:, 0]])
    return np.concatenate(found)


def hold_out(training: Faces, share: float) -> tuple[Faces, Faces]:
    """``training`` in two: what is learnt from, and about a ``share`` of it to judge by.

    Pictures that are equal or nearly so come to one side. A group's side follows from its pictures
    alone, so every run agrees on it. The ``usage`` of the second part is ``HELD_OUT``.
    """
    size = len(training)
    rows, near = near_pairs(perceptual_hashes(training.images)).T
    links = coo_array((np.ones(len(rows)), (rows, near)), (size, size))
    group = connected_components(links, directed=False)[1]
    least = np.full(group.max() + 1, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(least, group, training.keys())
    aside = (least % np.uint64(1000) < share * 1000)[group]
    judges = training.select(aside)
    return training.select(~aside), replace(judges, usage=np.full(len(judges), HELD_OUT))


def parts(training: Faces, validation: Faces, recipe) -> tuple[Faces, Faces]:
    """What a run by ``recipe`` learns from (before it draws ``rows``) and what judges it, of the
    Training rows and those of the split that judges where none of Training is held out.
    """
    if recipe.deduplicate:
        training = without_repeats(training, validation)
    if recipe.held_out:
        return hold_out(training, recipe.held_out)
    return training, validation
