# SPDX-License-Identifier: Apache-2.0
import json
import re
import shutil

import numpy as np
from conftest import make_faces, write_csv
from fer_training.cli import main
from fer_training.near import HELD_OUT


def test_writes_the_card_with_every_figure_and_picture(exported, training, validation, tmp_path):
    models = shutil.copytree(exported[0], tmp_path / "models")
    csv = write_csv(tmp_path / "fer2013.csv", training, validation)
    words = ["report", "--csv", str(csv), "--model", str(models / "tiny.tflite")]
    assert main([*words, "--out", str(tmp_path)]) == 0
    text = (tmp_path / "MODEL_CARD.md").read_text()
    assert "$" not in text
    assert "by the recipe `tiny`" in text
    assert text.count("| `tiny") == 5  # every file of the card is measured
    pictures = re.findall(r"\((docs/images/model/\w+\.png)\)", text)
    assert len(pictures) == 5
    assert all((tmp_path / p).stat().st_size > 5000 for p in pictures)


def test_says_who_taught_and_that_others_chose(exported, training, validation, tmp_path):
    models = shutil.copytree(exported[0], tmp_path / "models")
    path = models / "tiny.json"
    card = json.loads(path.read_text())
    assert card["learnt_from"] == {"teachers": [], "unlabelled": 0}
    card["learnt_from"] = {"teachers": ["vgg", "best"], "unlabelled": 11069}
    card["figures"]["split"] = HELD_OUT
    card["files"] = {"tiny.tflite": card["files"]["tiny.tflite"] | {"temperature": 50.0}}
    path.write_text(json.dumps(card))
    csv = write_csv(tmp_path / "fer2013.csv", training, validation)
    words = ["report", "--csv", str(csv), "--model", str(models / "tiny.tflite")]
    assert main([*words, "--out", str(tmp_path)]) == 0
    text = (tmp_path / "MODEL_CARD.md").read_text()
    assert "taught by the mean answer of `vgg`, `best` on these and on 11,069 [faces" in text
    assert "muxspace" in text
    assert "chosen with others" in text
    assert "cross-fitted" not in text
    assert "$" not in text


def test_tells_what_it_reads_elsewhere_and_of_whom(exported, training, validation, tmp_path):
    models = shutil.copytree(exported[0], tmp_path / "models")
    csv = write_csv(tmp_path / "fer2013.csv", training, validation)
    faces = make_faces(28, "", seed=5)
    studio = tmp_path / "studio.npz"
    gender = np.where(np.arange(28) % 2, "female", "male")
    np.savez(studio, images=faces.images, labels=faces.labels, gender=gender)
    words = ["report", "--csv", str(csv), "--model", str(models / "tiny.tflite")]
    more = ["--elsewhere", str(studio), "--groups", str(studio)]
    assert main([*words, *more, "--out", str(tmp_path)]) == 0
    text = (tmp_path / "MODEL_CARD.md").read_text()
    assert "| mean elsewhere | 28 |" in text
    assert "| studio | 28 |" in text
    assert re.search(r"\| female \| \d+% \(\d+% to \d+%\) of 2 ", text)
