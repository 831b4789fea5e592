# SPDX-License-Identifier: Apache-2.0
"""Results are replaced as one, when the new ones are whole; what else lies there stays."""

import subprocess
import sys
import time

import pytest
from bag_helpers import evaluate, frames, make_bag, summary

from fer_ros.runtime import replacing as module
from fer_ros.runtime.replacing import HIDDEN, locked, replacing

NAMES = ("a", "b", "c", "folder")
HOLDER = """
import sys, time
from pathlib import Path
from fer_ros.runtime.replacing import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(100)
"""
WRITER = """
import sys
from pathlib import Path
from fer_ros.runtime.replacing import replacing
number = 0
while True:
    number += 1
    with replacing(Path(sys.argv[1]), ("a", "b", "c", "folder")) as draft:
        (draft.path / "folder").mkdir()
        for name in ("a", "b", "c", "folder/d"):
            (draft.path / name).write_text(f"{number}")
        draft.commit()
        print(number, flush=True)
"""


def write(folder, text, names=NAMES):
    with replacing(folder, NAMES) as draft:
        for name in names:
            if name == "folder":
                (draft.path / name).mkdir()
                (draft.path / name / "d").write_text(text)
            else:
                (draft.path / name).write_text(text)
        draft.commit()


def read(folder):
    files = (f for f in folder.rglob("*") if f.is_file())
    return {str(f.relative_to(folder)): f.read_text() for f in files}


def test_the_new_take_the_place_of_the_old_and_nothing_else(tmp_path):
    (tmp_path / "mine").write_text("mine")
    write(tmp_path, "1")
    write(tmp_path, "2", names=("a", "folder"))
    assert read(tmp_path) == {"mine": "mine", "a": "2", "folder/d": "2"}


def test_what_fails_leaves_the_old(tmp_path):
    write(tmp_path, "1")
    before = read(tmp_path)
    with pytest.raises(FileNotFoundError), replacing(tmp_path, NAMES) as draft:
        (draft.path / "a").write_text((tmp_path / "none").read_text())
    assert read(tmp_path) == before
    with pytest.raises(KeyError), replacing(tmp_path / "new", NAMES):
        raise KeyError
    assert not (tmp_path / "new").exists()


def test_one_writes_at_a_time(tmp_path, repository):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], cwd=repository, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(BlockingIOError, match="another command is writing there"):
            write(tmp_path, "1")
    finally:
        holder.kill()
        holder.wait()
    write(tmp_path, "1")  # a lock ends with its process
    with locked(tmp_path):
        pass


@pytest.mark.parametrize("step", range(1, 30))
def test_a_kill_at_any_step_leaves_one_of_both_whole(tmp_path, monkeypatch, step):
    """Each change of the file system may be the last one; the next command goes on from there."""
    (tmp_path / "mine").write_text("mine")
    write(tmp_path, "1")
    old = read(tmp_path)

    class Killed(BaseException):
        pass

    count = 0

    def counted(function):
        def call(*arguments, **options):
            nonlocal count
            count += 1
            if count >= step:  # nothing more is done, as by a dead process
                raise Killed
            return function(*arguments, **options)

        return call

    with monkeypatch.context() as patched:
        for owner, name in ((module.Path, "rename"), (module.Path, "replace"),
                            (module.Path, "unlink"), (module.Path, "rmdir"),
                            (module.shutil, "rmtree"), (module.Path, "mkdir")):  # fmt: skip
            patched.setattr(owner, name, counted(getattr(owner, name)))
        try:
            write(tmp_path, "2", names=("a", "b", "folder"))
            was_killed = False
        except Killed:
            was_killed = True
    with replacing(tmp_path, NAMES):
        pass
    new = {"mine": "mine", "a": "2", "b": "2", "folder/d": "2"}
    assert read(tmp_path) in (old, new)
    assert was_killed or read(tmp_path) == new
    assert not list(tmp_path.glob(f"{HIDDEN}*"))


def test_kill_9(tmp_path, repository):
    for number in range(12):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], cwd=repository, stdout=subprocess.PIPE
        )
        writer.stdout.readline()
        time.sleep(0.003 * number)
        writer.kill()
        writer.wait()
        with replacing(tmp_path, NAMES):
            pass
        found = read(tmp_path)
        assert set(found) == {"a", "b", "c", "folder/d"}
        assert len(set(found.values())) == 1


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return make_bag(tmp_path_factory.mktemp("bags") / "visit", frames(4))


WRONG = [
    ["--model", "absent.tflite"], ["--topic", "/none"], ["--start", "99"], ["--labels", "no.csv"],
    ["--set", "detector_model=absent.onnx", "detector=yunet"], ["--compare", "model=absent.tflite"],
    ["--compare", "no.yaml"], ["--set", "hysteresis=5"],
]  # fmt: skip


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_an_evaluation_that_fails_keeps_the_good_one(recording, tmp_path, words):
    out = tmp_path / "out"
    assert evaluate(recording, "--out", out) == 0
    (out / "notes.txt").write_text("mine")
    before = {f: f.read_bytes() for f in out.rglob("*") if f.is_file()}
    assert evaluate(recording, "--out", out, *words) != 0
    assert {f: f.read_bytes() for f in out.rglob("*") if f.is_file()} == before
    assert evaluate("absent", "--out", out) == 1
    assert {f: f.read_bytes() for f in out.rglob("*") if f.is_file()} == before


def test_whatever_else_lies_there_stays(recording, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "thesis.txt").write_text("years of work")
    (tmp_path / "first").mkdir()
    (tmp_path / "first/mine").write_text("mine")
    assert evaluate(recording, "--out", ".", "--bag", "all") == 0
    assert evaluate(recording, "--out", ".", "--bag", "none") == 0
    assert not (tmp_path / "bag").exists()
    assert summary(tmp_path)["images"] == 4
    assert evaluate(recording, "--out", ".", "--compare", "hysteresis=0.1") == 1
    assert (tmp_path / "first/mine").read_text() == "mine"
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    left = {"emotions.csv", "first", "report.html", "summary.json", "thesis.txt", "timing.json"}
    assert {file.name for file in tmp_path.iterdir()} == left
