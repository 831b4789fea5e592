# SPDX-License-Identifier: Apache-2.0
"""Every model on every data set: the table, the chart, other people's sets and models."""

import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from conftest import make_faces, write_csv

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.emotions.classifier import default_model, small_model
from fer_ros.emotions.model_card import Crop, sha256_of

sys.path.append(str(Path(__file__).parents[2]))
from benchmarks.accuracy import leaderboard


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["benchmarks.report"], "RESULTS", tmp_path / "results")
    monkeypatch.setattr(leaderboard.os, "sched_setaffinity", lambda *_: None)
    return tmp_path / "results"


@pytest.fixture
def csv(tmp_path):
    training, validation = make_faces(21, "Training", seed=1), make_faces(14, "PublicTest", seed=2)
    return write_csv(tmp_path / "fer2013.csv", training, validation)


@pytest.fixture
def other_set(tmp_path):
    """A data set of three classes, one of them under a number, one foreign; and its .toml."""
    faces = make_faces(21, "", seed=3)
    for i, (image, label) in enumerate(zip(faces.images, faces.labels, strict=True)):
        name = {"joy": "happy", "anger": "1", "fear": "contempt"}.get(EMOTIONS[label])
        if name:
            (tmp_path / "faces" / name).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(tmp_path / "faces" / name / f"{i}.png"), image)
    (tmp_path / "map.toml").write_text('"1" = "anger"\ncontempt = "none"\n')
    toml = tmp_path / "others.toml"
    toml.write_text('folder = "faces"\nlabels = "map.toml"\n')
    return toml


def other_model(folder):
    """The small model again, as if of somebody else: another name, its card beside it."""
    folder.mkdir()
    path = folder / "theirs.tflite"
    shutil.copy(small_model(), path)
    card = json.loads(small_model().with_suffix(".json").read_text())
    card["files"] = {path.name: {"sha256": sha256_of(path), "temperature": 1.0}}
    (folder / "theirs.json").write_text(json.dumps(card))
    return path


def test_one_table_and_one_chart_of_all(results, csv, other_set, tmp_path, capsys):
    theirs = other_model(tmp_path / "theirs")
    words = ["--csv", csv, "--data", other_set, "--model", theirs, "--without-fer"]
    assert leaderboard.main([*map(str, words)]) == 0
    printed = capsys.readouterr().out
    (path,) = results.glob("leaderboard_20*.json")
    found = json.loads(path.read_text())
    assert list(found["sets"]) == [leaderboard.FER_2013, "others"]
    names = {default_model().name, small_model().name, theirs.name}
    for by_model in found["sets"].values():
        assert set(by_model) == names
    for name in names:
        assert printed.count(f"| {name} ") == 2
    others = found["sets"]["others"][small_model().name]
    assert others["n"] == 6
    assert others["n_deduplicated"] == 6
    assert [e for e in EMOTIONS if others["per_class"][e]["support"]] == ["anger", "joy"]
    said = np.sum(others["confusion"], axis=0)
    assert said[[EMOTIONS.index(e) for e in ("fear", "neutral")]].sum() == 0, "no answers there"
    twice = found["sets"][leaderboard.FER_2013]
    assert twice[theirs.name]["confusion"] == twice[small_model().name]["confusion"]
    assert path.with_suffix(".png").stat().st_size > 5000
    assert printed.split("\n\n")[2] in path.with_suffix(".md").read_text()


def test_a_card_that_wants_colour_gets_the_faces_enlarged(monkeypatch):
    seen = []

    class Asked:
        card = SimpleNamespace(crop=Crop(112, 3))

        def __init__(self, path): ...

        def probabilities(self, crop):
            seen.append(crop)
            return np.full(7, 1 / 7)

    monkeypatch.setattr(leaderboard, "Classifier", Asked)
    leaderboard.ours(Path("any"))(make_faces(1, "").images[0])
    assert seen[0].shape == (112, 112, 3)
    assert seen[0].dtype == np.uint8


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('labels = "map.toml"', "says labels; not folder"),
        ('folder = "faces"\ncolour = 3', "says folder, colour; not"),
        ("folder = ", "set.toml: Invalid value"),
        ('folder = "nowhere"', "nowhere"),
    ],
)
def test_a_wrong_set_is_one_line(results, tmp_path, capsys, text, why):
    (tmp_path / "set.toml").write_text(text)
    assert leaderboard.main(["--data", str(tmp_path / "set.toml"), "--without-fer"]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert why in line
    assert not results.exists()


def test_asks_for_data(capsys):
    with pytest.raises(SystemExit):
        leaderboard.main([])
    assert "nothing to measure on" in capsys.readouterr().err
