# SPDX-License-Identifier: Apache-2.0
"""Other data sets and one's own crops: how they are labelled, judged, told apart, learnt from."""

import json

import cv2
import numpy as np
import pytest
from conftest import make_faces, write_csv
from fer_training import dataset
from fer_training.cli import main
from fer_training.dataset import DatasetError
from fer_training.groups import by_group, read_groups
from fer_training.near import HELD_OUT

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.emotions.classifier import Classifier
from fer_ros.inference.shipped import MODELS

SHIPPED = MODELS / "emotion_mobilenet_v2_small.tflite"


def write(root, faces, name):
    """Each face as a picture; ``name`` gives its path by number and class."""
    for i, (image, label) in enumerate(zip(faces.images, faces.labels, strict=True)):
        path = root / name(i, EMOTIONS[label])
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), image)
    return root


def test_folders_by_class_of_any_size_and_name(tmp_path):
    faces = make_faces(14, "Training")
    names = {"anger": "Angry", "joy": "Happiness", "sadness": "sad"}
    root = write(tmp_path, faces, lambda i, c: f"{names.get(c, c)}/{i}.png")
    large = np.zeros((200, 160, 3), np.uint8)
    cv2.imwrite(str(root / "fear" / "large.jpg"), large)
    read = dataset.load(root)
    assert read.images.shape == (15, 48, 48)
    assert set(read.usage) == {"Training"}
    by_name = dict(zip(read.names, read.labels, strict=True))
    assert by_name["Angry/0.png"] == 0
    assert by_name["fear/large.jpg"] == 2


def test_labels_in_file_names_by_a_map_with_foreign_classes_left_out(tmp_path):
    codes = dict(zip(EMOTIONS, ("AN", "DI", "FE", "HA", "SA", "SU", "NE"), strict=True))
    root = write(
        tmp_path / "faces", make_faces(14, "Training"), lambda i, c: f"KA.{codes[c]}{i}.png"
    )
    cv2.imwrite(str(root / "KA.CO1.png"), np.zeros((48, 48), np.uint8))
    labels = tmp_path / "labels.toml"
    lines = [f'{code} = "{name}"' for name, code in codes.items()]
    labels.write_text("\n".join([*lines, 'CO = "none"']))
    read = dataset.load(root, labels=labels, pattern=r"\.([A-Z]{2})\d")
    assert np.bincount(read.labels).tolist() == [2] * 7
    labels.write_text("\n".join(lines))
    with pytest.raises(DatasetError, match=r"'CO'.*\"CO\" = \"anger\", or = \"none\""):
        dataset.load(root, labels=labels, pattern=r"\.([A-Z]{2})\d")


@pytest.mark.parametrize(
    ("labels", "pattern", "why"),
    [
        ('"1" = "rage"', r"([^/]+)/", "1 = 'rage': expected one of anger"),
        ('"1" = ', r"([^/]+)/", r"labels\.toml"),
        ("", r"([^/]+)/", r"'1' .*: expected one of anger"),
        ('"1" = "none"', r"([^/]+)/", "exclude every picture"),
        ("", r"(", "pattern"),
        ("", r"[^/]+/", "no group"),
        ("", r"(zzz)", "finds no label"),
    ],
)
def test_what_is_wrong_with_labels(tmp_path, labels, pattern, why):
    root = write(tmp_path / "faces", make_faces(2, "Training"), lambda i, _: f"1/{i}.png")
    (tmp_path / "labels.toml").write_text(labels)
    with pytest.raises(DatasetError, match=why) as told:
        dataset.load(root, labels=tmp_path / "labels.toml", pattern=pattern)
    assert "\n" not in str(told.value)


def test_only_the_classes_that_are_there_are_answers(tmp_path, capsys):
    faces = make_faces(70, "Training")
    few = faces.select(np.isin(faces.labels, (3, 5)))
    root = write(tmp_path / "faces", few, lambda i, c: f"{c}/{i}.png")
    out = tmp_path / "figures.json"
    arguments = ["evaluate", "--csv", str(root), "--model", str(SHIPPED), "--json", str(out)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "no face of anger, disgust, fear, sadness, neutral: not among the answers" in printed
    assert "all of it" in printed
    assert "95 % between" in printed
    confusion = np.array(json.loads(out.read_text())["confusion"])
    assert confusion[:, [3, 5]].sum() == confusion.sum() == len(few)


def test_groups_by_row_and_by_picture(tmp_path, capsys):
    faces = make_faces(140, "PublicTest", seed=3)
    csv = write_csv(tmp_path / "fer2013.csv", make_faces(7, "Training"), faces)
    groups = tmp_path / "groups.csv"
    lines = [f"{row},{'young' if row % 2 else 'old'}" for row in range(7, 140)]
    groups.write_text("\n".join(["row,group", *lines]))
    arguments = ["evaluate", "--csv", str(csv), "--model", str(SHIPPED), "--groups", str(groups)]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "widest gap in accuracy" in printed
    assert "7 faces have no group" in printed
    groups.write_text("picture,group\nnone.png,old\n")
    assert main(arguments) == 1
    assert "none of its 1 entries is one of the 140 faces" in capsys.readouterr().err
    groups.write_text("a,b\n1,2\n")
    with pytest.raises(DatasetError, match="columns row or picture, and group"):
        read_groups(groups, faces)


def test_the_widest_gap_is_between_groups_large_enough():
    faces = make_faces(150, "PublicTest")
    group = np.array(["a"] * 70 + ["b"] * 70 + ["few"] * 10)
    logits = np.eye(7)[faces.labels] * 5
    logits[70:105] = -logits[70:105]  # half of b is wrong
    logits[140:] = -logits[140:]
    found = by_group(logits, faces, group, 1.0)
    assert found["gap"]["accuracy"] == pytest.approx(0.5)
    assert (found["gap"]["best"], found["gap"]["worst"]) == ("a", "b")
    assert found["groups"]["few"]["accuracy"] == 0


def test_ones_own_crops_to_a_model_that_runs(tmp_path, capsys):
    faces = make_faces(140, "Training", seed=6)
    crops = write(tmp_path / "crops", faces, lambda i, c: f"{c}/{i}.png")
    run, out = tmp_path / "mine", tmp_path / "mine" / "export"
    data = ["--csv", str(crops)]
    train = ["train", "--recipe", "fine_tune", *data, "--start", str(SHIPPED), "--out", str(run)]
    assert main([*train, "--epochs", "3", "--input-size", "64"]) == 0
    model = ["--model", str(run / "last.keras")]
    assert main(["export", *model, *data, "--out", str(out), "--name", "mine"]) == 0
    assert HELD_OUT in capsys.readouterr().out
    classifier = Classifier(out / "mine.tflite")
    assert classifier.probabilities(faces.images[0]).sum() == pytest.approx(1, abs=1e-5)
