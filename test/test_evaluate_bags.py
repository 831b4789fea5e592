# SPDX-License-Identifier: Apache-2.0
"""evaluate_bags: a folder of recordings over dask, taken up again where it was left."""

import csv
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bag_helpers import frames, make_bag, storage_file
from node_helpers import PYTHONPATH, REPOSITORY, blank

import fer_ros
from fer_ros.bags.reading import BagError
from fer_ros.cli import evaluate_bags
from fer_ros.faces.detectors import haar

distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")


@pytest.fixture
def recordings(tmp_path):
    """A bag of each storage, one deeper, one that is cut off, and one that is none."""
    folder = tmp_path / "recordings"
    (folder / "monday").mkdir(parents=True)
    make_bag(folder / "visit", frames(4))
    make_bag(folder / "monday" / "visit", frames(3), storage="sqlite3")
    whole = make_bag(tmp_path / "whole", frames(6), topics=("/image_raw",))
    data = storage_file(whole).read_bytes()
    (folder / "cut.mcap").write_bytes(data[: len(data) // 2])
    (folder / "empty.mcap").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def scheduler():
    """The address of a cluster that runs already: threads here, so that the test is quick."""
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
    ) as cluster:
        yield cluster.scheduler_address


def run(*words) -> int:
    return evaluate_bags.main([str(word) for word in words])


def table(out) -> dict[str, dict]:
    with (out / "summary.csv").open(newline="") as file:
        return {row["bag"]: row for row in csv.DictReader(file)}


def test_all_bags_one_table(recordings, tmp_path, scheduler, capsys):
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / "visit.csv").write_text("start,end,expression\n0,9,joy\n")
    out = tmp_path / "out"
    words = (recordings, "--out", out, "--scheduler", scheduler, "--labels", labels)
    assert run(*words) == 1  # for the one that is none
    rows = table(out)
    assert list(rows) == ["cut.mcap", "empty.mcap", "monday__visit", "visit"]
    assert rows["visit"]["images"] == "4"
    assert rows["visit"]["status"] == rows["monday__visit"]["status"] == "whole"
    assert rows["cut.mcap"]["status"] == "damaged"
    assert "nothing in it can be read" in rows["empty.mcap"]["status"]
    assert float(rows["visit"]["accuracy"]) > 0.5
    assert rows["monday__visit"]["accuracy"] == ""
    told = capsys.readouterr()
    assert "1 of 4 bags have labels" in told.out
    assert "3 of 4 bags evaluated" in told.out
    assert "Traceback" not in told.err
    page = (out / "report.html").read_text()
    assert "href='monday__visit/report.html'" in page
    assert "empty.mcap/report.html" not in page
    assert "macro F1" in page
    for name in ("visit", "monday__visit", "cut.mcap"):
        assert (out / name / "report.html").is_file()
        assert (out / name / "emotions.csv").is_file()

    # Again: what is there stays as it is, what has changed or is new is evaluated.
    before = {name: (out / name / "emotions.csv").stat().st_mtime_ns for name in rows if name in (
        "visit", "cut.mcap")}  # fmt: skip
    (recordings / "empty.mcap").unlink()
    shutil.rmtree(out / "monday__visit")
    shutil.rmtree(recordings / "visit")
    make_bag(recordings / "visit", frames(2))
    assert run(*words) == 3  # for the one that is cut off
    told = capsys.readouterr().out
    assert "cut.mcap" in told.partition("; reused, as nothing has changed")[0]
    assert told.count("reused") == 1
    rows = table(out)
    assert list(rows) == ["cut.mcap", "monday__visit", "visit"]
    assert rows["visit"]["images"] == "2"
    assert (out / "monday__visit/emotions.csv").is_file()
    assert (out / "cut.mcap/emotions.csv").stat().st_mtime_ns == before["cut.mcap"]
    assert (out / "visit/emotions.csv").stat().st_mtime_ns > before["visit"]

    # Other parameters: evaluated anew.
    assert run(*words, "--set", "hysteresis=0.3") == 3
    assert (out / "cut.mcap/emotions.csv").stat().st_mtime_ns > before["cut.mcap"]


def test_a_cluster_of_its_own(tmp_path):
    pytest.importorskip("cryptography", reason="cryptography is not installed")
    """As ros2 run starts it: by a script, with worker processes on this machine."""
    make_bag(tmp_path / "recordings" / "visit", frames(2))
    script = tmp_path / "evaluate_bags"
    script.write_text("from fer_ros.cli.evaluate_bags import main\n\nraise SystemExit(main())\n")
    words = (tmp_path / "recordings", "--out", tmp_path / "out", "--workers", 1, "--bag", "none")
    done = subprocess.run(
        [sys.executable, str(script), *map(str, words)],
        cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": PYTHONPATH},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "1 of 1 bags evaluated" in done.stdout
    assert table(tmp_path / "out")["visit"]["images"] == "2"
    assert not (tmp_path / "out/visit/bag").exists()


def test_what_is_required_holds_over_all_bags(tmp_path, scheduler, capsys):
    """Nine faces in ten images, and none in two: nine in twelve over both."""
    make_bag(tmp_path / "recordings/visit", frames(20)[:10])
    make_bag(tmp_path / "recordings/empty", [blank(480, 640)] * 2)
    words = (tmp_path / "recordings", "--out", tmp_path / "out", "--scheduler", scheduler)
    assert run(*words, "--require", "faces_per_image>0.7", "faces_per_image<0.8") == 0
    assert "is required" not in capsys.readouterr().err
    assert run(*words, "--require", "faces_per_image>0.8", "coverage>0") == 4
    failure = "evaluate_bags: faces_per_image>0.8 is required, and it is 0.75"
    assert failure in capsys.readouterr().err.splitlines()
    assert "<th>faces_per_image</th><td>0.75</td>" in (tmp_path / "out/report.html").read_text()
    assert run(*words, "--require", "accuracy>0.5") == 2
    assert "accuracy needs labels: give --labels" in capsys.readouterr().err


def test_finds_bags_at_any_depth(recordings, tmp_path):
    found = evaluate_bags.find_bags(recordings)
    assert found["monday__visit"] == recordings / "monday/visit"
    assert found["cut.mcap"] == recordings / "cut.mcap"
    assert len(found) == 4
    assert list(evaluate_bags.find_bags(recordings / "visit")) == ["visit"]
    (tmp_path / "none").mkdir()
    with pytest.raises(BagError, match="no bag in it"):
        evaluate_bags.find_bags(tmp_path / "none")


def test_what_commands_have_left_is_no_recording(recordings):
    before = evaluate_bags.find_bags(recordings)
    demo = recordings / "demo"
    (demo / "bag").mkdir(parents=True)
    (demo / "bag" / "metadata.yaml").touch()
    (demo / "summary.json").write_text('{"images_sent": 3}')
    try:
        assert evaluate_bags.find_bags(recordings) == before
        assert list(evaluate_bags.find_bags(demo)) == ["bag"]
    finally:
        shutil.rmtree(demo)


def test_no_bag_hides_another(tmp_path):
    for name in ("a/b.mcap", "a__b.mcap"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(BagError, match=r"a__b\.mcap: rename one"):
        evaluate_bags.find_bags(tmp_path)


def test_a_bag_is_called_by_its_folder_also_from_within(recordings, monkeypatch):
    monkeypatch.chdir(recordings / "visit")
    assert list(evaluate_bags.find_bags(Path())) == ["visit"]


def test_what_another_version_made_is_made_anew(tmp_path, scheduler, monkeypatch, capsys):
    make_bag(tmp_path / "recordings" / "visit", frames(1))
    out = tmp_path / "out"
    words = (tmp_path / "recordings", "--out", out, "--scheduler", scheduler, "--bag", "none")
    made = []
    for version in ("1.0", "1.0", "1.1"):
        monkeypatch.setattr("fer_ros.__version__", version)
        assert run(*words) == 0
        made.append((out / "visit/emotions.csv").stat().st_mtime_ns)
    assert made[0] == made[1] < made[2]


def test_what_other_code_made_is_made_anew(tmp_path, scheduler, monkeypatch):
    make_bag(tmp_path / "recordings" / "visit", frames(1))
    out = tmp_path / "out"
    words = (tmp_path / "recordings", "--out", out, "--scheduler", scheduler, "--bag", "none")
    package = tmp_path / "fer_ros"
    shutil.copytree(Path(fer_ros.__file__).parent, package)
    monkeypatch.setattr(fer_ros, "__file__", str(package / "__init__.py"))
    assert run(*words) == 0
    made = [(out / "visit/emotions.csv").stat().st_mtime_ns]
    for text in ("", "\nSIDE = 3\n"):
        with (package / "faces/crop.py").open("a") as file:
            file.write(text)
        assert run(*words) == 0
        made.append((out / "visit/emotions.csv").stat().st_mtime_ns)
    assert made[0] == made[1] < made[2]


def test_what_another_detectors_file_made_is_made_anew(tmp_path, scheduler):
    """The path and every parameter are the same."""
    make_bag(tmp_path / "recordings" / "visit", frames(1))
    out = tmp_path / "out"
    cascade = tmp_path / "faces.xml"
    shutil.copy(haar.find_cascade(), cascade)
    words = (tmp_path / "recordings", "--out", out, "--scheduler", scheduler, "--bag", "none")
    words = (*words, "--detector", "haar", "--set", f"detector_model={cascade}")
    made = []
    for text in ("", "", "<!-- another -->\n"):
        with cascade.open("a") as file:
            file.write(text)
        assert run(*words) == 0
        made.append((out / "visit/emotions.csv").stat().st_mtime_ns)
    assert made[0] == made[1] < made[2]


def test_a_damaged_bag_is_told_by_the_exit_status(recordings, tmp_path, scheduler, capsys):
    """As by that of evaluate_bag, also where the result is there already."""
    (recordings / "empty.mcap").unlink()
    words = (recordings, "--out", tmp_path / "out", "--scheduler", scheduler, "--bag", "none")
    assert run(*words) == run(*words) == 3
    assert "cut.mcap: " in capsys.readouterr().out
    (recordings / "cut.mcap").unlink()
    assert run(*words) == 0


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["absent"], "no such folder: absent"),
        (["RECORDINGS", "--set", "rotate=1"], "rotate=1: choose 0, 90"),
        (["RECORDINGS", "--model", "absent.tflite"], "no model file absent.tflite"),
        (["RECORDINGS", "--labels", "absent"], "no such folder of labels: absent"),
        (["RECORDINGS", "--scheduler", "nonsense://x"], "no scheduler answers"),
    ],
)
def test_refuses_in_one_line(recordings, tmp_path, capsys, words, reason):
    words = [recordings if word == "RECORDINGS" else word for word in words]
    assert run(*words, "--out", tmp_path / "out") == 1
    assert reason in capsys.readouterr().err.splitlines()[-1]


def test_without_dask(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(evaluate_bags, "find_spec", lambda _: None)
    assert run(tmp_path) == 1
    assert capsys.readouterr().err == 'evaluate_bags: missing: pip install "dask[distributed]"\n'


def test_names_that_are_not_utf_8_and_pipes_end_no_other_bag(tmp_path, scheduler, capsys):
    folder, out = tmp_path / "days\udce9", tmp_path / "out\x1b[31m"
    folder.mkdir()
    make_bag(folder / "good", frames(2))
    shutil.copytree(folder / "good", folder / "bad\udce9")
    os.mkfifo(folder / "pipe.mcap")
    assert run(folder, "--out", out, "--scheduler", scheduler) == 1
    rows = table(out)
    assert list(rows) == [r"bad\xe9", "good", "pipe.mcap"]
    assert rows["good"]["status"] == "whole"
    assert "a pipe or a device" in rows["pipe.mcap"]["status"]
    printed = capsys.readouterr().out
    assert r"bad\xe9: " in printed
    assert r"out\x1b[31m/report.html" in printed
    assert r"days\xe9" in (out / "report.html").read_text()
