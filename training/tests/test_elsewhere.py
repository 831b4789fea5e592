# SPDX-License-Identifier: Apache-2.0
"""What is learnt from, and judged by, faces that are not FER-2013's."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest
from conftest import LIGHT, TINY, make_faces, write_csv
from fer_training import elsewhere
from fer_training.batches import Batches
from fer_training.cli import main
from fer_training.dataset import DatasetError, load, load_labelled, seen_as_faces
from fer_training.errors import errors
from fer_training.groups import by_group, render_recalls, stated_groups
from fer_training.recipe import RecipeError
from fer_training.targets import AdjustedCrossentropy, shown, targets
from fer_training.train import train

from fer_ros.emotions.classifier import default_model


@pytest.fixture
def stored(tmp_path):
    """An .npz set of 28 faces of fourteen people, two each, who state their gender and age."""
    faces = make_faces(28, "", seed=5)
    path = tmp_path / "studio.npz"
    people = np.arange(28) % 14
    np.savez(
        path,
        images=faces.images,
        labels=faces.labels,
        names=np.array([f"{i}/{p:03}.jpg" for i, p in enumerate(people)]),
        gender=np.where(people % 2, "female", "male"),
        age=np.where(people < 7, 25.0, -1),
        source=np.array("drawn"),
    )
    return path


def test_a_labelled_set_and_what_it_says_of_people(stored):
    faces, said = load_labelled(stored)
    assert len(faces) == 28
    assert set(faces.usage) == {"studio"}
    assert set(said) == {"gender", "age"}
    np.testing.assert_array_equal(load(stored).labels, faces.labels)


@pytest.mark.parametrize(
    ("labels", "said"),
    [(np.full(28, 7), "0 to 6"), (np.zeros(27, int), "28 whole"), (np.zeros(28), "whole numbers")],
)
def test_labels_that_are_none_are_one_line(stored, labels, said):
    np.savez(stored, images=make_faces(28, "").images, labels=labels)
    with pytest.raises(DatasetError, match=said):
        load_labelled(stored)


def test_balanced_recall_leaves_classes_with_few_faces_out():
    labels = np.repeat([0, 3, 6], [10, 30, 2])
    answers = np.where(np.arange(42) % 2, labels, 6)  # half of each are right, neutral all
    found = elsewhere.judged(9.0 * np.eye(7)[answers], labels)
    assert found["balanced"] == pytest.approx(0.5)
    assert found["recall"]["neutral"] == 1
    assert found["recall"]["fear"] is None
    assert found["classes"] == 2
    low, high = found["interval"]
    assert low < 0.5 < high


def test_intervals_draw_people_not_faces():
    labels = np.repeat(np.arange(2), 60)
    people = np.tile(np.arange(6), 20)  # each person has twenty faces, all right or all wrong
    logits = np.eye(7)[np.where(people < 3, labels, 6)]
    alone, together = (elsewhere.judged(logits, labels, people=p) for p in (None, people))
    width = [f["interval"][1] - f["interval"][0] for f in (alone, together)]
    assert width[1] > 2 * width[0]


def test_people_by_a_pattern():
    names = np.array(["a/001_03.jpg", "b/001_08.jpg", "a/002_03.jpg"])
    assert elsewhere.people_of(names, r"(\d{3})").tolist() == [0, 0, 1]
    assert elsewhere.people_of(names, r"b/(\d{3})").tolist() == [0, 1, 2]
    assert elsewhere.people_of(names, None).tolist() == [0, 1, 2]
    for wrong in ("(", r"\d{3}"):
        with pytest.raises(DatasetError, match="no group"):
            elsewhere.people_of(names, wrong)


def test_the_mean_is_of_sets_with_several_classes(stored):
    faces, _ = load_labelled(stored)
    guard = replace(faces.select(faces.labels == 6), usage=np.full(4, "guard"))
    found = elsewhere.on_sets(lambda images: np.eye(7)[np.full(len(images), 6)], [faces, guard])
    assert found["guard"]["balanced"] == 1
    assert found["studio"]["balanced"] == pytest.approx(1 / 7)
    assert found[elsewhere.MEAN]["balanced"] == found["studio"]["balanced"]


def test_evaluate_prints_each_judge_and_writes_it(stored, tmp_path, capsys):
    training, judges = make_faces(14, "Training", seed=1), make_faces(21, "PublicTest", seed=2)
    csv, out = write_csv(tmp_path / "fer.csv", training, judges), tmp_path / "out.json"
    arguments = ["evaluate", "--csv", str(csv), "--model", str(default_model()), "--json", str(out)]
    arguments += ["--train-csv", str(csv), "--elsewhere", str(stored), "--people", r"/(\d{3})"]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "balanced recall" in printed
    written = json.loads(out.read_text())["elsewhere"]
    assert list(written) == ["FER-2013", "deduplicated", "studio", "mean elsewhere"]
    assert "draws" not in written["studio"]


def test_groups_that_people_stated(stored, capsys):
    arguments = ["evaluate", "--csv", str(stored), "--model", str(default_model()), "--groups"]
    assert main([*arguments, "gender", "age"]) == 0
    printed = capsys.readouterr().out
    assert "female" in printed
    assert "20 to 29" in printed
    assert "widest gap" in printed
    assert main([*arguments, "height"]) == 1
    assert "no column height" in capsys.readouterr().err


def test_small_groups_have_wide_intervals(stored):
    faces = load(stored)
    group = stated_groups(stored, ["gender"])["gender"]
    found = by_group(9.0 * np.eye(7)[faces.labels], faces, group, 1.0)
    low, high = found["groups"]["male"]["recall_wilson"]["joy"]
    assert low < 0.6
    assert high == 1
    assert "points" not in render_recalls(found)  # two of a class are no gap


def test_what_annotators_contradict_is_learnt_from_them(training):
    votes = np.zeros((len(training), 10), np.int64)
    own = training.labels[0]
    other = (own + 1) % 7
    votes[0, [own, other]] = 2, 8
    learnt = targets(replace(training, votes=votes), replace(TINY, votes=0.6, doubt=1.0))[0]
    assert learnt[own] == pytest.approx(0.4 * 0.25 + (1 - 0.4 * 0.25) * 0.2)
    assert learnt.sum() == pytest.approx(1)
    believed = targets(replace(training, votes=votes), replace(TINY, votes=0.6))[0]
    assert believed[own] == pytest.approx(0.4 + 0.6 * 0.2)


def test_rows_that_are_no_face_to_most_are_left_out(training):
    votes = np.zeros((len(training), 10), np.int64)
    votes[:, 0] = 10
    votes[3] = [1, 0, 2, 0, 0, 0, 0, 0, 4, 3]  # unknown leads
    votes[5] = [4, 0, 0, 0, 0, 0, 0, 0, 3, 3]
    left = seen_as_faces(replace(training, votes=votes))
    assert len(left) == len(training) - 1
    assert "3" not in left.names


def test_each_origin_is_shown_as_often(training):
    others = [make_faces(7, "a", seed=8), make_faces(21, "b", seed=9)]
    rows = shown(others, 28)
    assert np.bincount(rows, minlength=28).tolist() == [2] * 7 + [1] * 14 + [0] * 7
    batches = Batches(training, replace(TINY, others=0.5), others=others)
    assert len(batches.images) == len(training) + 24
    assert len(shown([], 10)) == 0


def test_an_adjusted_loss_takes_the_frequencies_off():
    """Where faces tell nothing, what is learnt best is that all classes are alike."""
    frequencies = np.array([0.5, 0.3, 0.1, 0.04, 0.03, 0.02, 0.01])
    loss = AdjustedCrossentropy(np.log(frequencies))
    told = np.tile(frequencies, (1, 1))
    flat, theirs = (float(loss(told, z)) for z in (np.zeros((1, 7)), np.log(frequencies)[None]))
    assert flat == pytest.approx(-(frequencies * np.log(frequencies)).sum(), rel=1e-4)
    assert flat < theirs
    again = AdjustedCrossentropy.from_config(loss.get_config())
    assert float(again(told, np.zeros((1, 7)))) == pytest.approx(flat)


def test_frequencies_hold_what_teachers_say(training, monkeypatch):
    joy = np.tile(10.0 * np.eye(7)[3], (1, 1))
    monkeypatch.setattr("fer_training.batches._answerer", lambda _: lambda x: joy.repeat(len(x), 0))
    recipe = replace(TINY, teacher=0.5, consistent_teacher=True)
    batches = Batches(training, recipe, teachers=["any"])
    labels = np.bincount(training.labels, minlength=7) / len(training)
    expected = 0.5 * labels + 0.5 * np.eye(7)[3]
    np.testing.assert_allclose(batches.frequencies(), expected, atol=1e-3)


def test_whose_errors_they_are():
    faces = make_faces(4, "PublicTest")
    votes = np.zeros((4, 10), np.int64)
    votes[np.arange(4), [3, 1, 8, 4]] = 9
    votes[0, 6] = 1
    answers = np.array([3, 0, 5, 3])  # labels are 0 to 3; the last is right
    found = errors(answers, replace(faces, votes=votes))
    assert found["n"] == 3
    assert found["with"] == {"the model": 1, "the label": 1, "neither": 1}
    assert found["examples"][0] == {
        "row": "0", "label": "anger", "votes": "9 happiness, 1 neutral", "answer": "joy",
    }  # fmt: skip
    assert errors(answers, faces) is None


@pytest.mark.usefixtures("eager")
def test_a_share_of_the_start_is_kept(tmp_path, training, validation):
    plain = replace(LIGHT, epochs=1, dropout=0.0)
    train(plain, training, validation, tmp_path / "start")
    start = tmp_path / "start" / "last.keras"
    phase = replace(plain, name="mine_1", keep=0.25)
    recipe = replace(plain, name="mine", keep=0.25, phases=(phase,))
    result = train(recipe, training, validation, tmp_path / "mine", start=start)
    one, other, mixed = (
        keras.saving.load_model(path, compile=False).get_layer("logits").get_weights()[0]
        for path in (start, tmp_path / "mine/1/last.keras", tmp_path / "mine/last.keras")
    )
    assert not np.allclose(one, other, atol=1e-5)
    np.testing.assert_allclose(mixed, 0.25 * one + 0.75 * other, atol=1e-6)
    assert json.loads((tmp_path / "mine/result.json").read_text()) == result
    with pytest.raises(RecipeError, match="--start"):
        train(recipe, training, validation, tmp_path / "none")
    with pytest.raises(RecipeError, match=r"write a \[\[phase\]\]"):
        train(replace(recipe, phases=()), training, validation, tmp_path / "none", start=start)
