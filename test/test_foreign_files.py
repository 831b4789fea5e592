# SPDX-License-Identifier: Apache-2.0
"""Model files from elsewhere: whatever they do to the libraries, they do it to another process."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec

import numpy as np
import pytest
from skips import needs_litert
from test_detectors import DETECTORS

from fer_ros.emotions.classifier import Classifier
from fer_ros.emotions.model_card import ModelError, sha256_of
from fer_ros.faces.detectors import DetectorError, create_detector
from fer_ros.faces.detectors.base import Detection, best_first
from fer_ros.faces.detectors.haar import find_cascade
from fer_ros.inference import trial
from fer_ros.inference.shipped import MODELS, SHIPPED
from fer_ros.result import Box

SMALL = "emotion_mobilenet_v2_small"
KERAS = """
import os, signal, time
import numpy as np
from types import SimpleNamespace

def load_model(path, **options):
    word = open(path).read()
    if word == "die":
        os.kill(os.getpid(), signal.SIGSEGV)
    if word == "abort":
        os.abort()
    if word == "exit":
        os._exit(0)
    if word == "hang":
        time.sleep(1e6)
    if word == "spin":
        while True: pass
    if word == "eat":
        return bytearray(1 << 50)
    if word == "shout":
        print("loading", flush=True)
        os.write(1, b"ok" * 1000)
    logits = {"nan": np.nan, "inf": np.inf, "large": 3e38}.get(word, 0.0)
    return SimpleNamespace(
        input_shape=(None, 48, 48, 1),
        output_shape=(None, 7),
        predict_on_batch=lambda batch: np.full((len(batch), 7), logits, np.float32),
    )

saving = SimpleNamespace(load_model=load_model)
"""


@pytest.fixture
def keras(tmp_path, monkeypatch):
    """A Keras whose file says what befalls it; a function that writes such a file with its card."""
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages/keras.py").write_text(KERAS)
    monkeypatch.syspath_prepend(tmp_path / "packages")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packages"))
    monkeypatch.delenv(trial.SURVIVED, raising=False)
    monkeypatch.setattr(trial, "_refused", {})

    def write(word, temperature=1.0):
        path = tmp_path / "tiny.keras"
        path.write_text(word)
        return vouch(path, temperature)

    yield write
    sys.modules.pop("keras", None)


def vouch(path, temperature=1.0):
    """A card that fits."""
    card = json.loads((MODELS / f"{SMALL}.json").read_text())
    card["files"] = {path.name: {"sha256": sha256_of(path), "temperature": temperature}}
    path.with_suffix(".json").write_text(json.dumps(card))
    return path


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("die", "brought the process that tried it down \\(SIGSEGV\\)"),
        ("abort", "brought the process that tried it down \\(SIGABRT\\)"),
        ("exit", "the process that tried it ended with 0"),
        ("eat", "MemoryError"),
    ],
)
def test_what_kills_another_process_is_refused_here(keras, word, why, tmp_path, monkeypatch):
    path, temporary = keras(word), tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    for _ in range(2):  # by the verdict, the second time
        with pytest.raises(ModelError, match=why) as error:
            Classifier(path)
        assert str(path) in str(error.value)
    assert not list(temporary.iterdir())  # nothing of it stays


@pytest.mark.parametrize("word", ["hang", "spin"])
def test_what_never_ends_is_given_up(keras, word, monkeypatch):
    monkeypatch.setitem(trial.KERAS, "seconds", 3.0)
    with pytest.raises(ModelError, match=r"did not end within 3 s|SIGXCPU|SIGKILL"):
        Classifier(keras(word))


@pytest.mark.parametrize(("word", "temperature"), [("nan", 1.0), ("inf", 1.0), ("large", 0.5)])
def test_logits_that_are_not_finite_are_refused_at_load(keras, word, temperature):
    with pytest.raises(ModelError, match="not finite"):
        Classifier(keras(word, temperature))


def test_what_a_library_prints_is_no_answer(keras):
    assert Classifier(keras("shout")).backend_name == "keras"


def test_a_verdict_holds_for_this_process_and_its_workers(keras, monkeypatch):
    path = keras("well")
    Classifier(path)
    tried = os.environ[trial.SURVIVED]

    def never(*_, **__):
        raise AssertionError("tried again")

    monkeypatch.setattr(subprocess, "run", never)
    Classifier(path)
    monkeypatch.setenv(trial.SURVIVED, tried)  # as a worker has it
    Classifier(path)


def test_files_that_ship_are_not_tried(monkeypatch):
    def never(*_, **__):
        raise AssertionError("tried")

    monkeypatch.setattr(subprocess, "run", never)
    for name in SHIPPED:
        if name.endswith(".tflite") and not find_spec("ai_edge_litert"):
            continue
        if name.startswith("emotion"):
            Classifier(MODELS / name)
        elif name.startswith("face_detection"):
            create_detector("blazeface", model_path=str(MODELS / name))
    create_detector("haar")


def test_the_child_gets_what_the_parent_loads(keras, monkeypatch):
    """A file that is exchanged after the trial is not loaded: the bytes are those tried."""
    path = keras("well")
    run = subprocess.run

    def exchange(*arguments, **options):
        done = run(*arguments, **options)
        path.write_text("die")
        return done

    monkeypatch.setattr(subprocess, "run", exchange)
    Classifier(path)


def test_the_child_runs_nothing_of_the_current_folder(keras, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("numpy", "json", "fer_ros", "resource"):
        (tmp_path / f"{name}.py").write_text("open('run', 'w')\nraise SystemExit(1)\n")
    Classifier(keras("well"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("suffix", [pytest.param(".tflite", marks=needs_litert), ".onnx"])
def test_a_foreign_file_that_is_good_is_used(tmp_path, suffix):
    path = tmp_path / f"own{suffix}"
    path.write_bytes((MODELS / f"{SMALL}{suffix}").read_bytes() + b"\xfa\x01\0")
    ours = Classifier(MODELS / f"{SMALL}{suffix}")
    crop = np.random.default_rng(1).integers(0, 256, (48, 48), np.uint8)
    same = Classifier(vouch(path)).probabilities(crop)
    assert same.argmax() == ours.probabilities(crop).argmax()


def test_a_foreign_cascade_is_tried(tmp_path, monkeypatch):
    path = tmp_path / "own.xml"
    path.write_bytes(find_cascade().read_bytes() + b"\n")
    tried = []
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *a, **o: tried.append(1) or run(*a, **o))
    create_detector("haar", model_path=str(path))
    assert tried


@pytest.mark.parametrize(
    "name",
    ["face_detection_back.onnx", pytest.param("face_detection_back.tflite", marks=needs_litert)],
)
def test_a_detectors_file_is_compared_with_the_sum_beside_it(tmp_path, name):
    path = tmp_path / name
    shutil.copy(MODELS / name, path)
    beside = tmp_path / f"{name}.sha256"
    beside.write_text(f"{sha256_of(path)}  {name}\n")
    assert create_detector("blazeface", model_path=str(path)).name == "blazeface"
    for wrong in ("0" * 64, "", "\xff"):
        beside.write_text(f"{wrong}  {name}\n", "latin-1")
        with pytest.raises(DetectorError, match="sha256"):
            create_detector("blazeface", model_path=str(path))


@pytest.mark.parametrize("detector", DETECTORS)
def test_a_detectors_file_that_is_a_pipe_is_not_waited_for(tmp_path, detector):
    os.mkfifo(tmp_path / "pipe.onnx")
    with pytest.raises(DetectorError, match="a folder, a pipe or a device, not a file"):
        create_detector(detector, model_path=str(tmp_path / "pipe.onnx"))


def test_boxes_that_are_no_numbers_are_no_faces():
    good = Detection(Box(1, 2, 30, 40), 0.9)
    nan, inf = float("nan"), float("inf")
    bad = [Detection(Box(nan, 2, 30, 40), 0.9), Detection(Box(1, inf, 30, 40), 0.9)]
    bad += [Detection(Box(1, 2, 30, inf), 0.9), Detection(Box(1, 2, 30, 40), nan)]
    bad += [Detection(Box(1, 2, 30, 40), 0.9, ((1, 2), (3, nan)))]
    assert best_first([*bad, good], 0) == [good]


def test_seeded_damage_ends_no_process(repository, tmp_path):
    """A few of what benchmarks/robustness/model_files.py does by the hundred."""
    words = ["-m", "benchmarks.robustness.model_files", "--most", "3", "--seconds", "600"]
    done = subprocess.run(
        [sys.executable, *words], cwd=repository, capture_output=True, text=True, check=False,
        env=os.environ | {"FER_ROS_RESULTS": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" 3        0      0 ") == 6
