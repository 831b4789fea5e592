# SPDX-License-Identifier: Apache-2.0
"""Channel attention in MobileNetV2, from the recipe to every file of the run time."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest
from conftest import TINY, write_csv
from fer_training.averaging import estimate_statistics
from fer_training.batches import Batches
from fer_training.cli import main
from fer_training.comparison import render
from fer_training.export import one_channel, to_litert, to_onnx
from fer_training.model import backbone, build_model, channel_attention
from fer_training.preparation import network
from fer_training.recipe import RecipeError, load_recipe

from fer_ros.emotions.classifier import open_backend

ECA = replace(TINY, attention="eca")


def gates(model):
    return [x for x in model.layers if x.name.endswith("_eca")]


def test_each_block_has_a_kernel_as_wide_as_the_paper_says():
    found = [(x.input.shape[2], x.kernel.shape[1]) for x in gates(backbone(32, attention="eca"))]
    assert len(found) == 17
    assert dict(found) == {16: 3, 24: 3, 32: 3, 64: 3, 96: 3, 160: 5, 320: 5}
    plain, attended = build_model(32), build_model(32, attention="eca")
    assert attended.count_params() - plain.count_params() == sum(k for _, k in found)


def test_starts_as_the_weights_it_is_given(training, tmp_path):
    weights = tmp_path / "imagenet.weights.h5"
    keras.utils.set_random_seed(3)
    backbone(32).save_weights(weights)
    answers = []
    for recipe in (TINY, ECA):
        keras.utils.set_random_seed(5)
        model = network(replace(recipe, pretrained=True), str(weights))
        answers.append(model.predict(training.images[:4, ..., None], verbose=0))
    np.testing.assert_allclose(*answers, atol=1e-5)


def open_gates(model, spread):
    """Gives the gates something to say, as training does."""
    random = np.random.default_rng(4)
    for gate in gates(model):
        gate.set_weights([random.normal(0, spread, gate.kernel.shape).astype(np.float32)])


@pytest.mark.parametrize("form", ["float32", "int8", "onnx"])
def test_runs_wherever_our_models_run(training, tmp_path, form):
    keras.utils.set_random_seed(3)
    layers = keras.layers
    entry = x = keras.Input((48, 48, 1))
    for block, channels in enumerate((16, 160)):
        x = layers.Conv2D(channels, 3, strides=4, activation="relu")(x)
        x = channel_attention(x, f"block_{block}")
    features, face = keras.Model(entry, x), keras.Input((48, 48, 1), dtype="uint8")
    x = features(layers.Rescaling(1 / 127.5, -1.0)(face))
    model = keras.Model(face, layers.Dense(7)(layers.GlobalAveragePooling2D()(x)))
    plain = model.predict(training.images[:6, ..., None], verbose=0)
    open_gates(features, 30.0)
    wanted = model.predict(training.images[:6, ..., None], verbose=0)
    assert np.abs(wanted - plain).max() > 0.1 * np.ptp(wanted)
    file = tmp_path / ("a.onnx" if form == "onnx" else "a.tflite")
    made = to_onnx(model, 48) if form == "onnx" else to_litert(model, form, training.images)
    file.write_bytes(made)
    backend = open_backend(file, 48)
    found = np.stack([backend.logits(image) for image in training.images[:6]])
    near = 0.05 if form == "int8" else 1e-4
    np.testing.assert_allclose(found, wanted, atol=near * np.ptp(wanted))


@pytest.mark.usefixtures("eager")
def test_the_exported_network_has_the_gates(training):
    keras.utils.set_random_seed(3)
    model = network(ECA)
    (features,) = (x for x in model.layers if isinstance(x, keras.Model))
    open_gates(features, 0.5)
    estimate_statistics(model, Batches(training, ECA))  # or nothing would come through
    wanted = model.predict(training.images[:6, ..., None], verbose=0)
    found = one_channel(model).predict(training.images[:6, ..., None], verbose=0)
    np.testing.assert_allclose(found, wanted, atol=0.01 * np.ptp(wanted))


@pytest.mark.usefixtures("eager")
def test_compares_a_recipe_with_its_twin_over_seeds(tmp_path, training, validation, capsys):
    mine = tmp_path / "mine.toml"
    mine.write_text(
        'attention = "eca"\nnetwork = "mobilenet_v2"\ninput_size = 32\npretrained = false\n'
        "epochs = 1\nbatch_size = 16\nlearning_rate = 0.001\n"
    )
    csv = write_csv(tmp_path / "fer2013.csv", training, validation)
    out = tmp_path / "twins"
    words = ["compare", "--recipe", str(mine), "--csv", str(csv), "--seeds", "1", "2"]
    assert main([*words, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    found = json.loads((out / "comparison.json").read_text())
    assert list(found) == [str(mine), 'but attention = "none"']
    assert [len(f["accuracy"]) for f in found.values()] == [2, 2]
    assert "difference, in points" in printed
    runs = sorted(p.parent.name for p in out.glob("*/last.keras"))
    assert runs == ["1_seed_1", "1_seed_2", "2_seed_1", "2_seed_2"]
    sizes = {keras.saving.load_model(out / r / "last.keras").count_params() for r in runs}
    assert len(sizes) == 2
    for run in runs:  # nothing is trained again
        (out / run / "last.keras").unlink()
    assert main([*words, "--out", str(out)]) == 0
    assert json.loads((out / "comparison.json").read_text()) == found
    assert main([*words, "--out", str(out), "--but", "attention = none"]) == 1
    assert "is not a line of a recipe" in capsys.readouterr().err


def test_tells_a_gain_from_noise():
    def figures(*accuracy):
        return dict.fromkeys(("accuracy", "macro_f1", "training_accuracy"), accuracy)

    twin = figures(0.60, 0.61, 0.605)
    assert "+1.00 (+1.00 to +1.00): beyond" in render({"a": figures(0.61, 0.62, 0.615), "b": twin})
    assert ": within the noise" in render({"a": figures(0.61, 0.60, 0.606), "b": twin})


def test_is_of_mobilenet_alone(tmp_path):
    assert load_recipe("attention").attention == "eca"
    (tmp_path / "a.toml").write_text('attention = "eca"\nnetwork = "vgg"')
    with pytest.raises(RecipeError, match="attention is only for mobilenet_v2"):
        load_recipe(str(tmp_path / "a.toml"))
