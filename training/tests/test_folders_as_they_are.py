# SPDX-License-Identifier: Apache-2.0
"""Folders of pictures as people have them: any split, leftovers, photographs, bad names."""

import os
import struct
import zlib

import cv2
import numpy as np
import pytest
from conftest import make_faces
from fer_training import dataset
from fer_training.dataset import DatasetError

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.sources.sample import Sample

FACES = make_faces(28, "", seed=4)


def write(root, layout):
    """Fourteen faces for each folder of ``layout``, in folders of their classes."""
    for part in layout:
        for i, label in enumerate(FACES.labels[:14]):
            path = root / part / EMOTIONS[label] / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), FACES.images[i])
    return root


@pytest.mark.parametrize(
    ("layout", "usages"),
    [
        (("train", "val"), ("Training", "PublicTest")),
        (("train", "valid", "test"), ("Training", "PublicTest", "PrivateTest")),
        (("images/train", "images/validation"), ("Training", "PublicTest")),
        (("archive/data/Train", "archive/data/Dev"), ("Training", "PublicTest")),
        (("Training", "PublicTest", "PrivateTest"), dataset.USAGES),
        (("people", "others"), ("Training",)),
    ],
)
def test_splits_by_their_usual_names_at_any_depth(tmp_path, layout, usages, capsys):
    faces = dataset.load(write(tmp_path, layout))
    assert set(faces.usage) == set(usages)
    if len(usages) == len(layout):
        assert len(faces.of(usages[-1])) == 14
        assert f"14 {usages[0]}, 14 {usages[1]}" in capsys.readouterr().err


@pytest.mark.parametrize("part", ["test_set", "fold1", "02-validation", "my train data", "TestSet"])
def test_what_looks_like_a_split_and_is_not_known_is_asked(tmp_path, part):
    with pytest.raises(DatasetError, match="folder of a split") as told:
        dataset.load(write(tmp_path, ("train", part)))
    assert part in str(told.value)


@pytest.mark.parametrize("part", ["participants", "devices", "protester", "evaluna"])
def test_a_word_within_a_word_is_no_split(tmp_path, part):
    assert set(dataset.load(write(tmp_path, (part,))).usage) == {"Training"}


def test_leftovers_are_passed_over_and_bad_pictures_counted_once(tmp_path, capsys):
    root = write(tmp_path, ("train",))
    joy = root / "train" / "joy"
    for path in (
        joy / "._0.png",
        joy / ".DS_Store",
        joy / ".ipynb_checkpoints" / "0-checkpoint.png",
        root / "__MACOSX" / "train" / "joy" / "0.png",
        root / ".thumbnails" / "x.png",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"left behind")
    (joy / "empty.png").write_bytes(b"")
    (joy / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    assert len(dataset.load(root)) == 14
    told = capsys.readouterr().err
    assert "2 of 16 pictures cannot be read and are left out" in told
    assert told.count("\n") == 1


def test_nothing_but_bad_pictures(tmp_path):
    (tmp_path / "joy").mkdir()
    (tmp_path / "joy" / "a.png").write_bytes(b"")
    with pytest.raises(DatasetError, match="none of its 1 pictures can be read"):
        dataset.load(tmp_path)


def test_class_subject_picture_suggests_the_pattern(tmp_path):
    for i, label in enumerate(FACES.labels):
        path = tmp_path / EMOTIONS[label] / f"S{i % 3}" / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), FACES.images[i])
    with pytest.raises(DatasetError, match="--label-pattern") as told:
        dataset.load(tmp_path)
    pattern = str(told.value).split("'")[-2]
    faces = dataset.load(tmp_path, pattern=pattern)
    assert np.bincount(faces.labels).tolist() == [4] * 7


def test_a_name_that_is_not_utf_8_is_read_and_shown(tmp_path):
    joy = tmp_path / os.fsdecode(b"joy")
    joy.mkdir()
    (joy / os.fsdecode(b"Jos\xe9.png")).write_bytes(
        cv2.imencode(".png", FACES.images[0])[1].tobytes()
    )
    (name,) = dataset.load(tmp_path).names
    assert name == r"joy/Jos\xe9.png"
    name.encode("utf-8")


def test_a_bomb_is_left_out(tmp_path, capsys):
    root = write(tmp_path, ("",))
    header = struct.pack(">IIBBBBB", 32000, 32000, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + header
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
    bomb += struct.pack(">I", zlib.crc32(chunk)) + b"\0\0\0\0IEND\xaeB`\x82"
    (root / "joy" / "bomb.png").write_bytes(bomb)
    assert len(dataset.load(root)) == 14
    assert "32000x32000 pixels" in capsys.readouterr().err


def test_whole_photographs_are_told(tmp_path, capsys):
    root = write(tmp_path, ("",))
    cv2.imwrite(str(root / "joy" / "photo.jpg"), np.zeros((480, 640), np.uint8))
    assert len(dataset.load(root)) == 15
    told = capsys.readouterr().err
    assert "joy/photo.jpg" in told
    assert "fer-training crop" in told


@pytest.mark.parametrize(
    "layout", [("Trainingsdaten", "Testdaten"), ("train", "eval_1"), ("data/unseen", "data/train")]
)
def test_what_begins_as_the_name_of_a_split_is_asked_about(tmp_path, layout):
    with pytest.raises(DatasetError, match="the folder of a split"):
        dataset.load(write(tmp_path, layout))


@pytest.mark.parametrize("layout", [("train", "prueba"), ("train", "more/faces"), ("test", "")])
def test_what_lies_beside_a_split_is_not_learnt_from_unasked(tmp_path, layout):
    with pytest.raises(DatasetError, match="none of its splits"):
        dataset.load(write(tmp_path, layout))


def test_folders_that_may_be_a_split_in_any_language_are_told(tmp_path, capsys):
    faces = dataset.load(write(tmp_path, ("entrenamiento", "prueba")))
    assert set(faces.usage) == {"Training"}
    assert "such as entrenamiento and prueba, are all read as Training" in capsys.readouterr().err


def test_links_to_folders_are_followed_and_end(tmp_path):
    write(tmp_path / "there", ("",))
    root = tmp_path / "set"
    root.mkdir()
    (root / "train").symlink_to(tmp_path / "there")
    (root / "test").symlink_to(tmp_path / "there")
    (tmp_path / "there" / EMOTIONS[0] / "up").symlink_to(tmp_path / "there")
    (tmp_path / "there" / "self").symlink_to(".")
    faces = dataset.load(root)
    assert len(faces.of("Training")) == len(faces.of("PrivateTest")) == 14


def test_folders_deeper_than_python_goes(tmp_path, monkeypatch):
    write(tmp_path, ("",))
    monkeypatch.chdir(tmp_path)
    for _ in range(1200):
        os.mkdir("d")  # noqa: PTH102 - shorter than the whole path
        os.chdir("d")
    try:
        assert len(dataset.load(tmp_path)) == 14
    finally:
        for _ in range(1200):
            os.chdir("..")
            os.rmdir("d")  # noqa: PTH106


def test_links_devices_and_crumbs_are_left_out_and_counted(tmp_path, capsys):
    joy = write(tmp_path, ("",)) / "joy"
    (joy / "gone.png").symlink_to("nowhere")
    (joy / "loop.png").symlink_to("loop.png")
    (joy / "endless.png").symlink_to("/dev/zero")
    os.mkfifo(joy / "pipe.png")
    cv2.imwrite(str(joy / "crumb.png"), np.zeros((1, 1), np.uint8))
    cv2.imwrite(str(tmp_path / "preview.png"), FACES.images[0])
    (joy / "phone.heic").write_bytes(b"")
    assert len(dataset.load(tmp_path)) == 14
    told = capsys.readouterr().err
    assert "5 of 19 pictures cannot be read" in told
    assert "1 pictures are in no folder and are left out, such as preview.png" in told
    assert "convert to JPEG or PNG" in told


@pytest.mark.parametrize(("side", "told"), [(460, True), (160, False)])
def test_square_pictures_with_a_small_face_are_told(tmp_path, capsys, side, told):
    """The sample's portrait, whose face is about 125 pixels wide."""
    x, y = max(0, 327 - side // 2), max(0, 211 - side // 2)
    for i in range(3):
        cut = Sample()[i][y : y + side, x : x + side]
        (tmp_path / "joy").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "joy" / f"{i}.png"), cv2.resize(cut, (160, 160)))
    assert len(dataset.load(tmp_path)) == 3
    assert ("hold a small face" in capsys.readouterr().err) == told
