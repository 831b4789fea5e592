# SPDX-License-Identifier: Apache-2.0
import errno
import gzip
import lzma
import zipfile

import cv2
import numpy as np
import pytest
from conftest import make_faces, write_csv
from fer_training import dataset
from fer_training.dataset import DatasetError, Faces


def pack(path, suffix):
    data = path.read_bytes()
    packed = path.with_name(path.name + suffix)
    if suffix == ".zip":
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("fer2013.csv", data)
    elif suffix:
        packed.write_bytes((lzma if suffix == ".xz" else gzip).compress(data))
    return packed


@pytest.mark.parametrize("suffix", ["", ".xz", ".gz", ".zip"])
def test_reads_kaggles_csv_however_it_is_packed(tmp_path, training, validation, suffix):
    path = pack(write_csv(tmp_path / "fer2013.csv", training, validation), suffix)
    faces = dataset.load(path)
    assert len(faces) == len(training) + len(validation)
    np.testing.assert_array_equal(faces.of("Training").images, training.images)
    np.testing.assert_array_equal(faces.of("PublicTest").labels, validation.labels)


def test_second_reading_comes_from_the_cache(tmp_path, training, monkeypatch):
    path = write_csv(tmp_path / "fer2013.csv", training)
    first = dataset.load(path)
    monkeypatch.setattr(dataset, "_read_csv", None)
    np.testing.assert_array_equal(dataset.load(path).images, first.images)


def test_a_changed_file_is_read_anew(tmp_path, training, validation):
    path = write_csv(tmp_path / "fer2013.csv", training)
    dataset.load(path)
    write_csv(path, training, validation)
    assert len(dataset.load(path)) == len(training) + len(validation)


def test_a_damaged_cache_is_no_loss(tmp_path, training):
    path = write_csv(tmp_path / "fer2013.csv", training)
    dataset.load(path)
    (stored,) = dataset.cache_folder().iterdir()
    stored.write_bytes(b"torn")
    assert len(dataset.load(path)) == len(training)


def test_a_full_disk_leaves_nothing_behind(tmp_path, training, monkeypatch):
    def savez(file, **arrays):
        file.write_bytes(b"begun")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", savez)
    faces = dataset.load(write_csv(tmp_path / "fer2013.csv", training))
    assert len(faces) == len(training)
    assert not list(dataset.cache_folder().iterdir())


def test_reads_kaggles_folders(tmp_path, training):
    names = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    for i, (image, label) in enumerate(zip(training.images, training.labels, strict=True)):
        folder = tmp_path / ("train" if i < 40 else "test") / names[label]
        folder.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / f"{i}.png"), image)
    faces = dataset.load(tmp_path)
    assert (len(faces.of("Training")), len(faces.of("PrivateTest"))) == (40, 8)
    assert sorted(faces.keys()) == sorted(training.keys())
    joys = faces.select(faces.labels == 3).keys()
    assert set(joys) == set(training.select(training.labels == 3).keys())
    with pytest.raises(DatasetError, match=r"no PublicTest rows.*Kaggle's CSV has all three"):
        faces.of("PublicTest")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no column"),
        ("emotion,pixels\n1,2\n", "no column Usage"),
        ("emotion,pixels,Usage\n", "no rows"),
        ("emotion,pixels,Usage\n1,1 2 3,Training\n", "csv:2: expected 2304 pixels"),
        ("emotion,pixels,Usage\n1,a b,Training\n", "not whole numbers"),
        (f"emotion,pixels,Usage\n7,{'0 ' * 2304},Training\n", "emotion '7' is not 0 to 6"),
        (f"emotion,pixels,Usage\n1,{'256 ' * 2304},Training\n", "0 to 255"),
    ],
)
def test_a_csv_that_is_something_else(tmp_path, text, why):
    (tmp_path / "fer.csv").write_text(text)
    with pytest.raises(DatasetError, match=why) as error:
        dataset.load(tmp_path / "fer.csv")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["fer.csv.xz", "fer.csv.gz", "fer.zip"])
def test_a_torn_archive(tmp_path, name):
    (tmp_path / name).write_bytes(b"\xfd7zXZ\0 not an archive")
    with pytest.raises(DatasetError, match="cannot be read"):
        dataset.load(tmp_path / name)


def test_missing_path_and_empty_folder(tmp_path):
    with pytest.raises(DatasetError, match="no such file"):
        dataset.load(tmp_path / "none.csv")
    with pytest.raises(DatasetError, match="train/ and test/"):
        dataset.load(tmp_path)


def test_a_split_that_is_not_there(training):
    with pytest.raises(DatasetError, match="no PrivateTest rows; there are: Training"):
        training.of("PrivateTest")


def test_without_repeats(training, validation):
    mixed = Faces(
        np.concatenate((training.images, training.images[:5], validation.images[:3])),
        np.concatenate((training.labels, training.labels[:5], validation.labels[:3])),
        np.full(len(training) + 8, "Training"),
    )
    kept = dataset.without_repeats(mixed, validation)
    np.testing.assert_array_equal(kept.images, training.images)


def test_keys_tell_pictures_apart():
    faces = make_faces(21, "Training")
    assert len(np.unique(faces.keys())) == 21
    again = faces.select([3, 3, 4]).keys()
    assert again[0] == again[1] != again[2]
