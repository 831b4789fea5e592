# SPDX-License-Identifier: Apache-2.0
import re

from conftest import write_csv
from fer_training.cli import main
from fer_training.export import export


def test_writes_the_card_with_every_figure_and_picture(
    run, training, validation, tmp_path, monkeypatch
):
    models = tmp_path / "models"
    export(run / "last.keras", training, validation, models, "tiny")
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
