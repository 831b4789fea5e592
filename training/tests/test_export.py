# SPDX-License-Identifier: Apache-2.0
import json
import shutil

import numpy as np
import pytest
from conftest import make_faces, write_csv
from fer_training.cli import main
from fer_training.dataset import Faces
from fer_training.evaluate import settings

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.emotions.classifier import Classifier
from fer_ros.emotions.model_card import ModelError, load_card, sha256_of


def test_every_file_passes_the_run_times_checks(exported):
    out, card = exported
    assert card["labels"] == list(EMOTIONS)
    assert card["recipe"] == "tiny"
    for file in card["files"]:
        assert load_card(out / file).sha256 == sha256_of(out / file)
        assert card["files"][file]["bytes"] == (out / file).stat().st_size
        Classifier(out / file)


def test_float_models_give_the_same_probabilities(exported, run, training):
    out, _ = exported
    card = json.loads((out / "tiny.json").read_text())
    shutil.copy(run / "last.keras", out / "tiny.keras")
    card["files"]["tiny.keras"] = {"sha256": sha256_of(out / "tiny.keras")}
    for entry in card["files"].values():
        entry["temperature"] = 1.0
    (out / "same").mkdir(exist_ok=True)
    for name in ("tiny.keras", "tiny_float32.tflite", "tiny_float16.tflite", "tiny.onnx"):
        shutil.copy(out / name, out / "same")
    (out / "same" / "tiny.json").write_text(json.dumps(card))
    models = [Classifier(p) for p in sorted((out / "same").glob("tiny*")) if p.suffix != ".json"]
    assert {m.backend_name for m in models} == {"keras", "litert", "opencv"}
    for image in training.images[:10]:
        results = [m.probabilities(image) for m in models]
        for other in results[1:]:
            np.testing.assert_allclose(other, results[0], atol=1e-3)


def test_int8_is_small_and_near(exported, training):
    out, card = exported
    assert card["files"]["tiny_int8.tflite"]["bytes"] < 3.2e6
    one, eight = Classifier(out / "tiny_float32.tflite"), Classifier(out / "tiny_int8.tflite")
    gaps = [
        np.abs(one.probabilities(i) - eight.probabilities(i)).max() for i in training.images[:20]
    ]
    assert np.median(gaps) < 0.1


def test_default_file_is_one_of_the_forms(exported):
    out, card = exported
    form = card["files"]["tiny.tflite"]["form"]
    assert form in ("int8", "float16")
    assert sha256_of(out / "tiny.tflite") == sha256_of(out / f"tiny_{form}.tflite")


@pytest.mark.parametrize("file", ["tiny.tflite", "tiny.onnx"])
def test_evaluate_prints_and_writes_the_figures(
    exported, training, validation, tmp_path, capsys, file
):
    out, _ = exported
    csv = write_csv(tmp_path / "fer.csv", training, validation)
    result = tmp_path / "figures.json"
    words = ["evaluate", "--csv", str(csv), "--model", str(out / file), "--json", str(result)]
    assert main(words) == 0
    figures = json.loads(result.read_text())
    wanted = ("accuracy", "accuracy_deduplicated", "macro_f1", "per_class", "ece", "confusion")
    assert set(wanted) | {"n", "ms_per_face"} <= set(figures)
    assert figures["n"] == len(validation)
    assert figures["accuracy_deduplicated"] == pytest.approx(figures["accuracy"])
    assert "deduplicated" in capsys.readouterr().out


def test_repeats_of_training_rows_are_left_out(exported, training, validation, tmp_path):
    out, _ = exported
    both = Faces(
        np.concatenate((validation.images, training.images)),
        np.concatenate((validation.labels, training.labels)),
        np.full(len(validation) + len(training), "PublicTest"),
    )
    csv = write_csv(tmp_path / "fer.csv", both)
    train_csv = write_csv(tmp_path / "train.csv", training)
    words = ["evaluate", "--csv", str(csv), "--model", str(out / "tiny.tflite")]
    for more in ([], ["--train-csv", str(train_csv)]):
        assert main([*words, *more, "--json", str(tmp_path / "f.json")]) == 0
        figures = json.loads((tmp_path / "f.json").read_text())
        assert (figures["n"], figures["n_deduplicated"]) == (len(both), len(validation))


def test_of_training_itself_no_face_is_unseen(exported, training, tmp_path, capsys):
    out, _ = exported
    csv = write_csv(tmp_path / "fer.csv", training)
    words = ["evaluate", "--csv", str(csv), "--usage", "Training", "--json", str(tmp_path / "f")]
    assert main([*words, "--model", str(out / "tiny.tflite")]) == 0
    figures = json.loads((tmp_path / "f").read_text())
    assert (figures["accuracy_deduplicated"], figures["n_deduplicated"]) == (None, 0)
    assert "every face stands in Training" in capsys.readouterr().out


def test_keras_model_is_evaluated_without_a_card(run, validation, tmp_path, capsys):
    csv = write_csv(tmp_path / "fer.csv", validation)
    assert main(["evaluate", "--csv", str(csv), "--model", str(run / "last.keras")]) == 0
    assert "not known" in capsys.readouterr().out


def test_bare_onnx_needs_its_card(exported, validation, tmp_path, capsys):
    out, _ = exported
    shutil.copy(out / "tiny.onnx", tmp_path / "bare.onnx")
    csv = write_csv(tmp_path / "fer.csv", validation)
    assert main(["evaluate", "--csv", str(csv), "--model", str(tmp_path / "bare.onnx")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_only_a_model_without_any_card_is_evaluated_without(tmp_path):
    model = tmp_path / "m_float32.tflite"
    model.write_bytes(b"a model")
    (tmp_path / "figures.json").write_text(json.dumps({"model": model.name}))
    assert settings(model) == (1.0, 0)
    (tmp_path / "m.json").write_text(json.dumps({"files": {model.name: {}}}))
    with pytest.raises(ModelError, match="the card lacks 'name'"):
        settings(model)


def test_corrupt_keras_file(tmp_path):
    (tmp_path / "bad.keras").write_bytes(b"nonsense")
    entry = {"sha256": sha256_of(tmp_path / "bad.keras"), "temperature": 1.0}
    card = {"name": "bad", "version": "1", "labels": list(EMOTIONS), "input_size": 32}
    card |= {"framing": {"size": 48, "margin": 1.0}, "uncertain_below": 0.4}
    (tmp_path / "bad.json").write_text(json.dumps(card | {"files": {"bad.keras": entry}}))
    with pytest.raises(ModelError, match="Keras cannot load it"):
        Classifier(tmp_path / "bad.keras")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["evaluate", "--csv", "none.csv", "--model", "m.keras"], "no such file"),
        (["train", "--csv", "none.csv", "--out", "o"], "no such file"),
        (["train", "--csv", "none.csv", "--out", "o", "--recipe", "x"], "unknown recipe 'x'"),
        (["export", "--csv", "none.csv", "--out", "o", "--model", "m"], "no such file: m"),
        (["train", "--csv", "none.csv", "--out", "o", "--start", "s"], "no such file: s"),
        (["train", "--csv", "none.csv", "--out", "o", "--teacher", "t"], "no such file: t"),
        (["train", "--csv", "none.csv", "--out", "o", "--weights", "w"], "no such file: w"),
    ],
)
def test_what_is_missing_is_one_line_and_a_status(words, why, capsys):
    assert main(words) == 1
    error = capsys.readouterr().err
    assert why in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(("command", "goes_on"), [("train", True), ("export", False)])
def test_only_training_goes_on_after_ctrl_c(
    training, validation, tmp_path, capsys, monkeypatch, command, goes_on
):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"fer_training.{command}.{command}", stop)
    csv = str(write_csv(tmp_path / "fer.csv", training, validation))
    model = {"train": "--start", "export": "--model"}[command]  # any file will do
    assert main([command, "--csv", csv, "--out", str(tmp_path / "out"), model, csv]) == 130
    assert ("the same command goes on" in capsys.readouterr().err) == goes_on


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("export", "--named-right", "1.5"), "1.5: expected a number, 0 to 1"),
        (("tune", "--trials", "0"), "0: expected a whole number, 1 to"),
    ],
)
def test_an_option_out_of_its_limits(words, why, capsys):
    with pytest.raises(SystemExit):
        main([*words])
    assert why in capsys.readouterr().err


def test_summary_prints_the_papers_count(capsys):
    assert main(["summary", "--recipe", "paper"]) == 0
    assert "2,430,663 total / 2,396,551 trainable / 34,112 other" in capsys.readouterr().out


def test_summary_prints_every_phase(capsys):
    assert main(["summary", "--recipe", "teacher_vgg"]) == 0
    assert "60 epochs at 48x48, 10 epochs at 48x48" in capsys.readouterr().out


def test_the_face_network_becomes_int8_and_reads_the_same(tmp_path, training, validation):
    from fer_training.export import export
    from fer_training.face_network import face_resnet

    face_resnet(0.0).save(tmp_path / "last.keras")
    card = export(tmp_path / "last.keras", training, validation, tmp_path / "out", "face")
    assert card["input_size"] == 112
    assert sorted(card["files"]) == [
        *("face.tflite", "face_float16.tflite", "face_float32.tflite", "face_int8.tflite")
    ]
    assert (tmp_path / "out" / "face_int8.tflite").stat().st_size < 6e6
    Classifier(tmp_path / "out" / "face.tflite")


def test_a_teacher_of_another_family_is_judged_by_what_its_recipe_held_out(tmp_path, capsys):
    from fer_training.networks import NETWORKS

    training = make_faces(140, "Training", seed=1)
    csv = write_csv(tmp_path / "fer2013.csv", training, make_faces(21, "PublicTest", seed=2))
    NETWORKS["contrast"](0.0).save(tmp_path / "last.keras")
    (tmp_path / "recipe.json").write_text('{"name": "mine", "held_out": 0.3}')
    out = tmp_path / "export"
    arguments = ["--model", str(tmp_path / "last.keras"), "--csv", str(csv), "--name", "mine"]
    assert main(["export", *arguments, "--out", str(out)]) == 0
    assert "faces, held out of Training" in capsys.readouterr().out
    card = json.loads((out / "mine.json").read_text())
    assert card["figures"]["split"] == "held out of Training"
    assert card["architecture"] == "teacher_contrast"
    assert sorted(card["files"]) == [
        *("mine.tflite", "mine_float16.tflite", "mine_float32.tflite", "mine_int8.tflite")
    ]
    assert (out / "mine_int8.tflite").stat().st_size < 1.2e6
    assert len(np.load(out / "mine_training_keys.npy")) == len(np.unique(training.keys()))
    Classifier(out / "mine.tflite")

    asked = ["--out", str(out), "--usage", "PublicTest"]  # its start may have learnt the other
    assert main(["export", *arguments, *asked]) == 0
    assert "on 21 faces, PublicTest" in capsys.readouterr().out
    card = json.loads((out / "mine.json").read_text())
    assert card["figures"]["split"] == "PublicTest"
    assert len(np.load(out / "mine_training_keys.npy")) == len(np.unique(training.keys()))
