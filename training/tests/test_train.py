# SPDX-License-Identifier: Apache-2.0
import csv
import json

import keras
import numpy as np
import pytest
from conftest import TINY
from fer_training import train as train_module
from fer_training.model import build_model
from fer_training.train import Batches, FollowEpoch, train


def read_log(run):
    with (run / "log.csv").open(newline="") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def test_parameters_are_the_papers():
    model = build_model(224)
    trainable = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    total = model.count_params()
    assert (total, trainable, total - trainable) == (2_430_663, 2_396_551, 34_112)


@pytest.mark.parametrize("scaling", ["unit", "imagenet"])
def test_takes_grey_bytes_and_gives_logits(training, scaling):
    model = build_model(32, scaling=scaling)
    logits = model.predict(training.images[:3, ..., None], verbose=0)
    assert logits.shape == (3, 7)
    assert logits.dtype == np.float32
    assert np.abs(logits.sum(axis=1) - 1).max() > 1e-3  # no softmax in the graph


def test_batches_show_every_row_once_an_epoch_in_an_order_of_its_own(training):
    batches = Batches(training, TINY)
    orders = []
    for epoch in (0, 1):
        batches.epoch = epoch
        shown = [batches[i] for i in range(len(batches))]
        images, targets = (np.concatenate(x) for x in zip(*shown, strict=True))
        assert images.shape == (48, 48, 48, 1)
        assert images.dtype == np.uint8
        assert (targets.sum(axis=0) == np.bincount(training.labels)).all()
        assert sorted(i.tobytes() for i in images) == sorted(i.tobytes() for i in training.images)
        orders.append(images.tobytes())
    assert orders[0] != orders[1]


def test_a_run_leaves_its_log_recipe_and_model(run):
    log = read_log(run)
    assert [row["epoch"] for row in log] == [0, 1]
    assert all(np.isfinite(row["val_accuracy"]) for row in log)
    assert json.loads((run / "recipe.json").read_text())["input_size"] == 32
    model = keras.saving.load_model(run / "last.keras", safe_mode=True)
    assert model.count_params() == 2_430_663


def test_killed_and_resumed_is_as_never_killed(run, tmp_path, training, validation, monkeypatch):
    def killing(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt
        follow(self, epoch, logs)

    follow = FollowEpoch.on_epoch_begin
    monkeypatch.setattr(FollowEpoch, "on_epoch_begin", killing)
    with pytest.raises(KeyboardInterrupt):
        train(TINY, training, validation, tmp_path)
    assert len(read_log(tmp_path)) == 1
    monkeypatch.setattr(FollowEpoch, "on_epoch_begin", follow)
    resumed = train(TINY, training, validation, tmp_path)
    whole = keras.saving.load_model(run / "last.keras")
    assert [row["epoch"] for row in read_log(tmp_path)] == [0, 1]
    for a, b in zip(whole.weights, resumed.weights, strict=True):
        one, other = map(keras.ops.convert_to_numpy, (a, b))
        np.testing.assert_allclose(one, other, atol=1e-5, err_msg=a.path)


def test_a_finished_run_is_not_run_again(run, training, validation):
    before = read_log(run)
    train_module.train(TINY, training, validation, run)
    assert read_log(run) == before
