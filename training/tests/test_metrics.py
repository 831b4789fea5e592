# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from fer_training import metrics


def test_report_counts():
    labels = np.array([0, 0, 1, 3, 3, 3, 6])
    predicted = np.array([0, 1, 1, 3, 3, 0, 6])
    figures = metrics.report(np.eye(7)[predicted] * 9, labels)
    assert figures["n"] == 7
    assert figures["accuracy"] == pytest.approx(5 / 7)
    assert figures["confusion"][3][0] == 1
    joy = figures["per_class"]["joy"]
    assert (joy["precision"], joy["support"]) == (1, 3)
    assert joy["recall"] == pytest.approx(2 / 3)
    f1 = [c["f1"] for c in figures["per_class"].values() if c["support"]]
    assert figures["macro_f1"] == pytest.approx(np.mean(f1))
    text = metrics.render(figures | {"accuracy_deduplicated": 0.5, "ms_per_face": 0.8})
    assert "71.43%" in text
    assert "50.00%" in text
