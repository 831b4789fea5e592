# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import keras
import numpy as np
import pytest
from conftest import TINY
from fer_training.batches import Batches, mixed, targets
from fer_training.evaluate import predict

from fer_ros.emotions.classifier import softmax


def test_batches_show_every_row_once_an_epoch_in_an_order_of_its_own(training):
    batches = Batches(training, TINY)
    orders = []
    for epoch in (0, 1):
        batches.epoch = epoch
        shown = [batches[i] for i in range(len(batches))]
        images, targets, weights = (np.concatenate(x) for x in zip(*shown, strict=True))
        assert images.shape == (48, 48, 48, 1)
        assert images.dtype == np.uint8
        assert (targets.sum(axis=0) == np.bincount(training.labels)).all()
        assert (weights == 1).all()
        assert sorted(i.tobytes() for i in images) == sorted(i.tobytes() for i in training.images)
        orders.append(images.tobytes())
    assert orders[0] != orders[1]


def test_votes_take_their_share_of_the_target(training):
    votes = np.zeros((len(training), 10), np.int64)
    votes[0, [3, 6, 8]] = 3, 1, 6  # joy, neutral, unknown
    soft = targets(replace(training, votes=votes), replace(TINY, votes=0.4))
    expected = 0.6 * np.eye(7)[training.labels[0]]
    expected[[3, 6]] += 0.4 * 0.75, 0.4 * 0.25
    np.testing.assert_allclose(soft[0], expected, atol=1e-6)
    np.testing.assert_array_equal(soft[1], np.eye(7)[training.labels[1]])  # nobody chose any


def test_balance_weighs_rare_classes_up(training):
    rare = training.select((training.labels != 1) | (np.arange(len(training)) < 7))
    weights = Batches(rare, replace(TINY, balance=1.0)).weights
    sums = np.bincount(rare.labels, weights)
    np.testing.assert_allclose(sums, sums[0], rtol=1e-5)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A small model that tells faces well apart, as .keras and as .tflite."""
    from fer_training.export import to_litert

    keras.utils.set_random_seed(1)
    face = keras.Input((48, 48, 1), dtype="uint8")
    x = keras.layers.Rescaling(1 / 25)(face)
    x = keras.layers.Flatten()(keras.layers.AveragePooling2D(8)(x))
    model = keras.Model(face, keras.layers.Dense(7)(x))
    folder = tmp_path_factory.mktemp("teachers")
    model.save(folder / "teacher.keras")
    (folder / "teacher.tflite").write_bytes(to_litert(model))
    return sorted(folder.iterdir())


def whole(batches):
    """Images, targets and weights of an epoch."""
    parts = [batches[i] for i in range(len(batches))]
    return tuple(np.concatenate(x) for x in zip(*parts, strict=True))


def test_a_teacher_has_its_share_of_the_target(files, training):
    recipe = replace(TINY, teacher=0.7)
    taught = softmax(predict(files[0], training.images))
    assert taught.max() > 0.9
    expected = 0.3 * np.eye(7)[training.labels] + 0.7 * taught
    np.testing.assert_allclose(Batches(training, recipe, files).targets, expected, atol=1e-4)


@pytest.mark.parametrize("mixup", [0.0, 0.3])
def test_a_consistent_teacher_answers_for_the_picture_that_is_shown(files, training, mixup):
    still = replace(TINY, teacher=0.7, consistent_teacher=True, mixup=mixup)
    recipe = replace(still, augment=replace(still.augment, shift=0.2, light=1.0))
    images, wanted, _ = whole(Batches(training, recipe, files))
    taught = softmax(predict(files[0], images[..., 0]))
    own = wanted - 0.7 * taught
    np.testing.assert_allclose(own.sum(axis=1), 0.3, atol=1e-4)
    assert own.min() > -1e-4
    assert (own.max(axis=1) < 0.28).any() == bool(mixup)
    plain = softmax(predict(files[0], training.images))
    assert np.abs(taught[:, None] - plain).max(axis=2).min(axis=1).max() > 0.1


def test_a_mirrored_teacher_is_asked_for_both_sides(files, training):
    recipe = replace(TINY, teacher=1.0, consistent_teacher=True, mirrored_teacher=True)
    images, wanted, _ = whole(Batches(training, recipe, files[:1]))
    sides = [softmax(predict(files[0], x)) for x in (images[..., 0], images[:, :, ::-1, 0])]
    np.testing.assert_allclose(wanted, np.mean(sides, axis=0), atol=1e-5)
    assert np.abs(sides[0] - sides[1]).max() > 1e-3


def test_mixed_faces_come_with_mixed_targets(training):
    images, wanted = training.images[:16], np.eye(16, dtype=np.float32)
    weights = np.arange(16, dtype=np.float32)
    got, shares, weighed = mixed((images, wanted, weights), 0.5, np.random.default_rng(1))
    assert got.dtype == np.uint8
    assert (shares.diagonal() >= 0.5).all()
    assert (shares.diagonal() < 0.999).any()
    np.testing.assert_allclose(np.einsum("ij,jhw->ihw", shares, images), got, atol=0.51)
    np.testing.assert_allclose(shares @ weights, weighed, rtol=1e-5)


def test_a_batch_is_the_same_when_it_is_drawn_again(training):
    recipe = replace(TINY, mixup=0.3)
    one, other = (whole(Batches(training, recipe)) for _ in range(2))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)
