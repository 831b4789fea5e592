# SPDX-License-Identifier: Apache-2.0
"""A recipe of several phases and teachers of its own: killed wherever it may be, and resumed."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from conftest import LIGHT, TINY, make_faces, write_csv
from fer_training.averaging import estimate_statistics
from fer_training.batches import Batches
from fer_training.cli import main
from fer_training.dataset import VOTE_COLUMNS
from fer_training.recipe import learnt_from, load_recipe
from fer_training.train import FollowEpoch, train

TEACHERS = ("teacher_vgg", "teacher_resnet", "teacher_contrast", "teacher_mobilenet")


@pytest.fixture
def command(tmp_path):
    """``fer-training train`` on drawn faces, two epochs a phase, at 32 pixels."""
    training, validation = make_faces(84, "Training", seed=1), make_faces(14, "PublicTest", seed=2)
    csv = write_csv(tmp_path / "fer2013.csv", training, validation)
    votes = tmp_path / "fer2013new.csv"
    lines = [",".join(("Usage", "Image name", *VOTE_COLUMNS))]
    for faces in (training, validation):
        for usage, label in zip(faces.usage, faces.labels, strict=True):
            counts = (10 * (i == label) for i in range(len(VOTE_COLUMNS)))
            lines.append(",".join((usage, "", *map(str, counts))))
    votes.write_text("\n".join(lines) + "\n")
    np.savez(tmp_path / "more.npz", images=make_faces(28, "", seed=3).images)
    others = make_faces(14, "", seed=4)
    np.savez(tmp_path / "studio.npz", images=others.images, labels=others.labels)
    weights = tmp_path / "imagenet.weights.h5"
    keras.applications.MobileNetV2(
        input_shape=(32, 32, 3), include_top=False, weights=None
    ).save_weights(weights)
    return [
        *("train", "--epochs", "2", "--input-size", "32"),
        *("--csv", str(csv), "--votes", str(votes), "--weights", str(weights)),
        *("--unlabelled", str(tmp_path / "more.npz"), "--others", str(tmp_path / "studio.npz")),
    ]


def weights_of(run):
    model = keras.saving.load_model(run / "last.keras")
    return [keras.ops.convert_to_numpy(w) for w in model.weights]


def killed_in_every_phase(command, out, phases, monkeypatch, capsys) -> list[str]:
    """Run ``command``, killed in the second epoch of each phase and called again, to its end; the
    recipes of the phases in their order.
    """
    follow, killed = FollowEpoch.on_epoch_begin, []

    def killing(self, epoch, logs=None):
        run = (self.model.name, self.batches.recipe.name)
        if epoch == 1 and run not in killed:
            killed.append(run)
            raise KeyboardInterrupt
        follow(self, epoch, logs)

    monkeypatch.setattr(FollowEpoch, "on_epoch_begin", killing)
    for _ in range(phases):
        assert main([*command, "--out", str(out)]) == 130
        assert "the same command goes on" in capsys.readouterr().err
    assert main([*command, "--out", str(out)]) == 0
    return [name for _, name in killed]


def assert_equal_runs(one, other):
    for a, b in zip(weights_of(one), weights_of(other), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4, err_msg=one.name)


@pytest.mark.usefixtures("eager")
def test_a_recipe_that_stands_on_others_killed_in_every_phase_ends_in_the_same_weights(
    command, tmp_path, monkeypatch, capsys
):
    """Its start and its teacher are trained first, from an empty folder, and are taken up too."""
    own = tmp_path / "own.toml"
    vgg = 'network = "vgg"\n'  # of few layers
    (tmp_path / "own_start.toml").write_text(f"{vgg}seed = 3\n")
    (tmp_path / "own_teacher.toml").write_text(f'{vgg}optimizer = "adamw"\n')
    own.write_text(
        f'{vgg}start = "{tmp_path}/own_start.toml"\nteachers = ["{tmp_path}/own_teacher.toml"]\n'
        "teacher = 0.6\nvotes = 0.1\nunlabelled = 1.0\nheld_out = 0.1\n"
        "[[phase]]\nmixup = 0.3\nseed = 1\n[[phase]]\naverage = 0.9\nseed = 2\n"
    )
    command = [*command, "--recipe", str(own)]
    assert main([*command, "--out", str(tmp_path / "whole" / "own")]) == 0
    out = tmp_path / "killed" / "own"
    names = ["own_start", "own_teacher", "own_1", "own_2"]
    assert killed_in_every_phase(command, out, len(names), monkeypatch, capsys) == names
    assert learnt_from(out) == {"teachers": ["own_teacher"], "unlabelled": 28}
    for run in ("own_start", "own_teacher", "own"):
        assert_equal_runs(tmp_path / "whole" / run, out.parent / run)


def test_by_labels_is_trained_from_an_empty_folder_after_all_that_it_stands_on(
    command, tmp_path, monkeypatch
):
    trained = []

    def note(recipe, training, validation, keys, out, **_):
        trained.append(recipe.name)
        out.mkdir(parents=True, exist_ok=True)
        (out / "last.keras").touch()
        figures = (
            "training_rows",
            "training_accuracy",
            "accuracy",
            "accuracy_deduplicated",
            "macro_f1",
        )
        return dict.fromkeys(figures, 1)

    monkeypatch.setattr("fer_training.train._run", note)
    assert main([*command, "--recipe", "by_labels", "--out", str(tmp_path / "by_labels")]) == 0
    names = ("teacher_mobilenet", *TEACHERS, "by_labels")  # the last teacher is the start, at hand
    recipes = [load_recipe(name) for name in names]
    assert trained == [run.name for recipe in recipes for run in recipe.phases or (recipe,)]


@pytest.mark.usefixtures("eager")
def test_best_goes_on_from_a_start_by_a_teacher_and_is_resumed(
    command, run, tmp_path, monkeypatch, capsys
):
    model = str(run / "last.keras")
    command = [*command, "--recipe", "best", "--start", model, "--teacher", model]
    assert main([*command, "--out", str(tmp_path / "whole")]) == 0
    out, names = tmp_path / "killed", ["best_1"]
    assert killed_in_every_phase(command, out, len(names), monkeypatch, capsys) == names
    taught = {"teachers": [run.name], "unlabelled": 28, "others": {"studio": 14}}
    assert learnt_from(out) == taught
    assert_equal_runs(tmp_path / "whole", out)


@pytest.mark.usefixtures("eager")
def test_the_average_takes_the_place_of_the_weights(tmp_path, training, validation):
    still = replace(LIGHT, epochs=1, dropout=0.0)
    train(still, training, validation, tmp_path / "plain")
    train(replace(still, average=0.9), training, validation, tmp_path / "average")
    plain, average = (weights_of(tmp_path / run) for run in ("plain", "average"))
    assert max(np.abs(a - b).max() for a, b in zip(plain, average, strict=True)) > 1e-4
    train(replace(still, average=0.9), training, validation, tmp_path / "again")
    (tmp_path / "again" / "result.json").unlink()  # as when it is killed at its very end
    train(replace(still, average=0.9), training, validation, tmp_path / "again")
    for a, b in zip(average, weights_of(tmp_path / "again"), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_statistics_are_those_of_the_pictures(training):
    keras.utils.set_random_seed(0)
    face = keras.Input((48, 48, 1), dtype="uint8")
    x = keras.layers.Dropout(0.5)(keras.layers.Rescaling(1.0)(face))
    inner = keras.Sequential([keras.layers.BatchNormalization()])
    model = keras.Model(face, keras.layers.GlobalAveragePooling2D()(inner(x)))
    estimate_statistics(model, Batches(training, TINY))
    mean = keras.ops.convert_to_numpy(inner.layers[0].moving_mean)
    np.testing.assert_allclose(mean, training.images.mean(), rtol=1e-4)
    assert inner.layers[0].momentum == pytest.approx(0.99)
    assert model.layers[2].rate == pytest.approx(0.5)
