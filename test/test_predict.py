# SPDX-License-Identifier: Apache-2.0
"""``fer_ros-predict``, as it is typed."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_ros import FaceReader
from fer_ros.cli import picture_batch
from fer_ros.cli.predict import EXAMPLES, main
from fer_ros.sources.sample import Sample


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three pictures, one of them without a face, a clip, and a text."""
    path = tmp_path_factory.mktemp("holidays")
    (path / "inner").mkdir()
    sample = Sample()
    cv2.imwrite(str(path / "one.png"), sample[0])
    cv2.imwrite(str(path / "two.png"), sample[210])
    cv2.imwrite(str(path / "inner" / "wall.png"), np.full((120, 160, 3), 90, np.uint8))
    (path / "notes.txt").write_text("no picture")
    writer = cv2.VideoWriter(
        str(path / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10.0, (640, 480)
    )
    for i in range(0, 45, 3):
        writer.write(sample[i])
    writer.release()
    return path


def lines(capsys):
    return capsys.readouterr().out.splitlines()


def test_a_table_of_a_folder(folder, capsys):
    assert main([str(folder)]) == 0
    header, *rows = lines(capsys)
    assert header.split() == ["file", "expression", "sure", "quality", "box"]
    assert len(rows) == 5
    assert rows[0].split()[1] == "joy"
    assert "two.png" in rows[1]
    assert "two.png" in rows[2]
    assert rows[3].endswith("wall.png  no face")
    assert "0.0 to 1.4 s: joy 100%" in rows[4]


def test_the_header_of_pictures_stands_over_pictures_alone(folder, tmp_path, capsys):
    assert main([str(folder / "clip.avi")]) == 0
    (row,) = lines(capsys)
    assert "0.0 to 1.4 s: joy 100%" in row
    assert main([str(tmp_path / "none.jpg")]) == 1
    assert lines(capsys) == []


def test_json_has_a_line_for_each_image(folder, capsys):
    assert main(["--json", str(folder / "one.png"), str(folder / "clip.avi")]) == 0
    found = [json.loads(line) for line in lines(capsys)]
    assert len(found) == 16
    expected = FaceReader().read(folder / "one.png").to_dict()
    assert found[0] == {"file": str(folder / "one.png"), "time": None} | expected
    assert [line["time"] for line in found[1:4]] == [0.0, 0.1, 0.2]
    assert {face["track_id"] for line in found[1:] for face in line["faces"]} == {1}


def test_csv_has_a_row_for_each_face(folder, capsys):
    assert main(["--csv", str(folder)]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 3 + 15
    assert rows[0]["label"] == "joy"
    assert float(rows[0]["joy"]) > 0.5
    assert rows[0]["time"] == ""
    assert rows[-1]["time"] == "1.4"


def test_drawn_images(folder, tmp_path, capsys):
    assert main(["--annotate", str(tmp_path), str(folder)]) == 0
    assert {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.*")} == {
        "one.png", "two.png", "inner/wall.png", "clip.mp4",
    }  # fmt: skip
    drawn = cv2.imread(str(tmp_path / "one.png"))
    assert drawn.shape == Sample()[0].shape
    assert (drawn != Sample()[0]).any()
    video = cv2.VideoCapture(str(tmp_path / "clip.mp4"))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 15


def test_never_writes_over_what_it_reads(folder, capsys):
    before = (folder / "one.png").read_bytes()
    assert main(["--annotate", str(folder), str(folder)]) == 2
    assert "over another image" in capsys.readouterr().err
    assert (folder / "one.png").read_bytes() == before


def test_what_cannot_be_read_is_listed_and_the_rest_is_done(folder, tmp_path, capsys):
    for name in ("broken.png", "broken.mp4"):
        (tmp_path / name).write_text("nothing")
    (tmp_path / "empty").mkdir()
    words = [str(tmp_path / name) for name in ("broken.png", "broken.mp4", "empty", "none.jpg")]
    assert main([*words, str(folder / "one.png")]) == 1
    captured = capsys.readouterr()
    assert [word for word in words if word not in captured.err] == []
    assert len(captured.err.splitlines()) >= 4
    assert "joy" in captured.out


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ([], 2),
        (["--json", "--csv", "x.jpg"], 2),
        (["--set", "colour=red", "--", "x.jpg"], 2),
        (["--set", "max_faces=many", "--", "x.jpg"], 2),
        (["--model", "none.tflite", "x.jpg"], 2),
    ],
)
def test_usage(words, status, capsys):
    try:
        found = main(words)
    except SystemExit as error:
        found = error.code
    assert found == status
    assert "fer_ros-predict" in capsys.readouterr().err


def test_dark_pictures_and_those_of_no_kind_that_is_read_are_told(tmp_path, capsys):
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), np.full((120, 160, 3), 3, np.uint8))
    assert main([str(tmp_path)]) == 0
    assert "all dark" in (told := capsys.readouterr().err)
    assert "a.png and 1 more" in told
    (tmp_path / "c.heic").write_bytes(b"")
    assert main([str(tmp_path)]) == 1
    assert "convert to JPEG or PNG, such as" in capsys.readouterr().err


def test_require_face(folder):
    wall = str(folder / "inner")
    assert main([wall]) == 0
    assert main(["--require-face", wall]) == 3
    assert main(["--require-face", wall, str(folder / "one.png")]) == 0
    assert main(["--require-face", wall, "none.jpg"]) == 1


def test_parameters(folder, capsys):
    assert main([str(folder / "two.png"), "--model", "small", "--set", "max_faces=1"]) == 0
    assert len(lines(capsys)) == 2


def test_many_processes_give_what_one_gives(folder, tmp_path, monkeypatch):
    pictures = []
    for i in range(10):
        file = tmp_path / f"{i}.jpg"
        cv2.imwrite(str(file), Sample()[i * 30])
        pictures.append(picture_batch.Picture(file))
    (tmp_path / "3.jpg").write_text("broken")
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # as the processes have it: the last digits of OpenCV's networks differ
    alone = list(picture_batch.read_pictures(pictures, FaceReader(), {}))
    cv2.setNumThreads(threads)
    monkeypatch.setattr(picture_batch, "MANY", 2)
    monkeypatch.setattr(picture_batch, "usable_cores", lambda: 2)
    assert list(picture_batch.read_pictures(pictures, FaceReader(), {})) == alone
    assert [bool(r.problem) for r in alone] == [i == 3 for i in range(10)]


def test_as_a_module_and_into_a_closed_pipe(folder, repository):
    command = f"{sys.executable} -m fer_ros --json {folder / 'clip.avi'} | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=repository, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert json.loads(done.stdout)["faces"][0]["label"] == "joy"
    assert "Traceback" not in done.stderr
    assert done.returncode == 0, done.stderr


def test_help_teaches(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    words = capsys.readouterr().out
    assert "photo.jpg holidays/" in words
    assert "smoothing_time_constant" in words


def test_the_examples_of_the_help_are_right(folder, monkeypatch, capsys):
    """Each as it is typed, on pictures of those names."""
    monkeypatch.chdir(folder)
    names = {"photo.jpg": "one.png", "holidays/": "inner", "clip.mp4": "clip.avi"}
    for line in EXAMPLES.splitlines():
        typed = line.partition("   ")[0] if line.startswith("  %(prog)s") else ""
        words = [names.get(word, word) for word in typed.split()[1:] if word not in "|>"]
        words = [word for word in words if word not in ("head", "faces.csv", "0")]
        if words and words != ["--help"]:
            assert main(words) == 0, typed


def test_an_error_of_the_system_is_told_without_its_number(folder, capsys):
    assert main([str(folder / "one.png"), "--annotate", "/proc/none"]) == 1
    told = capsys.readouterr().err
    assert "/proc/none: No such file or directory" in told
    assert "Errno" not in told
    assert main([""]) == 1
    assert "an empty name: no such file or folder" in capsys.readouterr().err


@pytest.fixture(scope="module")
def portrait():
    return Sample()[0]


def test_a_tilde_in_a_name_that_is_there(portrait, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("~copy.png", portrait)
    assert main(["."]) == 0
    assert main(["~copy.png"]) == 0
    assert len(lines(capsys)) == 4
    assert len(FaceReader().read("~copy.png").faces) == 1


def test_pipes_among_pictures_and_as_videos(portrait, tmp_path, capsys):
    for name in ("a.png", "clip"):
        os.mkfifo(tmp_path / name)
    cv2.imwrite(str(tmp_path / "b.png"), portrait)
    assert main([str(tmp_path), str(tmp_path / "clip")]) == 1
    captured = capsys.readouterr()
    assert "joy" in captured.out
    assert captured.err.count("a pipe or a device") == 2


def test_drawn_images_never_fall_on_what_another_path_names(portrait, tmp_path, capsys):
    for folder in ("in", "out"):
        (tmp_path / folder / "inner").mkdir(parents=True)
        cv2.imwrite(str(tmp_path / folder / "inner" / "x.png"), portrait)
    paths = [str(tmp_path / "in"), str(tmp_path / "out" / "inner")]
    for order in (paths, paths[::-1]):
        assert main([*order, "--annotate", str(tmp_path / "out")]) == 2
    assert "over another image" in capsys.readouterr().err
    assert np.array_equal(cv2.imread(str(tmp_path / "out" / "inner" / "x.png")), portrait)


@pytest.mark.parametrize("form", ["--csv", "--json", "--require-face"])
def test_a_video_whose_name_is_not_utf_8(folder, tmp_path, form, repository):
    odd = tmp_path / "odd\udce9"  # what is drawn into it is not read the second time
    odd.mkdir()
    shutil.copy(folder / "clip.avi", odd / "clip\udce9.avi")
    command = [sys.executable, "-m", "fer_ros", str(odd), form, "--annotate", str(odd / "drawn")]
    for encoding in ("utf-8", "ascii"):
        done = subprocess.run(
            command,
            cwd=repository,
            env=os.environ | {"PYTHONIOENCODING": encoding},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert "xe9" in done.stdout
    assert [p.name for p in (odd / "drawn").iterdir()] == ["clip\udce9.mp4"]


def test_letters_that_the_terminal_has_not(portrait, tmp_path, repository):
    cv2.imwrite(str(tmp_path / "x.png"), portrait)
    (tmp_path / "x.png").rename(tmp_path / "José 写真.png")
    done = subprocess.run(
        [sys.executable, "-m", "fer_ros", str(tmp_path)],
        cwd=repository,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert r"Jos\xe9 \u5199\u771f.png" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_an_output_that_is_full(folder, repository):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "fer_ros", str(folder / "one.png")],
            cwd=repository,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "output cannot be written" in done.stderr


def test_a_drawn_video_is_whole_or_the_old_one_stays(folder, tmp_path, monkeypatch, capsys):
    (tmp_path / "clip.mp4").write_text("old")
    words = [str(folder / "clip.avi"), "--annotate", str(tmp_path)]

    class Full:  # OpenCV's own says nothing where the disk is full
        fourcc = cv2.VideoWriter.fourcc

        def __init__(self, name, *_):
            Path(name).write_bytes(b"torn")

        def isOpened(self):  # noqa: N802
            return True

        release = write = lambda *_: None

    monkeypatch.setattr(cv2, "VideoWriter", Full)
    assert main(words) == 1
    assert "is the disk full?" in capsys.readouterr().err
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("clip.mp4", "old")]
