# SPDX-License-Identifier: Apache-2.0
"""CSV files, archives, caches and recipes as people have them: read, or one line that says why."""

import bz2
import gzip
import io
import lzma
import os
import struct
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace

import cv2
import numpy as np
import pytest
from conftest import TINY, make_faces, write_csv
from fer_training import dataset
from fer_training.cli import main
from fer_training.dataset import DatasetError
from fer_training.recipe import Recipe, RecipeError, load_recipe
from fer_training.train import train

from fer_ros.emotions.classes import EMOTIONS
from fer_ros.inference.shipped import MODELS
from fer_ros.sources.sample import Sample


def test_a_byte_order_mark_and_blanks_in_the_head(tmp_path, training):
    path = write_csv(tmp_path / "icml_face_data.csv", training)
    text = path.read_text().replace("emotion,pixels,Usage", "emotion, Usage, pixels", 1)
    lines = [text.splitlines()[0]]
    for line in text.splitlines()[1:]:
        label, pixels, usage = line.split(",")
        lines.append(f"{label},{usage},{pixels}")
    path.write_text("\ufeff" + "\n".join(lines) + "\n\n", "utf-8")
    faces = dataset.load(path)
    np.testing.assert_array_equal(faces.images, training.images)
    assert len(faces.of("Training")) == len(training)


def write_list(folder, faces, head="file,expression", labels=EMOTIONS):
    lines = [head]
    for i, (image, label) in enumerate(zip(faces.images, faces.labels, strict=True)):
        cv2.imwrite(str(folder / f"{i}.png"), image)
        lines.append(f"{i}.png,{labels[label]}")
    path = folder / "labels.csv"
    path.write_text("\n".join(lines))
    return path


def test_a_list_of_pictures_and_their_labels(tmp_path, training):
    faces = dataset.load(write_list(tmp_path, training))
    np.testing.assert_array_equal(faces.images, training.images)
    np.testing.assert_array_equal(faces.labels, training.labels)
    assert faces.names[3] == "3.png"
    (tmp_path / "0.png").unlink()  # what is listed may change: nothing is kept of it
    assert len(dataset.load(tmp_path / "labels.csv")) == len(training) - 1


def test_a_list_with_numbers_wants_to_know_what_they_are(tmp_path, training):
    path = write_list(tmp_path, training, "Image,Label", list(map(str, range(7))))
    with pytest.raises(DatasetError, match=r"labels.csv:2: '0': expected one of .*--labels"):
        dataset.load(path)
    labels = tmp_path / "labels.toml"
    labels.write_text("\n".join(f'{i} = "{name}"' for i, name in enumerate(EMOTIONS)))
    assert len(dataset.load(path, labels=labels)) == len(training)


def test_another_csv_is_told_what_it_is(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("time,speed\n1,2\n")
    with pytest.raises(DatasetError, match="its columns are time, speed"):
        dataset.load(path)


def zipped(path, content=b"emotion,pixels,Usage\n", **how):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **how) as archive:
        archive.writestr("fer2013.csv", content)
    return path


def encrypted(path):
    data = bytearray(zipped(path).read_bytes())
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = data.index(mark) + at
        data[place : place + 2] = struct.pack("<H", 1)
    path.write_bytes(data)


def damaged(path):
    data = bytearray(zipped(path, os.urandom(5000)).read_bytes())
    data[60:2000] = bytes(1940)
    path.write_bytes(data)


def bomb(path):
    zipped(path, bytes(50_000_000))


def quoted(path):
    path.write_text('emotion,pixels,Usage\n0,"' + "1 " * 80_000)


def astronomical(path):
    path.write_text("emotion,pixels,Usage\n0," + f"{10**400} " * 3 + ",Training\n")


def null_bytes(path):
    path.write_bytes(b"emotion,pixels,Usage\n0,\0\0,Training\n")


@pytest.mark.parametrize(
    ("make", "name"),
    [
        *((make, "fer.zip") for make in (encrypted, damaged, bomb)),
        *((make, "fer.csv") for make in (quoted, astronomical, null_bytes)),
    ],
)
def test_what_is_damaged_or_meant_ill_is_one_line(tmp_path, make, name):
    path = tmp_path / name
    make(path)
    with pytest.raises(DatasetError) as told:
        dataset.load(path)
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 300 + len(str(path))


@pytest.mark.parametrize(
    "poison",
    [
        {"labels": np.full(48, 99)},
        {"labels": np.zeros(7, int)},
        {"images": np.zeros((48, 48), np.uint8)},
        {"usage": np.zeros(48)},
        {"usage": np.array(["Training"] * 7)},
    ],
)
def test_a_poisoned_cache_is_read_anew(tmp_path, training, poison):
    path = write_csv(tmp_path / "fer2013.csv", training)
    dataset.load(path)
    (cache,) = dataset.cache_folder().iterdir()
    with np.load(cache) as stored:
        np.savez(cache, **{**stored, **poison})
    faces = dataset.load(path)
    np.testing.assert_array_equal(faces.labels, training.labels)
    assert set(faces.usage) == {"Training"}


def test_an_empty_cache_folder_is_the_usual_one(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert dataset.cache_folder() == tmp_path / ".cache" / "fer_training"


def test_recipes_that_stand_on_themselves(tmp_path, monkeypatch):
    for name, other in (("one", "two"), ("two", "one")):
        (tmp_path / f"{name}.toml").write_text(f'teachers = ["{tmp_path / other}.toml"]')
    with pytest.raises(RecipeError, match="one -> two -> one"):
        load_recipe(str(tmp_path / "one.toml"))


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_a_learning_rate_that_is_no_number(value):
    with pytest.raises(RecipeError, match="learning_rate"):
        Recipe("x", learning_rate=value)


def test_nothing_to_judge_by_is_said_before_the_first_epoch(tmp_path, validation):
    few = make_faces(7, "Training")
    none = validation.select(np.empty(0, int))
    with pytest.raises(DatasetError, match="no face is left for validation: 7 are too few"):
        train(replace(TINY, held_out=0.001), few, none, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_what_is_learnt_from_is_counted(tmp_path, capsys, monkeypatch, training, validation):
    monkeypatch.setattr("fer_training.train._run", lambda *_, **__: {})
    joys = validation.select(validation.labels == 3)
    train(TINY, training, joys, tmp_path / "run")
    told = capsys.readouterr().err
    assert "tiny learns from 48 faces: anger 7, disgust 7" in told
    assert "tiny is judged by 3 faces: joy 3" in told
    assert "judged by no face of anger, disgust, fear" in told


def test_fine_tune_goes_on_from_the_model_that_ships(tmp_path, monkeypatch, training, validation):
    begun = {}
    monkeypatch.setattr("fer_training.train._run", lambda *_, start, **__: begun.update(s=start))
    train(load_recipe("fine_tune"), training, validation, tmp_path / "run")
    assert begun["s"] == MODELS / "emotion_mobilenet_v2.tflite"


def test_crop_cuts_as_the_node_cuts(tmp_path, capsys):
    photos, out = tmp_path / "photos", tmp_path / "faces"
    for name, image in (("joy/a.jpg", next(iter(Sample()))), ("fear/b.png", np.zeros((90, 90, 3)))):
        (photos / name).parent.mkdir(parents=True)
        cv2.imwrite(str(photos / name), image)
    (photos / "fear" / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert main(["crop", str(photos), "--out", str(out)]) == 0
    assert "1 faces of 3 pictures" in capsys.readouterr().out
    assert cv2.imread(str(out / "joy" / "a.png"), cv2.IMREAD_UNCHANGED).shape == (48, 48)
    listed = (out / "no_face.txt").read_text()
    assert "b.png: no face" in listed
    assert "torn.png: " in listed
    assert main(["crop", str(photos), "--out", str(out)]) == 1
    assert "not empty" in capsys.readouterr().err


def test_an_error_of_the_command_is_one_line(tmp_path):
    """TensorFlow and LiteRT write lines of their own before: these go to a log."""
    bad = tmp_path / "bad.tflite"
    bad.write_bytes(b"no model")
    csv = write_csv(tmp_path / "fer.csv", make_faces(7, "PublicTest"))
    command = "import sys; from fer_training.cli import run; sys.exit(run())"
    done = subprocess.run(
        [sys.executable, "-c", command, "evaluate", "--csv", str(csv), "--model", str(bad)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("fer-training: ")


def packed(kind, data):
    if kind == "zip":
        with zipfile.ZipFile(stream := io.BytesIO(), "w") as archive:
            archive.writestr("FER2013.CSV", data)
        return stream.getvalue()
    return {"plain": bytes, "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}[kind](
        data
    )


@pytest.mark.parametrize("kind", ["plain", "gz", "bz2", "xz", "zip"])
@pytest.mark.parametrize("name", ["faces", "faces.csv", "FACES.CSV.GZ"])
def test_a_packed_csv_is_known_by_what_it_is(tmp_path, training, kind, name):
    data = write_csv(tmp_path / "plain.csv", training).read_bytes()
    (tmp_path / name).write_bytes(packed(kind, data))
    np.testing.assert_array_equal(dataset.load(tmp_path / name).labels, training.labels)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("sign", [",", ";", "\t"])
@pytest.mark.parametrize("head", ["emotion,pixels,Usage", '"Emotion","Pixels","usage"'])
def test_a_csv_as_spreadsheets_write_it(tmp_path, training, encoding, sign, head):
    path = write_csv(tmp_path / "a.csv", training)
    text = path.read_text().replace("emotion,pixels,Usage", head).replace(",", sign)
    path.write_bytes(text.replace("\n", "\r\n").encode(encoding))
    np.testing.assert_array_equal(dataset.load(path).images, training.images)


def test_the_split_that_a_row_says(tmp_path, training):
    text = write_csv(tmp_path / "a.csv", training).read_text()
    for word, usage in (("train", "Training"), ("VAL", "PublicTest"), ("test ", "PrivateTest")):
        path = tmp_path / f"{word}.csv"
        path.write_text(text.replace("Training", word))
        assert set(dataset.load(path).usage) == {usage}
    for word in ("holdout", "", "Learning"):
        path = tmp_path / f"of {word}.csv"
        path.write_text(text.replace("Training", word))
        with pytest.raises(DatasetError, match=f":2: usage '{word}': expected one of Training"):
            dataset.load(path)


def test_a_list_whose_split_is_not_known_and_rows_that_are_short(tmp_path, training, capsys):
    path = write_list(tmp_path, training)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:3], "7.png", *lines[3:]]))
    assert len(dataset.load(path)) == len(training)
    assert "1 rows lack a column and are left out: the first is 4" in capsys.readouterr().err
    path.write_text("\n".join([f"{lines[0]},split", *(f"{line},unseen" for line in lines[1:])]))
    with pytest.raises(DatasetError, match=r":2: usage 'unseen': expected one of"):
        dataset.load(path)


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n\0\0", b"\x28\xb5\x2f\xfd\0", b"\xff" * 20])
def test_what_is_no_text_is_told_what_a_csv_may_be(tmp_path, data):
    (tmp_path / "a.csv").write_bytes(data)
    with pytest.raises(DatasetError, match="packed by gzip, bzip2, xz or zip"):
        dataset.load(tmp_path / "a.csv")


def test_a_tar_archive_is_to_be_unpacked(tmp_path, training):
    write_csv(tmp_path / "fer2013.csv", training)
    with tarfile.open(tmp_path / "fer2013.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "fer2013.csv", "fer2013/fer2013.csv")
    with pytest.raises(DatasetError, match="a tar archive: unpack it"):
        dataset.load(tmp_path / "fer2013.tar.gz")
