# SPDX-License-Identifier: Apache-2.0
"""Detectors from outside the package, by the entry points of real distributions."""

import logging
import os
import shutil
import subprocess
import sys

import pytest
from node_helpers import REPOSITORY, astronaut, parameters, stamped

from fer_ros.faces.detectors import NAMES, DetectorError
from fer_ros.faces.detectors.plugins import create, find

OPTIONS = {"min_face_size": 0, "score_threshold": None, "proposing": False}
GOOD = """
class Detector:
    name, framing, min_face_size = "x", (1.0, 0.0), 0
    def __init__(self, model_path="", min_face_size=0, score_threshold=None): ...
    def detect(self, bgr): return []
"""


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """A folder into which pip has installed the example of the documentation."""
    folder = tmp_path_factory.mktemp("own_detector")
    source = shutil.copytree(REPOSITORY / "examples/own_detector", folder / "source")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    options = ["--no-build-isolation", "--target", folder / "site"]
    subprocess.run([*pip, *options, source], check=True)
    return folder / "site"


@pytest.fixture
def distribution(tmp_path, monkeypatch):
    """Makes a distribution with these entry points and this module, and finds what is there."""
    monkeypatch.syspath_prepend(tmp_path)
    module = f"module_{tmp_path.name}"

    def make(name, entry_points, source=GOOD):
        (tmp_path / f"{module}.py").write_text(source)
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        text = f"[fer_ros.detectors]\n{entry_points}".replace("MODULE", module)
        (info / "entry_points.txt").write_text(text)
        return find(taken=("auto", "haar"))

    return make


def failure(entry) -> str:
    with pytest.raises(DetectorError) as error:
        create(entry, "", OPTIONS)
    assert "\n" not in str(error.value)
    return str(error.value)


def under(folder) -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    return {"PYTHONPATH": path}


def test_the_node_runs_one_from_outside(installed, start, meet):
    arguments = parameters(detector="profile", diagnostics_period=0.1)
    node = start("emotion_node", *arguments, **under(installed))
    node.wait_for("faces by profile")
    bench = meet()
    (face,) = bench.process(bench.publisher(), stamped(astronaut(), 1000)).faces
    assert face.label == "joy"
    bench.report(lambda status, values: values["detector"] == "profile")
    words = bench.describe("detector").additional_constraints
    assert words == f"one of {', '.join((*NAMES, 'profile'))}"


def test_commands_offer_it(installed):
    command = [sys.executable, "-m", "fer_ros.cli.evaluate_bag", "--help"]
    environment = {**os.environ, **under(installed)}
    text = subprocess.run(
        command, cwd=REPOSITORY, env=environment, check=True, capture_output=True, text=True
    ).stdout
    assert f"--detector {{{','.join((*NAMES, 'profile'))}}}" in " ".join(text.split())


def test_the_launch_file_offers_it(installed):
    pytest.importorskip("launch_ros", reason="launch is not installed: it does not come as a wheel")
    program = "import runpy, sys; print(runpy.run_path(sys.argv[1])['ARGUMENTS'])"
    command = [sys.executable, "-c", program, "launch/emotion.launch.py"]
    environment = {**os.environ, **under(installed)}
    text = subprocess.run(
        command, cwd=REPOSITORY, env=environment, check=True, capture_output=True, text=True
    ).stdout
    assert str(("detector", "", ("", *NAMES, "profile")))[:-1] in text


def test_made_as_our_own_are(distribution):
    entries = distribution("good", "own = MODULE:Detector")
    detector = create(entries["own"], "", OPTIONS)
    assert detector.name == "own", "as it is asked for, whatever it calls itself"
    assert detector.model_path.read_text() == GOOD, "for evaluate_bags, which knows it by its file"
    assert detector.detect(astronaut()) == []


def test_it_may_propose_more_where_faces_are_verified(distribution):
    source = GOOD.replace(" ...", " self.threshold = score_threshold")
    source += "    proposal_threshold = 0.2"
    entry = distribution("good", "own = MODULE:Detector", source)["own"]
    proposing = OPTIONS | {"proposing": True}
    assert create(entry, "", OPTIONS).threshold is None
    assert create(entry, "", proposing).threshold == 0.2
    assert create(entry, "", proposing | {"score_threshold": 0.9}).threshold == 0.9


def test_none_is_loaded_unasked(distribution):
    source = "raise SystemExit('loaded')"
    assert "own" in distribution("lazy", "own = MODULE:Detector", source)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import no_such_module", "No module named 'no_such_module'"),
        ("syntax error", "SyntaxError"),
        ("class Detector: pass", "takes no arguments"),
        (GOOD.replace("framing", "framings"), "no attribute 'framing'"),
        (GOOD.replace("(1.0, 0.0)", "(0.0, 0.0)"), "framing"),
        (GOOD.replace("def detect", "def find"), "no attribute 'detect'"),
        (GOOD.replace(" ...", " raise OSError('two\\nlines')"), "two lines"),
    ],
)
def test_a_broken_one_is_named_in_one_line(distribution, source, why):
    entries = distribution("broken", "own = MODULE:Detector", source)
    message = failure(entries["own"])
    assert message.startswith("detector own of broken cannot be used: ")
    assert why in message
    assert "uninstall" in message


def test_its_own_word_is_passed_on(distribution):
    own = "from fer_ros.faces.detectors import DetectorError\n"
    source = own + GOOD.replace(" ...", " raise DetectorError('buy a licence')")
    assert failure(distribution("dear", "own = MODULE:Detector", source)["own"]) == "buy a licence"


def test_taken_names_are_left_out(distribution, caplog, monkeypatch):
    # where ros2 launch is installed, its loggers do not propagate
    monkeypatch.setattr(logging.getLogger("fer_ros"), "handlers", [caplog.handler])
    entries = distribution("first", "haar = MODULE:Detector\nauto = MODULE:Detector")
    assert set(entries) & {"haar", "auto"} == set()
    assert "detector haar of first is ignored" in caplog.text
    assert list(distribution("second", "own = MODULE:Detector")).count("own") == 1
    assert distribution("third", "own = MODULE:Other")["own"].dist.name in ("second", "third")
    assert "detector own of" in caplog.text


@pytest.mark.parametrize("content", ["this is no entry", "= MODULE:Detector", "own ="])
def test_a_torn_file_does_not_hide_the_others(distribution, content):
    distribution("good", "own_good = MODULE:Detector")
    entries = distribution("torn", content)
    assert create(entries["own_good"], "", OPTIONS).detect(astronaut()) == []
