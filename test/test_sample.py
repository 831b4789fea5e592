# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys
from itertools import pairwise

import cv2
import numpy as np
import pytest

from fer_ros.faces.detectors import create_detector
from fer_ros.sources import sample
from fer_ros.sources.sample import Sample, SampleError


@pytest.fixture(scope="module")
def clip():
    return Sample()


def test_is_twelve_seconds_of_vga(clip):
    assert len(clip) / clip.rate == 12
    assert clip[0].shape == (480, 640, 3)
    assert clip[0].dtype == np.uint8


def test_an_image_depends_on_its_index_alone(clip):
    first = clip[200]
    clip[0][:] = 0  # what a user draws on an image leaves no trace
    np.testing.assert_array_equal(first, Sample()[200])
    np.testing.assert_array_equal(clip[-1], clip[len(clip) - 1])
    with pytest.raises(IndexError):
        clip[len(clip)]


def test_can_be_iterated_and_moves(clip):
    images = list(clip)
    assert len(images) == len(clip)
    assert all((a != b).any() for a, b in pairwise(images))


def test_the_end_leads_over_to_the_beginning(clip):
    def change(a, b):
        return np.abs(clip[a].astype(int) - clip[b]).mean()

    assert change(-1, 0) < 2 * change(0, 1) + 1


def test_shows_one_face_then_two_then_one_the_first_being_the_largest(clip):
    detector = create_detector("blazeface")
    found = [detector.detect(clip[i]) for i in range(0, len(clip), 6)]
    counts = [len(faces) for faces in found]
    seconds = np.arange(0, len(clip), 6) / clip.rate
    assert set(np.array(counts)[(seconds < 4.5) | (seconds > 10.7)]) == {1}
    two = [f for f, t in zip(found, seconds, strict=True) if 5.8 < t < 9.6]
    assert sum(len(f) == 2 for f in two) >= 0.8 * len(two)
    largest = [max(faces, key=lambda f: f.box.area) for faces in two]
    assert sum(face.box.x < 320 for face in largest) >= 0.9 * len(two)


def test_light_changes_and_a_bar_passes(clip):
    means = [cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).mean() for image in clip]
    assert max(means) > 1.4 * min(means)
    columns = clip[round(6.9 * clip.rate)].std(axis=0).max(axis=1)
    assert (columns == 0).sum() > 30


def test_a_missing_photograph_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(sample, "PORTRAITS", tmp_path)
    with pytest.raises(SampleError, match=r"eileen_collins\.jpg: reinstall fer_ros") as error:
        Sample()
    assert "\n" not in str(error.value)


def test_the_portraits_are_small_and_say_where_they_are_from(repository):
    files = list(sample.PORTRAITS.glob("*"))
    assert {f.name for f in files} == {"eileen_collins.jpg", "grace_hopper.jpg"}
    assert sum(f.stat().st_size for f in files) <= 150_000
    assert all(f"portraits/{f.name}" in (repository / "REUSE.toml").read_text() for f in files)


def test_needs_no_package_beside_opencv():
    program = "import sys; sys.modules |= dict.fromkeys(('skimage', 'matplotlib')); "
    program += "import fer_ros.sources.sample as s; s.Sample()[0]"
    subprocess.run([sys.executable, "-c", program], check=True)
