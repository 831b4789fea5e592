# SPDX-License-Identifier: Apache-2.0
import csv
import json
from dataclasses import replace

import keras
import numpy as np
import pytest
from conftest import LIGHT, TINY
from fer_training import train as train_module
from fer_training.model import build_model
from fer_training.recipe import RecipeError
from fer_training.train import FollowEpoch, train

from fer_ros.emotions.model_card import ModelError


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


def test_a_run_leaves_its_log_recipe_and_model(run):
    log = read_log(run)
    assert [row["epoch"] for row in log] == [0, 1]
    assert all(np.isfinite(row["val_accuracy"]) for row in log)
    assert json.loads((run / "recipe.json").read_text())["input_size"] == 32
    model = keras.saving.load_model(run / "last.keras", safe_mode=True)
    assert model.count_params() == 2_430_663
    assert (run / "curves.png").stat().st_size > 5000
    assert list((run / "tensorboard").iterdir())


def test_a_run_ends_with_what_it_is_worth_in_inference_mode(run, training, validation):
    result = json.loads((run / "result.json").read_text())
    model = keras.saving.load_model(run / "last.keras")
    for faces, name in ((training, "training_accuracy"), (validation, "accuracy")):
        predicted = model.predict(faces.images[..., None], verbose=0).argmax(axis=1)
        assert result[name] == pytest.approx((predicted == faces.labels).mean())
    assert result["training_rows"] == len(training)


def test_a_subset_is_drawn_and_repeats_are_still_known_by_all_rows(tmp_path, training):
    leaked = training.select(np.arange(21))
    recipe = replace(LIGHT, rows=20, epochs=1, deduplicate=True)
    result = train(recipe, training, leaked, tmp_path)
    assert result["training_rows"] == 20
    assert result["accuracy_deduplicated"] is None  # no held-out picture is in no Training row


@pytest.mark.parametrize("given", ["start", "imagenet", "teachers"])
def test_a_damaged_model_is_named_in_one_line(tmp_path, training, validation, given):
    damaged = tmp_path / "damaged.keras"
    damaged.write_bytes(b"PK torn")
    recipe = replace(TINY, pretrained=given == "imagenet", teacher=0.5 * (given == "teachers"))
    value = {"imagenet": str(damaged), "teachers": [damaged], "start": damaged}[given]
    with pytest.raises(ModelError, match=r"damaged\.keras") as told:
        train(recipe, training, validation, tmp_path / "run", **{given: value})
    assert "\n" not in str(told.value)


def test_says_what_to_do_without_a_network(tmp_path, training, validation, monkeypatch):
    def download(**_):
        raise Exception("URL fetch failure on https://storage: None -- Name or service not known")

    monkeypatch.setattr("fer_training.model.applications.MobileNetV2", download)
    with pytest.raises(ModelError, match="not known; without a network, give --weights FILE"):
        train(replace(TINY, pretrained=True), training, validation, tmp_path)


@pytest.mark.usefixtures("eager")
def test_goes_on_from_a_model_of_another_size(run, tmp_path, training, validation):
    recipe = replace(TINY, input_size=48, epochs=1, learning_rate=0.0)
    train(recipe, training, validation, tmp_path, start=run / "last.keras")
    old, new = (keras.saving.load_model(r / "last.keras") for r in (run, tmp_path))
    for a, b in zip(old.trainable_weights, new.trainable_weights, strict=True):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (a, b)))


@pytest.mark.parametrize(("share", "option"), [("votes", "--votes"), ("teacher", "--teacher")])
def test_a_recipe_asks_for_what_it_learns_from(tmp_path, training, validation, share, option):
    with pytest.raises(RecipeError, match=option):
        train(replace(TINY, **{share: 0.4}), training, validation, tmp_path)


def test_warmup_leaves_a_short_run_half_of_its_steps():
    recipe = replace(TINY, learning_rate=0.1, cosine=True, warmup_epochs=1.0, epochs=1)
    optimizer = train_module.ready(recipe, steps=10).optimizer
    rates = []
    for step in (0, 5, 10):
        optimizer.iterations.assign(step)
        rates.append(float(optimizer.learning_rate))
    assert rates == pytest.approx([0.0, 0.1, 0.0], abs=1e-6)


def test_learns_from_a_teacher_beside_the_epochs(run, tmp_path, training, validation):
    recipe = replace(LIGHT, teacher=0.7, consistent_teacher=True, mixup=0.3, epochs=1)
    result = train(recipe, training, validation, tmp_path, teachers=[run / "last.keras"])
    assert np.isfinite(result["macro_f1"])


def test_killed_and_resumed_is_as_never_killed(tmp_path, training, validation, monkeypatch):
    def killing(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt
        follow(self, epoch, logs)

    follow = FollowEpoch.on_epoch_begin
    monkeypatch.setattr(FollowEpoch, "on_epoch_begin", killing)
    with pytest.raises(KeyboardInterrupt):
        train(LIGHT, training, validation, tmp_path / "killed")
    assert len(read_log(tmp_path / "killed")) == 1
    monkeypatch.setattr(FollowEpoch, "on_epoch_begin", follow)
    for run in ("killed", "whole"):
        train(LIGHT, training, validation, tmp_path / run)
        assert [row["epoch"] for row in read_log(tmp_path / run)] == [0, 1]
    resumed, whole = (
        keras.saving.load_model(tmp_path / run / "last.keras") for run in ("killed", "whole")
    )
    for a, b in zip(whole.weights, resumed.weights, strict=True):
        one, other = map(keras.ops.convert_to_numpy, (a, b))
        np.testing.assert_allclose(one, other, atol=1e-5, err_msg=a.path)


def test_a_finished_run_is_not_run_again(run, training, validation):
    before = read_log(run)
    (run / "last.keras").unlink()  # as when it is killed after the last backup
    file = run / "recipe.json"
    old = json.loads(file.read_text()) | {"name": "old", "description": "of old"}
    del old["cosine_epochs"], old["augment"]["erase"]  # settings that came later
    file.write_text(json.dumps(old))
    train_module.train(TINY, training, validation, run)
    assert read_log(run) == before
    assert keras.saving.load_model(run / "last.keras").count_params() == 2_430_663


def test_a_run_of_another_recipe_is_left_alone(run, training, validation):
    before = (run / "recipe.json").read_text()
    with pytest.raises(RecipeError, match="another recipe: choose another --out"):
        train(replace(TINY, learning_rate=0.5), training, validation, run)
    assert (run / "recipe.json").read_text() == before


def test_phases_follow_one_another_and_a_part_is_held_out(tmp_path, training, validation):
    first = replace(LIGHT, name="a", epochs=1)
    whole = replace(LIGHT, held_out=0.3, phases=(first, replace(first, name="b", mixup=0.3)))
    result = train(whole, training, validation, tmp_path)
    assert result["training_rows"] < len(training)
    assert result == json.loads((tmp_path / "2/result.json").read_text())
    assert [len(read_log(tmp_path / n)) for n in "12"] == [1, 1]
    again = train(whole, training, validation, tmp_path)
    assert again == result, "what has come to its end is not begun again"
    moved = read_log(tmp_path / "2")[0]["loss"], read_log(tmp_path / "1")[0]["loss"]
    assert moved[0] < moved[1], "the second goes on from the first"


@pytest.mark.usefixtures("eager")
def test_goes_on_with_a_start_and_teachers_of_its_own(tmp_path, training, validation):
    own = replace(LIGHT, name="own", epochs=1)
    pupil = replace(own, name="pupil", teacher=0.5, start=own, teachers=(own,))
    out = tmp_path / "pupil"
    train(pupil, training, validation, out)
    result = train(replace(pupil, epochs=2), training, validation, out)
    assert [row["epoch"] for row in read_log(out)] == [0, 1]
    assert len(read_log(tmp_path / "own")) == 1, "what has come to its end is not begun again"
    assert result["learnt_from"]["teachers"] == ["own"]
