# SPDX-License-Identifier: Apache-2.0
"""A minute of benchmarks/speed/soak.py, and that it would notice."""

import importlib
import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

pytestmark = pytest.mark.ros


@pytest.fixture
def soak(repository, monkeypatch):
    monkeypatch.syspath_prepend(repository)
    return importlib.import_module("benchmarks.speed.soak")


def test_memory_stays_flat(repository, tmp_path):
    command = [sys.executable, "-m", "benchmarks.speed.soak", "--minutes", "1"]
    done = subprocess.run(
        [*command, "--rate", "10", "--interval", "0.5"],
        cwd=repository,
        env=os.environ | {"FER_ROS_RESULTS": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "soak.json").read_text())
    assert found["results"] > 50
    assert found["drawings"] > 0
    assert found["errors"] == 0
    assert "samples" not in found, "the points are in the chart"
    assert cv2.imread(str(tmp_path / "soak.png")).shape[1] > 500


@pytest.mark.parametrize("who", ["node", "camera"])
@pytest.mark.parametrize(("growth", "flat"), [(0.0, True), (0.001, True), (0.1, False)])
def test_growth_is_noticed(soak, who, growth, flat):
    """MB a second; a step and spikes are no growth, a leak among them is."""
    seconds = np.arange(0.0, 600.0)
    values = 150 + growth * seconds + 30 * (seconds < 60) + 5 * (seconds % 50 == 0)
    assert soak.slope(seconds[120:], values[120:]) == pytest.approx(growth, abs=0.002)
    ears = type("Ears", (), {"results": 600, "drawings": 9})
    ears.values = {"received": "600", "processed": "590", "dropped": "10", "errors": "0"}
    steady = np.full(600, 150.0)
    both = (values, steady) if who == "node" else (steady, values)
    found = soak.summary(np.column_stack((seconds, *both, seconds)), ears, [0, 0])
    assert [f"the {who} grew" in line for line in soak.faults(found)] == [True] * (not flat)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"processed": 5}, "dropped"),
        ({"errors": 2}, "2 errors"),
        ({"exit_statuses": [0, -9]}, "-9"),
        ({"longest_pause_s": 60.0}, "no result for 60 s"),
        ({"node_growth_mb": float("nan")}, "the node grew by nan"),
        ({"camera_growth_mb": float("nan")}, "the camera grew by nan"),
    ],
)
def test_faults_are_named(soak, change, words):
    good = {"node_growth_mb": 0.1, "camera_growth_mb": -0.1, "longest_pause_s": 1.0}
    good |= {"received": 6, "processed": 6, "dropped": 0, "errors": 0, "exit_statuses": [0, 0]}
    assert soak.faults(good) == []
    (line,) = soak.faults(good | change)
    assert words in line


def test_pauses(soak):
    seconds, results = np.arange(10.0), np.array([1, 2, 3, 3, 3, 3, 4, 5, 5, 5])
    assert soak.longest_pause(seconds, results) == 4
    assert soak.longest_pause(seconds, np.ones(10)) == 9
