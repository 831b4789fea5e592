# SPDX-License-Identifier: Apache-2.0
import json

import numpy as np
import pytest
from conftest import make_faces, write_csv
from fer_training import metrics
from fer_training.cli import main
from fer_training.ensemble import MEAN, ensemble, render
from fer_training.evaluate import predict
from fer_training.near import hold_out

from fer_ros.emotions.classifier import softmax


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Two small models that disagree, one of them as .tflite too."""
    import keras
    from fer_training.export import to_litert

    folder = tmp_path_factory.mktemp("models")
    for seed in (1, 2):
        keras.utils.set_random_seed(seed)
        face = keras.Input((48, 48, 1), dtype="uint8")
        x = keras.layers.Flatten()(
            keras.layers.AveragePooling2D(8)(keras.layers.Rescaling(0.04)(face))
        )
        model = keras.Model(face, keras.layers.Dense(7)(x))
        model.save(folder / f"{seed}.keras")
    (folder / "2.tflite").write_bytes(to_litert(model))
    return [folder / "1.keras", folder / "2.keras", folder / "2.tflite"]


def test_the_mean_is_that_of_the_probabilities(models, validation):
    found = ensemble(models[:2], validation)
    images = validation.images
    mean = sum(softmax(predict(m, images)) for m in models[:2])
    right = mean.argmax(axis=1) == validation.labels
    assert found[MEAN]["accuracy"] == pytest.approx(right.mean())
    assert list(found) == [str(models[0]), str(models[1]), MEAN]


def test_mirrored_asks_for_both_sides(models, validation):
    images = validation.images
    mean = softmax(predict(models[0], images)) + softmax(predict(models[0], images[:, :, ::-1]))
    right = mean.argmax(axis=1) == validation.labels
    (figures,) = ensemble(models[:1], validation, mirrored=True).values()
    assert figures["accuracy"] == pytest.approx(right.mean())


def test_forms_of_one_model_agree(models, validation):
    keras_, litert, mean = ensemble(models[1:], validation).values()
    assert keras_["confusion"] == litert["confusion"] == mean["confusion"]


def test_the_command_judges_by_a_split_or_by_what_a_recipe_holds_out(models, tmp_path, capsys):
    training = make_faces(140, "Training", seed=1)
    csv = write_csv(tmp_path / "fer2013.csv", training, make_faces(21, "PublicTest", seed=2))
    arguments = ["ensemble", "--csv", str(csv), "--model", *map(str, models[:2])]
    out = tmp_path / "figures.json"
    assert main([*arguments, "--json", str(out)]) == 0
    assert "21 faces: PublicTest" in capsys.readouterr().out
    assert json.loads(out.read_text())[MEAN]["n_deduplicated"] == 21
    mine = tmp_path / "mine.toml"
    mine.write_text("held_out = 0.3")
    assert main([*arguments, "--held-out", str(mine)]) == 0
    printed = capsys.readouterr().out
    assert f"{len(hold_out(training, 0.3)[1])} faces: the part of Training" in printed
    mine.write_text("")
    assert main([*arguments, "--held-out", str(mine)]) == 1
    assert "has no validation faces" in capsys.readouterr().err


def test_names_of_one_file_in_two_folders_are_told_apart(models, validation):
    found = ensemble(models[:1], validation)
    (figures,) = found.values()
    text = render({"a/last.keras": figures, "b/last.keras": figures, "c.tflite": figures})
    assert [line.split()[0] for line in text.splitlines()[1:]] == [
        *("a/last.keras", "b/last.keras", "c.tflite")
    ]


def test_intervals_hold_the_truth_as_often_as_they_say():
    random, truth, held = np.random.default_rng(1), 0.7, 0
    for _ in range(200):
        right = random.binomial(500, truth)
        confusion = np.zeros((7, 7), int)
        confusion[0, 0], confusion[0, 1] = right, 500 - right
        low, high = metrics.intervals(confusion, draws=400)["accuracy"]
        held += low <= truth <= high
    assert 0.88 < held / 200 < 0.99


def test_intervals_leave_out_a_class_without_faces():
    confusion = np.diag([5, 0, 5, 5, 5, 5, 5])
    found = metrics.intervals(confusion)
    assert "disgust" not in found["recall"]
    assert found["macro_f1"] == pytest.approx((1, 1), abs=0.2)
