# SPDX-License-Identifier: Apache-2.0
"""What shows faces is made for its owner alone; --shared leaves it to the umask."""

import os
import stat
import tempfile

import pytest
from bag_helpers import evaluate, frames, make_bag

from fer_ros.bags.types import qos
from fer_ros.bags.writing import BagTopic, BagWriter
from fer_ros.cli import demo, evaluate_bag, evaluate_bags, predict, record
from fer_ros.runtime.private import lasting_folder, private


@pytest.fixture(autouse=True)
def umask():
    before = os.umask(0o022)
    yield
    assert os.umask(before) == 0o022  # as it was


def modes(folder):
    """Those of files and of folders."""
    found = [*folder.rglob("*"), folder]
    files = {stat.S_IMODE(f.stat().st_mode) for f in found if f.is_file()}
    return files, {stat.S_IMODE(f.stat().st_mode) for f in found if f.is_dir()}


@pytest.mark.parametrize("shared", [False, True])
def test_an_evaluation(tmp_path, shared):
    bag = make_bag(tmp_path / "visit", frames(2))
    out = tmp_path / "deep" / "out"
    words = ["--shared"] if shared else []
    assert evaluate(bag, "--out", out, *words) == 0
    assert modes(out) == (({0o644}, {0o755}) if shared else ({0o600}, {0o700}))
    assert modes(out.parent)[1] == modes(out)[1]


def test_a_folder_that_exists_keeps_its_mode(tmp_path):
    bag = make_bag(tmp_path / "visit", frames(2))
    out = tmp_path / "out"
    out.mkdir(mode=0o750)
    assert evaluate(bag, "--out", out) == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o750
    assert modes(out)[0] == {0o600}


def test_a_bag(tmp_path):
    with private(), BagWriter(tmp_path / "bag") as bag:
        bag.add_topic(BagTopic("/a", "std_msgs/msg/String", 0, "", [qos()]))
    assert modes(tmp_path / "bag") == ({0o600}, {0o700})


def test_pictures_of_predict(tmp_path):
    import cv2

    cv2.imwrite(str(tmp_path / "a.png"), frames(1)[0])
    assert predict.main([str(tmp_path / "a.png"), "--annotate", str(tmp_path / "out")]) == 0
    assert modes(tmp_path / "out") == ({0o600}, {0o700})


@pytest.mark.parametrize("command", [demo, evaluate_bag, evaluate_bags, predict, record])
def test_shared_is_an_option_of_all_that_write_faces(command, capsys):
    with pytest.raises(SystemExit):
        command.main(["--help"])
    assert "--shared" in capsys.readouterr().out


def test_a_folder_among_the_temporary_files_is_ones_own(tmp_path, monkeypatch):
    """Whoever was there first could have links lie in it, to what is then written over."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = lasting_folder("log")
    assert folder == lasting_folder("log") == tmp_path / f"log-{os.getuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)
    assert lasting_folder("log") != folder
    folder.rmdir()
    (tmp_path / "elsewhere").mkdir(0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    assert lasting_folder("log") != folder
