# SPDX-License-Identifier: Apache-2.0
"""The face mesh: points, presence, the square that it looks at next."""

import hashlib
import math
import re

import cv2
import numpy as np
import pytest
from skips import needs_litert

from fer_ros.faces.detectors import DetectorError, create_detector
from fer_ros.faces.mesh import FILE, FaceMesh, Square, cut_level, cut_square, square_of
from fer_ros.inference.shipped import MODELS, shipped
from fer_ros.result import Box
from fer_ros.sources.sample import Sample

LEFT_OF_EYES, RIGHT_OF_EYES, CHIN = 33, 263, 152


@pytest.fixture(scope="module")
def image():
    return Sample()[0]


@pytest.fixture(scope="module")
def mesh():
    return FaceMesh()


@pytest.fixture(scope="module")
def face(image):
    return create_detector("blazeface").detect(image)[0]


def turned(image, degrees, centre):
    """Counter-clockwise about the centre."""
    matrix = cv2.getRotationMatrix2D(centre, degrees, 1)
    return cv2.warpAffine(image, matrix, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)


def test_points_lie_on_the_face(image, mesh, face):
    look = mesh.look(image, square_of(face))
    assert look.points.shape == (468, 3)
    assert look.points.dtype == np.float32
    assert look.presence > 0.99
    assert np.array(look.eyes) == pytest.approx(np.array(face.eyes), abs=0.06 * face.box.width)
    assert look.points[CHIN, 1] > look.points[LEFT_OF_EYES, 1] + 0.5 * face.box.width
    assert look.points[:, 2].min() < 0, "the nose is nearer than the middle of the head"


def test_no_face_where_none_is(image, mesh):
    assert mesh.look(np.full_like(image, 127), Square(320, 240, 100)).presence < 0.1
    noise = np.random.default_rng(0).integers(0, 256, image.shape).astype(np.uint8)
    assert mesh.look(noise, Square(320, 240, 100)).presence < 0.1


def test_the_box_is_like_the_detectors(image, mesh, face):
    detection = mesh.look(image, square_of(face)).detection(0.7)
    assert detection.score == 0.7
    assert detection.box.overlap(face.box) > 0.85


def test_its_own_square_is_a_good_next_place(image, mesh, face):
    square = square_of(face)
    for _ in range(20):
        look = mesh.look(image, square)
        square = look.square
    assert look.presence > 0.99
    assert look.detection(1.0).box.overlap(face.box) > 0.85


@pytest.mark.parametrize("degrees", [-90, -60, 60, 90, 150])
def test_a_rolled_face_is_levelled(image, mesh, face, degrees):
    square = square_of(face)
    rolled = turned(image, degrees, face.box.centre)
    look = mesh.look(rolled, square._replace(angle=square.angle - math.radians(degrees)))
    assert look.presence > 0.9
    away = math.degrees(look.angle - square.angle) + degrees
    assert (away + 180) % 360 - 180 == pytest.approx(0, abs=4)


def test_cutting_there_and_back(image):
    crop, to_image = cut_square(image, Square(200, 150, 120, 0.3), 60)
    assert crop.shape == (60, 60, 3)
    assert to_image @ [30, 30, 1] == pytest.approx([200, 150])
    corner = to_image @ [60, 30, 1] - [200, 150]
    assert corner == pytest.approx(60 * np.array([math.cos(0.3), math.sin(0.3)]))


def test_near_squares():
    square = Square(100, 100, 50, math.pi - 0.001)
    assert square.is_near(Square(100.9, 99.1, 50.9, 0.001 - math.pi), 0.02)
    assert not square.is_near(Square(101.1, 100, 50, math.pi), 0.02)
    assert not square.is_near(Square(100, 100, 50, math.pi - 0.1), 0.02)


def test_a_square_moves_with_its_box():
    moved = Square(110, 120, 50, 0.2).moved(Box(100, 100, 40, 40), Box(200, 100, 80, 80))
    assert moved == pytest.approx((220, 140, 100, 0.2))


@needs_litert
def test_both_backends_see_the_same(image, face):
    one, other = (
        FaceMesh(MODELS / f"{FILE}{suffix}").look(image, square_of(face))
        for suffix in (".tflite", ".onnx")
    )
    assert one.points == pytest.approx(other.points, abs=0.01)
    assert one.presence == pytest.approx(other.presence, abs=1e-3)


def test_opencv_runs_it_where_litert_is_not_installed(without_litert, image, face):
    assert FaceMesh().look(image, square_of(face)).presence > 0.99


@pytest.mark.parametrize("content", [None, b"", b"not a network"])
@pytest.mark.parametrize("suffix", [pytest.param(".tflite", marks=needs_litert), ".onnx"])
def test_a_file_that_is_no_network(tmp_path, content, suffix):
    path = tmp_path / f"mesh{suffix}"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DetectorError, match=str(path)) as error:
        FaceMesh(path)
    assert "\n" not in str(error.value)


def test_another_network_is_refused():
    with pytest.raises(DetectorError, match="another network"):
        FaceMesh(shipped("face_detection_back"))


def test_the_card_has_the_files_checksums():
    card = (MODELS / "README.md").read_text()
    listed = dict(re.findall(r"`(face_\S+)` \| \S+ \| `([0-9a-f]{64})`", card))
    files = [*MODELS.glob("face_*.tflite"), *MODELS.glob("face_*.onnx")]
    assert listed == {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
    assert len(listed) == 6


def test_a_face_cut_out_level(image, mesh, face):
    """Whatever its turn, the eyes lie on one line, and the crop is that of the box."""
    matrix = cv2.getRotationMatrix2D(face.box.centre, 25, 1)
    rolled = cv2.warpAffine(image, matrix, image.shape[1::-1])
    square = square_of(face)
    look = mesh.look(rolled, square._replace(angle=square.angle - math.radians(25)))
    crop = cut_level(rolled, face.box, look.points, 128)
    assert crop.shape == (128, 128, 3)
    assert abs(mesh.look(crop, Square(64, 64, 100)).angle) < math.radians(3)


def test_a_missing_file_says_what_goes_without(tmp_path):
    with pytest.raises(DetectorError, match=r"no file .*\.onnx; face_mesh off"):
        FaceMesh(tmp_path / "face_landmark.onnx")
