# SPDX-License-Identifier: Apache-2.0
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from conftest import write_csv
from fer_training import dataset, inspection, near
from fer_training.cli import main
from fer_training.dataset import DatasetError, Faces


@pytest.fixture
def faulty(training, validation):
    """Both splits; one Training row twice with another label, and once more in PublicTest, where
    a slightly brightened one stands too.
    """
    again = training.select([5])
    brighter = cv2.add(training.images[9], 3)[None]
    return Faces(
        np.concatenate((training.images, again.images, validation.images, again.images, brighter)),
        np.concatenate((training.labels, again.labels + 1, validation.labels, [5, 2])),
        np.array(["Training"] * (len(training) + 1) + ["PublicTest"] * (len(validation) + 2)),
    )


def write_votes(path, faces, columns):
    """A fer2013new.csv in which all ten annotators of each face chose the given column."""
    names = dataset.VOTE_COLUMNS
    lines = [",".join(["Usage", "Image name", *names])]
    for usage, column in zip(faces.usage, columns, strict=True):
        lines.append(",".join([usage, "", *(str(10 * (n == column)) for n in names)]))
    path.write_text("\n".join(lines) + "\n")
    return path


def test_finds_repeats_leaks_and_doubtful_labels(faulty):
    exact = inspection.inspect(faulty, near=False)["exact"]
    assert exact["within"] == {"Training": 1, "PublicTest": 0}
    assert exact["across"] == {
        "Training rows also in PublicTest": 2,
        "PublicTest rows also in Training": 1,
    }
    assert exact["pictures with two labels or more"] == 1


def test_finds_near_pictures_that_are_not_equal(faulty, training, monkeypatch):
    monkeypatch.setattr(near, "BLOCK", 16)  # several blocks
    with_it = inspection.inspect(faulty)["near"]["across"]
    without = inspection.inspect(faulty.select(np.arange(len(faulty) - 1)))["near"]["across"]
    name = "PublicTest pictures near one in Training"
    assert with_it[name] == without[name] + 1


def test_votes_are_joined_by_row(tmp_path, training):
    columns = ["anger"] * len(training)
    columns[0], columns[1] = "NF", "happiness"
    path = write_votes(tmp_path / "votes.csv", training, columns)
    faces = dataset.with_votes(training, path)
    assert faces.votes[0, 9] == faces.votes[1, 3] == faces.votes[2, 0] == 10
    label, sure = dataset.majority(faces.votes)
    assert (label[0], sure[0], label[1], sure[1]) == (9, False, 3, True)
    agreement = inspection.inspect(faces, near=False)["votes"]["Training"]
    agreeing = (training.labels[2:] == 0).sum() + (training.labels[1] == 3)
    assert agreement["label is the majority"] == pytest.approx(agreeing / len(training))
    assert agreement["no face, by the majority"] == pytest.approx(1 / len(training))


def test_a_tie_is_no_majority():
    votes = np.zeros((1, 10), np.int64)
    votes[0, :2] = 5
    assert [x.item() for x in dataset.majority(votes)] == [-1, False]


def test_votes_of_other_rows_are_refused(tmp_path, training):
    path = write_votes(tmp_path / "votes.csv", training, ["anger"] * len(training))
    with pytest.raises(DatasetError, match="not those of"):
        dataset.with_votes(training.select(np.arange(9)), path)
    other = replace(training, usage=np.full(len(training), "PublicTest"))
    with pytest.raises(DatasetError, match="not those of"):
        dataset.with_votes(other, path)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DatasetError, match="not FER"):
        dataset.with_votes(training, path)


def test_the_command_prints_and_draws(tmp_path, faulty, capsys):
    csv = write_csv(tmp_path / "fer2013.csv", faulty)
    votes = write_votes(tmp_path / "votes.csv", faulty, ["sadness"] * len(faulty))
    out = tmp_path / "out"
    assert main(["inspect", "--csv", str(csv), "--votes", str(votes), "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert "2  Training rows also in PublicTest" in text
    assert "FER+'s ten annotators on PublicTest" in text
    assert json.loads((out / "inspect.json").read_text())["exact"]["within"]["Training"] == 1
    assert (out / "classes.png").stat().st_size > 5000
