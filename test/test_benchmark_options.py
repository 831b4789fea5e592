# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks do with their options, and where a face is said to be."""

import argparse
import ast
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from fer_ros.faces.detectors import Detection, Framing
from fer_ros.result import Box


@pytest.fixture(autouse=True)
def benchmarks(repository, monkeypatch):
    """Gives the modules of benchmarks/ by name."""
    monkeypatch.syspath_prepend(repository)
    return lambda name: importlib.import_module(f"benchmarks.{name}")


@pytest.fixture
def parse(benchmarks, monkeypatch):
    """What node.py makes of these words."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["node.py", *words])
        return benchmarks("speed.node").parse()

    return run


def test_a_part_of_the_scenarios_goes_under_a_name_of_its_own(benchmarks, parse):
    assert parse().scenarios == list(benchmarks("speed.node").SCENARIOS)
    assert parse().name == "node"
    part = parse("--only", "1920x1080", "--seconds", "3")
    assert [s.name for s in part.scenarios] == ["1920x1080, JPEG, 30 Hz", "1920x1080, raw, 30 Hz"]
    assert {s.seconds for s in part.scenarios} == {3}
    assert part.name == "node_only"
    assert parse("--only", "1920x1080", "--name", "mine").name == "mine"


def test_scenarios_that_nobody_knows_are_refused(parse, capsys):
    with pytest.raises(SystemExit):
        parse("--only", "640x480 raw 30")
    assert "640x480, raw, 30 Hz" in capsys.readouterr().err


def test_two_models_of_the_same_name_are_refused(benchmarks, capsys):
    refuse = benchmarks("report").refuse_namesakes
    refuse(argparse.ArgumentParser(), [Path("a/x.tflite"), Path("a/y.tflite")])
    with pytest.raises(SystemExit):
        refuse(argparse.ArgumentParser(), [Path("a/x.tflite"), Path("b/x.tflite")])
    assert "same name" in capsys.readouterr().err


def test_many_models_of_one_detector_do_not_outvote_the_others(benchmarks):
    class Detector:
        def __init__(self, name, *places):
            self.name, self.places = name, places
            self.framing = Framing(1.0)

        def detect(self, image):
            return [Detection(Box(x, 0.0, 10.0, 10.0), score=0.9) for x in self.places]

    module = benchmarks("accuracy.detectors")
    detectors = [Detector("blazeface", 50.0 + i) for i in range(4)]
    detectors += [Detector("haar", 10.0, 90.0), Detector("yunet", 10.0), Detector("yunet")]
    found = module.locate(None, dict(enumerate(detectors)))
    haar = module.framed(Detection(Box(10.0, 0.0, 10.0, 10.0), score=0.9), Framing(1.0))
    assert abs(found[0] - haar[0]) < 3
    assert np.isfinite(found).all()


def test_benchmarks_name_each_other_by_their_folder(repository):
    """Their peers' packages are not installed here, so that a wrong import would show there."""
    files = list((repository / "benchmarks").rglob("*.py"))
    names = {path.stem for path in files}
    for path in files:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                top = node.module.partition(".")[0]
                assert top not in names, f"{path}: {node.module}"
                if top == "benchmarks":
                    folder = repository / Path(*node.module.split("."))
                    assert folder.is_dir() or folder.with_suffix(".py").is_file(), node.module
